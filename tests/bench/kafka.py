#!/usr/bin/env python3
"""How fast events get from the store's outbox through a broker to a consumer.

    tests/bench/kafka.py --undertone build/release/undertone --bootstrap "$(tests/integration/kafka/broker.py start /tmp/broker)"
"""
import argparse
import json
import pathlib
import sqlite3
import statistics
import subprocess
import sys
import time
import uuid

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration" / "kafka"))
from support import Place  # noqa: E402

TYPE = "org.undertone.audit.bench.v1"


def put(place, first, count, value):
    with sqlite3.connect(f"{place.folder}/undertone.db", timeout=30) as db:
        db.executemany("INSERT INTO outbox (id, type, key, time_ns, json) VALUES (?, ?, ?, ?, ?)",
                       [(str(uuid.UUID(int=first + n)), TYPE, f"channel-{n % 16}", time.time_ns(), value) for n in range(count)])


def pending(place):
    return place.rows("SELECT count(*) FROM outbox")[0][0]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--undertone", required=True)
    parser.add_argument("--bootstrap", required=True)
    parser.add_argument("--events", type=int, default=20000)
    parser.add_argument("--single", type=int, default=40, help="events put one by one, for the latency")
    options = parser.parse_args()
    value = json.dumps({"channel": {"id": "channel"}, "filler": "0123456789abcdef" * 100})
    with Place(options.undertone, options.bootstrap, "bench") as place:
        config = place.configure(rest="events:\n  sinks: ['kafka:']\n")
        place.run("catalogue", "add", place.folder, "--config", config, check=False)
        put(place, 0, options.events, value)
        before = time.monotonic()
        worker = place.start("worker", "--config", config)  # whoever has sinks publishes
        while pending(place):
            time.sleep(0.05)
        seconds = time.monotonic() - before
        reader = subprocess.Popen([options.undertone, "events", "tail", "--follow", "--json", "--topics", "audit.v1", "--config",
                                   config], stdout=subprocess.PIPE, text=True)
        time.sleep(3)
        delays = []
        for n in range(options.single):
            put(place, 10**9 + n, 1, value)
            began = time.monotonic()
            reader.stdout.readline()
            delays.append(time.monotonic() - began)
        reader.terminate()
        worker.terminate()
        worker.wait(60)
    delays.sort()
    print(json.dumps({"events": options.events, "bytes_each": len(value), "seconds": round(seconds, 2),
                      "events_per_s": round(options.events / seconds), "latency_s": {
                          "median": round(statistics.median(delays), 3), "p90": round(delays[int(len(delays) * 0.9)], 3),
                          "worst": round(delays[-1], 3)}}))


if __name__ == "__main__":
    main()
