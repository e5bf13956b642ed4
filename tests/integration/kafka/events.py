#!/usr/bin/env python3
"""Events through a real broker: form, order, topics, dead letters.

    events.py --undertone build/cpu/undertone --bootstrap FILE
"""
import argparse
import json
import pathlib
import random
import signal
import subprocess
import time

from support import START, Place, check_events, fail_unless


def publish(place):
    """Two channels at once through one outbox; what kcat then reads must be what the store holds."""
    config = place.configure()
    for channel in ("north", "south"):
        place.run("replay", place.programme(f"{channel}.wav", 90), "--channel", channel, "--start", START, "--config", config)
    pending = place.rows("SELECT id, key FROM outbox ORDER BY seq")
    fail_unless(len(pending) >= 6, f"only {len(pending)} events: nothing is shown")
    place.run("replay", place.programme("more.wav", 30), "--channel", "north", "--start", "2026-11-21T07:00:00Z", "--events",
              "kafka:", "--config", config)
    airplays = dict(place.rows("SELECT id, channel FROM airplay"))
    fail_unless(not place.rows("SELECT id FROM outbox"), "events are left in the store")
    messages = place.messages("identification.v1")
    check_events(messages)
    fail_unless({m["value"]["cue_id"]: m["key"] for m in messages} == airplays, "the topic and the store differ")
    fail_unless(len(messages) == len(airplays), f"{len(messages)} messages of {len(airplays)} events")
    fail_unless(all(m["key"] == m["headers"]["ce_subject"] == m["value"]["channel"]["id"] for m in messages), "keys")
    for channel in ("north", "south"):
        partitions = {m["partition"] for m in messages if m["key"] == channel}
        fail_unless(len(partitions) == 1, f"{channel} is in partitions {partitions}")
        came = [m["headers"]["ce_id"] for m in sorted(messages, key=lambda m: m["offset"]) if m["key"] == channel]
        went = [event for event, key in pending if key == channel]
        fail_unless(came[:len(went)] == went, f"{channel}: not in the order of the outbox")
    latest = place.messages("cue-latest.v1")
    check_events(latest)
    fail_unless({m["key"] for m in latest} == set(airplays), "cue-latest.v1 is not keyed by cue")
    return len(messages)


def compaction(place):
    """A compacted topic takes no message without a key."""
    for topic, works in (("audit.v1", True), ("cue-latest.v1", False)):
        done = subprocess.run(["kcat", "-b", place.bootstrap, "-P", "-t", place.topic(topic), "-X", "message.timeout.ms=5000"],
                              input="{}", text=True, stderr=subprocess.PIPE)
        refused = "failed to validate record" in done.stderr
        fail_unless(refused != works, f"{topic}: a message without key: {done.stderr}")


def dead_letters(place):
    """An event that the broker finds too large stands in nobody's way."""
    place.prefix += "-dead"
    dead = place.folder / "dead.jsonl"
    config = place.configure("dead.yaml", kafka=f"  dead_letters: {dead}\n  properties: ['message.max.bytes=10000000']\n")
    title = "".join(random.Random(1).choices("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_", k=300000))
    (place.folder / "titles.csv").write_text(f"file,title\ntrack-1.wav,{title}\n")
    place.run("catalogue", "add", str(place.folder / "tracks"), "--metadata", str(place.folder / "titles.csv"), "--config", config)
    result = place.run("replay", place.programme("dead.wav", 150), "--channel", "west", "--start", START, "--events", "kafka:",
                       "--config", config)
    fail_unless(not place.rows("SELECT id FROM outbox"), "an event that is too large blocks the outbox")
    played = place.rows("SELECT id, recording_id FROM airplay WHERE channel = 'west'")
    large = place.rows("SELECT id FROM recording WHERE length(title) > 1000")[0][0]
    wanted = {cue for cue, recording in played if recording == large}
    fail_unless(wanted and len(wanted) < len(played), f"the track is on air {len(wanted)} times of {len(played)}")
    messages = place.messages("identification.v1")
    fail_unless({m["value"]["cue_id"] for m in messages} == {cue for cue, _ in played} - wanted, "not all others arrived")
    notes = [m for m in place.messages("dlq.v1") if m["headers"]["undertone_topic"] == place.topic("identification.v1")]
    fail_unless(len(notes) == len(wanted), f"{len(notes)} dead letters for {len(wanted)} events")
    fail_unless(all(m["headers"]["undertone_error"] == "MSG_SIZE_TOO_LARGE" and m["headers"]["undertone_note"] == "true"
                    and m["value"]["bytes"] > 300000 for m in notes), f"{notes}")
    kept = {json.loads(line)["data"]["cue_id"] for line in dead.read_text("utf-8").splitlines()}
    fail_unless(kept == wanted, "the file of dead letters has not the whole events")
    fail_unless("dead_letter" in result.stderr, "nothing is logged")
    return len(wanted)


def lines(result):
    return [json.loads(line) for line in result.stdout.splitlines()]


def tail(place):
    """`events tail` prints of Kafka, the outbox and a file what went in."""
    config = place.configure()
    wanted = {m["headers"]["ce_id"]: m["value"] for m in place.messages("identification.v1")}
    got = lines(place.run("events", "tail", "--json", "--config", config))
    fail_unless({e["id"]: e["data"] for e in got} == wanted and len(got) == len(wanted), "tail of Kafka differs from kcat")
    for line in got:
        fail_unless(line["specversion"] == "1.0" and line["subject"] == line["data"]["channel"]["id"], f"{line}")
    north = place.run("events", "tail", "--channel", "north", "-n", "2", "--config", config).stdout.splitlines()
    fail_unless(len(north) == 2 and all("north" in line and "cue.identified.v1" in line for line in north), f"{north}")
    fail_unless(lines(place.run("events", "tail", "--json", "--from", "2100-01-01T00:00:00Z", "--config", config)) == [], "--from")
    gone = place.run("events", "tail", "kafka:127.0.0.1:1", check=False)
    fail_unless(gone.returncode == 1 and "127.0.0.1:1" in gone.stderr, f"no broker: {gone}")
    none = place.run("events", "tail", "--topics", "nonsense", "--config", config, check=False)
    fail_unless(none.returncode == 1 and "nonsense: no such topic" in none.stderr, f"no topic: {none}")
    follower = place.start("events", "tail", "--follow", "--json", "--config", config, log="followed")
    time.sleep(2)
    return follower


def republish(place, follower):
    """The same ids and values once more; the follower sees them come."""
    config = place.configure()
    before = place.messages("identification.v1")
    north = [m for m in before if m["key"] == "north"]
    result = json.loads(place.run("events", "republish", "--from", "2026-11-21T00:00:00Z", "--to", "2026-11-22T00:00:00Z", "--channel",
                                  "north", "--json", "--config", config).stdout)
    fail_unless(result == {"airplays": len(north), "gaps": 0, "added": len(north), "published": False}, f"{result}")
    waiting = lines(place.run("events", "tail", "outbox", "--json", "--config", config))
    fail_unless(len(waiting) == len(north), "tail of the outbox")
    copy = f"jsonl:{place.folder}/copy.jsonl"
    again = place.run("events", "republish", "--from", "2026-11-21T00:00:00Z", "--to", "2026-11-22T00:00:00Z", "--channel", "north",
                      "--events", "kafka:", "--config", config).stdout
    fail_unless(" 0 events published" in again, again)  # they waited already, and went out now
    after = place.messages("identification.v1")
    fail_unless(len(after) == len(before) + len(north), f"{len(after)} messages")
    ids = {m["headers"]["ce_id"]: m["value"] for m in before}
    fail_unless(all(ids.get(m["headers"]["ce_id"]) == m["value"] for m in after), "republished events have other ids or values")
    place.run("events", "republish", "--from", "2026-11-21T00:00:00Z", "--to", "2026-11-22T00:00:00Z", "--events", copy, "--config",
              config)
    filed = lines(place.run("events", "tail", copy, "--json"))
    fail_unless({e["id"]: e["data"] for e in filed} == ids and len(filed) == len(before), "the file differs")
    followed = place.folder / "followed"
    place.wait_for("the follower has what was republished",
                   lambda: len([x for x in followed.read_text().splitlines() if x.startswith("{")]) == len(north))
    follower.send_signal(signal.SIGINT)
    fail_unless(follower.wait(20) == 0, "the follower does not end well")
    return len(north)


def audit(place):
    """A review is a new revision, in its order and as the latest, and a word for the audit trail."""
    config = place.configure()
    cue = place.messages("identification.v1")[0]["value"]["cue_id"]
    place.run("cues", "approve", cue, "--by", "somebody", "--why", "heard it", "--config", config)
    place.run("events", "republish", "--from", "2025-01-01T00:00:00Z", "--to", "2025-01-01T00:00:01Z", "--events", "kafka:", "--config",
              config)
    fail_unless(not place.rows("SELECT id FROM outbox"), "events are left in the store")
    revisions = [m["value"]["revision"] for m in place.messages("identification.v1") if m["value"]["cue_id"] == cue]
    latest = [m["value"] for m in place.messages("cue-latest.v1") if m["key"] == cue][-1]
    told = [m for m in place.messages("audit.v1") if m["headers"].get("ce_type")]
    check_events(told)
    fail_unless(revisions[-1] == 2 and latest["revision"] == 2 and latest["status"] == "approved", f"{revisions}, {latest}")
    fail_unless([(m["value"]["cue_id"], m["value"]["revision"], m["value"]["review"]["who"]) for m in told] == [(cue, 2, "somebody")],
                f"audit.v1: {told}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--undertone", required=True)
    parser.add_argument("--bootstrap", required=True, help="a file that holds it")
    options = parser.parse_args()
    with Place(options.undertone, pathlib.Path(options.bootstrap).read_text(), "events") as place:
        place.compose()
        place.run("catalogue", "add", str(place.folder / "tracks"), "--config", place.configure())
        count = publish(place)
        compaction(place)
        again = republish(place, tail(place))
        audit(place)
        dead = dead_letters(place)
    print(f"{count} events of two channels in order, as their schemas say; {dead} too large for the broker, put aside; "
          f"{again} republished")


if __name__ == "__main__":
    main()
