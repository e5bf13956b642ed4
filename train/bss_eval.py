"""BSS Eval, version 3 (Vincent, Gribonval, Févotte 2006): how much of what is left in a separated source is the other
source, and how much is neither. Allowed distortion of a source: a filter of 512 taps."""

from __future__ import annotations

import numpy as np
from scipy import fft, linalg

TAPS = 512


def bss_eval(sources: np.ndarray, estimate: np.ndarray, which: int) -> tuple[float, float, float]:
    """SDR, SIR and SAR in dB of an estimate of sources[which]; sources (count, samples), none silent."""
    target = _projection(sources[which : which + 1], estimate)
    everything = _projection(sources, estimate)
    padded = np.pad(estimate, (0, TAPS - 1))
    interference, artefacts = everything - target, padded - everything
    return (_ratio_db(target, interference + artefacts), _ratio_db(target, interference),
            _ratio_db(everything, artefacts))


def _ratio_db(wanted: np.ndarray, rest: np.ndarray) -> float:
    return float(10 * np.log10(np.sum(wanted**2) / max(np.sum(rest**2), 1e-30)))


def _projection(sources: np.ndarray, estimate: np.ndarray) -> np.ndarray:
    """Of the estimate onto the span of the sources delayed by 0 … TAPS-1 samples; TAPS-1 samples longer."""
    count, samples = sources.shape
    size = fft.next_fast_len(samples + TAPS - 1, real=True)
    spectra = fft.rfft(sources, size)
    towards = fft.irfft(spectra.conj() * fft.rfft(estimate, size), size)[:, :TAPS]
    gram = np.empty((count * TAPS, count * TAPS))
    for i in range(count):
        for j in range(count):
            correlation = fft.irfft(spectra[i].conj() * spectra[j], size)
            backwards = np.r_[correlation[0], correlation[:-TAPS:-1]]
            block = linalg.toeplitz(correlation[:TAPS], backwards)
            gram[i * TAPS : (i + 1) * TAPS, j * TAPS : (j + 1) * TAPS] = block
    filters = linalg.solve(gram, towards.ravel(), assume_a="sym").reshape(count, TAPS)
    return fft.irfft((fft.rfft(filters, size) * spectra).sum(0), size)[: samples + TAPS - 1]
