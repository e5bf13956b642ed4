"""Sound of a made-up day: recordings read or composed, their loudness, and the stems of an hour."""
import csv
import functools
import subprocess
import wave

import numpy as np

RATE = 16000
BLOCK = RATE // 10  # of loudness
STEREO_LU = 3.01  # a mono downmix measures as the programme of two channels that it stands for
SPEECH_LUFS = -23.0


@functools.lru_cache(1)
def k_weights():
    """The power response of BS.1770's two filters at the frequencies of one block."""
    z = np.exp(-2j * np.pi * np.arange(BLOCK // 2 + 1) / BLOCK)

    def section(f0, q, gain_db):
        k, v = np.tan(np.pi * f0 / RATE), 10 ** (gain_db / 20)
        a = [1, 2 * (k * k - 1) / (1 + k / q + k * k), (1 - k / q + k * k) / (1 + k / q + k * k)]
        if gain_db:
            b = np.array([v + v ** 0.5 * k / q + k * k, 2 * (k * k - v), v - v ** 0.5 * k / q + k * k]) / (1 + k / q + k * k)
        else:
            b = np.array([1, -2, 1])
        return abs((b[0] + b[1] * z + b[2] * z * z) / (a[0] + a[1] * z + a[2] * z * z)) ** 2

    return section(1681.97, 0.7072, 4.0) * section(38.1355, 0.5003, 0.0)


def energies(samples):
    """K-weighted energy of each 100 ms."""
    blocks = samples[:len(samples) // BLOCK * BLOCK].reshape(-1, BLOCK)
    weights = k_weights() * 2 / BLOCK ** 2
    return np.concatenate([(abs(np.fft.rfft(part, axis=1)) ** 2 @ weights) for part in np.array_split(blocks, len(blocks) // 3000 + 1)]
                          or [np.zeros(0)])


def lufs(energy):
    """Gated loudness of a stretch of such energies."""
    if len(energy) < 4:
        blocks = energy
    else:
        sums = np.cumsum(np.concatenate([[0], energy]))
        blocks = (sums[4:] - sums[:-4]) / 4
    floor = 10 ** ((-70 + 0.691 - STEREO_LU) / 10)
    blocks = blocks[blocks > floor]
    if len(blocks):
        blocks = blocks[blocks > blocks.mean() / 10]
    return -0.691 + STEREO_LU + 10 * np.log10(blocks.mean()) if len(blocks) else -70.0


def brought_to(samples, level_lufs):
    return (samples * 10 ** ((level_lufs - lufs(energies(samples))) / 20)).astype(np.float32)


class Recording:
    """Sound with a name, at SPEECH_LUFS whatever it is."""

    def __init__(self, title, artist, samples):
        self.title, self.artist = title, artist
        self.samples = brought_to(samples, SPEECH_LUFS)
        self.seconds = len(samples) / RATE


# --- the corpus ------------------------------------------------------------------------------------


def decode(path):
    raw = subprocess.run(["ffmpeg", "-v", "error", "-i", str(path), "-ar", str(RATE), "-ac", "1", "-f", "f32le", "-"], check=True,
                         stdout=subprocess.PIPE).stdout
    return np.frombuffer(raw, np.float32)


def corpus(folder, kind, split):
    with open(folder / "manifest.csv", encoding="utf-8", newline="") as table:
        for row in csv.DictReader(table):
            if row["kind"] == kind and row["split"] == split:
                yield row, folder / row["file"]


def read(folder, kind):
    return [Recording(row["title"], row["artist"], decode(path)) for row, path in corpus(folder, kind, "dev")]


# --- made up ---------------------------------------------------------------------------------------


def compose(rng, seconds):
    """Three voices that hold and shake notes of a scale of their own."""
    out = np.zeros(int(seconds * RATE))
    scale = [110 * 2 ** (rng.integers(48) / 12) * (1 + rng.random() / 50) for _ in range(12)]
    for _ in range(3):
        at = 0
        while at < len(out):
            t = np.arange(min(int(rng.uniform(0.2, 0.8) * RATE), len(out) - at)) / RATE
            shape = np.exp(-2 * t) * (1 - 0.4 * (1 + np.sin(2 * np.pi * 7 * t))) * np.minimum(1, t / 0.01)
            f = scale[rng.integers(12)]
            out[at:at + len(t)] += shape * sum(np.sin(2 * np.pi * f * k * t) / k for k in (1, 2, 3, 4))
            at += len(t)
    return out


def talk(rng, seconds):
    """Syllables of noise through formants, with pauses: under music it is what speech is, loud and now and then."""
    parts, total = [], 0
    while total < seconds * RATE:
        n = int(rng.uniform(0.08, 0.25) * RATE)
        spectrum = np.fft.rfft(rng.standard_normal(n))
        f = np.fft.rfftfreq(n, 1 / RATE)
        shape = sum(np.exp(-((f - centre) / width) ** 2) for centre, width in
                    ((rng.uniform(300, 800), 150), (rng.uniform(900, 2300), 250), (rng.uniform(2400, 3200), 400)))
        parts += [np.fft.irfft(spectrum * shape, n) * np.hanning(n), np.zeros(int(rng.exponential(0.06) * RATE))]
        total += len(parts[-1]) + n
    return np.concatenate(parts)


def made_up(rng):
    music = [Recording(f"Tune {i + 1}", f"Band {i % 7 + 1}", compose(rng, rng.integers(40, 70))) for i in range(40)]
    speech = [Recording(f"Talk {i + 1}", "", talk(rng, 30)) for i in range(4)]
    return music, speech, []


# --- on air ----------------------------------------------------------------------------------------


def cut(item):
    """An excerpt; what goes beyond the recording's end begins again."""
    first, count = int(item.begin_s * RATE), int((item.end_s - item.start_s) * RATE)
    if item.speed == 1:
        return np.take(item.recording.samples, np.arange(first, first + count), mode="wrap")
    at = first + np.arange(count) * item.speed
    return np.interp(at % len(item.recording.samples), np.arange(len(item.recording.samples)), item.recording.samples).astype(np.float32)


def gains(item, count):
    """Along an item: its level, from one to the next of its points (seconds, dB)."""
    at = np.arange(count) / RATE
    seconds, levels = zip(*item.levels)
    db = np.interp(at, seconds, levels)
    return (10 ** (db / 20)).astype(np.float32)


def stems(items, start_s, seconds):
    """Music, speech and effects of a stretch of air: {kind: samples}."""
    out = {kind: np.zeros(int(seconds * RATE), np.float32) for kind in ("music", "speech", "effects")}
    for item in items:
        begin, end = max(item.start_s, start_s), min(item.end_s, start_s + seconds)
        if end <= begin:
            continue
        whole = cut(item)
        whole = whole * gains(item, len(whole))
        skip, at = round((begin - item.start_s) * RATE), round((begin - start_s) * RATE)
        part = whole[skip:skip + round((end - begin) * RATE)]
        target = out[item.kind][at:at + len(part)]
        target += part[:len(target)]
    return out


def write_wav(path, samples):
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
