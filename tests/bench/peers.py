#!/usr/bin/env python3
"""undertone and its peers, as programs, on the very same queries: identified by level, false, bytes an hour, speed.

    undertone evaluate -m music -s speech --conditions mix,absent --params p3 --separator none --write queries
    tests/bench/peers.py --undertone build/release/undertone queries --fpcalc fpcalc \
        --audfprint "python3 audfprint/audfprint.py" -o docs/benchmarks/peers.md

Each peer stores two catalogues: all tracks, for the queries whose music is there, and those without the absent music.
Peers that are not named are not run. None of their code is part of undertone; how to install them:

* fpcalc (Chromaprint): `apt-get install libchromaprint-tools`. It makes fingerprints; they are aligned here, and match
  where on the average fewer than 10 of the 32 bits differ, AcoustID's limit.
* audfprint: `git clone https://github.com/dpwe/audfprint`, `pip install numpy scipy docopt joblib psutil`; needs ffmpeg.
* Olaf: https://github.com/JorenSix/Olaf, built as its README says; `--olaf olaf`. Its database is in the home folder:
  give it one of its own ($HOME).
* Panako: https://github.com/JorenSix/Panako (Java), as its README says; `--panako panako`.

Speed is audio a CPU second of the queries, start of the program and decoding included. Needs numpy for fpcalc.
"""
import argparse
import json
import os
import pathlib
import platform
import resource
import shlex
import subprocess
import sys
import tempfile
import time

HOURS = 3600.0
CHROMAPRINT_BITS = 10


def cpu():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def call(command, **options):
    done = subprocess.run([str(c) for c in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)
    if done.returncode:
        sys.exit(f"peers: {shlex.join(map(str, command))}: exit {done.returncode}: {done.stderr.strip()[-500:]}")
    return done.stdout


def size_of(path):
    return sum(p.stat().st_size for p in path.rglob("*") if p.is_file())


class Undertone:
    """identify, with what the store keeps beside the index counted apart (it is metadata and a second copy)."""

    def __init__(self, program, separator, folder):
        self.command = [program, "--quiet"]
        self.name = "undertone" if separator == "none" else f"undertone, {separator}"
        self.separator = separator
        self.folder = folder

    def run(self, *arguments):
        out = call([self.command[0], *arguments, "--store", f"sqlite:{self.folder}/store.db", "--json", "--quiet"])
        return [json.loads(line) for line in out.splitlines() if line.startswith("{")]

    def store(self, files):
        self.run("catalogue", "add", "--jobs", 1, *files)
        self.tracks = {r["id"]: pathlib.Path(r["file"]).stem for r in self.run("catalogue", "list")}
        self.run("identify", "--separator", "none", files[0])  # makes the index
        return sum(p.stat().st_size for p in self.folder.rglob("*") if p.is_file() and "store.db" not in p.name)

    def query(self, files):
        best = {}
        for r in self.run("identify", "--separator", self.separator, "--jobs", 1, *files):
            if r["outcome"] != "unidentified":
                name = pathlib.Path(r["file"]).stem
                if name not in best or r["e_value"] < best[name][0]:
                    best[name] = (r["e_value"], self.tracks[r["recording"]["id"]])
        return {name: track for name, (_, track) in best.items()}


class Lines:
    """A program that prints a line for each match, the best first, with the names of query and track in it."""

    def __init__(self, name, store, query, folder, home=None):
        self.name = name
        self.commands = store, query
        self.folder = folder
        self.environment = {**os.environ, **({"HOME": str(folder)} if home else {})}

    def call(self, command, files):
        listed = self.folder / "list.txt"
        listed.write_text("".join(f"{f}\n" for f in files))
        words = []
        for word in command:
            words += map(str, files) if word == "{files}" else [word.format(folder=self.folder, list=listed)]
        return call(words, env=self.environment)

    def store(self, files):
        self.stems = [f.stem for f in files]
        self.call(self.commands[0], files)
        (self.folder / "list.txt").unlink()
        return size_of(self.folder)

    def query(self, files):
        found = {}
        for line in self.call(self.commands[1], files).splitlines():
            name = next((f.stem for f in files if f.stem in line), None)
            track = next((s for s in self.stems if s in line), None)
            if name and track and name not in found:
                found[name] = track
        return found


class Chromaprint:
    def __init__(self, program, folder):
        self.name = "Chromaprint (fpcalc)"
        self.program = shlex.split(program)

    def print_of(self, path):
        import numpy
        done = subprocess.run([*self.program, "-raw", "-json", "-length", "0", path], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True)
        try:  # 1.5.1 gives status 3 at the end of an Opus file, with the fingerprint of all of it
            raw = json.loads(done.stdout)["fingerprint"]
        except (ValueError, KeyError):
            sys.exit(f"peers: {self.program[0]}: {path}: exit {done.returncode}: {done.stderr.strip()}")
        return numpy.array(raw, dtype=numpy.uint32)

    def store(self, files):
        self.prints = {f.stem: self.print_of(f) for f in files}
        return sum(p.nbytes for p in self.prints.values())

    def errors(self, query, track):
        """Fewest bits in which they differ, on the average, at any offset."""
        import numpy
        if len(track) < len(query):
            return 32.0
        windows = numpy.lib.stride_tricks.sliding_window_view(track, len(query)) ^ query
        bits = numpy.zeros(len(windows))
        for byte in range(4):
            bits += self.counts[(windows >> (8 * byte)) & 255].sum(axis=1)
        return float((bits / len(query)).min())

    def query(self, files):
        import numpy
        self.counts = numpy.array([bin(i).count("1") for i in range(256)], dtype=numpy.uint8)
        found = {}
        for f in files:
            query = self.print_of(f)
            errors, track = min((self.errors(query, p), stem) for stem, p in self.prints.items())
            if errors < CHROMAPRINT_BITS:
                found[f.stem] = track
        return found


def peers(args, folder):
    def place(name):
        path = folder / name
        path.mkdir()
        return path

    yield Undertone(args.undertone, "none", place("undertone"))
    if args.separator != "none":
        yield Undertone(args.undertone, args.separator, place("separated"))
    if args.audfprint:
        words = shlex.split(args.audfprint)
        yield Lines("audfprint", [*words, "new", "-d", "{folder}/db.pklz", "-l", "{list}"],
                    [*words, "match", "-d", "{folder}/db.pklz", "-l", "{list}"], place("audfprint"))
    for name in ("olaf", "panako"):
        if getattr(args, name):
            words = shlex.split(getattr(args, name))
            yield Lines(name.title(), [*words, "store", "{files}"], [*words, "query", "{files}"], place(name), home=True)
    if args.fpcalc:
        yield Chromaprint(args.fpcalc, None)


def seconds_of(path):
    return float(call(["ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", path]))


def paths(name):
    return [pathlib.Path(line) for line in name.read_text().splitlines() if line]


def measure(make, queries, folder, hours):
    """One row of the table: a fresh peer for each of the two catalogues."""
    row = {"rates": {}, "false_present": 0, "present": 0, "false_absent": 0, "absent": 0}
    spent, audio = 0.0, 0.0
    for absent, listed in ((False, "catalogue.txt"), (True, "catalogue-without.txt")):
        asked = [q for q in queries if q["absent"] == absent]
        if not asked:
            continue
        peer = make(absent)
        row["name"] = peer.name
        begin = cpu()
        size = peer.store(paths(folder / listed))
        if not absent:
            row["bytes_per_hour"] = size / hours
            row["store_realtime"] = hours * HOURS / (cpu() - begin)
        begin, clock = cpu(), time.process_time()
        found = peer.query([folder / q["file"] for q in asked])
        spent += cpu() - begin + time.process_time() - clock
        audio += sum(q["seconds"] for q in asked)
        for q in asked:
            answer = found.get(pathlib.Path(q["file"]).stem)
            right = answer is not None and answer in q["music"]
            row["absent" if absent else "present"] += 1
            row["false_absent" if absent else "false_present"] += answer is not None and not right
            if not absent:
                hits, count = row["rates"].get(q["condition"], (0, 0))
                row["rates"][q["condition"]] = hits + right, count + 1
        print(f"{peer.name}: {'absent' if absent else 'present'} done", file=sys.stderr)
    row["query_realtime"] = audio / spent
    return row


def table(rows, queries, hours, tracks):
    conditions = list(dict.fromkeys(q["condition"] for q in queries if not q["absent"]))
    machine = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")
    yield (f"{len(queries)} queries of {queries[0]['seconds']:.0f} s; {tracks} tracks, {hours:.2f} h. Identified, % of the "
           f"queries; false answers with the music there and with it absent; all on one core ({machine}, {os.cpu_count()} "
           f"cores, {platform.system()}), CPU time, with the peers' own defaults.")
    yield ""
    yield ("| program |" + "".join(f" {c} |" for c in conditions)
           + " false, present | false, absent | kB an hour | stored, × real time | asked, × real time |")
    yield "|---|" + "---:|" * (len(conditions) + 5)
    for r in rows:
        yield (f"| {r['name']} |" + "".join(f" {100 * r['rates'][c][0] / r['rates'][c][1]:.0f} |" for c in conditions)
               + f" {r['false_present']} of {r['present']} | {r['false_absent']} of {r['absent']} |"
               + f" {r['bytes_per_hour'] / 1000:.0f} | {r['store_realtime']:.0f} | {r['query_realtime']:.0f} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("queries", type=pathlib.Path, help="folder that `undertone evaluate --write` made")
    parser.add_argument("--undertone", required=True)
    parser.add_argument("--separator", default="default", help="also undertone with this one; none: the mixture alone")
    for name in ("audfprint", "olaf", "panako", "fpcalc"):
        parser.add_argument(f"--{name}", metavar="COMMAND")
    parser.add_argument("-o", "--output", type=pathlib.Path, help="write the table there too")
    args = parser.parse_args()
    queries = [json.loads(line) for line in (args.queries / "queries.jsonl").read_text().splitlines()]
    for q in queries:
        q["music"] = [pathlib.Path(m).stem for m in q["music"]]
    tracks = paths(args.queries / "catalogue.txt")
    hours = sum(map(seconds_of, tracks)) / HOURS
    rows = []
    with tempfile.TemporaryDirectory() as top:
        count = len(list(peers(args, pathlib.Path(tempfile.mkdtemp(dir=top)))))
        for i in range(count):
            def make(absent):
                return list(peers(args, pathlib.Path(tempfile.mkdtemp(dir=top))))[i]
            rows.append(measure(make, queries, args.queries, hours))
    text = "\n".join(table(rows, queries, hours, len(tracks))) + "\n"
    print(text, end="")
    if args.output:
        args.output.write_text(text)


if __name__ == "__main__":
    main()
