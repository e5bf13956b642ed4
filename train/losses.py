"""What a separator for identification should get right: the music's spectral peaks, at any level."""

from __future__ import annotations

import torch
from torch import Tensor

from recipe import Recipe
from spectra import local_mean, peak_mask, spread, stft

SHARPNESS = 4.0  # of the soft arg max, on a natural-log magnitude


def magnitude_loss(estimate: Tensor, music: Tensor, mixture: Tensor, recipe: Recipe = Recipe()) -> Tensor:
    """The whole loss over magnitudes (batch, frames, bins) in p3's STFT."""
    with torch.no_grad():
        clean = peak_mask(music, 25.0)
    loss = spectral_loss(estimate, music, mixture, clean, recipe)
    return loss + recipe.peak_loss * peak_loss(estimate, music, clean) if recipe.peak_loss else loss


def spectral_loss(estimate: Tensor, music: Tensor, mixture: Tensor, clean: Tensor, recipe: Recipe = Recipe()) -> Tensor:
    """Level-invariant log-magnitude L1; `clean` marks the music's peaks.

    Both magnitudes are raised by a floor relative to the clean music's level around that cell (notes: a
    log-magnitude L1 with a level floor). Without music the floor follows the mixture, 40 dB down.
    """
    with torch.no_grad():
        floor = recipe.floor * local_mean(music, 15, 16) + 1e-4
        absent = music.amax(dim=(1, 2)) < 1e-6
        if absent.any():
            floor[absent] += 0.01 * local_mean(mixture[absent], 31, 64)
        near = spread(clean, 1, 1)
        alien = spread(peak_mask(mixture, 60.0), 1, 1)
        weight = 1.0 + recipe.peak_weight * near + recipe.speech_weight * alien * (1.0 - near)
        weight[..., :4] *= 0.25
        weight[..., 449:] *= 0.25
        weight = weight / weight.mean()
    error = torch.log((estimate + floor) / (music + floor))
    error = torch.where(error > 0, recipe.interference * error, -error)
    return (error * weight).mean()


def peak_loss(estimate: Tensor, music: Tensor, clean: Tensor) -> Tensor:
    """Whether a fingerprinter would find the clean music's peaks in the estimate.

    Shape: within +-3 frames and +-8 bins of each clean peak the estimate should have its maximum there
    (a soft arg max over the log magnitude). Rank: by prominence the clean peaks should be among the
    estimate's 60 a second, and the estimate's other peaks should not.
    """
    level = torch.log(estimate + 1e-4 * music.amax(dim=(1, 2), keepdim=True) + 1e-6)
    if not clean.any():
        return level.sum() * 0.0
    return _shape_loss(level, clean) + 0.5 * _rank_loss(level, estimate.detach(), clean)


def _shape_loss(level: Tensor, clean: Tensor, rows: int = 3, columns: int = 8) -> Tensor:
    at, t, f = clean.nonzero(as_tuple=True)
    dt = torch.arange(-rows, rows + 1, device=level.device).repeat_interleave(2 * columns + 1)
    df = torch.arange(-columns, columns + 1, device=level.device).repeat(2 * rows + 1)
    around_t = (t[:, None] + dt).clamp(0, level.shape[1] - 1)
    around_f = (f[:, None] + df).clamp(0, level.shape[2] - 1)
    patch = SHARPNESS * level[at[:, None], around_t, around_f]
    near = patch[:, (dt.abs() <= 1) & (df.abs() <= 1)]
    return (patch.logsumexp(1) - near.logsumexp(1)).mean()


def _rank_loss(level: Tensor, estimate: Tensor, clean: Tensor) -> Tensor:
    prominence = level - local_mean(level, 31, 32)
    with torch.no_grad():
        found = peak_mask(estimate, 60.0)
        false = found * (1.0 - spread(clean, 1, 1))
        lowest = torch.where(found > 0, prominence, torch.inf).amin(dim=(1, 2), keepdim=True)
        lowest = torch.where(lowest.isinf(), 0.0, lowest)
    missed = torch.nn.functional.softplus(2.0 * (lowest - prominence) + 1.0)
    intruding = torch.nn.functional.softplus(2.0 * (prominence - lowest))
    return _mean(missed, clean) + 0.3 * _mean(intruding, false)


def _mean(x: Tensor, mask: Tensor) -> Tensor:
    return (x * mask).sum() / mask.sum().clamp_min(1.0)


def wave_loss(estimate: Tensor, music: Tensor, mixture: Tensor, recipe: Recipe = Recipe()) -> Tensor:
    """The spectral loss of a waveform's STFT plus a level-invariant log L2 (Cortes: LogL2Time)."""
    power = music.square().mean(1) + 1e-4 * mixture.square().mean(1) + 1e-10
    log_l2 = torch.log1p((estimate - music).square().mean(1) / power).mean()
    spectra = [stft(a).abs()[..., :-1] for a in (estimate, music, mixture)]
    return magnitude_loss(*spectra, recipe) + recipe.wave_loss * log_l2
