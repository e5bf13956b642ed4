#!/usr/bin/env python3
"""Cue sheets in every profile, read back, and what `cuesheet validate` finds: sheets.py UNDERTONE AIR_STORE SOURCE.
Prints nothing and exits 0 if all is well. With soffice at hand the workbook is recalculated too."""
import csv
import html.parser
import io
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

import jsonschema
import openpyxl

undertone, air_store, source = sys.argv[1:4]
scratch = tempfile.TemporaryDirectory()
folder = pathlib.Path(scratch.name)
store = f"sqlite:{folder}/air.db"


def run(*arguments, status=0):
    done = subprocess.run([undertone, *map(str, arguments), "--store", store], capture_output=True)
    if done.returncode != status:
        sys.exit(f"{arguments}: status {done.returncode}, wanted {status}: {done.stdout.decode()}{done.stderr.decode()}")
    return (done.stdout + done.stderr if status == 2 else done.stdout).decode("utf-8")


def expect(what, got, wanted):
    if got != wanted:
        sys.exit(f"{what}: got {got!r}, wanted {wanted!r}")


def findings(*arguments, status):
    return [json.loads(line) for line in run("cuesheet", "validate", *arguments, "--json", status=status).splitlines()]


script = """recording =SUM(A1) GBAYE0000351 - composer Ada_Lee 00017798450 PRS 0.5 publisher Big_<House>_&_Sons 00000000000 PRS 0.5
recording Library_Bed GBAYE0000352 KPM author Bob_Roe - GEMA 0.6
segment news1 2026-11-21T20:00:00Z 3600
gap news1 2026-11-21T20:40:00Z 30
airplay news1 2026-11-21T20:15:10.400Z 10.2 1 -30 -24
airplay news1 2026-11-21T20:15:21.600Z 9 1 -30 -24
airplay news1 2026-11-21T20:20:00.600Z 0.7 2 -20 -60
airplay news1 2026-11-21T20:25:00.500Z 20.5 1 -24 -24
airplay news1 2026-11-21T20:30:00.250Z 5 0 -24 -24
airplay news1 2026-11-21T20:50:00Z 30 2 -20 -60
"""
subprocess.run([air_store, store], input=script, text=True, check=True)
(folder / "run.csv").write_text("start,end,title,episode no,company\n2026-11-21T20:15:00Z,2026-11-21T20:45:00Z,Tonight,7,Maker\n")
run("programmes", "import", folder / "run.csv", "--channel", "news1")
tonight = ("--channel", "news1", "--programme", "Tonight")

names = [json.loads(line)["name"] for line in run("cuesheet", "profiles", "--json").splitlines()]
expect("profiles", names, ["ddex-json", "generic-csv", "html", "json", "rapidcue-csv", "rapidcue-xlsx", "uk"])

# RapidCue: header from the programme, totals as formulas over what is printed
book = folder / "tonight.xlsx"
run("cuesheet", "export", *tonight, "--profile", "rapidcue-xlsx", "-o", book)
sheet = openpyxl.load_workbook(book, data_only=True).worksheets[0]
expect("header", [sheet[c].value for c in ("N4", "N8", "N11", "D8", "D13", "F13")], ["Tonight", "7", "Maker", "2026-11-21", 30, 0])
seconds = [60 * (sheet.cell(r, 10).value or 0) + (sheet.cell(r, 11).value or 0) for r in range(20, 1000)]
expect("durations", [s for s in seconds if s], [20, 1, 21, 5])
expect("total", 60 * sheet["D14"].value + sheet["F14"].value, sum(seconds))
expect("formula", openpyxl.load_workbook(book).worksheets[0]["F14"].value, "=MOD(60*SUM(J20:J999)+SUM(K20:K999),60)")
expect("no formula", openpyxl.load_workbook(book).worksheets[0]["B20"].data_type, "s")
if shutil.which("soffice"):
    subprocess.run(["soffice", "--headless", f"-env:UserInstallation=file://{folder}/office", "--convert-to", "csv",
                    "--outdir", folder, book], check=True, capture_output=True)
    cells = list(csv.reader((folder / "tonight.csv").read_text("utf-8").splitlines()))
    expect("LibreOffice's total", (cells[13][3], cells[13][5]), ("0", "47"))

# one row per work
table = list(csv.DictReader(io.StringIO(run("cuesheet", "export", *tonight, "--profile", "uk"))))
expect("works", [(r["Title"], r["Uses"], r["Duration"], r["Time codes"]) for r in table], [
    ("'=SUM(A1)", "2", "00:00:41", "00:00:10-00:00:30; 00:10:01-00:10:22"), ("Library Bed", "1", "00:00:01", "00:05:01-00:05:02"),
    ("UNIDENTIFIED MUSIC", "1", "00:00:05", "00:15:00-00:15:05")])
expect("library", [(r["Library"], r["Catalogue No"], r["Origin"]) for r in table][:2], [("", "", "C"), ("KPM", "CD 12/3", "L")])

# everything, in milliseconds and in the channel's time
table = list(csv.DictReader(io.StringIO(run("cuesheet", "export", *tonight, "--profile", "generic-csv", "--timezone", "Europe/Berlin"))))
expect("milliseconds", [(r["In"], r["Duration"]) for r in table][0], ("00:00:10.400", "00:00:20.200"))
expect("wall clock", table[0]["On air from"], "2026-11-21T21:15:10.400+01:00")
expect("use", [r["Use"] for r in table], ["background", "foreground", "indistinguishable", "indistinguishable"])


class Page(html.parser.HTMLParser):
    cells, inside = [], False

    def handle_starttag(self, tag, attributes):
        self.inside = tag == "td"
        if self.inside:
            self.cells.append("")

    def handle_data(self, data):
        if self.inside:
            self.cells[-1] += data

    def handle_endtag(self, tag):
        self.inside = False


page = Page()
page.feed(run("cuesheet", "export", *tonight, "--profile", "html"))
expect("escaped", page.cells[4], "Big <House> & Sons")
expect("page total", page.cells[-1], "Total 00:00:47")

text = run("cuesheet", "export", *tonight, "--profile", "ddex-json")
document = json.loads(text)
jsonschema.Draft202012Validator(json.loads((pathlib.Path(source) / "configs/schemas/cuesheet.v1.json").read_text())).validate(document)
expect("facets", [(c["facets"]["use_type"], c["facets"]["cue_origin"]) for c in document["cues"]],
       [("Background", "Preexisting"), (None, "Library"), (None, "Preexisting"), (None, "Unknown")])
expect("airing", (document["programme"]["title"], document["programme"]["boundary"]), ("Tonight", "logged"))

# a profile of one's own: rounding, minimum length, merging
(folder / "own.yaml").write_text("title: Own\nround_s: 5\nrounding: up\nmin_length_s: 1\nmerge_gap_s: 0.5\ntimes: seconds\n"
                                 "columns: [S = in, D = duration]\n")
expect("own", run("cuesheet", "export", *tonight, "--profile", folder / "own.yaml"),
       "S,D\r\n15,15\r\n25,10\r\n605,25\r\n905,5\r\n")
for text, wanted in [("title: x\n", "columns: missing"), ("title: x\ncolumns: [A = colour]\n", 'no field "colour"'),
                     ("title: x\nlayout: circus\n", "allowed: rapidcue|columns|json"), ("colour: red\n", "no such key"),
                     ("title: x\nlayout: rapidcue\nround_s: 0.5\n", "whole seconds"),
                     ("title: x\ncolumns: [A = in]\nbackground_lu: 9\n", "above foreground_lu")]:
    (folder / "bad.yaml").write_text(text)
    said = run("cuesheet", "export", *tonight, "--profile", folder / "bad.yaml", status=2)
    if wanted not in said:
        sys.exit(f"{text!r}: {said}")

# what is missing
found = findings(*tonight, "--profile", "rapidcue-xlsx", status=1)
expect("of the store", [(f["level"], f["code"], f["row"], f["cue"]) for f in found], [
    ("error", "identifier", 20, 1), ("error", "missing", 22, 2), ("error", "shares", 22, 2), ("error", "identifier", 23, 3),
    ("warning", "unidentified", 25, 4), ("warning", "gap", 0, 0)])
if "Bob Roe" not in found[1]["text"] or "60 %" not in found[2]["text"] or not all(f["remedy"] for f in found):
    sys.exit(str(found))
(folder / "tonight.json").write_text(text := json.dumps(document))
again = findings(folder / "tonight.json", "--profile", "rapidcue-xlsx", status=1)
expect("of the file", again, found)
(folder / "rapid.csv").write_text(run("cuesheet", "export", *tonight, "--profile", "rapidcue-csv"), newline="")
of_csv = findings(folder / "rapid.csv", "--profile", "rapidcue-csv", status=1)
expect("of the CSV", [(f["code"], f["row"]) for f in of_csv], [("identifier", 2), ("missing", 4), ("shares", 4), ("identifier", 5), ("unidentified", 7)])

# the workbook is read back by its cells, with header and total
again = findings(book, status=1)
expect("of the workbook", [(f["code"], f["row"]) for f in again], [(f["code"], f["row"]) for f in found if f["code"] != "gap"])
edited = openpyxl.load_workbook(book)
edited.worksheets[0]["N4"] = None
edited.worksheets[0]["K20"] = 50
edited.worksheets[0]["D14"], edited.worksheets[0]["F14"] = 0, 47
edited.worksheets[0]["R20"] = 0.25
edited.save(folder / "edited.xlsx")
codes = [(f["code"], f["row"]) for f in findings(folder / "edited.xlsx", "--profile", "rapidcue-xlsx", status=1)]
for wanted in (("times", 20), ("shares", 20), ("missing", 0), ("total", 0)):
    if wanted not in codes:
        sys.exit(f"the edited workbook: no {wanted} in {codes}")
(folder / "columns.yaml").write_text("title: Columns\nformat: xlsx\ncolumns: [Title = title, In = in, Out = out]\n")
run("cuesheet", "export", *tonight, "--profile", folder / "columns.yaml", "-o", folder / "columns.xlsx")
columns = findings(folder / "columns.xlsx", "--profile", folder / "columns.yaml", status=0)
expect("of a column profile's workbook", [f["code"] for f in columns], ["unidentified"])

broken = json.loads(text)
cue = broken["cues"][0]
cue["in_ms"], cue["out_ms"], cue["duration_ms"] = -5000, 1000, 30000
broken["cues"][2]["out_ms"] += 3600000
broken["cues"][2]["duration_ms"] += 3600000
(folder / "broken.json").write_text(json.dumps(broken))
times = [f["text"] for f in findings(folder / "broken.json", "--profile", "json", status=1) if f["code"] == "times"]
expect("impossible times", [t.split()[0] for t in times], ["begins", "out", "ends"])
broken["cues"][2].update(in_ms=500, out_ms=900, duration_ms=400)
(folder / "broken.json").write_text(json.dumps(broken))
expect("overlap", [f["cue"] for f in findings(folder / "broken.json", "--profile", "json", status=1) if f["code"] == "overlap"], [3])
for name, content in [("a.json", b'{"cues": 7}'), ("b.json", b"{"), ("c.csv", b"x,y\n1,2\n"), ("d.csv", b"\xff\xfe"), ("e.xlsx", b"PK\x03\x04"),
                      ("f.csv", (folder / "rapid.csv").read_bytes().replace(b"BI,0,", b"BI,soon,", 1))]:
    (folder / name).write_bytes(content)
    run("cuesheet", "validate", folder / name, status=1)
run("cuesheet", "export", "--channel", "news1", "--programme", "Nothing", status=1)
run("cuesheet", "export", "--channel", "news1", status=2)
