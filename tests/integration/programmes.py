#!/usr/bin/env python3
"""Programmes from files to cues: programmes.py UNDERTONE AIR_STORE. Prints nothing and exits 0 if all is well."""
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
    return done.stdout + done.stderr if status else done.stdout


def lines(*arguments):
    return [json.loads(line) for line in run(*arguments, "--json").splitlines()]


def expect(what, got, wanted):
    if got != wanted:
        sys.exit(f"{what}: got {got!r}, wanted {wanted!r}")


script = """recording Song - -
segment news1 2026-10-24T22:00:00Z 14400
airplay news1 2026-10-25T00:10:00Z 30 1 -30 -24
airplay news1 2026-10-25T01:10:00.250Z 20 0 -20 -70
"""
subprocess.run([air_store, store], input=script, text=True, check=True)

(folder / "run.csv").write_text("date;start;end;title;episode no\n2026-10-25;02:00;03:00;First;1\n"
                                "2026-10-25;02:00;03:00;Second;2\n", "utf-8")
(folder / "config.yaml").write_text("channels:\n- {id: news1, uri: x, timezone: Europe/Berlin, day_start: '06:00'}\n")
config = ("--config", folder / "config.yaml")
expect("dry run", lines("programmes", "import", folder / "run.csv", "--channel", "news1", *config, "--dry-run")[0]["added"], 2)
expect("nothing written", lines("programmes", "list"), [])
expect("import", lines("programmes", "import", folder / "run.csv", "--channel", "news1", *config)[0]["added"], 2)
again = lines("programmes", "import", folder / "run.csv", "--channel", "news1", *config)[0]
expect("again", (again["added"], again["unchanged"], again["replaced"]), (0, 2, 0))

shown = lines("programmes", "list", "--channel", "news1", "--day", "2026-10-24", *config)
expect("titles", [p["title"] for p in shown], ["First", "Second"])
expect("local", [p["start_local"] for p in shown], ["2026-10-25T02:00:00.000+02:00", "2026-10-25T02:00:00.000+01:00"])
expect("the next day", lines("programmes", "list", "--channel", "news1", "--day", "2026-10-25", *config), [])

cues = lines("cues", "list", "--channel", "news1", "--day", "2026-10-24", *config)
expect("cue programmes", [c["programme"]["title"] for c in cues], ["First", "Second"])
expect("in", [c["programme"]["in_ms"] for c in cues], [600000, 600250])
expect("wall clock", cues[1]["start_local"], "2026-10-25T02:10:00.250+01:00")

guide = f"""<tv><programme channel="a" start="20261024220000" stop="20261025003000"><title>Evening</title></programme>
<programme channel="a" start="20261025003000" stop="20261025040000"><title>Night</title></programme></tv>"""
(folder / "guide.xml").write_text(guide)
made = lines("programmes", "import", folder / "guide.xml", "--channel", "news1", *config)[0]
expect("the log wins", made["refused"], 2)
expect("both", [p["title"] for p in lines("programmes", "list")], ["Evening", "First", "Second", "Night"])
number = lines("programmes", "list")[3]["airing_id"]
run("programmes", "remove", number)
expect("removed", [p["title"] for p in lines("programmes", "list")], ["Evening", "First", "Second"])

(folder / "bomb.xml").write_text('<!DOCTYPE tv [<!ENTITY a "aaaa">]><tv>&a;</tv>')
for bad, wanted in [("bomb.xml", "defines the entity"), ("absent.csv", "No such file")]:
    said = run("programmes", "import", folder / bad, "--channel", "news1", status=1)
    if wanted not in said:
        sys.exit(f"{bad}: {said}")
said = run("programmes", "import", folder / "run.csv", "--channel", "news1", "--timezone", "Mars/Base", status=2)
if "Mars/Base" not in said:
    sys.exit(said)
expect("still", len(lines("programmes", "list")), 3)
