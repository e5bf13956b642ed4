#!/usr/bin/env python3
"""The comparison with other programs, on made-up music, with undertone itself and with a stand-in for a peer.

    tests/integration/peers.py --undertone build/cpu/undertone
"""
import argparse
import json
import pathlib
import random
import subprocess
import sys
import tempfile

from soak import compose, noise, tones, write_wav

BENCH = pathlib.Path(__file__).resolve().parents[1] / "bench" / "peers.py"

# Answers every query with the first track it was given: right for some, false wherever that is absent.
STAND_IN = """
import pathlib, sys
known = pathlib.Path(sys.argv[0] + ".known")
if sys.argv[1] == "store":
    known.write_text(sys.argv[2])
else:
    for query in sys.argv[2:]:
        print(query, "is", known.read_text())
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--undertone", required=True)
    undertone = parser.parse_args().undertone
    rng = random.Random(9)
    notes = tones(rng)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for part in ("music", "speech"):
            (folder / part).mkdir()
        for i in range(4):
            write_wav(folder / "music" / f"track-{i}.wav", [compose(rng, notes, 30)])
        write_wav(folder / "speech" / "noise.wav", [noise(rng, 20)])
        (folder / "olaf.py").write_text(STAND_IN)
        subprocess.run([undertone, "evaluate", "-m", folder / "music", "-s", folder / "speech", "--conditions",
                        "clean,absent", "--queries", "4", "--absent", "4", "--params", "p3", "--separator", "none",
                        "--write", folder / "queries"], check=True, stdout=subprocess.DEVNULL)
        lines = [json.loads(line) for line in (folder / "queries" / "queries.jsonl").read_text().splitlines()]
        assert [q["absent"] for q in lines] == [False] * 4 + [True] * 4
        assert all((folder / "queries" / q["file"]).stat().st_size > 12 * 16000 * 2 for q in lines)
        whole = (folder / "queries" / "catalogue.txt").read_text().splitlines()
        rest = (folder / "queries" / "catalogue-without.txt").read_text().splitlines()
        assert len(whole) == 4 and len(rest) == 2
        assert all(not set(q["music"]) & set(rest) for q in lines if q["absent"])
        done = subprocess.run([sys.executable, BENCH, "--undertone", undertone, "--separator", "none", "--olaf",
                               f"{sys.executable} {folder / 'olaf.py'}", folder / "queries", "-o", folder / "table.md"],
                              check=True, stdout=subprocess.PIPE, text=True)
        assert done.stdout == (folder / "table.md").read_text()
        rows = {row.split("|")[1].strip(): [c.strip() for c in row.split("|")[2:]] for row in done.stdout.splitlines()
                if row.startswith("|")}
        first = pathlib.Path(whole[0]).name
        right = sum(q["music"] == [whole[0]] for q in lines if not q["absent"])
        assert rows["undertone"][:3] == ["100", "0 of 4", "0 of 4"], rows
        assert rows["Olaf"][:3] == [f"{25 * right}", f"{4 - right} of 4", "4 of 4"], (first, rows)


if __name__ == "__main__":
    main()
