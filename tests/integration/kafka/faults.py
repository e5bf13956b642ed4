#!/usr/bin/env python3
"""Three brokers that are killed, and publishers that are killed: no event is lost, order per channel holds, memory stays bounded, and
an operator can see the backlog.

    faults.py --undertone build/cpu/undertone
"""
import argparse
import json
import pathlib
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import uuid

from broker import Cluster
from support import START, Place, check_events, fail_unless

CHANNELS = 3
BACKLOG = 20000


def check_arrivals(place, order, topic="identification.v1"):
    """Every event is there, and first arrivals of a channel are in its order. Gives how many came twice."""
    messages = sorted(place.messages(topic), key=lambda m: (m["partition"], m["offset"]))
    twice = 0
    for channel, wanted in order.items():
        came = [m["headers"]["ce_id"] for m in messages if m["key"] == channel]
        first = list(dict.fromkeys(came))
        fail_unless(first == wanted, f"{channel}: {len(wanted)} events went, {len(first)} came: "
                    f"{'other order' if sorted(first) == sorted(wanted) else 'others'}")
        twice += len(came) - len(first)
    return messages, twice


def leader_of(place, topic):
    found = json.loads(subprocess.run(["kcat", "-b", place.bootstrap, "-L", "-J", "-t", place.topic(topic)], check=True,
                                      stdout=subprocess.PIPE, text=True).stdout)
    return found["topics"][0]["partitions"][0]["leader"]


def add_backlog(place, count):
    """Events straight into the outbox, as a store has them after a long outage."""
    value = json.dumps({"channel": {"id": "backlog"}, "filler": "x" * 1500})
    with sqlite3.connect(f"{place.folder}/undertone.db", timeout=30) as db:
        db.executemany("INSERT INTO outbox (id, type, key, time_ns, json) VALUES (?, 'org.undertone.audit.test.v1', ?, ?, ?)",
                       [(str(uuid.UUID(int=n)), f"backlog-{n % 8}", n, value) for n in range(count)])


def memory_mib(process):
    for line in pathlib.Path(f"/proc/{process.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0


def leaders_change(place, cluster, config):
    """Events come out of a replay while the leader of their topic is killed, again and again."""
    publisher = place.start("run", "--config", config)
    place.run("replay", place.programme("first.wav", 60), "--channel", "first", "--start", START, "--config", config)
    place.wait_for("the topics are there", lambda: not place.rows("SELECT id FROM outbox LIMIT 1"), 60, publisher)
    changes = 0
    for i in range(CHANNELS):
        place.run("replay", str(place.folder / f"air-{i}.wav"), "--channel", f"air-{i}", "--start", START, "--config", config)
        leader = leader_of(place, "identification.v1")
        if leader in cluster.processes and len(cluster.processes) == cluster.count:
            cluster.end_node(leader, signal.SIGKILL)
            time.sleep(random.uniform(0, 2))
            place.wait_for("another leads", lambda: leader_of(place, "identification.v1") not in (leader, -1), 60, publisher)
            changes += 1
            cluster.start_node(leader)
            cluster.wait([leader])
    place.wait_for("everything is published", lambda: not place.rows("SELECT id FROM outbox LIMIT 1"), 90, publisher)
    publisher.send_signal(signal.SIGTERM)
    fail_unless(publisher.wait(60) == 0, "the publisher does not end well")
    return changes


def cluster_goes_away(place, cluster, config):
    """All brokers stop while a publisher runs. It waits with little memory, the backlog can be seen, and goes out afterwards."""
    publisher = place.start("run", "--config", config)
    time.sleep(3)
    small = memory_mib(publisher)
    for node in list(cluster.processes):
        cluster.end_node(node, signal.SIGKILL)
    add_backlog(place, BACKLOG)
    time.sleep(6)
    grown = memory_mib(publisher) - small
    fail_unless(grown < 60, f"{grown:.0f} MiB more in memory for a backlog of {BACKLOG} events")
    waiting = json.loads(place.run("status", "--json", "--config", config).stdout)["store"]["outbox_pending"]
    fail_unless(BACKLOG <= waiting <= BACKLOG + 50, f"status tells of {waiting} events")  # the quiet channel has its gaps
    doctor = place.run("doctor", "--config", config, check=False).stdout
    told = re.search(r"(\d+) events waiting", doctor)
    fail_unless(told and int(told[1]) >= BACKLOG and "kafka" in doctor, f"doctor says nothing of it: {doctor}")
    fail_unless(publisher.poll() is None, "the publisher gave up")
    for node in cluster.nodes:
        cluster.start_node(node)
    cluster.wait(cluster.nodes)
    before = time.monotonic()
    place.wait_for("the backlog is published", lambda: not place.rows("SELECT id FROM outbox LIMIT 1"), 120, publisher)
    drained_s = time.monotonic() - before
    publisher.send_signal(signal.SIGTERM)
    fail_unless(publisher.wait(60) == 0, "the publisher does not end well")
    return grown, drained_s


def publishers_die(place, config, kills=4):
    """SIGKILL at random moments of publishing; another comes at once."""
    hit = 0
    for _ in range(kills):
        publisher = place.start("run", "--config", config)
        time.sleep(random.uniform(0.1, 2.5))
        hit += publisher.poll() is None
        publisher.kill()
        publisher.wait()
    publisher = place.start("run", "--config", config)
    place.wait_for("what is left is published", lambda: not place.rows("SELECT id FROM outbox LIMIT 1"), 90, publisher)
    publisher.send_signal(signal.SIGTERM)
    fail_unless(publisher.wait(60) == 0, "the last publisher does not end well")
    fail_unless(hit == kills, "a publisher had ended by itself")
    return hit


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--undertone", required=True)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    random.seed(options.seed)
    folder = tempfile.mkdtemp(prefix="ut-brokers-")
    try:
        with Cluster(f"{folder}/cluster", 3) as cluster, Place(options.undertone, cluster.bootstrap, "faults") as place:
            place.compose()
            quiet = place.programme("quiet.wav", 2)
            config = place.configure(kafka="  replication: 3\n", rest="events:\n  sinks: ['kafka:']\n  retry_max_s: 2\nchannels:\n"
                                     f"  - id: quiet\n    uri: 'file:{quiet}'\n    enabled: true\n")
            place.run("catalogue", "add", str(place.folder / "tracks"), "--config", config)
            for i in range(CHANNELS):
                place.programme(f"air-{i}.wav", 120)
            changes = leaders_change(place, cluster, config)
            airplays = {}
            for event, channel in place.rows("SELECT id, channel FROM airplay WHERE channel LIKE 'air-%' ORDER BY rowid"):
                airplays.setdefault(channel, []).append(event)
            messages = place.messages("identification.v1")
            check_events(messages)
            for channel, wanted in airplays.items():
                came = list(dict.fromkeys(m["value"]["cue_id"] for m in messages if m["key"] == channel))
                fail_unless(came == wanted, f"{channel}: {len(came)} of {len(wanted)} events came, or in another order")
            grown, drained_s = cluster_goes_away(place, cluster, config)
            add_backlog_order = {f"backlog-{k}": [str(uuid.UUID(int=n)) for n in range(k, BACKLOG, 8)] for k in range(8)}
            _, twice_away = check_arrivals(place, add_backlog_order, "audit.v1")
            place.prefix += "-kills"
            config = place.configure(kafka="  replication: 3\n", rest="events:\n  sinks: ['kafka:']\nchannels:\n"
                                     f"  - id: quiet\n    uri: 'file:{quiet}'\n")
            add_backlog(place, BACKLOG)
            kills = publishers_die(place, config)
            _, twice = check_arrivals(place, add_backlog_order, "audit.v1")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"seed {options.seed}: leader killed {changes} times: {sum(map(len, airplays.values()))} events, none lost, in order; "
          f"outage: {BACKLOG} events waited ({grown:+.0f} MiB), drained in {drained_s:.1f} s after the brokers came back, {twice_away} "
          f"came twice; publisher killed {kills} times: none of {BACKLOG} lost, {twice} came twice")


if __name__ == "__main__":
    sys.exit(main())
