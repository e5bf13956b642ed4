"""SDR, SIR and SAR against mir_eval's, which is another program of other authors, and on cases that are known."""

import warnings

import numpy as np
import pytest
from scipy import signal

from bss_eval import bss_eval


def sources(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=(2, 16000))
    return np.stack([signal.lfilter([1], [1, -0.95], noise[0]), signal.lfilter([1, 0.9], [1], noise[1])])


@pytest.mark.parametrize("leak, noise", [(0.1, 0.01), (0.5, 0.1), (0.02, 0.5)])
def test_agrees_with_mir_eval(leak, noise):
    separation = pytest.importorskip("mir_eval.separation")
    music, speech = true = sources(3)
    rng = np.random.default_rng(4)
    estimate = signal.lfilter([0.8, 0.2], [1], music) + leak * speech + noise * rng.normal(size=len(music))
    with warnings.catch_warnings(action="ignore"):  # it announces its removal
        theirs = separation.bss_eval_sources(true, np.stack([estimate, speech + noise * music]), False)
    assert bss_eval(true, estimate, 0) == pytest.approx([theirs[k][0] for k in range(3)], abs=0.01)


def test_a_filtered_source_is_perfect_and_a_leak_has_its_level():
    music, speech = true = sources(5)
    sdr, sir, sar = bss_eval(true, signal.lfilter([0.5, 0.3], [1], music), 0)
    assert min(sdr, sir, sar) > 50  # but for the filter's tail
    gain = 0.1 * np.sqrt(np.mean(music**2) / np.mean(speech**2))
    sdr, sir, sar = bss_eval(true, music + gain * speech, 0)
    assert sir == pytest.approx(20, abs=0.3) and sdr == pytest.approx(20, abs=0.3) and sar > 60
