"""The corpus as memory pools: every recording decoded once to 16 kHz mono int16, beside an index.

    python corpus.py --audio DIR        builds the pools under $UT_CACHE or ~/.cache/undertone/train

`DIR/manifest.csv` names the files (columns file, kind, split, licence, ...). One pool holds one kind and
split, its recordings end to end. Speech exists twice: as recorded, and with its pauses cut.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import re
import subprocess
from pathlib import Path

import numpy as np

RATE = 16000
KINDS = ("music", "speech", "effects")
SPLITS = ("train", "dev")


def cache_dir() -> Path:
    return Path(os.environ.get("UT_CACHE", "~/.cache/undertone/train")).expanduser()


def commercial(licence: str) -> bool:
    """True unless the licence forbids commercial use (any NC term) or restricts it (Sampling+)."""
    return not re.search(r"\bNC\b|NonCommercial|Sampling", licence)


def decode(path: Path) -> np.ndarray:
    """A recording as int16 at 16 kHz, mono."""
    command = ["ffmpeg", "-v", "error", "-i", str(path), "-f", "s16le", "-ac", "1", "-ar", str(RATE), "-"]
    return np.frombuffer(subprocess.run(command, check=True, capture_output=True).stdout, np.int16)


def cut_pauses(speech: np.ndarray) -> np.ndarray:
    """Removes 20 ms frames more than 20 dB under the loud frames; 60 ms stay after each kept frame.

    Loud is the 90th percentile of the frames' level. The rule of `undertone evaluate`: with pauses left in,
    music shows through and every system looks good.
    """
    size = RATE // 50
    frames = speech[: len(speech) // size * size].reshape(-1, size)
    if not len(frames):
        return speech
    level = np.sqrt(np.mean(frames.astype(np.float32) ** 2, axis=1))
    loud = level >= 0.1 * np.percentile(level, 90)
    keep = loud.copy()
    for delay in (1, 2, 3):
        keep[delay:] |= loud[:-delay]
    return frames[keep].reshape(-1)


class Pool:
    """Recordings of one kind and split. `rows` are the manifest's, in the order of the audio."""

    def __init__(self, stem: Path):
        self.rows = json.loads(stem.with_suffix(".json").read_text())
        self.audio = np.load(stem.with_suffix(".npy"), mmap_mode="r")

    def __len__(self) -> int:
        return len(self.rows)

    def recording(self, i: int) -> np.ndarray:
        """int16 samples of recording i."""
        row = self.rows[i]
        return self.audio[row["start"] : row["start"] + row["samples"]]


def open_pool(kind: str, split: str) -> Pool:
    """kind: music, speech, speech-cut or effects."""
    return Pool(cache_dir() / f"{split}-{kind}")


def write_pool(stem: Path, rows: list[dict], audio: list[np.ndarray]) -> None:
    start = 0
    for row, samples in zip(rows, audio):
        row["start"], row["samples"] = start, len(samples)
        start += len(samples)
    np.save(stem.with_suffix(".npy"), np.concatenate(audio))
    stem.with_suffix(".json").write_text(json.dumps(rows))


def build(audio: Path, kind: str, split: str) -> None:
    """Training pools hold only what may be used commercially; dev pools hold everything."""
    with open(audio / "manifest.csv", newline="") as f:
        rows = [r for r in csv.DictReader(f) if (r["kind"], r["split"]) == (kind, split)]
    if split == "train":
        rows = [r for r in rows if commercial(r["licence"])]
    sound = [decode(audio / r["file"]) for r in rows]
    write_pool(cache_dir() / f"{split}-{kind}", rows, sound)
    if kind == "speech":
        write_pool(cache_dir() / f"{split}-speech-cut", rows, [cut_pauses(s) for s in sound])
    print(f"{split} {kind}: {len(rows)} files, {sum(map(len, sound)) / RATE / 3600:.2f} h", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--audio", type=Path, required=True)
    args = parser.parse_args()
    cache_dir().mkdir(parents=True, exist_ok=True)
    for kind in KINDS:
        for split in SPLITS:
            build(args.audio, kind, split)


if __name__ == "__main__":
    main()
