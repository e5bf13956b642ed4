#!/usr/bin/env python3
"""`report music`: every second once, the channel's days, programmes: report.py UNDERTONE AIR_STORE SOURCE."""
import csv
import io
import json
import pathlib
import subprocess
import sys
import tempfile

undertone, air_store = sys.argv[1:3]
scratch = tempfile.TemporaryDirectory()
folder = pathlib.Path(scratch.name)
store = f"sqlite:{folder}/air.db"


def run(*arguments, status=0):
    done = subprocess.run([undertone, *map(str, arguments), "--store", store], capture_output=True, text=True)
    if done.returncode != status:
        sys.exit(f"{arguments}: status {done.returncode}, wanted {status}: {done.stdout}{done.stderr}")
    return done.stdout


def expect(what, got, wanted):
    if got != wanted:
        sys.exit(f"{what}: got {got!r}, wanted {wanted!r}")


def lines(*arguments):
    return [json.loads(line) for line in run("report", "music", *arguments, "--json").splitlines()]


# An hour over the change of the clock: 01:00 to 05:00 UTC is one wall-clock night; 100 s of it are missing.
script = """recording Song - -
recording Other - -
segment one 2026-10-25T00:00:00Z 7200
segment one 2026-10-25T02:01:40Z 7100
gap one 2026-10-25T02:00:00Z 100
airplay one 2026-10-25T00:10:00Z 100 1 -30 -24 0.75
airplay one 2026-10-25T00:11:00Z 100 2 -20 -70 0.25
airplay one 2026-10-25T01:59:50Z 60 0 -24 -24 1
airplay one 2026-10-25T03:00:00Z 200 1 -20 -60 0
"""
subprocess.run([air_store, store], input=script, text=True, check=True)
(folder / "run.csv").write_text("start,end,title\n2026-10-25T00:00:00Z,2026-10-25T01:00:00Z,First\n2026-10-25T01:00:00Z,2026-10-25T04:00:00Z,Second\n")
run("programmes", "import", folder / "run.csv", "--channel", "one")

(all_of,) = lines("one", "--by", "channel")
expect("analysed", (all_of["length_s"], all_of["analysed_s"], all_of["gap_s"]), (14400, 14300, 100))
# 100 + 100 overlapping by 40 s; 60 s of which 10 s were analysed; 200 s
expect("music", all_of["music_s"], 160 + 10 + 200)
expect("use", [all_of[k + "_s"] for k in ("foreground", "background", "indistinguishable", "unknown")], [300, 60, 10, 0])
expect("identified", all_of["identified_s"], 360)
expect("percent", all_of["music_percent"], round(100 * 370 / 14300, 3))
expect("cues", all_of["cues"], 4)

days = lines("one", "--timezone", "Europe/Berlin", "--day-start", "03:00")
expect("days", [(d["group"], d["length_s"], d["music_s"]) for d in days],
       [("2026-10-24", 7200, 170), ("2026-10-25", 7200, 200)])
expect("a part of the day", lines("one", "--from", "2026-10-25T00:10:30Z", "--to", "2026-10-25T00:11:30Z")[0]["music_percent"], 100)
shown = lines("one", "--by", "programme")
expect("programmes", [(p["programme"]["title"], p["music_s"]) for p in shown], [("First", 160), ("Second", 210)])
table = list(csv.DictReader(io.StringIO(run("report", "music", "one", "--format", "csv"))))
expect("CSV", (table[0]["group"], table[0]["music_s"]), ("2026-10-25", "370.000"))
(folder / "loud.yaml").write_text("title: t\ncolumns: [A = in]\nforeground_lu: 30\nbackground_lu: -30\nspeech_floor_lufs: -70\n")
expect("the rule is the profile's", lines("one", "--by", "channel", "--profile", folder / "loud.yaml")[0]["indistinguishable_s"], 70)
cues = [json.loads(line) for line in run("cues", "list", "--json").splitlines()]
expect("speech over the cues", [c["speech_share"] for c in cues], [0.75, 0.25, 1, 0])
run("report", "music", status=2)
run("report", "music", "two", status=1)
