#!/usr/bin/env python3
"""`undertone evaluate false-alarms` on made-up music: it counts, goes on where it was, and knows what is not absent.

    tests/integration/false_alarms.py --undertone build/cpu/undertone
"""
import argparse
import array
import json
import pathlib
import random
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as xml

from soak import compose, noise, tones, write_wav

PROGRAMMES = 2
HOURS = PROGRAMMES / 12


class Proof:
    def __init__(self, undertone, folder):
        self.undertone = undertone
        self.folder = folder
        rng = random.Random(3)
        notes = tones(rng)
        for name in ("music", "catalogue", "speech", "copies"):
            (folder / name).mkdir()
        for i in range(2):
            self.music = compose(rng, notes, 90)
            write_wav(folder / "music" / f"absent-{i}.wav", [self.music])
            quieter = array.array("h", (x // 2 for x in array.array("h", self.music)))
            write_wav(folder / "copies" / f"copy-{i}.wav", [quieter.tobytes()])
        for i in range(4):
            write_wav(folder / "catalogue" / f"track-{i}.wav", [compose(rng, notes, 60)])
        write_wav(folder / "speech" / "noise.wav", [noise(rng, 20)])

    def run(self, catalogue, *arguments, cache="cache", hours=HOURS):
        command = [self.undertone, "evaluate", "false-alarms", "--music", self.folder / "music", "--catalogue", catalogue,
                   "--speech", self.folder / "speech", "--cache", self.folder / cache, "--separator", "none", "--hours",
                   str(hours), "--output", self.folder / "out", "--json", *arguments]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert done.returncode == 0, (command, done.stderr)
        return json.loads(done.stdout)

    def journal(self, cache="cache"):
        path, = (self.folder / cache).glob("false-alarms-*.jsonl")
        return path


def test_counts_and_goes_on(p):
    catalogue = p.folder / "catalogue"
    first = p.first = p.run(catalogue, "-j", "2")
    assert abs(first["hours"] - HOURS) < 1e-6 and first["windows"] > 95 * PROGRAMMES
    assert first["shared"] == 0
    assert all(a["windows"] <= b["windows"] for a, b in zip(first["curve"], first["curve"][1:]))
    assert all(c["low_95"] <= c["observed"] <= c["high_95"] for c in first["curve"])
    if not first["false_identifications"]:
        assert abs(first["bound_95_per_hour"] - 3 / HOURS) < 0.1 / HOURS  # the rule of three
    root = xml.parse(p.folder / "out.svg").getroot()
    assert any("stated log10 E" in (t.text or "") for t in root.iter())
    assert "False identifications" in (p.folder / "out.md").read_text()
    whole = p.journal().read_text()
    assert len(whole.splitlines()) == PROGRAMMES
    assert p.run(catalogue) == first  # nothing left to do
    assert p.journal().read_text() == whole
    p.journal().write_text(whole[:-40])  # killed while it wrote
    again = p.run(catalogue, "-j", "1")
    again.pop("cpu_s_per_hour"), first.pop("cpu_s_per_hour")
    assert again == first
    assert p.run(catalogue, hours=0)["hours"] == first["hours"]


def test_alarms_are_counted(p):
    """With a threshold that anything passes what is by chance is an alarm."""
    lax = p.run(p.folder / "catalogue", "--max-log10-e", "4", cache="lax")
    assert len(lax["false_identifications"]) > len(p.first["false_identifications"])
    assert all(a["claimed"].startswith("track-") and a["log10_e"] <= 4 for a in lax["false_identifications"])


def test_what_is_not_absent(p):
    """The catalogue has the music on air, quieter: found, and no false alarm."""
    found = p.run(f"{p.folder / 'copies'},{p.folder / 'catalogue'}", cache="copies", hours=1 / 12)
    assert found["shared"] > 20
    assert all(not a["claimed"].startswith("copy") or a["playing"] == "no music" or a["speed"] != 1
               for a in found["false_identifications"])


def test_usage(p):
    done = subprocess.run([p.undertone, "evaluate", "false-alarms", "--music", p.folder / "music"], capture_output=True,
                          text=True)
    assert done.returncode == 2 and "--cache" in done.stderr
    done = subprocess.run([p.undertone, "evaluate", "false-alarms", "-m", p.folder / "nothing", "-s", p.folder / "speech",
                           "--cache", p.folder / "c", "--separator", "none"], capture_output=True, text=True)
    assert done.returncode == 1 and "nothing" in done.stderr


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--undertone", required=True)
    with tempfile.TemporaryDirectory() as folder:
        p = Proof(parser.parse_args().undertone, pathlib.Path(folder))
        for test in (test_counts_and_goes_on, test_alarms_are_counted, test_what_is_not_absent, test_usage):
            test(p)
            print(test.__name__, "ok", file=sys.stderr)


if __name__ == "__main__":
    main()
