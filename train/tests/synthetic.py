"""A corpus of synthesised recordings, in memory."""

from __future__ import annotations

import numpy as np

from mixing import Corpus


class ArrayPool:
    """What `corpus.Pool` offers, over a list of int16 arrays."""

    def __init__(self, recordings):
        self.recordings = recordings
        self.rows = [{"samples": len(r)} for r in recordings]

    def __len__(self):
        return len(self.recordings)

    def recording(self, i):
        return self.recordings[i]


def tones(seconds: float, pitches, rate: int = 16000) -> np.ndarray:
    t = np.arange(int(seconds * rate)) / rate
    sound = sum(np.sin(2 * np.pi * f * t) for f in pitches)
    return np.int16(3000 * sound)


def bursts(seconds: float, seed: int, rate: int = 16000) -> np.ndarray:
    """Noise in bursts of a quarter of a second with silence between: a speaker, roughly."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(0, 3000, int(seconds * rate))
    on = (np.arange(len(noise)) // (rate // 4)) % 2 == 0
    return np.int16(noise * on)


def corpus() -> Corpus:
    music = ArrayPool([tones(6, (220, 440, 1760)), tones(3, (330, 990))])
    speech = ArrayPool([bursts(5, 1), bursts(4, 2)])
    return Corpus(music, speech, speech, ArrayPool([bursts(1, 3)]))
