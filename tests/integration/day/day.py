#!/usr/bin/env python3
"""Makes a day of several channels whose truth is known, has undertone work through it, and says what came out right: the cue sheet,
an audit of a claim sheet with planted errors, clusters of unknown music, and relabelling.

    tests/integration/day/day.py --undertone build/cpu/undertone --minutes 24 --channels 2 --gaps 1 --unknown 2 --levels -3 -6 --seed 29 --check
    tests/integration/day/day.py --undertone build/release/undertone --audio ../shared/audio --hours 24 --separator none -o docs/benchmarks/day

Without --audio everything is made up. --check: exit 1 unless all of it is right, which only a made-up day of loud music can be.
"""
import argparse
import collections
import csv
import datetime
import json
import os
import pathlib
import resource
import shutil
import subprocess
import sys
import tempfile
import time

import numpy as np

import claims
import plan
import score
import sound

DATE = datetime.datetime(2026, 11, 21, tzinfo=datetime.timezone.utc)
CHANNELS = ["alpha", "beta", "gamma"]


def iso(seconds):
    return (DATE + datetime.timedelta(seconds=round(seconds, 3))).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def seconds_of(text):
    return (datetime.datetime.fromisoformat(text[:26] + "+00:00") - DATE).total_seconds()


class Pool(plan.Pool):
    def __init__(self, rng, music, speech, effects, unknown, levels, themes_only):
        self.absent, self.original, self.unheard_of = music[0], music[1], sound.Recording("Unheard Of", "Nobody", music[0].samples)
        super().__init__(rng, music[2:], speech, effects, unknown)
        self.levels = levels or self.levels
        if not themes_only:
            self.music = self.known + self.unknown
        self.catalogue = [self.absent, self.original] + self.known


class Day:
    def __init__(self, options, folder):
        self.options, self.folder = options, folder
        self.rng = np.random.default_rng(options.seed)
        self.hours = options.minutes / 60 if options.minutes else options.hours
        self.cpu_s = {}
        if options.audio:
            found = [sound.read(options.audio, kind) for kind in ("music", "speech", "effects")]
        else:
            found = sound.made_up(np.random.default_rng([options.seed, 1]))
        self.pool = Pool(self.rng, *found, options.unknown, options.levels, options.check)
        self.channels = plan.make_day(self.rng, self.pool, CHANNELS[:options.channels], self.hours, options.gaps)
        self.uses = [use for channel in self.channels for use in plan.uses_of(channel, self.hours)]
        self.pool.cover = max((u for u in self.uses if u.channel == CHANNELS[0] and not self.is_unknown(u) and u.level_db >= -12),
                              key=lambda u: u.seconds).recording
        self.metadata = {r.title: {"title": r.title, "artist": r.artist, "isrc": f"QZUTD26{i + 1:05}",
                                   "iswc": claims.ISWC if r in (self.pool.cover, self.pool.original) else ""}
                         for i, r in enumerate([self.pool.unheard_of] + self.pool.catalogue)}

    # --- making ---

    def write_tracks(self):
        (self.folder / "tracks").mkdir(parents=True)
        (self.folder / "left-out").mkdir()
        with open(self.folder / "tracks.csv", "w", encoding="utf-8", newline="") as out:
            table = csv.writer(out)
            table.writerow(["file", "title", "artist", "isrc", "work", "iswc", "composers"])
            for i, r in enumerate(self.pool.catalogue):
                sound.write_wav(self.folder / "tracks" / f"track-{i:03}.wav", r.samples)
                meta = self.metadata[r.title]
                table.writerow([f"track-{i:03}.wav", r.title, r.artist, meta["isrc"], "The Work" if meta["iswc"] else "", meta["iswc"],
                                f"{r.artist.split(';')[0]}||{('PRS', 'GEMA', 'SACEM')[i % 3]}|100"])
        for i, r in enumerate(self.pool.unknown):
            sound.write_wav(self.folder / "left-out" / f"{i:03}.wav", r.samples)

    def write_air(self):
        """Recordings of up to an hour, as an archive has them, and the truth about the loudness of each use."""
        for channel in self.channels:
            length = round(self.hours * 3600)
            music, speech = (np.zeros(length * 10) for _ in range(2))
            (self.folder / "air" / channel.name).mkdir(parents=True)
            for start, end in plan.outside(0, length, channel.gaps):
                for at in range(start, end, 3600):
                    seconds = min(3600, end - at)
                    stems = sound.stems(channel.items, at, seconds)
                    music[at * 10:(at + seconds) * 10] = sound.energies(stems["music"])
                    speech[at * 10:(at + seconds) * 10] = sound.energies(stems["speech"])
                    name = (DATE + datetime.timedelta(seconds=at)).strftime(f"{channel.name}-%Y%m%dT%H%M%SZ.wav")
                    sound.write_wav(self.folder / "air" / channel.name / name, sum(stems.values()))
            for use in self.uses:
                if use.channel == channel.name:
                    span = slice(round(use.start_s * 10), max(round(use.end_s * 10), round(use.start_s * 10) + 1))
                    use.music_lufs, use.speech_lufs = sound.lufs(music[span]), sound.lufs(speech[span])

    def write_guides(self):
        """As-run logs, but an XMLTV guide for the second channel."""
        for i, channel in enumerate(self.channels):
            if i == 1:
                lines = ["<tv>"]
                for p in channel.programmes:
                    start, stop = ((DATE + datetime.timedelta(seconds=round(s))).strftime("%Y%m%d%H%M%S +0000") for s in (p.start_s, p.end_s))
                    lines.append(f'<programme channel="x" start="{start}" stop="{stop}"><title>{p.title}</title>'
                                 f'<episode-num system="onscreen">{p.episode}</episode-num></programme>')
                (self.folder / f"{channel.name}.xml").write_text("\n".join(lines + ["</tv>"]), "utf-8")
                continue
            with open(self.folder / f"{channel.name}.csv", "w", encoding="utf-8", newline="") as out:
                table = csv.writer(out)
                table.writerow(["Start", "End", "Title", "Episode No"])
                table.writerows([iso(p.start_s), iso(p.end_s), p.title, p.episode] for p in channel.programmes)

    # --- running ---

    def run(self, *arguments, store="day"):
        command = [self.options.undertone, *map(str, arguments), "--store", f"sqlite:{self.folder}/{store}.db", "--json"]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        verb = " ".join(str(a) for a in arguments[:2]) if arguments[0] != "replay" else "replay"
        self.cpu_s[verb] = self.cpu_s.get(verb, 0) + after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        if done.returncode != 0:
            sys.exit(f"{command}: exit {done.returncode}: {done.stderr[-2000:]}")
        return done.stdout

    def lines(self, *arguments, store="day"):
        return [json.loads(line) for line in self.run(*arguments, store=store).splitlines() if line.startswith("{")]

    def cues(self, store="day"):
        return [score.Cue(cue, seconds_of) for cue in self.lines("cues", "list", store=store)]

    def work(self):
        self.run("catalogue", "add", self.folder / "tracks", "--metadata", self.folder / "tracks.csv")
        if self.options.audio:  # what else a catalogue holds; none of it is on air
            self.run("catalogue", "add", self.options.audio / "music" / "train")
        for channel in self.channels:
            guide = self.folder / f"{channel.name}.xml"
            self.run("programmes", "import", guide if guide.exists() else self.folder / f"{channel.name}.csv", "--channel", channel.name)
        self.run("replay", self.folder / "air", "--separator", self.options.separator, "--jobs", self.options.jobs)

    # --- judging ---

    def is_unknown(self, use):
        return any(use.recording is r for r in self.pool.unknown)

    def audit(self):
        channel = self.channels[0]
        uses = [u for u in self.uses if u.channel == channel.name]
        quiet = self.quiet_stretch(channel)
        sheet = claims.Sheet(self.rng, iso, self.metadata)
        planter = claims.Planter(sheet, [u for u in uses if not self.is_unknown(u)], self.pool,
                                 self.hours * 3600, channel.gaps)
        planter.wrong(with_use=self.options.separator != "none")
        planter.missing([u for u in uses if self.is_unknown(u)], quiet, channel.gaps[0])
        planter.the_rest()
        path = self.folder / "claim.csv"
        sheet.write(path)
        report = json.loads(self.run("audit", "run", path, "--channel", channel.name, "--from", iso(0), "--to", iso(self.hours * 3600)))
        more, off, matched = claims.judge(sheet, report, seconds_of)
        planted = {}
        for error in sheet.errors:
            row = planted.setdefault(error.what, {"what": error.what, "outcome": error.outcome, "planted": 0, "found": 0})
            row["planted"] += 1
            row["found"] += error.found
        return {"claims": len(sheet.rows), "matched": matched, "planted": list(planted.values()),
                "else": [[f["outcome"], f["claim"]["row"] if f["claim"] else None, f["claim"]["title"] if f["claim"] else None] for f in more],
                "recognition_off": dict(collections.Counter(f["outcome"] for f in off)),
                "against_claimant": [f["claim"]["row"] for f in report["findings"] if f["counts_against_claimant"]]}

    def quiet_stretch(self, channel):
        """The longest talk without music."""
        at, best = 0.0, (0.0, 0.0)
        busy = sorted([(i.start_s, i.end_s) for i in channel.items if i.kind == "music"] + list(channel.gaps))
        for start, end in busy:
            if start - at > best[1] - best[0]:
                best = (at, start)
            at = max(at, end)
        return best

    def unknown(self):
        tunes = self.lines("unknown", "list", "--airings", "2")
        shown = [self.lines("unknown", "show", t["cluster"])[0] for t in tunes]
        found = score.clusters(shown, self.uses, self.pool.unknown, seconds_of)
        return found, score.recall(found, self.uses, self.pool.unknown)

    def relabel(self, found):
        """Every cluster of an unknown recording gets its name; then the names of the cues are compared with the truth."""
        for cluster in found:
            if cluster["unknown"]:
                self.run("unknown", "label", cluster["cluster"], "--title", cluster["about"], "--artist", "Made Up")
        return score.sheet([u for u in self.uses if self.is_unknown(u)], [c for c in self.cues() if c.title in self.unknown_titles()])

    def unknown_titles(self):
        return {r.title for r in self.pool.unknown}

    def rematch(self):
        """In a copy of the store: the catalogue gets what it lacked, and the archive is matched again."""
        for name in self.folder.glob("day.db*"):
            if name.is_file():
                shutil.copy(name, self.folder / name.name.replace("day.db", "grown.db"))
        with open(self.folder / "left-out.csv", "w", encoding="utf-8", newline="") as out:
            table = csv.writer(out)
            table.writerow(["file", "title"])
            table.writerows([f"{i:03}.wav", r.title] for i, r in enumerate(self.pool.unknown))
        self.run("catalogue", "add", self.folder / "left-out", "--metadata", self.folder / "left-out.csv", store="grown")
        self.run("reidentify", "--unknown", store="grown")
        cues = [c for c in self.cues(store="grown") if c.title in self.unknown_titles()]
        return score.sheet([u for u in self.uses if self.is_unknown(u)], cues)

    def judge(self):
        cues = self.cues()
        known = [u for u in self.uses if not self.is_unknown(u)]
        result = {"hours": self.hours, "channels": len(self.channels), "separator": self.options.separator, "seed": self.options.seed,
                  "audio": "dev split" if self.options.audio else "made up", "uses": len(self.uses), "gaps": sum(len(c.gaps) for c in self.channels),
                  "programmes": sum(len(c.programmes) for c in self.channels), "sheet": score.sheet(known, cues),
                  "programme_times": score.programmes(self.channels, [c for c in cues if c.outcome == "identified"])}
        if self.channels[0].gaps:
            result["audit"] = self.audit()
        found, recall = self.unknown()
        result["clusters"] = {"recordings": recall, "found": [{k: c[k] for k in ("cluster", "airings", "about", "other", "unknown")} for c in found]}
        result["rematched"] = self.rematch()
        result["relabelled"] = self.relabel(found)
        result["cpu_s"] = {k: round(v, 1) for k, v in self.cpu_s.items()}
        return result


# --- the report ------------------------------------------------------------------------------------


TITLE = """# A made-up day

What `tests/integration/day/day.py` said of a day whose truth is known (`--help` has the options). A use is *found* if its recording
is named for at least half of it; what fades is over when it is 20 dB below its usual level. *Use* of a cue is compared with the
same rule applied to the true stems.

"""


def percent(part, whole):
    return f"{100 * part / whole:.1f} %" if whole else "–"


def sheet_table(sheet):
    yield "| uses | number | found | start within 1 s | end within 1 s | seconds | covered |"
    yield "|---|---|---|---|---|---|---|"
    for name, r in sheet["groups"].items():
        yield (f"| {name} | {r['uses']:.0f} | {percent(r['found'], r['uses'])} | {percent(r['start'], r['found'])} | "
               f"{percent(r['end'], r['found'])} | {r['seconds']:.0f} | {percent(r['covered'], r['seconds'])} |")
    yield ""
    yield f"{len(sheet['false_cues'])} cues of what was not on air; {sheet['false_seconds']:.0f} of {sheet['identified_seconds']:.0f} s too much."


def describe(result):
    yield (f"{result['channels']} channels of {result['hours']:g} h ({result['audio']}, separator {result['separator']}, seed "
           f"{result['seed']}): {result['programmes']} programmes, {result['uses']} uses of music, {result['gaps']} gaps.")
    yield ""
    yield from sheet_table(result["sheet"])
    p = result["programme_times"]
    yield f"Programme, episode and time in the programme right: {p['right']} of {p['cues']} cues."
    if result["separator"] != "none":
        yield ""
        yield "| use, by the stems | use, by the cue | cues |"
        yield "|---|---|---|"
        for row in result["sheet"]["use"]:
            yield f"| {row['true']} | {row['cue']} | {row['cues']} |"
    if "audit" in result:
        a = result["audit"]
        yield ""
        yield f"Audit of {a['claims']} claims: {a['matched']} matched, {len(a['else'])} findings that nobody planted."
        if a["recognition_off"]:
            yield ("Where the recognition missed the music or was off by more than a second: "
                   + ", ".join(f"{n} {outcome}" for outcome, n in sorted(a["recognition_off"].items())) + ".")
        yield ""
        yield "| planted | outcome | number | found |"
        yield "|---|---|---|---|"
        for row in a["planted"]:
            yield f"| {row['what']} | {row['outcome']} | {row['planted']} | {row['found']} |"
    yield ""
    yield "| not in the catalogue | uses | clusters of it | uses in the largest |"
    yield "|---|---|---|---|"
    for row in result["clusters"]["recordings"]:
        yield f"| {row['title']} | {row['uses']} | {row['clusters']} | {row['in_largest']} |"
    found = result["clusters"]["found"]
    yield ""
    yield (f"{len(found)} clusters of two airings or more, {sum(c['other'] > 0 for c in found)} of them with airings of something else "
           f"({sum(c['other'] for c in found)} of {sum(c['airings'] for c in found)} airings).")
    for name, sheet in (("After labelling", result["relabelled"]), ("Matched again with the whole catalogue", result["rematched"])):
        yield ""
        yield f"{name}:"
        yield ""
        yield from sheet_table(sheet)


def problems(result):
    """What is not right. Made-up music is loud and clean, so all of it must be; but music that the catalogue lacks may lose what
    lies within a window of an identified cue, and a short use with it."""
    for name, least in (("sheet", 1), ("relabelled", 0.7), ("rematched", 0.7)):
        r = result[name]["groups"].get("all", {"uses": 0})
        if r["uses"] == 0 or r["found"] < least * r["uses"]:
            yield f"{name}: {r}"
        if result[name]["false_cues"]:
            yield f"{name}: not on air: {result[name]['false_cues']}"
    r = result["sheet"]["groups"]["all"]
    if r["start"] < 0.9 * r["uses"] or r["end"] < 0.7 * r["uses"] or r["covered"] < 0.97 * r["seconds"]:
        yield f"times: {r}"
    if result["programme_times"]["right"] != result["programme_times"]["cues"]:
        yield f"programmes: {result['programme_times']}"
    a = result["audit"]
    if len({row["what"] for row in a["planted"]}) < 12 or any(row["found"] < row["planted"] for row in a["planted"]):
        yield f"planted errors: {a['planted']}"
    if a["else"]:
        yield f"not planted: {a['else']}"
    if any(c["other"] for c in result["clusters"]["found"]):
        yield f"clusters: {result['clusters']['found']}"
    if any(r["in_largest"] < 2 for r in result["clusters"]["recordings"]):
        yield f"clusters: {result['clusters']['recordings']}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--undertone", required=True)
    parser.add_argument("--audio", type=pathlib.Path, help="a corpus with manifest.csv, such as ../shared/audio; its dev split is on air")
    parser.add_argument("--hours", type=int, default=24, help="of each channel")
    parser.add_argument("--minutes", type=int, help="instead")
    parser.add_argument("--channels", type=int, default=3, choices=(1, 2, 3))
    parser.add_argument("--gaps", type=int, default=2, help="in each channel's capture")
    parser.add_argument("--unknown", type=int, default=6, help="recordings on air that the catalogue lacks")
    parser.add_argument("--levels", type=float, nargs="+", help="dB of background music above speech; default: -6 to -18")
    parser.add_argument("--separator", default="none", help="a model, or none: mixture only")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--check", action="store_true", help="exit 1 unless everything is right")
    parser.add_argument("-o", "--output", help="writes OUTPUT.json and OUTPUT.md")
    parser.add_argument("--folder", help="works there and keeps what it made")
    options = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    folder = pathlib.Path(options.folder or tempfile.mkdtemp(prefix="ut-day-"))
    try:
        day = Day(options, folder)
        for step in (day.write_tracks, day.write_air, day.write_guides, day.work):
            before = time.monotonic()
            step()
            print(f"{step.__name__}: {time.monotonic() - before:.0f} s", file=sys.stderr)
        result = day.judge()
    finally:
        if not options.folder:
            shutil.rmtree(folder, ignore_errors=True)
    text = "\n".join(describe(result))
    print(text)
    if options.output:
        pathlib.Path(options.output + ".json").write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", "utf-8")
        pathlib.Path(options.output + ".md").write_text(TITLE + text + "\n", "utf-8")
    wrong = list(problems(result)) if options.check else []
    for line in wrong:
        print(f"WRONG: {line}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
