#!/usr/bin/env python3
"""Reads the reports that test_audit made with independent libraries: check_audit.py SCHEMAS FOLDER. Exits 0 if they
say the same and the JSON is as its schema says."""
import csv
import html.parser
import json
import pathlib
import sys

import jsonschema
import openpyxl

schemas, folder = map(pathlib.Path, sys.argv[1:3])


def expect(what, got, wanted):
    if got != wanted:
        sys.exit(f"{what}: got {got!r}, wanted {wanted!r}")


report = json.loads((folder / "out").read_text("utf-8"))
schema = json.loads((schemas / "audit.v1.json").read_text("utf-8"))
jsonschema.Draft202012Validator.check_schema(schema)
jsonschema.Draft202012Validator(schema).validate(report)

sums = {}
for finding in report["findings"]:
    entry = sums.setdefault(finding["outcome"], {"count": 0, "seconds": 0.0})
    entry["count"] += 1
    entry["seconds"] += finding["claimed_s"] if finding["claim"] else finding["detected_s"]
for outcome, entry in report["summary"]["outcomes"].items():
    wanted = sums.get(outcome, {"count": 0, "seconds": 0.0})
    expect(f"{outcome}: count", entry["count"], wanted["count"])
    expect(f"{outcome}: seconds", round(entry["seconds"], 2), round(wanted["seconds"], 2))

# What is claimed in all is what the societies add up to: every claim names one.
claimed = sum(f["claimed_s"] for f in report["findings"] if f["claim"])
expect("societies", round(sum(s["claimed_s"] for s in report["societies"]), 2), round(claimed, 2))
for total in report["parties"]:
    parts = ["confirmed_s", "wrong_recording_s", "claimed_twice_s", "undecided_s", "no_music_s"]
    if sum(total[p] for p in parts) > total["claimed_s"] + 0.01:
        sys.exit(f"party {total['name']}: more is judged than claimed")

table = list(csv.DictReader((folder / "audit.csv").read_text("utf-8").splitlines()))
expect("CSV rows", len(table), len(report["findings"]))
for row, finding in zip(table, report["findings"]):
    expect("CSV claim row", row["Claim row"], str(finding["claim"]["row"]) if finding["claim"] else "")
    expect("CSV cues", row["Cue ids"].split(), [cue["id"] for cue in finding["cues"]])
    expect("CSV against", row["Counts against claimant"] == "yes", finding["counts_against_claimant"])
    expect("CSV seconds", float(row["Claimed s"] or 0), finding["claimed_s"])

book = openpyxl.load_workbook(folder / "audit.xlsx")
expect("sheets", book.sheetnames, ["Summary", "Findings", "Societies", "Parties", "Cues"])
sheet = book["Findings"]
expect("XLSX rows", sheet.max_row, 1 + len(table))
head = [cell.value for cell in sheet[1]]
expect("XLSX columns", head, list(table[0]))
for row, wanted in zip(sheet.iter_rows(min_row=2), table):
    got = {name: cell.value for name, cell in zip(head, row)}
    for name, value in wanted.items():
        number = isinstance(got[name], (int, float))
        expect(f"XLSX {name}", float(got[name]) if number else got[name] or "", float(value) if number else value)
    if wanted["Cue ids"]:
        link = row[head.index("Cue ids")].hyperlink.location
        expect("XLSX link", book["Cues"][link.split("!")[1]].value, wanted["Cue ids"].split()[0])
expect("XLSX societies", [r[0].value for r in book["Societies"].iter_rows(min_row=2)],
       [s["society"] or "(not stated)" for s in report["societies"]])


class Page(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.ids, self.links, self.outside, self.open = set(), [], [], []

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag not in ("meta", "br"):
            self.open.append(tag)
        self.ids.add(attrs.get("id"))
        self.links += [attrs["href"]] if tag == "a" else []
        self.outside += [v for k, v in attrs.items() if k in ("src", "href") and not v.startswith("#")]

    def handle_endtag(self, tag):
        expect("HTML nesting", tag, self.open.pop())


page = Page()
page.feed((folder / "audit.html").read_text("utf-8"))
expect("HTML is whole", page.open, [])
expect("HTML needs nothing", page.outside, [])
expect("HTML links", [link[5:] for link in page.links], [c["id"] for f in report["findings"] for c in f["cues"]])
missing = [link for link in page.links if link[1:] not in page.ids]
expect("HTML links that lead nowhere", missing, [])
expect("HTML findings", len([i for i in page.ids if i and i.startswith("finding-")]), len(report["findings"]))

report["findings"][0]["outcome"] = "perhaps"
if jsonschema.Draft202012Validator(schema).is_valid(report):
    sys.exit("the schema admits anything")
