#!/usr/bin/env python3
"""Replays audio through several channels and kills it, again and again: is anything lost, or identified twice?

The same recordings are replayed twice into two stores: once in peace, once by processes that are killed with SIGKILL at random
moments and started again. Both stores, and the events that came out, must then tell the same.

    tests/integration/soak.py --undertone build/release/undertone --hours 24
"""
import argparse
import array
import json
import math
import os
import pathlib
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import wave

RATE = 16000
SLOT = RATE // 4  # a note
START = "2026-11-21T06:00:00Z"
COLUMNS = ("id, channel, start_ns, end_ns, outcome, witness, start_sample, end_sample, recording_id, ref_start_s, ref_end_s, "
           "time_scale, log10_e, score, music_lufs, speech_lufs, mix_lufs, engine_version, model_hash, params")


def tones(rng):
    """Four octaves of plucked notes, each with overtones and a colour of its own."""
    notes = []
    for step in range(48):
        freq = 110 * 2 ** (step / 12)
        shares = [rng.random() ** 2 for _ in range(4)]
        notes.append([sum(share * math.sin(2 * math.pi * freq * (k + 1) * n / RATE) for k, share in enumerate(shares))
                      * math.exp(-4 * n / SLOT) * 4000 for n in range(SLOT)])
    return notes


def compose(rng, notes, seconds):
    samples = array.array("h")
    for _ in range(seconds * 4):
        a, b, c = (notes[rng.randrange(48)] for _ in range(3))
        samples.extend(max(-32768, min(32767, int(x + y + z))) for x, y, z in zip(a, b, c))
    return samples.tobytes()


def noise(rng, seconds):
    return array.array("h", (rng.randrange(-300, 300) for _ in range(seconds * RATE))).tobytes()


def write_wav(path, parts):
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        for part in parts:
            out.writeframes(part)


def programme(rng, tracks, silence, seconds):
    """Excerpts of the tracks with pauses between them; now and then a track follows another without one."""
    left = seconds * RATE * 2
    while left > 0:
        if rng.random() < 0.7:
            pause = silence[:rng.randrange(2, 12) * RATE * 2]
            yield pause[:left]
            left -= min(left, len(pause))
        track = rng.choice(tracks)
        begin = rng.randrange(0, len(track) // 2) // 2 * 2
        excerpt = track[begin:begin + rng.randrange(8, 40) * RATE * 2]
        yield excerpt[:left]
        left -= min(left, len(excerpt))


class Soak:
    def __init__(self, options, folder):
        self.options = options
        self.folder = folder
        self.rng = random.Random(options.seed)
        self.kills_that_hit = 0

    def run(self, *arguments, store):
        command = [self.options.undertone, *arguments, "--store", f"sqlite:{self.folder}/{store}/undertone.db"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)

    def make_audio(self):
        notes = tones(self.rng)
        tracks = [compose(self.rng, notes, 80) for _ in range(8)]
        stranger = compose(self.rng, notes, 80)  # on air, but not in the catalogue
        silence = noise(self.rng, 12)
        (self.folder / "tracks").mkdir(parents=True)
        for i, track in enumerate(tracks):
            write_wav(self.folder / "tracks" / f"track-{i}.wav", [track])
        seconds = int(self.options.hours * 3600 / self.options.channels / self.options.files)
        for channel in range(self.options.channels):
            (self.folder / f"air-{channel}").mkdir()
            for part in range(self.options.files):
                path = self.folder / f"air-{channel}" / f"{part:03}.wav"
                write_wav(path, programme(self.rng, tracks[:7] + [stranger], silence, seconds))  # the eighth is never on air

    def make_store(self, store):
        self.run("catalogue", "add", str(self.folder / "tracks"), store=store)

    def start(self, store, channel):
        command = [self.options.undertone, "replay", str(self.folder / f"air-{channel}"), "--channel", f"channel-{channel}",
                   "--start", START, "--jobs", "1", "--separator", self.options.separator,
                   "--events", f"jsonl:{self.folder}/{store}/events-{channel}.jsonl",
                   "--store", f"sqlite:{self.folder}/{store}/undertone.db"]
        return subprocess.Popen(command, stdout=subprocess.DEVNULL)

    def start_all(self, store):
        return [self.start(store, channel) for channel in range(self.options.channels)]

    def finish(self, processes):
        for process in processes:
            if process.wait() != 0:
                sys.exit(f"replay failed: exit code {process.returncode}")

    def in_peace(self, store):
        before = time.monotonic()
        self.finish(self.start_all(store))
        return time.monotonic() - before

    def with_kills(self, store, peace_s):
        for _ in range(self.options.kills):
            processes = self.start_all(store)
            time.sleep(self.rng.uniform(0.02, 1.0) * peace_s / self.options.kills)
            alive = [process for process in processes if process.poll() is None]
            self.kills_that_hit += len(alive) > 0
            for process in alive:
                process.send_signal(signal.SIGKILL)
            for process in processes:
                process.wait()
        self.finish(self.start_all(store))
        self.finish([self.start(store, 0)])  # nothing left to do, but for the last events of the others

    def airplays(self, store):
        with sqlite3.connect(f"{self.folder}/{store}/undertone.db") as db:
            rows = db.execute(f"SELECT {COLUMNS} FROM airplay ORDER BY id").fetchall()
            pending = db.execute("SELECT count(*) FROM outbox").fetchone()[0]
            undone = db.execute("SELECT count(*) FROM segment WHERE done = 0").fetchone()[0]
        return rows, pending, undone

    def events(self, store):
        """id of each cue → its event, which must be the same however often it comes."""
        found, lines = {}, 0
        for path in sorted((self.folder / store).glob("events-*.jsonl")):
            for line in path.read_text("utf-8").splitlines():
                event = json.loads(line)
                lines += 1
                if found.setdefault(event["data"]["cue_id"], event)["id"] != event["id"]:
                    sys.exit(f"two events for {event['data']['cue_id']}")
        return found, lines

    def compare(self):
        wanted, pending, undone = self.airplays("peace")
        if pending or undone or not wanted:
            sys.exit(f"the run in peace: {len(wanted)} airplays, {pending} events unpublished, {undone} files unfinished")
        got, pending, undone = self.airplays("kills")
        if pending or undone:
            sys.exit(f"after the kills: {pending} events unpublished, {undone} files unfinished")
        lost = {row[0] for row in wanted} - {row[0] for row in got}
        extra = {row[0] for row in got} - {row[0] for row in wanted}
        changed = sum(a != b for a, b in zip(wanted, got)) if not lost and not extra else 0
        events, lines = self.events("kills")
        unpublished = {row[0] for row in got} - events.keys()
        if lost or extra or changed or unpublished:
            for row in [r for r in wanted if r[0] in lost][:3] + [r for r in got if r[0] in extra][:3]:
                print(("lost: " if row[0] in lost else "extra: ") + str(row), file=sys.stderr)
            sys.exit(f"{len(lost)} lost, {len(extra)} extra, {changed} changed of {len(wanted)}; "
                     f"{len(unpublished)} without an event")
        self.run("catalogue", "verify", store="kills")
        identified = sum(row[4] == "identified" for row in wanted)
        return len(wanted), identified, lines


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--undertone", required=True)
    parser.add_argument("--hours", type=float, default=24, help="of audio, all channels together")
    parser.add_argument("--channels", type=int, default=8)
    parser.add_argument("--files", type=int, default=2, help="per channel")
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--separator", default="none", help="a model, or none: mixture only")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--folder", help="works there and keeps what it made")
    options = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    folder = pathlib.Path(options.folder or tempfile.mkdtemp(prefix="ut-soak-"))
    try:
        soak = Soak(options, folder)
        soak.make_audio()
        for store in ("peace", "kills"):
            soak.make_store(store)
        peace_s = soak.in_peace("peace")
        before = time.monotonic()
        soak.with_kills("kills", peace_s)
        kills_s = time.monotonic() - before
        airplays, identified, lines = soak.compare()
        if soak.kills_that_hit < (options.kills + 1) // 2:
            sys.exit(f"only {soak.kills_that_hit} of {options.kills} kills found a process alive: nothing is shown")
    finally:
        if not options.folder:
            shutil.rmtree(folder, ignore_errors=True)
    print(f"{options.hours:g} h over {options.channels} channels (separator {options.separator}, seed {options.seed}): in peace "
          f"{peace_s:.0f} s; killed {soak.kills_that_hit} times, {kills_s:.0f} s; {airplays} airplays ({identified} identified), "
          f"the same in both, none lost, none twice; {lines} event lines, every airplay published")


if __name__ == "__main__":
    main()
