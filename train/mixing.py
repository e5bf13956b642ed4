"""Mixes music under speech, on the fly, from the corpus pools; how often what, is in recipe.py.

Pauses are cut out of most of the speech, otherwise the music shows through them. Speech may hold a second
speaker and sound effects. Colour, dynamics and bandwidth then change as on a broadcast chain; whatever is
done to the mixture is done to the music inside it, so the target stays exact. A coder's noise is not: it is in the
mixture alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import fft, signal

from corpus import RATE, Pool, open_pool
from recipe import Recipe

SILENT = 1e-4  # RMS under which a stretch counts as silence


def rms(x: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(x, dtype=np.float64)) + 1e-20))


def db(x: float) -> float:
    """Decibels to an amplitude factor."""
    return float(10.0 ** (x / 20.0))


@dataclass
class Corpus:
    """The pools of one split."""

    music: Pool
    speech: Pool
    speech_cut: Pool
    effects: Pool

    @classmethod
    def open(cls, split: str) -> "Corpus":
        return cls(*(open_pool(k, split) for k in ("music", "speech", "speech-cut", "effects")))


class Mixer:
    """Draws examples of `length` samples. One generator, so a run is reproducible from its seed."""

    def __init__(self, corpus: Corpus, length: int, seed, recipe: Recipe = Recipe()):
        self.corpus, self.length, self.recipe = corpus, length, recipe
        self.rng = np.random.default_rng(seed)
        self.odds = {id(p): _odds(p) for p in vars(corpus).values()}

    def batch(self, size: int) -> tuple[np.ndarray, np.ndarray]:
        """(mixture, music), both (size, length) float32."""
        pairs = [self.example() for _ in range(size)]
        return np.stack([p[0] for p in pairs]), np.stack([p[1] for p in pairs])

    def example(self) -> tuple[np.ndarray, np.ndarray]:
        rng = self.rng
        names, shares = self.recipe.kinds()
        kind = rng.choice(names, p=shares)
        music, speech = self._music(), self._speech()
        if kind == "music":
            music, speech = music * (db(rng.uniform(-40, -15)) / rms(music)), np.zeros_like(music)
        elif kind == "speech":
            music, speech = np.zeros_like(music), _levelled(speech, rng)
        else:
            snr = rng.uniform(self.recipe.lowest_db, 0) if kind == "under" else rng.uniform(0, 20)
            speech = _levelled(speech, rng)
            music = music * (db(snr) * rms(speech) / rms(music))
        return self._chain(music, speech)

    def _stretch(self, pool: Pool, length: int) -> np.ndarray:
        """A stretch of one recording, float32; longer ones come up more often. Short ones are joined."""
        parts, missing = [], length
        while missing > 0:
            sound = pool.recording(self.rng.choice(len(pool), p=self.odds[id(pool)]))
            start = self.rng.integers(0, max(1, len(sound) - missing + 1))
            parts.append(sound[start : start + missing])
            missing -= len(parts[-1])
        joined = parts[0] if len(parts) == 1 else np.concatenate(parts)
        return joined.astype(np.float32) / 32768.0

    def _music(self) -> np.ndarray:
        rng = self.rng
        for _ in range(8):
            speed = rng.uniform(0.85, 1.18) if rng.random() < self.recipe.speed else 1.0
            music = self._stretch(self.corpus.music, int(np.ceil(self.length * speed)))
            if rms(music) > SILENT:
                break
        if speed != 1.0:
            at = np.arange(self.length) * speed
            music = np.interp(at, np.arange(len(music)), music).astype(np.float32)
        music = music[: self.length]
        return _coloured(music, rng, 6.0) if rng.random() < self.recipe.colour else music

    def _speech(self) -> np.ndarray:
        rng, recipe = self.rng, self.recipe
        pool = self.corpus.speech_cut if rng.random() < recipe.cut else self.corpus.speech
        speech = self._stretch(pool, self.length)
        if rng.random() < recipe.overlap:
            other = self._stretch(pool, self.length)
            speech = speech + other * (db(rng.uniform(-12, 0)) * rms(speech) / rms(other))
        if rng.random() < recipe.colour:
            speech = _coloured(speech, rng, 6.0)
        if rng.random() < recipe.effects:
            effects = self._stretch(self.corpus.effects, self.length)
            speech = speech + effects * (db(rng.uniform(-20, 0)) * rms(speech) / rms(effects))
        return speech

    def _chain(self, music, speech) -> tuple[np.ndarray, np.ndarray]:
        """The broadcast chain, applied to the mixture and, identically, to the music in it."""
        rng, recipe = self.rng, self.recipe
        if rng.random() < recipe.compression:
            gain = _compression(music + speech, rng)
            music, speech = music * gain, speech * gain
        if rng.random() < recipe.bandwidth:
            curve = _lowpass(self.length, rng.uniform(4500, 7900))
            music, speech = _filtered(music, curve), _filtered(speech, curve)
        mixture = music + speech
        if rng.random() < recipe.codec:
            mixture = _coded(mixture, rng)
        peak = float(np.abs(mixture).max()) + 1e-9
        gain = min(db(rng.uniform(-10, 8)), 0.99 / peak)
        return (mixture * gain).astype(np.float32), (music * gain).astype(np.float32)


def _odds(pool: Pool) -> np.ndarray:
    """Between one recording one ticket and one second one ticket."""
    weight = np.sqrt([max(1, r["samples"]) for r in pool.rows])
    return weight / weight.sum()


def _levelled(speech: np.ndarray, rng) -> np.ndarray:
    return speech * (db(rng.uniform(-26, -18)) / rms(speech))


def _filtered(x: np.ndarray, curve: np.ndarray) -> np.ndarray:
    size = fft.next_fast_len(len(x), real=True)
    return fft.irfft(fft.rfft(x, size) * curve, size)[: len(x)].astype(np.float32)


def _hertz(length: int) -> np.ndarray:
    return fft.rfftfreq(fft.next_fast_len(length, real=True), 1.0 / RATE).astype(np.float32)


def _coloured(x: np.ndarray, rng, spread: float) -> np.ndarray:
    """A smooth random equaliser: gains of `spread` dB standard deviation an octave and a half apart."""
    knots = np.log2([60, 170, 480, 1360, 3800, 8000])
    at = np.log2(np.maximum(_hertz(len(x)), 30.0))
    curve = np.interp(at, knots, rng.normal(0, spread / 1.5, len(knots)))
    return _filtered(x, (10.0 ** (curve / 20.0)).astype(np.float32))


def _lowpass(length: int, edge: float) -> np.ndarray:
    return (1.0 / (1.0 + (_hertz(length) / np.float32(edge)) ** 24)).astype(np.float32)


def _compression(mixture: np.ndarray, rng) -> np.ndarray:
    """Gain of a feed-forward compressor, one value a sample: fast attack, slow release."""
    hop = 256
    frames = len(mixture) // hop
    level = 10 * np.log10(np.mean(mixture[: frames * hop].reshape(frames, hop) ** 2, axis=1) + 1e-9)
    threshold = 10 * np.log10(np.mean(mixture**2) + 1e-9) + rng.uniform(-12, 3)
    over = np.maximum(level - threshold, 0) * (1 - 1 / rng.uniform(1.5, 8))
    release, held, out = rng.uniform(0.8, 0.98), 0.0, np.empty(frames)
    for i, value in enumerate(over):
        held = max(value, held * release)
        out[i] = held
    centre = np.arange(frames) * hop + hop / 2
    return (10 ** (-np.interp(np.arange(len(mixture)), centre, out) / 20)).astype(np.float32)


def _coded(x: np.ndarray, rng) -> np.ndarray:
    """Roughly what a perceptual coder leaves: in every band of every frame, coefficients rounded to a step that is a
    part of the band's level, so that weak ones vanish and the others get noise 6 to 25 dB down."""
    step = rng.uniform(0.2, 1.6)
    size, bands = 1024, 24
    edges = np.unique(np.geomspace(4, size // 2 + 1, bands).astype(int))
    edges[0] = 0
    transform = signal.ShortTimeFFT(signal.windows.cosine(size), size // 2, RATE)
    spectrum = transform.stft(x)
    for low, high in zip(edges, edges[1:]):
        part = spectrum[low:high]
        unit = step * np.sqrt(np.mean(np.abs(part) ** 2, axis=0)) + 1e-9
        spectrum[low:high] = unit * (np.round(part.real / unit) + 1j * np.round(part.imag / unit))
    return transform.istft(spectrum, k1=len(x)).astype(np.float32)
