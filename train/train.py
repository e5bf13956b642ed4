"""Trains one network on mixtures made on the fly; one command, resumable at any moment.

    nice -n 15 python train.py unet --run DIR --hours 2 --batch 8 --threads 2

DIR gets `last.pt` (weights, averaged weights, optimiser, generators), `curve.csv`, and with --keep-every model files, of
which `choose.py` finds the one that identifies most. Starting again with the same DIR continues. --hours or --steps is
the length of the whole run (the cosine ends there), however often it was interrupted.
"""

from __future__ import annotations

import argparse
import copy
import csv
import math
import os
import queue
import threading
import time
from pathlib import Path

import torch
from torch import Tensor

import export
import losses
import modelfile
from graph import GraphNet
from mixing import Corpus, Mixer
from networks import Network, build
from recipe import Recipe, parse
from spectra import stft

CURVE = ["step", "seconds", "examples", "lr", "train_loss", "dev_loss"]


def options() -> argparse.Namespace:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument("network")
    p.add_argument("--run", type=Path, required=True)
    p.add_argument("--hours", type=float, default=2.0)
    p.add_argument("--steps", type=int, help="instead of --hours")
    p.add_argument("--set", nargs="+", default=[], metavar="NAME=VALUE", help="changes of the recipe (recipe.py)")
    p.add_argument("--init", type=Path, metavar="MODEL", help="begin with this file's weights, normalisation folded in")
    p.add_argument("--random-start", action="store_true", help="waveform networks: do not begin as the identity")
    p.add_argument("--batch", type=int, default=8)
    p.add_argument("--lr", type=float, default=1.5e-3)
    p.add_argument("--final-lr", type=float, default=2e-5)
    p.add_argument("--warmup", type=int, default=200, help="steps")
    p.add_argument("--ema", type=float, default=0.998)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--threads", type=int, default=os.cpu_count())
    p.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    p.add_argument("--compile", action="store_true", help="torch.compile: a quarter faster, minutes to start")
    p.add_argument("--f32", action="store_true", help="no bf16 autocast")
    p.add_argument("--save-every", type=float, default=120, help="seconds")
    p.add_argument("--keep-every", type=int, default=0, help="steps between model files kept; 0: none")
    return p.parse_args()


def beginning(args: argparse.Namespace) -> tuple[Network, GraphNet]:
    """The network of a run and its first weights."""
    if not args.init:
        net = build(args.network)
        if args.random_start:
            net.start.clear()
        return net, net.module()
    net, module = modelfile.read(args.init)
    for name in build(args.network).fixed:
        module.weight(name).requires_grad_(False)
    return net, module.train()


def loss_of(net: Network, model, mixture: Tensor, music: Tensor, bf16: bool, recipe: Recipe = Recipe()) -> Tensor:
    """mixture, music: (batch, block) samples."""
    device = mixture.device.type
    if net.domain["kind"] == "wave":
        with torch.autocast(device, torch.bfloat16, enabled=bf16):
            estimate = model(mixture[:, None, None, :])
        return losses.wave_loss(estimate[:, 0, 0].float(), music, mixture, recipe)
    fft, hop = net.domain["fft"], net.domain["hop"]
    with torch.no_grad():
        mix, clean = (stft(a, fft, hop).abs()[..., :-1] for a in (mixture, music))
    with torch.autocast(device, torch.bfloat16, enabled=bf16):
        mask = model(torch.log1p(mix)[:, None])
    return losses.magnitude_loss(mask[:, 0].float() * mix, clean, mix, recipe)


class Feeder(threading.Thread):
    """Mixes batches one ahead of the training step."""

    def __init__(self, mixer: Mixer, size: int):
        super().__init__(daemon=True)
        self.mixer, self.size, self.ready = mixer, size, queue.Queue(maxsize=3)
        self.start()

    def run(self) -> None:
        while True:
            self.ready.put(self.mixer.batch(self.size))

    def take(self, device: str) -> tuple[Tensor, Tensor]:
        return tuple(torch.from_numpy(a).to(device) for a in self.ready.get())


class Trainer:
    def __init__(self, args: argparse.Namespace):
        self.args, self.recipe = args, parse(args.set)
        torch.manual_seed(args.seed)
        self.net, first = beginning(args)
        self.model = first.to(args.device, memory_format=torch.channels_last)
        self.average = copy.deepcopy(self.model).eval()
        self.forward = torch.compile(self.model) if args.compile else self.model
        self.learned = [p for p in self.model.parameters() if p.requires_grad]
        self.optimiser = torch.optim.AdamW(self.learned, lr=args.lr, weight_decay=1e-4)
        self.step, self.seconds, self.examples = 0, 0.0, 0
        args.run.mkdir(parents=True, exist_ok=True)
        if (args.run / "last.pt").exists():
            self._restore()
        self.feeder = Feeder(self._mixer("train", (args.seed, self.step)), args.batch)
        self.dev = self._dev_batches()

    def _mixer(self, split: str, seed) -> Mixer:
        recipe = self.recipe if split == "train" else Recipe()  # every recipe is measured on the same
        return Mixer(Corpus.open(split), self.net.block, seed, recipe)

    def _dev_batches(self) -> list[tuple[Tensor, Tensor]]:
        mixer = self._mixer("dev", 7)
        return [tuple(torch.from_numpy(a).to(self.args.device) for a in mixer.batch(8)) for _ in range(4)]

    def _restore(self) -> None:
        state = torch.load(self.args.run / "last.pt", map_location=self.args.device, weights_only=False)
        self.model.load_state_dict(state["model"])
        self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        torch.set_rng_state(state["rng"].cpu())
        self.step, self.seconds, self.examples = state["step"], state["seconds"], state["examples"]

    def save(self) -> None:
        state = {
            "network": self.net, "recipe": self.recipe, "model": self.model.state_dict(),
            "average": self.average.state_dict(), "optimiser": self.optimiser.state_dict(),
            "rng": torch.get_rng_state(), "step": self.step, "seconds": self.seconds,
            "examples": self.examples, "args": {k: str(v) for k, v in vars(self.args).items()},
        }
        torch.save(state, self.args.run / "last.pt.new")
        os.replace(self.args.run / "last.pt.new", self.args.run / "last.pt")

    def done(self) -> float:
        """How much of the run is over."""
        return self.step / self.args.steps if self.args.steps else self.seconds / (self.args.hours * 3600)

    def keep(self) -> None:
        recipe = f"step {self.step} of a run of train.py"
        export.write(self.net, self.average, self.args.run / f"step-{self.step:06}", recipe, torch.float32)

    def rate(self) -> float:
        """Warm-up, then a cosine over the run."""
        cosine = 0.5 * (1 + math.cos(math.pi * min(1.0, self.done())))
        base = self.args.final_lr + (self.args.lr - self.args.final_lr) * cosine
        return base * min(1.0, (self.step + 1) / self.args.warmup)

    def train_step(self) -> float:
        for group in self.optimiser.param_groups:
            group["lr"] = self.rate()
        mixture, music = self.feeder.take(self.args.device)
        loss = loss_of(self.net, self.forward, mixture, music, not self.args.f32, self.recipe)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.learned, 5.0)
        self.optimiser.step()
        self.step += 1
        self.examples += self.args.batch
        self._average()
        return loss.item()

    @torch.no_grad()
    def _average(self) -> None:
        decay = min(self.args.ema, (1 + self.step) / (10 + self.step))
        for mean, now in zip(self.average.state_dict().values(), self.model.state_dict().values()):
            if mean.is_floating_point():
                mean.lerp_(now, 1 - decay)
            else:
                mean.copy_(now)

    @torch.no_grad()
    def dev_loss(self) -> float:
        bf16 = not self.args.f32
        return sum(loss_of(self.net, self.average, *b, bf16).item() for b in self.dev) / len(self.dev)

    def log(self, train_loss: float) -> None:
        path = self.args.run / "curve.csv"
        row = [self.step, round(self.seconds), self.examples, f"{self.rate():.2e}", f"{train_loss:.4f}",
               f"{self.dev_loss():.4f}"]
        with open(path, "a", newline="") as f:
            writer = csv.writer(f)
            if f.tell() == 0:
                writer.writerow(CURVE)
            writer.writerow(row)
        print(dict(zip(CURVE, row)), flush=True)

    def run(self) -> None:
        seen, saved = [], time.monotonic()
        while self.done() < 1:
            start = time.monotonic()
            seen.append(self.train_step())
            self.seconds += time.monotonic() - start
            if self.args.keep_every and self.step % self.args.keep_every == 0:
                self.keep()
            if time.monotonic() - saved >= self.args.save_every:
                self.save()
                self.log(sum(seen) / len(seen))
                seen, saved = [], time.monotonic()
        self.save()
        self.log(sum(seen) / max(1, len(seen)))


def main() -> None:
    args = options()
    torch.set_num_threads(args.threads)
    Trainer(args).run()


if __name__ == "__main__":
    main()
