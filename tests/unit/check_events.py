#!/usr/bin/env python3
"""Checks lines of events against the schemas of their types: check_events.py SCHEMAS FILE.jsonl [COUNT]. Exits 0 if they fit."""
import json
import pathlib
import sys

import jsonschema

schemas, path = map(pathlib.Path, sys.argv[1:3])
lines = path.read_text("utf-8").splitlines()
if len(sys.argv) > 3 and len(lines) != int(sys.argv[3]):
    sys.exit(f"{len(lines)} events, wanted {sys.argv[3]}")
validators = {}
for line in lines:
    event = json.loads(line)
    for field in ("id", "source", "type", "subject", "time", "dataschema", "partitionkey"):
        if not isinstance(event.get(field), str) or not event[field]:
            sys.exit(f"{field} is missing: {line}")
    if event["specversion"] != "1.0" or event["dataschema"] != f"urn:undertone:schema:{event['type']}":
        sys.exit(f"not an event of ours: {line}")
    if event["type"] not in validators:
        schema = json.loads((schemas / f"{event['type']}.json").read_text("utf-8"))
        jsonschema.Draft202012Validator.check_schema(schema)
        validators[event["type"]] = jsonschema.Draft202012Validator(schema)
    validators[event["type"]].validate(event["data"])
    broken = dict(event["data"], channel={"id": 7})
    if validators[event["type"]].is_valid(broken):
        sys.exit(f"the schema of {event['type']} admits anything")
