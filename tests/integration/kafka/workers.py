#!/usr/bin/env python3
"""An archive as jobs for a group of workers, killed with SIGKILL under way: the store ends as if one process had replayed it all.

    workers.py --undertone build/cpu/undertone --bootstrap FILE
"""
import argparse
import json
import pathlib
import signal
import subprocess
import time

from support import SCHEMAS, START, Place, fail_unless, soak


def airplays(place, store):
    import sqlite3
    with sqlite3.connect(f"{place.folder}/{store}.db", timeout=30) as db:
        rows = db.execute(f"SELECT {soak.COLUMNS} FROM airplay ORDER BY id").fetchall()
        undone = db.execute("SELECT count(*) FROM segment WHERE done = 0 AND source NOT LIKE '%missing%'").fetchone()[0]
    return rows, undone


def check_jobs(place, files):
    import jsonschema
    schema = json.loads((SCHEMAS / "job.v1.json").read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jobs = place.messages("jobs.v1")
    for job in jobs:
        jsonschema.Draft202012Validator(schema).validate(job["value"])
        fail_unless(job["key"] == job["value"]["job_id"], f"{job}")
    fail_unless(len(jobs) == files and len({job["key"] for job in jobs}) == files, f"{len(jobs)} jobs of {files} files")


def has_job(process):
    """By its log: the store is told only every few seconds, when a short job may be over."""
    log = pathlib.Path(process.log).read_text(errors="replace")
    return log.count("event=job_begins ") > log.count("event=job_ended ")


def listed(place):
    return place.rows("SELECT pid FROM instance WHERE kind = 'worker'")


def committed(place, config):
    return json.loads(place.run("status", "--json", "--config", config).stdout)["jobs"]["waiting"] == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--undertone", required=True)
    parser.add_argument("--bootstrap", required=True, help="a file that holds it")
    parser.add_argument("--files", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=180, help="of each file")
    parser.add_argument("--kills", type=int, default=2)
    options = parser.parse_args()
    with Place(options.undertone, pathlib.Path(options.bootstrap).read_text(), "workers") as place:
        place.compose()
        config = place.configure()
        (place.folder / "air").mkdir()
        for i in range(options.files):
            place.programme(f"air/{i}.wav", options.seconds)
        peace = f"sqlite:{place.folder}/peace.db"
        for store in ([], ["--store", peace]):
            place.run("catalogue", "add", str(place.folder / "tracks"), "--config", config, *store)
        replay = ["replay", str(place.folder / "air"), "--channel", "archive", "--start", START, "--config", config]
        place.run(*replay, "--store", peace)
        submitted = place.run(*replay, "--submit")
        fail_unless(f"{options.files} jobs submitted" in submitted.stdout, submitted.stdout)
        check_jobs(place, options.files)
        # What is no job, and a job that cannot be done, must not stop the others.
        subprocess.run(["kcat", "-b", place.bootstrap, "-P", "-t", place.topic("jobs.v1"), "-k", "x"], input="no job", text=True,
                       check=True)
        missing = place.folder / "missing.wav"
        missing.write_bytes((place.folder / "air" / "0.wav").read_bytes()[:200])
        place.run("replay", str(missing), "--channel", "archive", "--start", START, "--config", config, "--submit")
        missing.unlink()
        start = lambda: place.start("worker", "--jobs", "1", "--checkpoint", "5", "--config", config)  # noqa: E731
        crew = [start(), start()]
        done = lambda: place.rows("SELECT count(*) FROM segment WHERE done = 1")[0][0]  # noqa: E731
        kills = 0
        while kills < options.kills and done() < options.files:
            victims = place.wait_for("a worker has a job", lambda: [p for p in crew if has_job(p)] or done() == options.files, 60)
            if victims is True:
                break
            time.sleep(place.rng.uniform(0, 0.7))
            victim = place.rng.choice(victims)
            victim.send_signal(signal.SIGKILL)
            victim.wait()
            crew.remove(victim)
            crew.append(start())
            kills += 1
        fail_unless(kills > 0, "every job ended before a worker could be killed")
        place.wait_for("every job is committed", lambda: committed(place, config), 120)
        for process in crew:
            process.send_signal(signal.SIGTERM)
        codes = [process.wait(60) for process in crew]
        fail_unless(all(code in (0, 1) for code in codes), f"exit codes {codes}")
        wanted, undone = airplays(place, "peace")
        fail_unless(not undone and len(wanted) >= options.files * 3, f"in peace: {len(wanted)} airplays, {undone} undone")
        got, undone = airplays(place, "undertone")
        fail_unless(got == wanted and undone == 0,
                    f"the store differs: {len(set(wanted) - set(got))} lost, {len(set(got) - set(wanted))} others, {undone} undone")
        dead = sorted(m["headers"]["undertone_error"] for m in place_dead(place))
        fail_unless(len(dead) == 2 and "job: no JSON" in dead[1] and "missing.wav" in dead[0], f"dead letters: {dead}")
        fail_unless(not listed(place), "workers that ended are still listed")
    print(f"{options.files} recordings of {options.seconds} s by 2 workers, {kills} killed: {len(wanted)} airplays, the same as by "
          f"one process")


def place_dead(place):
    found = subprocess.run(["kcat", "-b", place.bootstrap, "-C", "-t", place.topic("dlq.v1"), "-o", "beginning", "-e", "-q", "-J"],
                           stdout=subprocess.PIPE, text=True, check=True).stdout
    for line in found.splitlines():
        message = json.loads(line)
        message["headers"] = dict(zip(message["headers"][::2], message["headers"][1::2]))
        yield message


if __name__ == "__main__":
    main()
