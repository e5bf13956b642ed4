#!/usr/bin/env python3
"""Two monitors of a group on hosts of their own (network namespaces), one of which is cut off from the database and the brokers while
it goes on: the other takes its channels over within 30 s, and when the first is back it writes nothing of them.

    UT_TEST_POSTGRES_SETTINGS="listen_addresses = '*'" tests/with-postgres tests/integration/kafka/network_cut.py --undertone …
"""
import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time

from broker import Cluster
from group import WITHIN_S, check_coverage, everything_is_owned
from network import Network, skip
from support import fail_unless

import live  # noqa: E402  (its reader of metrics)

SERVERS = "198.18.255.1"  # of the range for tests between networks


def ip(*arguments, check=True):
    return subprocess.run(["ip", *arguments], check=check, stderr=None if check else subprocess.DEVNULL).returncode == 0


class Host:
    """A network namespace with a cable to this one."""

    def __init__(self, number):
        self.space, self.plug = f"ut-{os.getpid()}-{number}", f"ut{os.getpid() % 100000}h{number}"
        here, there = f"198.18.{number}.1", f"198.18.{number}.2"
        ip("netns", "add", self.space)
        ip("link", "add", self.plug, "type", "veth", "peer", "name", "eth0", "netns", self.space)
        ip("addr", "add", f"{here}/30", "dev", self.plug)
        ip("link", "set", self.plug, "up")
        for what in (("link", "set", "lo", "up"), ("addr", "add", f"{there}/30", "dev", "eth0"), ("link", "set", "eth0", "up"),
                     ("route", "add", "default", "via", here)):
            ip("-n", self.space, *what)

    def cable(self, state):
        ip("link", "set", self.plug, state)

    @property
    def around(self):
        return ["ip", "netns", "exec", self.space]

    def metrics(self, port):
        text = subprocess.run([*self.around, "curl", "-s", f"http://127.0.0.1:{port}/metrics"], stdout=subprocess.PIPE, text=True).stdout
        return live.parse(text)

    def close(self):
        ip("netns", "del", self.space, check=False)
        ip("link", "del", self.plug, check=False)


def open_server(place):
    with open(place.server.data / "pg_hba.conf", "a") as rules:
        rules.write("host all all 198.18.0.0/15 trust\n")
    place.server.control("reload")
    place.dsn = (f"postgresql:host={SERVERS} port={place.server.port} user=ut dbname={place.database} tcp_user_timeout=4000"
                 " connect_timeout=3")


def cut(place, hosts):
    crew = []
    for host in hosts:
        place.around = host.around
        crew.append(place.start("run", "--group", "monitors", "--config", place.config))
    first, second = crew
    owned = lambda who, shares: everything_is_owned(place, place.config, place.channels, who, shares)  # noqa: E731
    place.wait_for("two monitors share the channels", lambda: owned(crew, [2, 2]), 60, first)
    before = time.monotonic()
    hosts[0].cable("down")
    place.wait_for("the other has all", lambda: owned([second], [4]), WITHIN_S, second)
    moved_s = time.monotonic() - before
    place.wait_for("the one that is cut off has something to write",
                   lambda: hosts[0].metrics(place.port).get("undertone_store_pending", 0) > 1, 60, first)
    heard = hosts[0].metrics(place.port)
    hosts[0].cable("up")
    place.wait_for("they share the channels again", lambda: owned(crew, [2, 2]), 90, first)
    refused = hosts[0].metrics(place.port)["undertone_store_refused_total"]
    fail_unless(refused > 0, "nothing was refused of the one that was cut off: nothing is shown")
    fail_unless(heard, "the one that was cut off did not go on")
    for process in (second, first):
        process.terminate()
        fail_unless(process.wait(90) == 0, "a monitor does not end well")
    return moved_s, refused


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--undertone", required=True)
    options = parser.parse_args()
    folder, hosts = tempfile.mkdtemp(prefix="ut-brokers-"), []
    if not ip("netns", "add", f"ut-{os.getpid()}", check=False):
        skip("no hosts to cut apart: it takes the right to make network namespaces")
    ip("netns", "del", f"ut-{os.getpid()}")
    try:
        ip("addr", "add", f"{SERVERS}/32", "dev", "lo", check=False)
        hosts += [Host(1), Host(2)]
        with Cluster(f"{folder}/cluster", host=SERVERS) as cluster, Network(options.undertone, cluster.bootstrap, "cut") as place:
            open_server(place)
            place.prepare()
            moved_s, refused = cut(place, hosts)
            gaps = check_coverage(place, place.channels, apart=False)
            fail_unless(gaps["takeover"] >= 2, f"gaps: {gaps}")
            airplays = place.check_airplays(one_life=False)
            events, twice = place.check_events()
    finally:
        for host in hosts:
            host.close()
        ip("addr", "del", f"{SERVERS}/32", "dev", "lo", check=False)
        shutil.rmtree(folder, ignore_errors=True)
    print(f"one of two hosts cut off: its channels moved in {moved_s:.1f} s; {refused:.0f} late writes refused; {airplays} airplays as "
          f"replays find them, {events} events in order, {twice} came twice")


if __name__ == "__main__":
    sys.exit(main())
