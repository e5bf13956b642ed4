#!/usr/bin/env python3
"""What PostgreSQL and Kafka cost, and what they bear. docs/benchmarks/network.md has the figures.

    cmake --preset bench && cmake --build --preset bench
    UT_TEST_POSTGRES_SETTINGS="fsync = on" tests/with-postgres tests/bench/network.py STAGE

    catalogue    recordings copied from SQLite into PostgreSQL (binary COPY)
    flood        identifications through PostgreSQL into Kafka, as fast as they go
    latency      from air to event, of live channels
    channels     simulated channels on one PostgreSQL, at the pace of television
    workers      an archive by one to four workers
"""
import argparse
import calendar
import contextlib
import json
import os
import pathlib
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "integration" / "kafka"))
from broker import Cluster  # noqa: E402
from network import Network  # noqa: E402
from support import START  # noqa: E402
from workers import committed  # noqa: E402

TICKS = os.sysconf("SC_CLK_TCK")


def tree_cpu_s(root):
    """CPU time of a process and all below it, with those of them that have ended."""
    parents, used = {}, {}
    for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = path.read_text().rsplit(")", 1)[1].split()
            pid = int(path.parent.name)
            parents[pid], used[pid] = int(fields[1]), sum(map(int, fields[11:15])) / TICKS
    below, total = {root}, 0
    for _ in range(4):
        below |= {pid for pid, parent in parents.items() if parent in below}
    for pid in below:
        total += used.get(pid, 0)
    return total


def own_cpu_s():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class Bench(Network):
    def __init__(self, options, bootstrap, **more):
        super().__init__(str(ROOT / options.build / "undertone"), bootstrap, f"bench_{options.stage}", **more)
        self.tool = str(ROOT / options.build / "tests" / "bench_store")
        self.options = options

    def server_cpu_s(self):
        return tree_cpu_s(int((self.server.data / "postmaster.pid").read_text().split()[0]))

    def store_tool(self, *arguments):
        lines = subprocess.run([self.tool, *map(str, arguments)], check=True, stdout=subprocess.PIPE, text=True).stdout
        return json.loads(lines.splitlines()[-1])

    def make_store(self, recordings=0):
        self.server.sql(f"CREATE DATABASE {self.database}")
        if recordings:
            self.store_tool("catalogue", self.dsn, recordings, 60)


def catalogue(place, _):
    source = f"sqlite:{place.folder}/source.db"
    made = place.store_tool("catalogue", source, place.options.recordings)
    place.make_store()
    server_s, own_s = place.server_cpu_s(), own_cpu_s()
    copied = json.loads(place.run("catalogue", "copy", source, place.dsn, "--json", timeout=600).stdout)
    server_s, own_s, seconds = place.server_cpu_s() - server_s, own_cpu_s() - own_s, copied["seconds"]
    return dict(made, added=copied["added"], seconds=round(seconds, 2), recordings_per_s=round(copied["added"] / seconds),
                landmarks_per_s=round(made["landmarks"] / seconds), mb_per_s=round(made["fingerprint_bytes"] / seconds / 1e6, 1),
                undertone_cpu_s=round(own_s, 2), server_cpu_s=round(server_s, 2))


def flood(place, cluster):
    place.make_store(1000)
    config = place.configure(rest="events:\n  sinks: ['kafka:']\n")
    publisher = place.start("worker", "--config", config)  # whoever has sinks publishes
    time.sleep(3)
    broker_s, server_s, publisher_s = tree_cpu_s(cluster.processes[1].pid), place.server_cpu_s(), tree_cpu_s(publisher.pid)
    before = time.monotonic()
    put = place.store_tool("flood", place.dsn, place.options.writers, place.options.airplays)
    while place.rows("SELECT seq FROM outbox LIMIT 1"):
        time.sleep(0.1)
    seconds = time.monotonic() - before
    return dict(put, published_s=round(seconds, 2), end_to_end_per_s=round(put["airplays"] / seconds),
                server_cpu_s=round(place.server_cpu_s() - server_s, 2), broker_cpu_s=round(tree_cpu_s(cluster.processes[1].pid) - broker_s, 2),
                publisher_cpu_s=round(tree_cpu_s(publisher.pid) - publisher_s, 2))


def spread(values):
    values = sorted(values)
    return {"count": len(values), "p50": round(statistics.median(values), 2), "p99": round(values[int(len(values) * 0.99)], 2),
            "worst": round(values[-1], 2)}


def latency(place, _):
    place.prepare()
    monitor = place.start("run", "--config", place.config)
    time.sleep(place.options.seconds)
    used_s = tree_cpu_s(monitor.pid)
    ended = place.rows("SELECT id FROM airplay")  # before what the end of the run concludes early
    monitor.terminate()
    monitor.wait()
    from_end, from_commit = [], []
    told = {row[0]: row[1] for row in place.rows("SELECT id, (extract(epoch FROM at) * 1000)::bigint FROM public.told")}
    for message in place.messages("identification.v1"):
        end = message["value"]["air"]["end_utc"]
        if (message["value"]["cue_id"],) in ended:
            end_s = calendar.timegm(time.strptime(end[:19], "%Y-%m-%dT%H:%M:%S")) + float("0" + end[19:].rstrip("Z"))
            from_end.append(message["ts"] / 1000 - end_s)
            from_commit.append((message["ts"] - told[message["headers"]["ce_id"]]) / 1000)
    return {"channels": len(place.channels), "seconds": place.options.seconds, "end_of_music_to_event_s": spread(from_end),
            "store_to_kafka_s": spread(from_commit), "cpu_share_per_channel": round(used_s / place.options.seconds / len(place.channels), 4)}


def channels(place, _):
    place.make_store(1000)
    process = subprocess.Popen([place.tool, "channels", place.dsn, str(place.options.channels), str(place.options.seconds)],
                               stdout=subprocess.PIPE, text=True)
    process.stdout.readline()  # ready
    server_s = place.server_cpu_s()
    result = json.loads(process.stdout.read())
    used_s = place.server_cpu_s() - server_s
    size = place.server.sql(f"SELECT pg_database_size('{place.database}')")
    return dict(result, server_cpu_s=round(used_s, 2), server_share_of_a_core=round(used_s / result["seconds"], 3), database_bytes=int(size))


def workers(place, _):
    place.make_store()
    place.compose(tracks=6, seconds=60)
    (place.folder / "air").mkdir()
    for i in range(place.options.files):
        place.programme(f"air/{i:02}.wav", place.options.minutes * 60)
    rounds = []
    for crew in (1, 2, 3, 4):
        place.prefix += f"-{crew}"
        place.dsn = place.server.dsn(f"{place.database}_{crew}")
        place.server.sql(f"CREATE DATABASE {place.database}_{crew}")
        config = place.configure(partitions=16)
        place.run("catalogue", "add", str(place.folder / "tracks"), "--config", config)
        place.run("replay", str(place.folder / "air"), "--channel", "archive", "--start", START, "--config", config, "--submit")
        processes = [place.start("worker", "--jobs", "1", "--config", config) for _ in range(crew)]
        first = lambda: any("job_begins" in pathlib.Path(p.log).read_text() for p in processes)  # noqa: E731
        place.wait_for("a worker has a job", first)
        before = time.monotonic()
        place.wait_for("all is done", lambda: place.rows("SELECT count(*) FROM segment WHERE done")[0][0] == place.options.files
                       and committed(place, config), 600)
        seconds, used = time.monotonic() - before, sum(tree_cpu_s(process.pid) for process in processes)
        for process in processes:
            process.terminate()
            process.wait()
        audio_s = place.options.files * place.options.minutes * 60
        rounds.append({"workers": crew, "seconds": round(seconds, 2), "times_real_time": round(audio_s / seconds),
                       "cpu_s": round(used, 2), "times_real_time_per_core": round(audio_s / used)})
    return {"recordings": place.options.files, "minutes_each": place.options.minutes, "rounds": rounds}


STAGES = {stage.__name__: stage for stage in (catalogue, flood, latency, channels, workers)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stage", choices=STAGES)
    parser.add_argument("--build", default="build/bench")
    parser.add_argument("--recordings", type=int, default=10000, help="of the catalogue")
    parser.add_argument("--writers", type=int, default=8)
    parser.add_argument("--airplays", type=int, default=20000)
    parser.add_argument("--channels", type=int, default=1000)
    parser.add_argument("--seconds", type=int, default=60, help="that live and simulated channels run")
    parser.add_argument("--files", type=int, default=16, help="of the archive")
    parser.add_argument("--minutes", type=int, default=10, help="of each")
    options = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="ut-brokers-")
    try:
        broker = Cluster(f"{folder}/cluster") if options.stage in ("flood", "latency", "workers") else contextlib.nullcontext()
        with broker as cluster, Bench(options, cluster.bootstrap if cluster else "none:1") as place:
            settings = place.server.sql("SELECT string_agg(name || ' ' || setting, ', ' ORDER BY name) FROM pg_settings"
                                        " WHERE name IN ('fsync', 'shared_buffers', 'server_version')")
            print(json.dumps({options.stage: STAGES[options.stage](place, cluster), "load_average": os.getloadavg()[0],
                              "postgresql": settings}))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
