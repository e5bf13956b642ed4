#!/usr/bin/env python3
"""`undertone explain` on a made-up programme: the drawing is XML, shows what the numbers say, and a recording that is not
there gets no support.

    tests/integration/explain.py --undertone build/cpu/undertone
"""
import argparse
import json
import pathlib
import random
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as xml

from soak import compose, noise, tones, write_wav, RATE

SVG = "{http://www.w3.org/2000/svg}"


class Explain:
    def __init__(self, undertone, folder):
        self.undertone = undertone
        self.folder = folder
        rng = random.Random(5)
        notes = tones(rng)
        tracks = [compose(rng, notes, 40) for _ in range(3)]
        for i, track in enumerate(tracks):
            write_wav(folder / f"track <{i}> & co.wav", [track])
            self.run("catalogue", "add", folder / f"track <{i}> & co.wav")
        pause = noise(rng, 15)
        self.programme = folder / "programme.wav"
        write_wav(self.programme, [pause, tracks[1][2 * RATE * 5:2 * RATE * 30], pause])
        self.ids = {r["title"]: r["id"] for r in self.run("catalogue", "list")}

    def run(self, *arguments, status=0):
        command = [self.undertone, *map(str, arguments), "--store", f"sqlite:{self.folder}/store.db", "--json"]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert done.returncode == status, (command, done.returncode, done.stderr)
        self.errors = done.stderr
        return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]

    def explain(self, *arguments):
        svg = self.folder / "out.svg"
        numbers, = self.run("explain", self.programme, "-o", svg, *arguments)
        return numbers, xml.parse(svg).getroot()


def marks(root, name):
    return [circle for group in root.iter(SVG + "g") if group.get("class") == name for circle in group]


def check_drawing(numbers, root, witnesses):
    peaks = numbers["recording_peaks"]
    assert len(marks(root, "found")) == sum(
        (p[2] in ("mix", "both")) + (witnesses > 1 and p[2] in ("music", "both")) for p in peaks)
    assert len(marks(root, "found")) + len(marks(root, "missing")) == witnesses * len(peaks)
    assert len(marks(root, "programme")) == len(numbers["mix_peaks"]) + len(numbers["music_peaks"])
    assert len(marks(root, "series-found")) == len(numbers["series"])
    images = list(root.iter(SVG + "image"))
    assert len(images) == witnesses and all(i.get("href").startswith("data:image/png;base64,") for i in images)
    width, height = float(root.get("width")), float(root.get("height"))
    for circle in root.iter(SVG + "circle"):
        if circle.get("cx"):
            assert 0 <= float(circle.get("cx")) <= width and 0 <= float(circle.get("cy")) <= height
    text = " ".join(t.text for t in root.iter(SVG + "text") if t.text)
    for label in ("frequency, Hz", "time in the programme, s", "log10 E", "landmarks in common"):
        assert label in text, label
    return text


def test_what_is_there(e):
    numbers, root = e.explain("--separator", "none")
    text = check_drawing(numbers, root, 1)
    assert numbers["recording"]["title"] == "track <1> & co" and "track <1> & co" in text
    assert numbers["accepted"] and text.count("Identified")
    assert abs(numbers["start_s"] - 15) < 0.7 and abs(numbers["end_s"] - 40) < 0.7
    assert abs(numbers["begin_s"] - 10) < 0.05
    identified, = (r for r in e.run("identify", e.programme, "--separator", "none") if r["outcome"] == "identified")
    assert abs(identified["start_s"] - numbers["start_s"]) < 0.01 and abs(identified["end_s"] - numbers["end_s"]) < 0.01
    begin, votes = max(numbers["offsets"], key=lambda o: o[1])
    assert abs(begin - numbers["begin_s"]) < 0.02 and votes > 50
    support = numbers["support"]
    assert support["found"] > 0.8 * support["peaks"] and support["expected"] < 0.5 * support["found"]


def test_a_separator(e):
    numbers, root = e.explain("--from", 12, "--to", 30, "--separator", "unet")
    check_drawing(numbers, root, 2)
    assert abs(numbers["shown"][0] - 12) < 0.1 and abs(numbers["shown"][1] - 30) < 0.1


def test_what_is_not_there(e):
    numbers, root = e.explain("--track", e.ids["track <2> & co"], "--separator", "none")
    text = check_drawing(numbers, root, 1)
    assert not numbers["accepted"] and numbers["start_s"] is None, numbers["evidence"]
    assert "Not identified" in text
    assert numbers["support"]["found"] < 0.5 * numbers["support"]["peaks"]
    assert max(votes for _, votes in numbers["offsets"]) < 50


def test_errors(e):
    for arguments, status, words in (
            ((e.programme, "--track", 999), 1, ["999"]),
            ((e.folder / "none.wav",), 1, ["none.wav"]),
            ((e.programme, "--from", 500), 1, ["500", "programme.wav"]),
            ((e.programme, "--from", 20, "--to", 10), 2, ["--to", "10"]),
            ((e.programme, "-o", e.folder / "no" / "where.svg"), 1, ["where.svg"])):
        assert e.run("explain", *arguments, "--separator", "none", status=status) == []
        assert all(word in e.errors for word in words), (arguments, e.errors)
    done = subprocess.run([e.undertone, "explain", e.programme], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 2 and "--output" in done.stderr


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--undertone", required=True)
    with tempfile.TemporaryDirectory() as folder:
        e = Explain(parser.parse_args().undertone, pathlib.Path(folder))
        for test in (test_what_is_there, test_a_separator, test_what_is_not_there, test_errors):
            test(e)
            print(test.__name__, "ok", file=sys.stderr)


if __name__ == "__main__":
    main()
