"""The tables of the paper on open data: one command each.

    python tables.py 3 --audio AUDIO        input frames of the mask network, and identification
    python tables.py 4 --audio AUDIO        hop of its STFT, and identification
    python tables.py 5                      SDR, SIR, SAR (BSS Eval) of every network
    python tables.py 6 --audio AUDIO        identification: p1, p2, p3 at 0, -10, -20 dB
    python tables.py 7 --audio AUDIO        clean music before and after separation
    python tables.py size                   parameters, arithmetic, x real time of one core

--models: the model files measured; default: those in ../models. Networks without one are "untrained here". Tables 3 and
4 run one trained file at other frames or hops than it was trained with, where the paper trained each anew.
-o FILE writes the table there, too.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch

import evaluate_peaks
import matcher
import modelfile
import parity
from bss_eval import bss_eval
from mixing import db
from networks import NETWORKS, build, macs, parameter_count
from separate import music_of

UNTRAINED = "untrained here"
PARAMS = ("p1", "p2", "p3")


def missing(models: list[Path], columns: int) -> list[list]:
    """Rows of the networks that no file is of."""
    have = {modelfile.read(m)[0].name for m in models}
    return [[name, *[UNTRAINED] * columns] for name in NETWORKS if name not in have]


def variant(model: Path, folder: Path, **domain) -> Path:
    """The same weights with another domain."""
    net, module = modelfile.read(model)
    net.domain.update(domain)
    tensors = {name: module.weight(name).detach() for name in net.shapes}
    path = folder / f"{net.name}-{'-'.join(f'{k}-{v}' for k, v in domain.items())}.safetensors"
    path.write_bytes(modelfile.serialise(net, net.nodes, tensors, "for tables.py", torch.float32))
    return path


def identification(args, *options: str) -> dict:
    return matcher.rates(matcher.evaluate(args, "--snr", args.snr, *options))


def levels(args) -> list[str]:
    return [f"{snr} dB" for snr in args.snr.split(",")]


def domains(args, key: str, values: tuple[int, ...]) -> str:
    """Tables 3 and 4: separated music alone and jointly with the mixture, by p2 (the paper's) and p3."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for value in values:
            file = variant(args.models[0], Path(folder), **{key: value})
            rate = identification(args, "--params", "p2,p3", "--conditions", "mix", "--no-mix", "--separator", str(file))
            rows.append([str(value), *(rate[p, h, c] for p in ("p2", "p3") for h in ("separated", "joint")
                                       for c in levels(args))])
    heads = [f"{args.models[0].stem}, {key}", *(f"{p} {h} {c}" for p in ("p2", "p3") for h in ("separated", "joint")
                                                for c in levels(args))]
    return matcher.table(heads, rows)


def table_3(args) -> str:
    return domains(args, "frames", (64, 128, 256, 512))


def table_4(args) -> str:
    return domains(args, "hop", (128, 256, 373, 512))


def distortion(separate, pairs, snr: int) -> list[float]:
    """Median SDR, SIR, SAR of the music, and SDR of the speech, over the queries."""
    rows = []
    for music, speech in pairs:
        sources = torch.stack([db(snr) * music, speech])
        mixture = sources.sum(0)
        estimate = separate(mixture).double().numpy()
        true = sources.double().numpy()
        rest = mixture.double().numpy() - estimate
        rows.append([*bss_eval(true, estimate, 0), bss_eval(true, rest, 1)[0] if np.any(rest) else -np.inf])
    return [float(x) for x in np.median(rows, axis=0)]


def table_5(args) -> str:
    snrs = [int(s) for s in args.snr.split(",")]
    pairs = evaluate_peaks.queries(args.queries, "dev")
    heads = [f"median of {args.queries} queries, dB",
             *(f"{what} at {snr} dB" for snr in snrs for what in ("SDR", "SIR", "SAR", "speech SDR"))]
    rows = [["mixture", *(x for snr in snrs for x in distortion(lambda m: m, pairs, snr)[:3] + [None])]]
    for path in args.models:
        net, module = modelfile.read(path)
        rows.append([path.stem, *(x for snr in snrs for x in distortion(
            lambda mixture: music_of(net, module, mixture), pairs, snr))])
    return matcher.table(heads, rows + missing(args.models, 4 * len(snrs)))


def by_params(args, conditions: list[str], *options: str) -> str:
    """Rows: the mixture, then of every model the separated music and both."""
    columns = [(p, c) for p in PARAMS for c in conditions]
    heads = [f"identified, % of {args.queries}", *(f"{p} {c}" for p, c in columns)]
    mix = identification(args, "--params", ",".join(PARAMS), "--separator", "none", *options)
    rows = [["mixture alone", *(mix[p, "mix", c] for p, c in columns)]]
    for model in args.models:
        rate = identification(args, "--params", ",".join(PARAMS), "--separator", str(model), "--no-mix", *options)
        rows += [[f"{model.stem}, {heard}", *(rate[p, heard, c] for p, c in columns)] for heard in ("separated", "joint")]
    return matcher.table(heads, rows + missing(args.models, len(columns)))


def table_6(args) -> str:
    return by_params(args, levels(args), "--conditions", "mix")


def table_7(args) -> str:
    return by_params(args, ["clean"], "--conditions", "clean")


def speed(program: str, model: Path) -> float:
    """x real time of one core in f32, a block at a time, by its CPU time."""
    out = subprocess.run([program, str(model)], check=True, capture_output=True, text=True).stdout
    return float(re.search(r"onednn-f32\s+batch 1:.*?([\d.]+) mean", out).group(1))


def table_size(args) -> str:
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for name in NETWORKS:
            net = build(name)
            d = net.domain
            samples = net.block if d["kind"] == "wave" else d["frames"] * d["hop"]
            rate = speed(args.bench, parity.write_random(name, Path(folder)))
            rows.append([name, f"{parameter_count(net):,}", f"{macs(net) * 16e-6 / samples:.3f}",
                         f"{net.block / 16000:.2f}", rate])
    return matcher.table(["network", "parameters", "GMAC per second", "block, s", "x real time, f32"], rows)


TABLES = {"3": table_3, "4": table_4, "5": table_5, "6": table_6, "7": table_7, "size": table_size}


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument("table", choices=TABLES)
    p.add_argument("--models", type=Path, nargs="+", default=sorted(Path("../models").glob("*.safetensors")))
    p.add_argument("--snr", default="0,-10,-20", help="dB, separated by commas (--snr=-10)")
    p.add_argument("--bench", default="../build/bench/tests/bench_separator", help="the program of table size")
    p.add_argument("-o", "--output", type=Path)
    matcher.add_options(p, needed=False)
    args = p.parse_args()
    if args.table in "3467" and not args.audio:
        p.error(f"table {args.table} needs --audio")
    text = TABLES[args.table](args)
    if args.output:
        args.output.write_text(text)
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
