#!/usr/bin/env python3
"""`undertone run` on files played at the speed of the clock: metrics while it runs, a drain on SIGTERM, and afterwards the same
identifications from a replay of the same audio.

    tests/integration/live.py --undertone build/release/undertone --seconds 40
"""
import argparse
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import soak  # noqa: E402  (its composer)

FIELDS = ("id, start_ns, end_ns, outcome, witness, start_sample, end_sample, recording_id, ref_start_s, ref_end_s, time_scale, "
          "log10_e, score, music_lufs, speech_lufs, mix_lufs, model_hash, params")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def fetch(port, path):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError:
        return 0, ""


def parse(text):
    """name{labels} → value; fails on a line that Prometheus would not take."""
    found = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            name, value = line.rsplit(" ", 1)
            found[name] = float(value)
    return found


def scrape(port):
    return parse(fetch(port, "/metrics")[1])


class Live:
    def __init__(self, options, folder):
        self.options = options
        self.folder = folder
        self.port = free_port()
        self.channels = [f"channel-{i}" for i in range(options.channels)]

    def call(self, *arguments, store):
        return subprocess.run([self.options.undertone, *arguments, "--store", f"sqlite:{self.folder}/{store}.db"],
                              check=True, stdout=subprocess.PIPE, text=True).stdout

    def prepare(self):
        rng = random.Random(self.options.seed)
        notes = soak.tones(rng)
        tracks = [soak.compose(rng, notes, 60) for _ in range(4)]
        (self.folder / "tracks").mkdir(parents=True)
        for i, track in enumerate(tracks[:3]):
            soak.write_wav(self.folder / "tracks" / f"track-{i}.wav", [track])
        for channel in self.channels:
            soak.write_wav(self.folder / f"{channel}.wav",
                           soak.programme(rng, tracks, soak.noise(rng, 12), self.options.seconds))
        lines = [f"store: sqlite:{self.folder}/live.db", "separator:", f"  model: {self.options.separator}", "recognition:",
                 "  reload_s: 1", "events:", f"  sinks: ['jsonl:{self.folder}/events.jsonl']", "metrics:",
                 f"  listen: 127.0.0.1:{self.port}", "channels:"]
        for channel in self.channels:
            lines += [f"  - id: {channel}", f"    uri: 'file:{self.folder}/{channel}.wav'"]
        (self.folder / "undertone.yaml").write_text("\n".join(lines) + "\n")

    def start(self, *arguments):
        return subprocess.Popen([self.options.undertone, "run", "--config", str(self.folder / "undertone.yaml"), *arguments])

    def metrics(self):
        return scrape(self.port)

    def wait_for(self, what, condition, process, seconds=120):
        until = time.monotonic() + seconds
        while not condition():
            if process.poll() is not None:
                sys.exit(f"run ended (exit code {process.returncode}) before {what}")
            if time.monotonic() > until:
                sys.exit(f"{what}: not within {seconds} s")
            time.sleep(0.2)

    def rows(self, store, query, *values):
        with sqlite3.connect(f"{self.folder}/{store}.db") as db:
            return db.execute(query, values).fetchall()

    def whole_run(self):
        """Every source to its end; the metrics endpoint is asked meanwhile."""
        process = self.start("--once")
        up = [f'undertone_capture_up{{channel="{channel}"}}' for channel in self.channels]
        self.wait_for("every channel is up", lambda: all(self.metrics().get(name) == 1 for name in up), process)
        status, text = fetch(self.port, "/healthz")
        if status != 200:
            sys.exit(f"/healthz: {status} {text}")
        if self.metrics()["undertone_catalogue_recordings"] != 3:
            sys.exit(f"catalogue: {self.metrics()}")
        process.send_signal(signal.SIGHUP)  # must not end it
        if process.wait(self.options.seconds + 120) != 0:
            sys.exit(f"run --once: exit code {process.returncode}")

    def compare_with_replay(self):
        """Replays each captured segment's file from the very sample that the live run began with."""
        total = 0
        for channel in self.channels:
            segments = self.rows("live", "SELECT id, start_ns, sample_count, done FROM segment WHERE channel = ?", channel)
            if len(segments) != 1 or not segments[0][3]:
                sys.exit(f"{channel}: segments {segments}")
            start_ns = segments[0][1]
            start = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(start_ns // 10**9)) + f".{start_ns % 10**9:09}Z"
            self.call("replay", f"{self.folder}/{channel}.wav", "--channel", channel, "--start", start, "--separator",
                      self.options.separator, store="replayed")
            query = f"SELECT {FIELDS} FROM airplay WHERE channel = ? ORDER BY start_ns, id"
            live, replayed = self.rows("live", query, channel), self.rows("replayed", query, channel)
            if live != replayed:
                for row in sorted(set(live) ^ set(replayed), key=str):
                    print(("live:     " if row in live else "replayed: ") + str(row), file=sys.stderr)
                sys.exit(f"{channel}: live and replay differ")
            total += len(live)
        if total < len(self.channels):
            sys.exit(f"only {total} airplays: nothing is shown")
        return total

    def drained_run(self):
        """SIGTERM in the middle of music: it is concluded, written and published."""
        before = len(self.rows("live", "SELECT id FROM airplay"))
        process = self.start("--drain", "60")
        heard = 'undertone_audio_seconds_total{channel="' + self.channels[0] + '"}'
        self.wait_for("ten seconds of audio", lambda: self.metrics().get(heard, 0) >= 10, process)
        process.send_signal(signal.SIGTERM)
        if process.wait(120) != 0:
            sys.exit(f"SIGTERM: exit code {process.returncode}")
        after = len(self.rows("live", "SELECT id FROM airplay"))
        open_segments = self.rows("live", "SELECT id FROM segment WHERE done = 0")
        if after <= before or open_segments:
            sys.exit(f"SIGTERM: {after - before} airplays written, segments left open: {open_segments}")
        return after - before

    def check_events(self):
        if self.rows("live", "SELECT id FROM outbox"):
            sys.exit("events are left in the store")
        lines = (self.folder / "events.jsonl").read_text("utf-8").splitlines()
        published = {json.loads(line)["data"].get("cue_id") for line in lines}
        missing = {row[0] for row in self.rows("live", "SELECT id FROM airplay")} - published
        if missing:
            sys.exit(f"not published: {missing}")
        schemas = pathlib.Path(__file__).parents[2] / "configs" / "schemas"
        subprocess.run(["/usr/bin/python3", str(pathlib.Path(__file__).parents[1] / "unit" / "check_events.py"), str(schemas),
                        str(self.folder / "events.jsonl")], check=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--undertone", required=True)
    parser.add_argument("--seconds", type=int, default=40)
    parser.add_argument("--channels", type=int, default=3)
    parser.add_argument("--separator", default="none")
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--folder", help="works there and keeps what it made")
    options = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    folder = pathlib.Path(options.folder or tempfile.mkdtemp(prefix="ut-live-"))
    try:
        live = Live(options, folder)
        live.prepare()
        for store in ("live", "replayed"):
            live.call("catalogue", "add", str(folder / "tracks"), store=store)
        live.whole_run()
        same = live.compare_with_replay()
        drained = live.drained_run()
        live.check_events()
    finally:
        if not options.folder:
            shutil.rmtree(folder, ignore_errors=True)
    print(f"{options.channels} channels of {options.seconds} s (separator {options.separator}): {same} airplays, the same live and "
          f"replayed; SIGTERM concluded {drained} more; every airplay published")


if __name__ == "__main__":
    main()
