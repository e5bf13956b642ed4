#!/usr/bin/env python3
"""Unknown music on a small made-up archive of two channels: kept, matched again when the catalogue has grown.

    tests/integration/unknown.py --undertone build/cpu/undertone
"""
import argparse
import array
import json
import math
import pathlib
import random
import subprocess
import sys
import tempfile
import wave

from soak import noise, write_wav, RATE

START = "2026-11-21T06:00:00Z"
SLOT = RATE // 2  # a note


def compose(rng, seconds):
    """Chords of held notes on a scale of its own: what the recogniser takes for music even where it knows none of it."""
    scale = [110 * 2 ** (rng.randrange(48) / 12) * (1 + rng.random() / 50) for _ in range(12)]
    notes = [[sum(math.sin(2 * math.pi * freq * k * n / RATE) / k for k in (1, 2, 3)) * math.exp(-n / SLOT) * 3000
              for n in range(SLOT)] for freq in scale]
    samples = array.array("h")
    for _ in range(seconds * RATE // SLOT):
        samples.extend(int(a + b + c) for a, b, c in zip(*rng.sample(notes, 3)))
    return samples.tobytes()


class Archive:
    def __init__(self, undertone, folder):
        self.undertone = undertone
        self.folder = folder
        rng = random.Random(11)
        self.tracks = [compose(rng, 60) for _ in range(4)]  # 0 to 2 are in the catalogue
        self.pause = noise(rng, 20)
        (folder / "tracks").mkdir()
        for i, track in enumerate(self.tracks):
            write_wav(folder / "tracks" / f"track-{i}.wav", [track])
        self.channel("one", [(0, 25, 5), (3, 30, 10), (1, 20, 0), (3, 25, 12)])
        self.channel("two", [(2, 20, 8), (3, 35, 8)])

    def channel(self, name, plan):
        parts = [self.pause]
        for track, seconds, begin in plan:
            parts += [self.tracks[track][2 * RATE * begin:2 * RATE * (begin + seconds)], self.pause]
        write_wav(self.folder / f"{name}.wav", parts)

    def run(self, *arguments, store="archive", status=0):
        command = [self.undertone, *map(str, arguments), "--store", f"sqlite:{self.folder}/{store}.db", "--json"]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert done.returncode == status, (command, done.returncode, done.stderr)
        return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]

    def add(self, *tracks, store="archive"):
        self.run("catalogue", "add", *(self.folder / "tracks" / f"track-{i}.wav" for i in tracks), store=store)

    def replay(self, store="archive"):
        for name in ("one", "two"):
            self.run("replay", self.folder / f"{name}.wav", "--channel", name, "--start", START, "--separator", "none",
                     "--jobs", 1, store=store)

    def cues(self, store="archive"):
        return self.run("cues", "list", store=store)


def title(cue):
    return cue["recording"]["title"] if cue["recording"] else None


def catalogue_grows(archive):
    archive.add(0, 1, 2)
    archive.replay()
    before = archive.cues()
    unknown = [cue for cue in before if cue["outcome"] == "unidentified"]
    assert len(unknown) == 3, before
    nothing = archive.run("reidentify", "--unknown")[0]
    assert nothing["corrected"] == nothing["added"] == 0, nothing
    assert archive.cues() == before

    archive.add(3)
    first = archive.run("reidentify", "--unknown", "--by", "Ann")[0]
    assert first["corrected"] >= 3 and first["recordings"] == 1, first
    after = archive.cues()
    assert [cue["id"] for cue in after if title(cue) == "track-3"] == [cue["id"] for cue in unknown], after
    again = archive.run("reidentify", "--unknown")[0]
    assert again["corrected"] == again["added"] == 0, again
    everything = archive.run("reidentify", "--since", START)[0]
    assert everything["stretches"] >= 3 and everything["corrected"] == everything["added"] == 0, everything
    assert archive.cues() == after
    archive.run("catalogue", "verify")

    # The same as if the catalogue had been whole from the start.
    archive.add(0, 1, 2, 3, store="whole")
    archive.replay(store="whole")
    whole = [cue for cue in archive.cues(store="whole") if title(cue)]
    later = [cue for cue in after if title(cue)]
    assert [(cue["channel"], title(cue)) for cue in later] == [(cue["channel"], title(cue)) for cue in whole], (later, whole)
    for a, b in zip(later, whole):
        assert abs(a["in_ms"] - b["in_ms"]) < 500 and abs(a["out_ms"] - b["out_ms"]) < 1500, (a, b)


def tune_is_labelled(archive):
    archive.add(0, 1, 2, store="labelled")
    archive.replay(store="labelled")
    unknown = {cue["id"] for cue in archive.cues(store="labelled") if cue["outcome"] == "unidentified"}
    tunes = archive.run("unknown", "list", store="labelled")
    tune = tunes[0]
    assert tune["airings"] >= 3 and tune["channels"] == 2 and tune["title"] is None, tunes
    assert [t["airtime_s"] for t in tunes] == sorted((t["airtime_s"] for t in tunes), reverse=True)
    assert archive.run("unknown", "list", store="labelled") == tunes  # nothing new, nothing else
    shown = archive.run("unknown", "show", tune["cluster"], store="labelled")[0]["heard"]
    heard = {airing["cue_id"] for airing in shown}  # one of the three may be in two parts, which are one cue
    assert len(heard & unknown) == 3 and {airing["channel"] for airing in shown} == {"one", "two"}, shown

    said = archive.run("unknown", "label", tune["cluster"], "--title", "Signature", "--artist", "House Band", "--by", "Ann",
                       store="labelled")[0]
    assert said["corrected"] == len(heard), said
    named = [cue for cue in archive.cues(store="labelled") if title(cue) == "Signature"]
    assert {cue["id"] for cue in named} <= heard and len(named) == 3, named
    assert tune["cluster"] not in [t["cluster"] for t in archive.run("unknown", "list", store="labelled")]
    labelled = archive.run("unknown", "list", "--labelled", store="labelled")
    assert [t["title"] for t in labelled if t["cluster"] == tune["cluster"]] == ["Signature"], labelled

    # Heard again, it is recognised at once.
    archive.channel("three", [(3, 30, 6)])
    archive.run("replay", archive.folder / "three.wav", "--channel", "three", "--start", START, "--separator", "none",
                store="labelled")
    assert "Signature" in [title(cue) for cue in archive.cues(store="labelled") if cue["channel"] == "three"]
    archive.run("unknown", "label", 99999, "--title", "x", store="labelled", status=1)
    archive.run("unknown", "label", tune["cluster"], store="labelled", status=2)
    archive.run("catalogue", "verify", store="labelled")


def rules_run_by_themselves(archive):
    """In a store that has rules before it has cues."""
    archive.add(0, 1, 2, store="ruled")
    archive.run("rules", "add", "--ignore", "--recording", 1, "--channel", "one", "--why", "jingle", "--by", "Ann", store="ruled")
    archive.run("rules", "add", "--approve", "--max-log10-e", "-9", "--by", "Bob", store="ruled")
    archive.replay(store="ruled")
    cues = archive.run("cues", "list", "--rejected", store="ruled")
    known = {(title(cue), cue["status"]) for cue in cues if title(cue)}
    assert known == {("track-0", "rejected"), ("track-1", "approved"), ("track-2", "approved")}, known
    jingle = next(cue["id"] for cue in cues if title(cue) == "track-0")
    past = archive.run("cues", "history", jingle, store="ruled")
    assert [(r["status"], r["cause"], r["who"]) for r in past[1:]] == [("rejected", "rule", "Ann")], past
    assert archive.run("rules", "apply", store="ruled")[0] == {"approved": 0, "rejected": 0}
    assert archive.run("rules", "remove", 1, "--revert", store="ruled")[0]["reverted"] == 1
    assert "final" in {cue["status"] for cue in archive.cues(store="ruled") if title(cue) == "track-0"}


def cue_of(archive, cue_id, *options):
    found = [cue for cue in archive.run("cues", "list", *options, store="whole") if cue["id"] == cue_id]
    return found[0] if found else None


def cues_are_reviewed(archive):
    """On the store that catalogue_grows made."""
    cues = archive.cues(store="whole")
    by_title = {title(cue): cue["id"] for cue in cues}
    first, second, third = by_title["track-0"], by_title["track-1"], by_title["track-2"]
    assert cue_of(archive, first)["status"] == "final" and cue_of(archive, first)["revision"] == 1
    archive.run("cues", "approve", first, "--by", "Ann", "--why", "heard it", store="whole")
    assert cue_of(archive, first)["status"] == "approved"
    archive.run("cues", "edit", first, "--recording", "2", "--usage", "VI", "--by", "Bob", store="whole")
    edited = cue_of(archive, first)
    assert edited["status"] == "corrected" and edited["recording_id"] == 2 and edited["usage"]["code"] == "VI", edited
    archive.run("cues", "reject", first, store="whole")
    assert cue_of(archive, first) is None and cue_of(archive, first, "--rejected")["status"] == "rejected"
    archive.run("cues", "restore", first, "--why", "a mistake", store="whole")
    assert title(cue_of(archive, first)) == "track-0" and cue_of(archive, first)["usage"]["code"] == "BI"
    past = archive.run("cues", "history", first, store="whole")
    assert [r["status"] for r in past] == ["final", "approved", "corrected", "rejected", "final"], past
    assert [r["revision"] for r in past] == [1, 2, 3, 4, 5] and past[1]["who"] == "Ann" and past[1]["why"] == "heard it"
    assert past[2]["who"] == "Bob" and past[0]["cause"] == "recognition" and past[1]["cause"] == "person"

    # Rules leave alone what a person touched, can be taken back, and are remembered.
    jingle = [cue["recording_id"] for cue in cues if cue["id"] == second][0]
    archive.run("rules", "add", "--ignore", "--recording", jingle, "--channel", "one", "--why", "jingle", store="whole")
    archive.run("rules", "add", "--approve", "--max-log10-e", "-20", store="whole")
    plan = archive.run("rules", "apply", "--dry-run", store="whole")[0]
    done = archive.run("rules", "apply", "--by", "Eve", store="whole")[0]
    assert plan == done and done["rejected"] == 1 and done["approved"] > 0, (plan, done)
    assert archive.run("rules", "apply", store="whole")[0] == {"approved": 0, "rejected": 0}
    assert cue_of(archive, second) is None and cue_of(archive, third)["status"] == "approved"
    assert cue_of(archive, first)["status"] == "final"
    last = archive.run("cues", "history", second, store="whole")[-1]
    assert last["cause"] == "rule" and last["who"] == "Eve" and "jingle" in last["why"], last
    assert archive.run("rules", "remove", 1, "--revert", store="whole")[0]["reverted"] == 1
    assert cue_of(archive, second)["status"] == "final"
    assert [r["rule"] for r in archive.run("rules", "list", store="whole")] == [2]
    assert [r["rule"] for r in archive.run("rules", "list", "--removed", store="whole")] == [1, 2]
    archive.run("rules", "remove", 1, store="whole", status=1)
    archive.run("cues", "approve", "no-such-cue", store="whole", status=1)
    archive.run("cues", "edit", first, store="whole", status=2)
    archive.run("catalogue", "verify", store="whole")


def evidence_is_kept(archive):
    cue = [cue for cue in archive.cues(store="whole") if title(cue) == "track-2"][0]
    folder = archive.folder / "evidence"
    made = archive.run("evidence", "export", cue["id"], "-o", folder, "--separator", "none", store="whole")[0]
    assert made["audio"], made
    manifest = json.loads((folder / "manifest.json").read_text())
    assert {entry["name"] for entry in manifest["files"]} == {"mix.wav", "explain.svg", "match.json", "history.json"}, manifest
    match = json.loads((folder / "match.json").read_text())
    assert match["recording"]["title"] == "track-2" and match["log10_e"] < -9, match
    with wave.open(str(folder / "mix.wav")) as clip:
        seconds = clip.getnframes() / clip.getframerate()
        assert abs(seconds - cue["duration_ms"] / 1000 - 6) < 0.1, seconds
    check_schema(manifest)
    good = ("evidence", "verify", folder, "--sha256", made["manifest_sha256"])
    assert archive.run(*good, store="whole")[0]["whole"]
    archive.run("evidence", "export", cue["id"], "-o", folder, store="whole", status=1)  # not over what is there

    (folder / "match.json").write_text((folder / "match.json").read_text().replace("track-2", "track-9"))
    (folder / "history.json").unlink()
    (folder / "more.txt").write_text("x")
    told = archive.run(*good, store="whole", status=1)[0]["problems"]
    assert {(p["problem"], p["file"]) for p in told} == {("altered", "match.json"), ("missing", "history.json"),
                                                         ("added", "more.txt")}, told
    manifest["channel"] = "other"
    (folder / "manifest.json").write_text(json.dumps(manifest))
    told = archive.run(*good, store="whole", status=1)[0]["problems"]
    assert ("altered", "manifest.json") in {(p["problem"], p["file"]) for p in told}, told
    (folder / "manifest.json").write_text("{")
    archive.run("evidence", "verify", folder, store="whole", status=1)

    (archive.folder / "two.wav").unlink()  # the recording of this cue
    made = archive.run("evidence", "export", cue["id"], "-o", archive.folder / "silent", store="whole")[0]
    assert not made["audio"] and "no longer there" in made["absent_because"], made
    archive.run("evidence", "verify", archive.folder / "silent", store="whole")


def check_schema(manifest):
    try:
        import jsonschema
    except ImportError:
        return
    schema = pathlib.Path(__file__).parents[2] / "configs/schemas/evidence.v1.json"
    jsonschema.Draft202012Validator(json.loads(schema.read_text())).validate(manifest)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--undertone", required=True)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        archive = Archive(options.undertone, pathlib.Path(folder))
        catalogue_grows(archive)
        tune_is_labelled(archive)
        rules_run_by_themselves(archive)
        cues_are_reviewed(archive)
        evidence_is_kept(archive)
    print("ok")


if __name__ == "__main__":
    sys.exit(main())
