"""Parity vectors for the C engine.

    python parity.py tiny DIR            random small networks that together use every op
    python parity.py full MODEL DIR      one block through a full model file
    python parity.py random NETWORK DIR  a network of networks.py with random weights, and one block through it

The last two are for `test_separator_golden MODEL VECTORS…`, which a build leaves in build/PRESET/tests.

Each NAME.io.safetensors holds, as F32: `x` (rows, columns, channels) the graph's input, `y` the same of its
output, `audio_in` and `music_out` (block) samples. They were computed in double precision from the file's
weights. `music_out` counts within [fft - hop, block - fft + hop) only (metadata `valid_from`, `valid_to`):
outside, too few windows overlap for the inverse STFT to be well conditioned.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from safetensors.torch import save
from torch import Tensor

import modelfile
from graph import GraphNet
from networks import NETWORKS, Band, Network, build, mmdensenet, unet, wave_densenet
from spectra import istft, stft


def test_signal(samples: int, seed: int) -> Tensor:
    """Noise and a few tones, about -15 dBFS; float32 values."""
    make = torch.Generator().manual_seed(seed)
    t = torch.arange(samples) / 16000.0
    tones = sum(torch.sin(2 * torch.pi * f * t + p) for f, p in ((220, 0.1), (1330, 1.0), (3971, 2.0)))
    return (0.05 * tones + 0.05 * torch.randn(samples, generator=make)).float()


@torch.no_grad()
def run_block(net: Network, module: GraphNet, audio: Tensor) -> dict[str, Tensor]:
    """x and y (rows, columns, channels), audio_in and music_out (block), computed in double."""
    module, wave = module.double().eval(), audio.double()
    if net.domain["kind"] == "wave":
        x = wave.view(1, 1, 1, -1)
        y = module(x)
        music = y.flatten()
    else:
        fft, hop = net.domain["fft"], net.domain["hop"]
        spectrum = stft(wave[None], fft, hop)
        x = torch.log1p(spectrum.abs()[..., :-1])[:, None].float().double()
        y = module(x)
        mask = torch.nn.functional.pad(y[:, 0], (0, 1))
        music = istft(mask * spectrum, fft, hop)[0]
    pack = lambda a: a[0].permute(1, 2, 0).float().contiguous()
    return {"x": pack(x), "y": pack(y), "audio_in": audio, "music_out": music.float().contiguous()}


def write_io(net: Network, module: GraphNet, path: Path, seed: int) -> None:
    edge = 0 if net.domain["kind"] == "wave" else net.domain["fft"] - net.domain["hop"]
    valid = {"valid_from": str(edge), "valid_to": str(net.block - edge)}
    path.write_bytes(save(run_block(net, module, test_signal(net.block, seed)), valid))


def tiny_wave() -> Network:
    """Three levels of Wave-U-Net: conv, decimate, upsample_linear, concat, tanh."""
    n = Network("tiny-wave", {"kind": "wave", "block": 256})
    leaky = {"act": "leaky_relu", "alpha": 0.2}
    src, cin = "x", 1
    for i in (1, 2, 3):
        n.conv(f"c{i}", src, cin, 8 * i, (1, 15), **leaky)
        src, cin = n.op("decimate", f"e{i}", f"c{i}", stride=[1, 2]), 8 * i
    src, cin = n.conv("b", src, cin, 32, (1, 15), **leaky), 32
    for i in (3, 2, 1):
        n.op("upsample_linear", f"l{i}", src)
        n.op("concat", f"d{i}", [f"c{i}", f"l{i}"])
        src, cin = n.conv(f"u{i}", f"d{i}", cin + 8 * i, 8 * i, (1, 5), **leaky), 8 * i
    n.op("concat", "o", ["x", src])
    n.conv("y", "o", 9, 1, (1, 1), act="tanh")
    return n


def tiny_jansson() -> Network:
    """Strided convolution with folded normalisation, cropped transposed convolution, sigmoid."""
    n = Network("tiny-jansson", {"kind": "mask", "fft": 64, "hop": 16, "frames": 16, "input": "log1p"})
    n.conv("e1", "x", 1, 8, (5, 5), (2, 2), act="leaky_relu", alpha=0.2, norm=True)
    n.conv("e2", "e1", 8, 16, (5, 5), (2, 2), act="leaky_relu", alpha=0.2, norm=True)
    n.deconv("u1", "e2", 16, 8, (5, 5), (2, 2), (2, 1, 2, 1), act="relu", norm=True)
    n.op("concat", "d1", ["u1", "e1"])
    n.deconv("y", "d1", 16, 1, (5, 5), (2, 2), (2, 1, 2, 1), act="sigmoid")
    return n


def tiny_ops() -> Network:
    """Every op that the other tiny networks leave out, and the awkward keys: odd pads, no bias."""
    n = Network("tiny-ops", {"kind": "mask", "fft": 64, "hop": 16, "frames": 16, "input": "log1p"})
    n.affine("a", "x", 1)
    n.op("slice_columns", "low", "a", **{"from": 0, "to": 12})
    n.op("slice_columns", "high", "a", **{"from": 12, "to": 32})
    n.conv("lc", "low", 1, 6, (3, 3), act="relu")
    n.conv("hc", "high", 1, 6, (3, 2), pad=(2, 0, 1, 0), bias=False)
    n.op("concat_columns", "bands", ["lc", "hc"])
    n.op("act", "soft", "bands", act="leaky_relu", alpha=0.3)
    n.affine("g", "soft", 6, act="tanh")
    n.op("slice_channels", "g1", "g", **{"from": 0, "to": 3})
    n.op("slice_channels", "g2", "g", **{"from": 3, "to": 6})
    n.op("mul", "m", ["g1", "g2"])
    n.op("add", "s", ["m", "g1"])
    n.op("avgpool", "pool", "s", stride=[2, 4])
    n.op("decimate", "dec", "s", stride=[2, 4])
    n.op("concat", "both", ["pool", "dec"])
    n.conv("up", "both", 6, 24, (3, 3), act="relu")
    n.op("depth_to_space", "shuf", "up", block=[2, 4])
    n.op("concat", "all", ["shuf", "x", "s"])
    n.conv("y", "all", 7, 1, (1, 3), pad=(0, 0, 0, 2), act="sigmoid")
    return n


def tiny_unet() -> Network:
    """The default network's shape with few channels, at the real STFT."""
    n = unet(frames=16, widths=(4, 4, 4, 4), decoder=(4, 4, 4), hidden=8)
    n.name = "tiny-unet"
    return n


def tiny_wave_densenet() -> Network:
    """Dense blocks, normalisations of their own, pooling, transposed convolution in a row."""
    n = wave_densenet(block=256, first=4, growth=3, layers=3, levels=3)
    n.name = "tiny-wave-densenet"
    return n


def tiny_mmdensenet() -> Network:
    """Bands apart and joined, at the real STFT."""
    bands = (Band((3, 4), (3, 4), (4,), 2), Band((3, 3), (3, 3), (4,), 1), Band((3, 4), (2, 2), (2,), 1))
    n = mmdensenet(frames=16, bands=bands, first=4, last=6)
    n.name = "tiny-mmdensenet"
    return n


TINY = (tiny_wave, tiny_jansson, tiny_ops, tiny_unet, tiny_wave_densenet, tiny_mmdensenet)


def randomised(net: Network, seed: int) -> GraphNet:
    """Random weights and normalisation statistics."""
    torch.manual_seed(seed)
    module = net.module().eval().requires_grad_(False)
    for norm in module.norms.values():
        norm.running_mean.normal_(0, 0.2)
        norm.running_var.uniform_(0.5, 2.0)
        torch.nn.init.uniform_(norm.weight, 0.5, 1.5)
        torch.nn.init.normal_(norm.bias, 0, 0.2)
    for name, p in module.weights.items():
        if p.dim() == 1:
            torch.nn.init.normal_(p, 0.3 if name.endswith("w") else 0.0, 0.3)
    for name in net.start:  # not the mixture, which says nothing of the rest
        torch.nn.init.normal_(module.weight(name), 0, 0.3)
    return module


def write_tiny(out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    for seed, make in enumerate(TINY):
        net = make()
        nodes, tensors = modelfile.fold(net, randomised(net, seed))
        for suffix, dtype in (("", torch.float32), ("-bf16", torch.bfloat16)):
            if suffix and make is not tiny_wave:
                continue
            path = out / f"{net.name}{suffix}.safetensors"
            path.write_bytes(modelfile.serialise(net, nodes, tensors, "random, for parity tests", dtype))
            write_io(*modelfile.read(path), out / f"{net.name}{suffix}.io.safetensors", seed)


def write_random(name: str, out: Path) -> Path:
    net = build(name)
    nodes, tensors = modelfile.fold(net, randomised(net, 1))
    path = out / f"{name}-random.safetensors"
    path.write_bytes(modelfile.serialise(net, nodes, tensors, "random, for parity tests", torch.float32))
    return path


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    verbs = p.add_subparsers(dest="verb", required=True)
    verbs.add_parser("tiny").add_argument("out", type=Path)
    full = verbs.add_parser("full")
    full.add_argument("model", type=Path)
    full.add_argument("out", type=Path)
    random = verbs.add_parser("random")
    random.add_argument("network", choices=NETWORKS)
    random.add_argument("out", type=Path)
    args = p.parse_args()
    if args.verb == "tiny":
        write_tiny(args.out)
        return
    args.out.mkdir(parents=True, exist_ok=True)
    model = args.model if args.verb == "full" else write_random(args.network, args.out)
    write_io(*modelfile.read(model), args.out / f"{model.stem}.io.safetensors", 1)


if __name__ == "__main__":
    main()
