#!/usr/bin/env python3
"""Reads back what test_sheet wrote: check_sheet.py SCHEMAS FOLDER. Prints nothing and exits 0 if all is as it should be."""
import csv
import json
import pathlib
import sys

import jsonschema
import openpyxl

schemas, folder = map(pathlib.Path, sys.argv[1:3])


def cells(sheet, row):
    return [sheet.cell(row, column).value for column in range(1, 19)]


def expect(what, got, wanted):
    if got != wanted:
        sys.exit(f"{what}: got {got!r}, wanted {wanted!r}")


book = openpyxl.load_workbook(folder / "sheet.xlsx", data_only=True)
sheet = book.worksheets[0]
for cell, wanted in {
    "N4": "Tonight =1+1", "N6": "Pilot", "N8": "007", "N13": "Desk", "D4": "Original", "D5": "2026-11-21",
    "D8": "2026-11-20", "D11": "One", "D13": 30, "F13": 0, "D14": 2, "F14": 29, "N5": None,
}.items():
    expect(cell, sheet[cell].value, wanted)
expect("P hidden", sheet.column_dimensions["P"].hidden, True)
expect("P19", sheet["P19"].value, "Publisher")
rows = [
    [1, "=HYPERLINK(\"x\")", "BI", 0, 0, 1, 0, 2, 7, 2, 6, "C", "Ada", "Löv,elace".replace(",", ""), None, "00012345678", "STIM", 0.5],
    [1, "=HYPERLINK(\"x\")", "BI", None, None, None, None, None, None, None, None, "E", None, None, "Ng & Sons, Ltd",
     "00000000199", "ASCAP", 0.5],
    [2, "UNIDENTIFIED MUSIC", "BI", 0, 5, 0, 0, 5, 3, 0, 3] + [None] * 7,
    [3, "UNRESOLVED MUSIC (possibly Second)", "BI", 1, 1, 1, 1, 1, 21, 0, 20] + [None] * 7,
]
for i, wanted in enumerate(rows):
    expect(f"row {20 + i}", cells(sheet, 20 + i), wanted)
expect("after the rows", cells(sheet, 20 + len(rows)), [None] * 18)
expect("IPI is text", sheet["P20"].data_type, "s")
expect("title is text", sheet["B20"].data_type, "s")
total = sum(60 * (sheet.cell(r, 10).value or 0) + (sheet.cell(r, 11).value or 0) for r in range(20, 1000))
expect("total of the rows", total, 60 * sheet["D14"].value + sheet["F14"].value)

raw = (folder / "sheet.csv").read_bytes()
expect("line ends", raw.count(b"\n"), raw.count(b"\r\n"))
table = list(csv.reader(raw.decode("utf-8").splitlines(keepends=True)))
for i, wanted in enumerate(rows):
    texts = ["" if value is None else str(value) for value in wanted]
    if texts[1].startswith("="):
        texts[1] = "'" + texts[1]
    expect(f"CSV row {i + 1}", table[i + 1], texts)
expect("CSV rows", len(table), 1 + len(rows))

document = json.loads((folder / "sheet.json").read_text("utf-8"))
schema = json.loads((schemas / "cuesheet.v1.json").read_text("utf-8"))
jsonschema.Draft202012Validator.check_schema(schema)
jsonschema.Draft202012Validator(schema).validate(document)
expect("JSON total", document["printed_total_s"], total)
expect("JSON start", document["cues"][0]["start_utc"], "2026-11-20T20:00:01.499999999Z")
expect("JSON loudness", document["cues"][0]["loudness"]["delta_lu"], -6.25)
expect("JSON not measured", document["cues"][1]["loudness"]["delta_lu"], None)
expect("JSON IPI", document["cues"][0]["recording"]["work"]["parties"][0]["ipi"], "00012345678")
expect("JSON gap", document["gaps"][0]["reason"], "no-data")
document["cues"][0]["outcome"] = "perhaps"
if jsonschema.Draft202012Validator(schema).is_valid(document):
    sys.exit("the schema admits anything")
