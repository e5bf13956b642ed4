#!/usr/bin/env python3
"""Unknown music on a small made-up archive of two channels: kept, matched again when the catalogue has grown.

    tests/integration/unknown.py --undertone build/cpu/undertone
"""
import argparse
import array
import json
import math
import pathlib
import random
import subprocess
import sys
import tempfile

from soak import noise, write_wav, RATE

START = "2026-11-21T06:00:00Z"
SLOT = RATE // 2  # a note


def compose(rng, seconds):
    """Chords of held notes on a scale of its own: what the recogniser takes for music even where it knows none of it."""
    scale = [110 * 2 ** (rng.randrange(48) / 12) * (1 + rng.random() / 50) for _ in range(12)]
    notes = [[sum(math.sin(2 * math.pi * freq * k * n / RATE) / k for k in (1, 2, 3)) * math.exp(-n / SLOT) * 3000
              for n in range(SLOT)] for freq in scale]
    samples = array.array("h")
    for _ in range(seconds * RATE // SLOT):
        samples.extend(int(a + b + c) for a, b, c in zip(*rng.sample(notes, 3)))
    return samples.tobytes()


class Archive:
    def __init__(self, undertone, folder):
        self.undertone = undertone
        self.folder = folder
        rng = random.Random(11)
        self.tracks = [compose(rng, 60) for _ in range(4)]  # 0 to 2 are in the catalogue
        self.pause = noise(rng, 20)
        (folder / "tracks").mkdir()
        for i, track in enumerate(self.tracks):
            write_wav(folder / "tracks" / f"track-{i}.wav", [track])
        self.channel("one", [(0, 25, 5), (3, 30, 10), (1, 20, 0), (3, 25, 12)])
        self.channel("two", [(2, 20, 8), (3, 35, 8)])

    def channel(self, name, plan):
        parts = [self.pause]
        for track, seconds, begin in plan:
            parts += [self.tracks[track][2 * RATE * begin:2 * RATE * (begin + seconds)], self.pause]
        write_wav(self.folder / f"{name}.wav", parts)

    def run(self, *arguments, store="archive", status=0):
        command = [self.undertone, *map(str, arguments), "--store", f"sqlite:{self.folder}/{store}.db", "--json"]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert done.returncode == status, (command, done.returncode, done.stderr)
        return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]

    def add(self, *tracks, store="archive"):
        self.run("catalogue", "add", *(self.folder / "tracks" / f"track-{i}.wav" for i in tracks), store=store)

    def replay(self, store="archive"):
        for name in ("one", "two"):
            self.run("replay", self.folder / f"{name}.wav", "--channel", name, "--start", START, "--separator", "none",
                     "--jobs", 1, store=store)

    def cues(self, store="archive"):
        return self.run("cues", "list", store=store)


def title(cue):
    return cue["recording"]["title"] if cue["recording"] else None


def catalogue_grows(archive):
    archive.add(0, 1, 2)
    archive.replay()
    before = archive.cues()
    unknown = [cue for cue in before if cue["outcome"] == "unidentified"]
    assert len(unknown) == 3, before
    nothing = archive.run("reidentify", "--unknown")[0]
    assert nothing["corrected"] == nothing["added"] == 0, nothing
    assert archive.cues() == before

    archive.add(3)
    first = archive.run("reidentify", "--unknown", "--by", "Ann")[0]
    assert first["corrected"] >= 3 and first["recordings"] == 1, first
    after = archive.cues()
    assert [cue["id"] for cue in after if title(cue) == "track-3"] == [cue["id"] for cue in unknown], after
    again = archive.run("reidentify", "--unknown")[0]
    assert again["corrected"] == again["added"] == 0, again
    everything = archive.run("reidentify", "--since", START)[0]
    assert everything["stretches"] >= 3 and everything["corrected"] == everything["added"] == 0, everything
    assert archive.cues() == after
    archive.run("catalogue", "verify")

    # The same as if the catalogue had been whole from the start.
    archive.add(0, 1, 2, 3, store="whole")
    archive.replay(store="whole")
    whole = [cue for cue in archive.cues(store="whole") if title(cue)]
    later = [cue for cue in after if title(cue)]
    assert [(cue["channel"], title(cue)) for cue in later] == [(cue["channel"], title(cue)) for cue in whole], (later, whole)
    for a, b in zip(later, whole):
        assert abs(a["in_ms"] - b["in_ms"]) < 500 and abs(a["out_ms"] - b["out_ms"]) < 500, (a, b)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--undertone", required=True)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        archive = Archive(options.undertone, pathlib.Path(folder))
        catalogue_grows(archive)
    print("ok")


if __name__ == "__main__":
    sys.exit(main())
