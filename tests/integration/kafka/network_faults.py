#!/usr/bin/env python3
"""A monitor with its store in PostgreSQL and its events in Kafka, under one fault. What must hold: network.py.

    tests/with-postgres tests/integration/kafka/network_faults.py FAULT --undertone build/cpu/undertone [--bootstrap FILE]

    broker    stopped for a while, then its disk is full
    postgres  its disk is full, then the primary is killed and its standby promoted
    killed    the monitor, with SIGKILL, again and again
    clock     stepped forward and back

They are scaled down; the whole ones: UT_TEST_AWAY_S=600 for the broker, UT_TEST_KILLS=50 UT_TEST_LIFE_S=40
for the monitor.
"""
import argparse
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from broker import Cluster
from group import check_coverage
from network import NS_PER_SAMPLE, Network, skip
from support import fail_unless

AWAY_S = float(os.environ.get("UT_TEST_AWAY_S", 5))
KILLS = int(os.environ.get("UT_TEST_KILLS", 5))
LIFE_S = float(os.environ.get("UT_TEST_LIFE_S", 8))  # at most, from a start to a kill
FAKETIME = next(pathlib.Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)


def small_disk(folder, mib, owner=None):
    """A disk of its own, or the end of the test; to be given to `umount`."""
    folder.mkdir(exist_ok=True)
    options = f"size={mib}m" + (f",uid={owner.st_uid},gid={owner.st_gid},mode=0700" if owner else "")
    if subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", str(folder)]).returncode != 0:
        skip("no small disk to fill: it takes the right to mount")
    return folder


def fill(disk):
    with open(disk / "filler", "wb", buffering=0) as filler:
        try:
            while True:
                filler.write(bytes(4096))
        except OSError:
            pass


def broker_away(place, monitor, cluster):
    def begin():
        for node in list(cluster.processes):
            cluster.end_node(node, signal.SIGKILL)
        place.add_backlog()
        time.sleep(AWAY_S)

    def end():
        cluster.start_node(1)
        cluster.wait([1])
    place.endure("broker away", monitor, begin, end, "undertone_outbox_pending")


def broker_disk(place, monitor, cluster):
    disk = cluster.folder.parent

    def begin():
        fill(disk)
        place.add_backlog()

    def end():
        (disk / "filler").unlink()
        cluster.end_node(1, signal.SIGKILL)  # it stops by itself, but when is its affair
        cluster.start_node(1)
        cluster.wait([1])
    place.endure("full disk of the broker", monitor, begin, end, "undertone_outbox_pending")


def broker(place, monitor, cluster):
    broker_away(place, monitor, cluster)
    broker_disk(place, monitor, cluster)
    return f"broker away for {AWAY_S:.0f} s, then with a full disk"


def postgres_disk(place, monitor):
    server = place.server
    disk = small_disk(server.data.parent / "disk", 8, server.data.stat())
    server.sql(f"CREATE TABLESPACE small LOCATION '{disk}'")
    server.sql("ALTER TABLE outbox SET TABLESPACE small", dsn=place.dsn)
    server.sql("ALTER TABLE outbox SET (autovacuum_enabled = off)", dsn=place.dsn)  # makes room

    def begin():
        server.sql("VACUUM outbox", dsn=place.dsn)
        fill(disk)
        place.add_backlog(20000, check=False)  # is refused; what room was left is gone
    place.endure("full disk of the database", monitor, begin, (disk / "filler").unlink, "undertone_store_pending")
    server.sql("ALTER TABLE outbox RESET (autovacuum_enabled)", dsn=place.dsn)
    server.sql("ALTER TABLE outbox SET TABLESPACE pg_default", dsn=place.dsn)
    server.sql("DROP TABLESPACE small")


def failover(place, monitor):
    server = place.server

    def begin():
        server.control("stop", "-m", "immediate")

    def end():
        server.control("promote", data=server.replica)
        place.add_backlog()
    place.endure("failover", monitor, begin, end, "undertone_store_pending")
    fail_unless(server.sql("SELECT setting FROM pg_settings WHERE name = 'port'", dsn=place.dsn) == str(place.standby_port),
                "the standby was not asked")


def postgres(place, monitor, _):
    postgres_disk(place, monitor)
    place.server.standby(place.standby_port)
    failover(place, monitor)
    return "full disk of the database, then the primary killed and its standby promoted"


def killed(place, monitor, _):
    """SIGKILL at random moments; the next takes over at once."""
    for kill in range(KILLS):
        time.sleep(place.rng.uniform(0.3, LIFE_S))
        fail_unless(monitor.poll() is None, f"the monitor ended by itself after {kill} kills")
        monitor.kill()
        monitor.wait()
        monitor = place.start("run", "--config", place.config)
    place.wait_for("the last monitor has the channels", lambda: min(place.heard_s()) > 0, 60, monitor)
    place.wait_for("it identified", lambda: place.identified() >= len(place.channels), 120, monitor)
    place.conclude(monitor)
    gaps = check_coverage(place, place.channels, apart=False)
    fail_unless(gaps["restart"] >= KILLS, f"gaps: {gaps}")
    return f"killed {KILLS} times"


def clock_to_step(place):
    """The monitor's wall clock is what a file says it is."""
    if not FAKETIME:
        skip("no clock to step: it takes the package faketime")
    place.offset = place.folder / "offset"
    place.offset.write_text("+0")
    place.around = ["env", f"LD_PRELOAD={FAKETIME}", f"FAKETIME_TIMESTAMP_FILE={place.offset}", "FAKETIME_CACHE_DURATION=1",
                    "FAKETIME_DONT_FAKE_MONOTONIC=1", "FAKETIME_DONT_RESET=1", "NO_FAKE_STAT=1"]


def clock(place, monitor, _):
    """The wall clock is set forward and back; nothing but the times of what comes later may change."""
    offset_s = 0
    for step_s in (3600, -7200, -90):
        offset_s += step_s
        place.offset.write_text(f"{offset_s:+d}")
        place.hears_on(f"clock set by {step_s:+d} s", monitor, 4)
        kinds = [one["kind"] for one in place.instances()]
        fail_unless(kinds == ["monitor"], f"clock set by {step_s:+d} s: alive are {kinds}")
        before = place.identified()
        place.wait_for(f"clock set by {step_s:+d} s: something is identified", lambda: place.identified() > before, 60, monitor)
    place.conclude(monitor)
    false = place.rows(f"SELECT id FROM airplay WHERE end_ns - start_ns <> (end_sample - start_sample) * {NS_PER_SAMPLE}")
    gaps = place.rows("SELECT channel, start_ns, end_ns, reason FROM gap WHERE reason <> 'connect'")
    cuts = place.rows("SELECT count(*) FROM segment GROUP BY channel")
    fail_unless(not false and not gaps, f"airplays of another length than their audio: {false}; gaps: {gaps}")
    fail_unless(min(cuts)[0] >= 3, f"segments of each channel: {cuts}")  # a clock that goes back is noticed at once
    text = pathlib.Path(monitor.log).read_text()
    fail_unless("lease_lost" not in text and "publish_failed" not in text, "a lease was lost")
    return f"clock set 3 times, {sum(n for n, in cuts)} segments of 4 channels"


FAULTS = {fault.__name__: fault for fault in (broker, postgres, killed, clock)}


def run(options, bootstrap, cluster):
    with Network(options.undertone, bootstrap, options.fault, seconds=240 + int(AWAY_S)) as place:
        place.rng = random.Random(options.seed)
        place.prepare()
        if options.fault == "clock":
            clock_to_step(place)
        try:
            monitor = place.begin()
            what = FAULTS[options.fault](place, monitor, cluster)
            if options.fault in ("broker", "postgres"):
                place.conclude(monitor)
                check_coverage(place, place.channels, apart=False)
            airplays = place.check_airplays(one_life=options.fault != "killed")
            events, twice = place.check_events()
        finally:
            place.server.stop_standby()
    print(f"seed {options.seed}: {what}: {airplays} airplays as a replay finds them, {events} events in order, {twice} came twice")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("fault", choices=FAULTS)
    parser.add_argument("--undertone", required=True)
    parser.add_argument("--bootstrap", help="a file that holds it; faults of brokers have brokers of their own")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    if options.fault != "broker":
        return run(options, pathlib.Path(options.bootstrap).read_text(), None)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="ut-brokers-"))
    disk = folder / "disk"
    try:
        small_disk(disk, 48)
        with Cluster(disk / "cluster") as cluster:
            return run(options, cluster.bootstrap, cluster)
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], stderr=subprocess.DEVNULL)
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
