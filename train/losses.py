"""What a separator for identification should get right: the music's spectral peaks, at any level."""

from __future__ import annotations

import torch
from torch import Tensor

from spectra import local_mean, peak_mask, spread, stft

FLOOR = 0.1  # of the clean music's local level: what lies lower need not be resolved
PEAK_WEIGHT = 4.0  # around the clean music's peaks
SPEECH_WEIGHT = 2.0  # at the mixture's peaks: they become false peaks if they stay
INTERFERENCE = 1.5  # too much is worse than too little


def spectral_loss(estimate: Tensor, music: Tensor, mixture: Tensor) -> Tensor:
    """Level-invariant log-magnitude L1 over magnitudes (batch, frames, bins) in p3's STFT.

    Both magnitudes are raised by a floor relative to the clean music's level around that cell (notes: a
    log-magnitude L1 with a level floor). Without music the floor follows the mixture, 40 dB down.
    """
    with torch.no_grad():
        floor = FLOOR * local_mean(music, 15, 16) + 0.01 * local_mean(mixture, 31, 64) * _absent(music)
        floor = floor + 1e-4
        peaks = spread(peak_mask(music, 25.0), 1, 1)
        alien = spread(peak_mask(mixture, 60.0), 1, 1)
        weight = 1.0 + PEAK_WEIGHT * peaks + SPEECH_WEIGHT * alien * (1.0 - peaks)
        weight[..., :4] *= 0.25
        weight[..., 449:] *= 0.25
        weight = weight / weight.mean()
    error = torch.log((estimate + floor) / (music + floor))
    error = torch.where(error > 0, INTERFERENCE * error, -error)
    return (error * weight).mean()


def _absent(music: Tensor) -> Tensor:
    """1 for examples without music, else 0; (batch, 1, 1)."""
    return (music.amax(dim=(1, 2), keepdim=True) < 1e-6).to(music.dtype)


def wave_loss(estimate: Tensor, music: Tensor, mixture: Tensor) -> Tensor:
    """The spectral loss of a waveform's STFT plus a level-invariant log L2 (Cortes: LogL2Time)."""
    power = music.square().mean(1) + 1e-4 * mixture.square().mean(1) + 1e-10
    log_l2 = torch.log1p((estimate - music).square().mean(1) / power).mean()
    spectra = [stft(a).abs()[..., :-1] for a in (estimate, music, mixture)]
    return spectral_loss(*spectra) + 0.3 * log_l2
