#!/usr/bin/env python3
"""Programmes that a transport stream announces reach the store, from `replay` and from `run`: announced.py UNDERTONE.

ffmpeg makes the stream; event tables (EN 300 468) of two services are put between its packets."""
import json
import pathlib
import subprocess
import sys
import tempfile

undertone = sys.argv[1]
PACKET = 188


def crc(data):
    value = 0xFFFFFFFF
    for byte in data:
        value ^= byte << 24
        for _ in range(8):
            value = (value << 1 ^ (0x04C11DB7 if value & 0x80000000 else 0)) & 0xFFFFFFFF
    return value.to_bytes(4, "big")


def bcd(number):
    return number // 10 << 4 | number % 10


def event_table(service, following, event_id, clock, minutes, title):
    """EIT actual present/following, one event on 2026-11-21 (MJD 61365)."""
    text = b"eng" + bytes([len(title)]) + title.encode() + b"\0"
    descriptors = bytes([0x4D, len(text)]) + text
    start = (61365).to_bytes(2, "big") + bytes(bcd(n) for n in clock)
    event = event_id.to_bytes(2, "big") + start + bytes([bcd(minutes // 60), bcd(minutes % 60), 0])
    event += (0x8000 | len(descriptors)).to_bytes(2, "big") + descriptors
    body = service.to_bytes(2, "big") + bytes([0xC1, following, 1, 0, 1, 0, 1, 1, 0x4E]) + event
    section = bytes([0x4E]) + (0xF000 | len(body) + 4).to_bytes(2, "big") + body
    return section + crc(section)


def packet(section, counter):
    return (bytes([0x47, 0x40, 0x12, 0x10 | counter & 15, 0]) + section).ljust(PACKET, b"\xff")


def stream(folder):
    plain = folder / "plain.ts"
    subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "sine=440:r=48000:d=20", "-c:a", "mp2", "-f", "mpegts",
                    "-mpegts_service_id", "7", plain], check=True)
    tables = [event_table(7, 0, 1, (20, 0, 0), 45, "Tonight"), event_table(9, 0, 5, (20, 0, 0), 60, "Other Service"),
              event_table(7, 1, 2, (20, 45, 0), 30, "Late News")]
    late = [event_table(7, 0, 1, (20, 0, 0), 50, "Tonight"), tables[1], event_table(7, 1, 2, (20, 50, 0), 30, "Late News")]
    data, out, counter = plain.read_bytes(), bytearray(), 0
    packets = [data[i:i + PACKET] for i in range(0, len(data), PACKET)]
    for i, each in enumerate(packets):
        out += each
        if i % 40 == 39:
            for table in tables if i < len(packets) // 2 else late:
                out += packet(table, counter)
                counter += 1
    path = folder / "one-20261121T200000Z.ts"
    path.write_bytes(out)
    return path


def run(*arguments, store):
    done = subprocess.run([undertone, *map(str, arguments), "--store", f"sqlite:{store}"], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{arguments}: {done.returncode}: {done.stderr}")
    return done.stdout


def announced(store):
    rows = [json.loads(line) for line in run("programmes", "list", "--json", store=store).splitlines()]
    return [(r["channel"], r["title"], r["start_utc"][11:19], r["end_utc"][11:19], r["source"], r["boundary"]) for r in rows]


with tempfile.TemporaryDirectory() as name:
    folder = pathlib.Path(name)
    path = stream(folder)
    wanted = [("one", "Tonight", "20:00:00", "20:50:00", "eit", "announced"), ("one", "Late News", "20:50:00", "21:20:00", "eit", "scheduled")]
    run("replay", path, "--separator", "none", store=folder / "replayed.db")
    got = announced(folder / "replayed.db")
    if got != wanted:
        sys.exit(f"replay: {got}")
    (folder / "undertone.yaml").write_text(f"separator: {{model: none}}\nchannels:\n- {{id: one, uri: 'file:{path}'}}\n")
    run("catalogue", "list", store=folder / "replayed.db")
    run("run", "--once", "--config", folder / "undertone.yaml", store=folder / "live.db")
    got = announced(folder / "live.db")
    if got != wanted:
        sys.exit(f"run: {got}")
