"""Offline separation by overlap-crop, as the engine streams: half a block of hop, the middle kept."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from graph import GraphNet
from networks import Network
from spectra import istft, stft


@torch.no_grad()
def music_of(net: Network, module: GraphNet, audio: Tensor, batch: int = 8) -> Tensor:
    """The music in (samples,) audio, same length."""
    block = net.block
    hop = block // 2 // 256 * 256
    crop = (block - hop) // 2
    count = -(-len(audio) // hop)
    padded = F.pad(audio, (crop, count * hop - len(audio) + block - hop - crop))
    blocks = padded.unfold(0, block, hop)
    kept = [run_blocks(net, module, b)[:, crop : crop + hop] for b in blocks.split(batch)]
    return torch.cat(kept).flatten()[: len(audio)]


@torch.no_grad()
def run_blocks(net: Network, module: GraphNet, blocks: Tensor) -> Tensor:
    """Music of (batch, block) samples."""
    if net.domain["kind"] == "wave":
        return module(blocks[:, None, None, :])[:, 0, 0]
    fft, hop = net.domain["fft"], net.domain["hop"]
    spectrum = stft(blocks, fft, hop)
    mask = module(torch.log1p(spectrum.abs()[..., :-1])[:, None])[:, 0]
    return istft(F.pad(mask, (0, 1)) * spectrum, fft, hop)


@torch.no_grad()
def magnitudes_of(net: Network, module: GraphNet, audio: Tensor) -> Tensor:
    """(1, frames, bins) the masked magnitudes of the whole audio, kept by the middle of each block: no inverse STFT."""
    d, half = net.domain, net.domain["frames"] // 2
    mixture = stft(audio[None], d["fft"], d["hop"]).abs()[..., :-1]
    count = -(-mixture.shape[1] // half)
    padded = F.pad(mixture, (0, 0, half // 2, count * half - mixture.shape[1] + half // 2))
    masks = [module(torch.log1p(padded[:, i * half : (i + 2) * half])[:, None])[:, 0, half // 2 : half // 2 + half]
             for i in range(count)]
    return torch.cat(masks, 1)[:, : mixture.shape[1]] * mixture
