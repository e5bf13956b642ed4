"""Makes the flat modules of train/ importable from anywhere; a training run on synthesised recordings."""

import argparse
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))


@pytest.fixture
def trainer_args(tmp_path, monkeypatch):
    import train
    from mixing import Corpus
    from networks import build
    from parity import tiny_unet
    from synthetic import corpus

    monkeypatch.setattr(Corpus, "open", classmethod(lambda cls, split: corpus()))
    monkeypatch.setattr(train, "build", lambda name: tiny_unet() if name == "unet" else build(name, block=4096))
    return argparse.Namespace(
        network="unet", run=tmp_path / "run", hours=1.0, batch=2, lr=1e-3, final_lr=1e-5, warmup=2,
        ema=0.9, seed=1, threads=1, device="cpu", f32=True, compile=False, save_every=60,
        steps=None, set=[], init=None, random_start=False, keep_every=0)
