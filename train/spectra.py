"""The p3 spectrogram (16 kHz, 1024 periodic Hann, hop 256) and its peaks, in PyTorch.

Spectra are (batch, frames, bins). Frame t is the windowed samples [t*hop, t*hop + fft), as in
docs/MODEL_FORMAT.md; the DFT is unscaled.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

FFT = 1024
HOP = 256
RATE = 16000


def stft(audio: Tensor, fft: int = FFT, hop: int = HOP) -> Tensor:
    """(batch, samples) to (batch, frames, fft/2 + 1), complex."""
    window = torch.hann_window(fft, periodic=True, device=audio.device, dtype=audio.dtype)
    return torch.fft.rfft(audio.unfold(-1, fft, hop) * window)


def istft(spectrum: Tensor, fft: int = FFT, hop: int = HOP) -> Tensor:
    """Weighted overlap-add inverse; where no window reaches (the first sample) the result is 0."""
    window = torch.hann_window(fft, periodic=True, device=spectrum.device, dtype=spectrum.real.dtype)
    frames = torch.fft.irfft(spectrum, n=fft) * window
    weight = (window**2).expand(1, frames.shape[1], fft)
    return _overlap_add(frames, hop) / _overlap_add(weight, hop).clamp_min(1e-8)


def _overlap_add(frames: Tensor, hop: int) -> Tensor:
    """(batch, frames, fft) to (batch, samples)."""
    batch, count, fft = frames.shape
    samples = (count - 1) * hop + fft
    summed = F.fold(frames.transpose(1, 2), (1, samples), (1, fft), stride=(1, hop))
    return summed.reshape(batch, samples)


def _box_mean(x: Tensor, n: int) -> Tensor:
    """Mean over +-n of the last dimension, fewer at the edges."""
    size = x.shape[-1]
    total = F.pad(x.cumsum(-1), (1, 0))
    at = torch.arange(size, device=x.device)
    low, high = (at - n).clamp_min(0), (at + n + 1).clamp_max(size)
    return (total.index_select(-1, high) - total.index_select(-1, low)) / (high - low)


def local_mean(x: Tensor, rows: int, columns: int) -> Tensor:
    """Mean over +-rows frames and +-columns bins, fewer at the edges."""
    return _box_mean(_box_mean(x, columns).transpose(1, 2), rows).transpose(1, 2)


def _slide_max(x: Tensor, n: int, dim: int) -> Tensor:
    """Maximum over +-n along `dim`. Much faster than max_pool2d on a CPU."""
    size, out = x.shape[dim], x.clone()
    for k in range(1, n + 1):
        ahead, behind = out.narrow(dim, 0, size - k), out.narrow(dim, k, size - k)
        torch.maximum(ahead, x.narrow(dim, k, size - k), out=ahead)
        torch.maximum(behind, x.narrow(dim, 0, size - k), out=behind)
    return out


def peak_mask(magnitude: Tensor, per_second: float, window: int | None = None, low_hz: float = 60,
              high_hz: float = 7000) -> Tensor:
    """The strongest local maxima (+-3 frames, +-8 bins) by local prominence, as 0/1, same shape.

    Prominence is the log magnitude over its local mean, so that quiet bands have peaks too. `per_second`
    of them are kept in every `window` frames (default: in all frames together).
    """
    level = torch.log(magnitude + 1e-5)
    highest = _slide_max(_slide_max(level, 8, 2), 3, 1)
    prominence = level - local_mean(level, 31, 32)
    bins = torch.arange(magnitude.shape[2], device=magnitude.device) * (RATE / FFT)
    usable = (level == highest) & ((bins >= low_hz) & (bins <= high_hz))
    score = torch.where(usable, prominence, torch.full_like(prominence, -1e9))
    parts = score.split(window or score.shape[1], dim=1)
    return torch.cat([_strongest(p, per_second) for p in parts], dim=1)


def _strongest(score: Tensor, per_second: float) -> Tensor:
    """1 at the best-scored cells of (batch, frames, bins) with a score above 0.5 (4.3 dB)."""
    count = max(1, int(per_second * score.shape[1] * HOP / RATE))
    top = torch.topk(score.flatten(1), count, dim=1)
    mask = torch.zeros_like(score).flatten(1)
    return mask.scatter_(1, top.indices, (top.values > 0.5).to(score.dtype)).view_as(score)


def spread(mask: Tensor, rows: int, columns: int) -> Tensor:
    """Widens a 0/1 mask by +-rows and +-columns."""
    return _slide_max(_slide_max(mask, columns, 2), rows, 1)
