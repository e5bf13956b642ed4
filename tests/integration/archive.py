#!/usr/bin/env python3
"""Replay of a folder tree: channels and times from names, folders and sidecars; a dry run; the same again. Audio is a few
seconds of tones. archive.py UNDERTONE AIR_STORE SOURCE."""
import json
import math
import pathlib
import random
import struct
import subprocess
import sys
import tempfile
import wave

undertone = sys.argv[1]
scratch = tempfile.TemporaryDirectory()
folder = pathlib.Path(scratch.name)
store = f"sqlite:{folder}/air.db"


def run(*arguments, status=0):
    done = subprocess.run([undertone, *map(str, arguments), "--store", store], capture_output=True, text=True)
    if done.returncode != status:
        sys.exit(f"{arguments}: status {done.returncode}, wanted {status}: {done.stdout}{done.stderr}")
    return done.stdout + done.stderr if status else done.stdout


def lines(*arguments):
    return [json.loads(line) for line in run(*arguments, "--json").splitlines()]


def expect(what, got, wanted):
    if got != wanted:
        sys.exit(f"{what}: got {got!r}, wanted {wanted!r}")


def tune(path, seconds, seed):
    """Plucked chords: something that landmarks can be found in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    dice = random.Random(seed)
    samples = [0.0] * (int(seconds * 16000) + 16000)
    for at in range(0, int(seconds * 16000), 2000):
        for _ in range(3):
            step, level, size = 2 * math.pi * 150 * 2 ** (dice.random() * 4.5) / 16000, 0.3 + dice.random(), 6000
            for i in range(size):
                samples[at + i] += level * math.exp(-i / 1500) * math.sin(step * i)
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 16000, 0, "NONE", ""))
        file.writeframes(b"".join(struct.pack("<h", int(6000 * max(-5, min(5, x)))) for x in samples[:int(seconds * 16000)]))


tune(folder / "music/tune.wav", 30, 1)
run("catalogue", "add", folder / "music")
archive = folder / "archive"
tune(archive / "one-20261121T201500Z.wav", 20, 1)
tune(archive / "two/2026-11-21_20-15-00.wav", 20, 2)
tune(archive / "odd/reel 7.wav", 10, 1)
(archive / "odd/reel 7.json").write_text('{"channel": "three", "start": "2026-11-21T22:00:00+01:00", "tape": 7}')
(archive / "notes.txt").write_text("not a recording")

plain = ("--separator", "none", "--jobs", "2")
plan = lines("replay", archive, *plain, "--dry-run")[0]
expect("plan", (plan["files"], plan["others"], plan["channels"], plan["total_s"], plan["done_s"]), (3, 2, 3, 50, 0))
if not plan["time_s"] > 0 or not plan["disk_free_bytes"] > 0:
    sys.exit(str(plan))
expect("nothing written", lines("cues", "list"), [])

made = {line["channel"]: line for line in lines("replay", archive, *plain)}
expect("channels", sorted(made), ["one", "three", "two"])
expect("start of a sidecar", made["three"]["start_utc"], "2026-11-21T21:00:00.000Z")
expect("start of a name", made["two"]["start_utc"], "2026-11-21T20:15:00.000Z")
cues = lines("cues", "list")
expect("found", sorted({c["channel"] for c in cues if c["outcome"] == "identified"}), ["one", "three"])

again = lines("replay", archive, *plain)
expect("the same again", [(line["skipped"], line["added"]) for line in again], [(True, 0)] * 3)
expect("nothing changed", lines("cues", "list"), cues)
expect("all done", lines("replay", archive, *plain, "--dry-run")[0]["left_s"], 0)

(archive / "odd/reel 7.json").write_text('{"channel": "no way"}')
if "channel: not 1 to 63" not in run("replay", archive, *plain, status=1):
    sys.exit("a bad sidecar was taken")
(archive / "odd/reel 7.json").unlink()
if "no time such as" not in run("replay", archive, *plain, status=1):
    sys.exit("a file without a time was taken")
