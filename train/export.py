"""Writes a training run as a model file: averaged weights, batch normalisation folded in.

    python export.py RUN_DIR --out ../models [--bf16] [--recipe TEXT]

The file is NAME-HASH8.safetensors; HASH8 starts the SHA-256 of its data.
"""

from __future__ import annotations

import argparse
import subprocess
from datetime import datetime, timezone
from pathlib import Path

import torch

import modelfile
from networks import Network

LARGEST = 21 * 1024 * 1024  # bytes of one file in the repository


def commit() -> str:
    here = Path(__file__).parent
    got = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=here, capture_output=True, text=True)
    return got.stdout.strip() or "none"


def load_run(run: Path) -> tuple[Network, torch.nn.Module, dict]:
    """Network, its module with the averaged weights, and the checkpoint."""
    state = torch.load(run / "last.pt", map_location="cpu", weights_only=False)
    net = state["network"]
    module = net.module().eval()
    module.load_state_dict(state["average"])
    return net, module, state


def recipe_of(state: dict) -> str:
    args = state["args"]
    date = datetime.now(timezone.utc).strftime("%Y-%m-%d")
    return (f"train.py {state['network'].name}: {state['step']} steps of {args['batch']}, "
            f"{state['examples']} mixtures, {state['seconds'] / 3600:.2f} h, AdamW {args['lr']} cosine, "
            f"EMA {args['ema']}; commit {commit()}; {date}; data: see MODEL.md")


def write(net: Network, module, out: Path, recipe: str, dtype: torch.dtype) -> Path:
    nodes, tensors = modelfile.fold(net, module)
    blob = modelfile.serialise(net, nodes, tensors, recipe, dtype)
    if len(blob) > LARGEST:
        raise SystemExit(f"{net.name}: {len(blob)} bytes, more than {LARGEST}; use --bf16")
    out.mkdir(parents=True, exist_ok=True)
    path = out / f"{net.name}-{modelfile.metadata(blob)['sha256'][:8]}.safetensors"
    path.write_bytes(blob)
    return path


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument("run", type=Path)
    p.add_argument("--out", type=Path, required=True)
    p.add_argument("--bf16", action="store_true")
    p.add_argument("--recipe", default="")
    args = p.parse_args()
    net, module, state = load_run(args.run)
    dtype = torch.bfloat16 if args.bf16 else torch.float32
    recipe = recipe_of(state) + ("; " + args.recipe if args.recipe else "")
    print(write(net, module, args.out, recipe, dtype))


if __name__ == "__main__":
    main()
