"""The mixer: exact targets, the mixture's recipe, reproducibility; pauses; licences."""

from dataclasses import replace

import numpy as np
import pytest

from corpus import commercial, cut_pauses
from mixing import Mixer, rms
from recipe import Recipe
from synthetic import bursts, corpus

LENGTH = 16384


def test_the_same_seed_gives_the_same_batch():
    a, b = (Mixer(corpus(), LENGTH, 5).batch(4) for _ in range(2))
    assert np.array_equal(a[0], b[0]) and np.array_equal(a[1], b[1])


def test_examples_are_finite_unclipped_and_of_the_recipe():
    mixer = Mixer(corpus(), LENGTH, 0, Recipe(codec=0))  # a coder's noise is in neither
    alone = silent = under = 0
    for _ in range(400):
        mixture, music = mixer.example()
        assert mixture.shape == music.shape == (LENGTH,)
        assert np.isfinite(mixture).all() and np.abs(mixture).max() <= 1.0
        speech = rms(mixture - music)
        alone += speech < 1e-6
        silent += rms(music) < 1e-6
        under += 1e-6 < rms(music) < 1.2 * speech
    assert 20 <= alone <= 65 and 5 <= silent <= 40 and 240 <= under <= 320


def test_compression_and_bandwidth_leave_the_target_inside_the_mixture():
    mixer = Mixer(corpus(), LENGTH, 1, Recipe(codec=0))
    music, speech = mixer._music(), np.zeros(LENGTH, np.float32)
    for _ in range(20):
        mixture, target = mixer._chain(music, speech)
        assert np.allclose(mixture, target, atol=1e-6)


def test_a_coder_adds_noise_below_the_mixture_and_moves_nothing():
    mixer = Mixer(corpus(), LENGTH, 1, Recipe(codec=1, compression=0, bandwidth=0))
    music, silence = bursts(2, 4)[:LENGTH] / np.float32(32768), np.zeros(LENGTH, np.float32)
    for _ in range(10):
        mixture, target = mixer._chain(music, silence)
        assert -60 < 20 * np.log10(rms(mixture - target) / rms(target)) < -3
        assert np.argmax(np.correlate(mixture[99:-99], target, "valid")[::-1]) == 99


def test_every_option_of_the_recipe_changes_the_examples():
    plain = Mixer(corpus(), LENGTH, 3, Recipe()).batch(16)[0]
    for field in ("under", "over", "music", "speech", "lowest_db", "overlap", "effects", "speed", "colour",
                  "compression", "bandwidth", "codec"):
        changed = Mixer(corpus(), LENGTH, 3, replace(Recipe(), **{field: 0.0})).batch(16)[0]
        assert not np.array_equal(plain, changed), field


def test_pauses_go_and_60_ms_stay():
    speech = bursts(4, 1)
    cut = cut_pauses(speech)
    assert len(cut) == pytest.approx(len(speech) * (0.25 + 0.06) / 0.5, rel=0.08)


def test_non_commercial_licences_are_left_out():
    assert commercial("CC BY-SA 4.0") and commercial("GPL-3.0") and commercial("CC0 1.0")
    assert commercial("Free for commercial and non-commercial use (repository statement; x)")
    assert not commercial("CC BY-NC 3.0")
    assert not commercial("CC BY-NC-SA 4.0 (RAVDESS; repository states MIT)")
