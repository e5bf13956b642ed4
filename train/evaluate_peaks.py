"""How many of the music's spectral peaks survive: a quick proxy of identification, without the matcher.

    python evaluate_peaks.py MODEL_OR_RUN_DIR... [--queries 48] [--split dev] [--from-mask]

Of the clean music's p3 peaks (20 a second), the share found within one frame and one bin among the 60 a
second of the mixture, of the separated music, and of either. 12 s queries, pauses cut from the speech, SNR
the RMS of the music stretch over that of the speech stretch. Chance is about 2 % (either: 4 %).
--from-mask takes the masked magnitudes as they are, without inverse STFT and another STFT.
`rate` is the share of queries in which at least 20 % of the peaks survive.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

import export
import modelfile
from corpus import RATE
from mixing import SILENT, Corpus, db, rms
from separate import magnitudes_of, music_of
from spectra import peak_mask, spread, stft

SNRS = (0, -10, -20, -30)
SECONDS = 12
WINDOW = 62  # frames in a second


def stretch(pool, rng, length: int) -> np.ndarray:
    """An audible stretch of one recording, float32."""
    while True:
        sound = pool.recording(rng.integers(len(pool)))
        if len(sound) < length:
            continue
        start = rng.integers(len(sound) - length + 1)
        part = sound[start : start + length].astype(np.float32) / 32768
        if rms(part) > 10 * SILENT:
            return part


def queries(count: int, split: str) -> list[tuple[Tensor, Tensor]]:
    """(music, speech) stretches, both at 0.05 RMS."""
    corpus, rng = Corpus.open(split), np.random.default_rng(12)
    pairs = []
    for _ in range(count):
        pair = [stretch(p, rng, SECONDS * RATE) for p in (corpus.music, corpus.speech_cut)]
        pairs.append(tuple(torch.from_numpy(x * np.float32(0.05 / rms(x))) for x in pair))
    return pairs


def peaks(audio: Tensor, per_second: float) -> Tensor:
    return peak_mask(stft(audio[None]).abs()[..., :-1], per_second, WINDOW)


def survival(reference: Tensor, found: Tensor) -> float:
    return float((reference * spread(found, 1, 1)).sum() / reference.sum())


def table(separate, pairs, peaks_of=peaks) -> dict[int, list[np.ndarray]]:
    """SNR to the survival of every query in [mixture, separated, either]. `peaks_of` what `separate` gives."""
    results: dict[int, list] = {snr: [] for snr in (*SNRS, None)}
    for music, speech in pairs:
        reference = peaks(music, 20)
        for snr in results:
            mixture = music if snr is None else speech + db(snr) * music
            mix, music_peaks = peaks(mixture, 60), peaks_of(separate(mixture), 60)
            either = torch.maximum(mix, music_peaks)
            results[snr].append([survival(reference, p) for p in (mix, music_peaks, either)])
    return {snr: np.array(rows) for snr, rows in results.items()}


def open_model(path: Path):
    if path.is_dir():
        return export.load_run(path)[:2]
    return modelfile.read(path)


def magnitude_peaks(magnitude: Tensor, per_second: float) -> Tensor:
    return peak_mask(magnitude, per_second, WINDOW)


def report(path: Path, pairs, from_mask: bool) -> None:
    net, module = open_model(path)
    separate, peaks_of = (magnitudes_of, magnitude_peaks) if from_mask else (music_of, peaks)
    print(f"{path}\n{'SNR':>6}  {'mixture':>14} {'separated':>14} {'either':>14}   (peaks % | rate %)")
    for snr, rows in table(lambda a: separate(net, module, a), pairs, peaks_of).items():
        cells = [f"{100 * m:6.1f} | {100 * r:5.0f}" for m, r in zip(rows.mean(0), (rows > 0.2).mean(0))]
        print(f"{'clean' if snr is None else snr:>6}  " + " ".join(f"{c:>14}" for c in cells), flush=True)


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument("models", type=Path, nargs="+")
    p.add_argument("--queries", type=int, default=48)
    p.add_argument("--split", default="dev")
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--from-mask", action="store_true", help="mask networks in the fingerprinter's own STFT (1024/256)")
    args = p.parse_args()
    torch.set_num_threads(args.threads)
    pairs = queries(args.queries, args.split)
    for path in args.models:
        report(path, pairs, args.from_mask)


if __name__ == "__main__":
    main()
