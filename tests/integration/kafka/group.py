#!/usr/bin/env python3
"""Live channels over monitors of one group: one is killed with SIGKILL, one joins, one leaves. Every channel is always somebody's
within 30 s, what was not captured is a gap, and nothing is identified twice.

    group.py --undertone build/cpu/undertone --bootstrap FILE
"""
import argparse
import collections
import json
import pathlib
import random
import signal
import time

from support import Place, check_events, fail_unless

WITHIN_S = 30
NS = 10**9


def owners(place, config):
    """Process id → channels that it captures, of those that are alive; by `undertone status`."""
    found = {}
    for one in json.loads(place.run("status", "--json", "--config", config).stdout)["instances"]:
        if one["alive"] and one["kind"] == "monitor":
            found[one["pid"]] = sorted(c["id"] for c in one["state"]["channels"] if c["capture"] == "up")
    return found


def everything_is_owned(place, config, channels, crew, shares):
    """Each channel once, spread over the crew as `shares` says."""
    now = owners(place, config)
    spread = sorted(len(now.get(process.pid, [])) for process in crew)
    return sorted(sum(now.values(), [])) == channels and spread == sorted(shares)


def check_coverage(place, channels, apart=True):
    """On each channel captured segments and gaps follow each other without overlap, and leave nothing out; nor do airplays
    overlap, where the audio keeps them apart."""
    reasons = collections.Counter()
    for channel in channels:
        pieces = [(start, start + max(count, resume) * NS // 16000, "segment") for start, count, resume in place.rows(
            "SELECT start_ns, sample_count, resume_sample FROM segment WHERE channel = ?", channel)]
        gaps = place.rows("SELECT start_ns, end_ns, reason FROM gap WHERE channel = ?", channel)
        reasons.update(reason for _, _, reason in gaps)
        pieces = sorted(pieces + list(gaps))
        for (_, end, what), (start, _, then) in zip(pieces, pieces[1:]):
            fail_unless(abs(start - end) < NS // 2, f"{channel}: {(start - end) / NS:+.3f} s between {what} and {then}: {pieces}")
        plays = place.rows("SELECT start_ns, end_ns, id FROM airplay WHERE channel = ? ORDER BY start_ns", channel)
        for (_, end, _), (start, _, _) in zip(plays, plays[1:]) if apart else ():
            fail_unless(start >= end - NS // 2, f"{channel}: airplays overlap: {plays}")
    return reasons


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--undertone", required=True)
    parser.add_argument("--bootstrap", required=True, help="a file that holds it")
    options = parser.parse_args()
    with Place(options.undertone, pathlib.Path(options.bootstrap).read_text(), "group") as place:
        place.compose()
        channels = [f"channel-{i}" for i in range(4)]
        lines = ["events:\n  sinks: ['kafka:']\nchannels:"]
        for channel in channels:
            path = place.programme(f"{channel}.wav", 240)
            lines.append(f"  - id: {channel}\n    uri: 'file:{path}'")
        config = place.configure(rest="\n".join(lines) + "\n")
        place.run("catalogue", "add", str(place.folder / "tracks"), "--config", config)
        start = lambda: place.start("run", "--group", "monitors", "--config", config)  # noqa: E731
        first, second = start(), start()
        crew = [first, second]
        place.wait_for("two monitors share four channels",
                       lambda: everything_is_owned(place, config, channels, crew, [2, 2]), 60, first)
        time.sleep(8 + random.uniform(0, 2))  # something is on air meanwhile
        first.send_signal(signal.SIGKILL)
        first.wait()
        before = time.monotonic()
        place.wait_for("the other has all four", lambda: everything_is_owned(place, config, channels, [second], [4]), WITHIN_S, second)
        moved_s = time.monotonic() - before
        third = start()
        place.wait_for("a new one gets its share",
                       lambda: everything_is_owned(place, config, channels, [second, third], [2, 2]), 60, third)
        time.sleep(6)
        second.send_signal(signal.SIGTERM)
        place.wait_for("the one that stays has all four", lambda: everything_is_owned(place, config, channels, [third], [4]), WITHIN_S,
                       third)
        fail_unless(second.wait(60) == 0, "the monitor that left does not end well")
        time.sleep(8)
        third.send_signal(signal.SIGTERM)
        fail_unless(third.wait(60) == 0, "the last monitor does not end well")
        reasons = check_coverage(place, channels)
        fail_unless(reasons["takeover"] >= 5, f"gaps: {reasons}")
        fail_unless(not place.rows("SELECT id FROM outbox"), "events are left in the store")
        messages = place.messages("identification.v1")
        check_events(messages + place.messages("capture.v1"))
        airplays = {row[0] for row in place.rows("SELECT id FROM airplay")}
        fail_unless(airplays and {m["value"]["cue_id"] for m in messages} == airplays, "not every airplay is an event")
        fail_unless(not json.loads(place.run("status", "--json", "--config", config).stdout)["instances"], "ghosts in the status")
    print(f"4 channels over 2 monitors: moved {moved_s:.1f} s after SIGKILL; {len(airplays)} airplays, gaps {dict(reasons)}, nothing "
          "twice")


if __name__ == "__main__":
    main()
