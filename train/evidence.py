"""Learns fingerprint/evidence_prior.h: in which states the peaks of music that is really there are seen.

    cmake --preset bench && cmake --build --preset bench
    A=../shared/audio
    build/bench/tests/evidence_states $A/music/train $A/music/dev $A/speech/train > states.txt
    python train/evidence.py states.txt > fingerprint/evidence_prior.h
    python train/evidence.py states.txt --held-out dev.txt        # prints the share of hypotheses that pass instead

The model is that of fingerprint/evidence.h: a mixture over situations; in each, a prior over the part of a cell's peaks
that show and a distribution over the sixteen states. What is maximised is how many true hypotheses pass 29.5 nats,
softly. Whatever the outcome, wrong hypotheses stay under the bound, which does not depend on it.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

STATES, SITUATIONS, LEVELS = 16, 3, 4
PASS_NATS, SOFT_NATS = 29.5, 6.0
LEAST = 5e-4  # probability of anything

HEADER = """\
/* What presence looks like: see evidence.h. Made by train/evidence.py from mixtures of the train split at 0 to -30 dB,
 * such that as many true hypotheses as possible pass 29.5 nats; any other numbers would leave the bound on wrong ones
 * as it is. Inside fingerprint/ only. */
#ifndef UT_FINGERPRINT_EVIDENCE_PRIOR_H
#define UT_FINGERPRINT_EVIDENCE_PRIOR_H

enum {{ UT_EVIDENCE_STATES = {states}, UT_EVIDENCE_SITUATIONS = {situations}, UT_EVIDENCE_LEVELS = {levels} }};

/* Parts of the reference's peaks that show in a cell. */
static const double UT_EVIDENCE_LEVEL[UT_EVIDENCE_LEVELS] = {{{level}}};

/* How common each situation is; */
static const double UT_EVIDENCE_WEIGHT[UT_EVIDENCE_SITUATIONS] = {{{weight}}};

/* how common each level is in it; */
static const double UT_EVIDENCE_PRIOR[UT_EVIDENCE_SITUATIONS][UT_EVIDENCE_LEVELS] = {{
    {prior}}};

/* and in which states a peak that shows is seen: the mixture has nothing, one beside, one a frame off, the peak itself
 * (rows); the music the same (columns). */
static const double UT_EVIDENCE_PRESENCE[UT_EVIDENCE_SITUATIONS][UT_EVIDENCE_STATES] = {{
    {presence}}};

#endif
"""


@dataclass
class Hypotheses:
    """Peaks of all hypotheses, one after the other."""

    state: Tensor
    chance: Tensor
    cell: Tensor  # counted over all hypotheses
    owner: Tensor  # hypothesis of each cell
    snr_db: list[float]

    @staticmethod
    def read(path: Path) -> "Hypotheses":
        state, chance, cell, owner, snr_db, cells = [], [], [], [], [], 0
        lines = iter(path.read_text().splitlines())
        for head in lines:
            snr, count = head.split()
            rows = [next(lines).split() for _ in range(int(count))]
            cell += [cells + int(r[0]) for r in rows]
            state += [int(r[1]) for r in rows]
            chance += [float(r[2]) for r in rows]
            here = 1 + max((int(r[0]) for r in rows), default=0)
            owner += [len(snr_db)] * here
            cells += here
            snr_db.append(float(snr))
        return Hypotheses(torch.tensor(state), torch.tensor(chance), torch.tensor(cell), torch.tensor(owner), snr_db)


class Prior(torch.nn.Module):
    def __init__(self):
        super().__init__()
        music_only = torch.tensor([2, 10, 36, 42, 2, 2, 0.5, 0.5, 2, 0.5, 3, 0.5, 2, 0.5, 1, 2])
        plain = torch.tensor([2, 2, 6, 7, 2, 2, 1, 1, 5, 1, 25, 3, 9, 1, 3, 30])
        self.presence = torch.nn.Parameter(torch.stack([music_only, (music_only + plain) / 2, plain]).log())
        self.prior = torch.nn.Parameter(
            torch.tensor([[0.6, 0.3, 0.1, 0.001], [0.3, 0.4, 0.25, 0.05], [0.05, 0.15, 0.4, 0.4]]).log())
        self.weight = torch.nn.Parameter(torch.zeros(SITUATIONS))
        self.level = torch.nn.Parameter(torch.logit(torch.tensor([0.1, 0.3, 0.75])))

    def levels(self) -> Tensor:
        return torch.cat([torch.zeros(1), torch.sigmoid(self.level)])

    def nats(self, h: Hypotheses) -> Tensor:
        presence, prior, weight = self.presence.softmax(1), self.prior.log_softmax(1), self.weight.log_softmax(0)
        situations = []
        for g in range(SITUATIONS):
            ratio = presence[g][h.state] / h.chance
            gain = torch.log1p(self.levels() * (ratio[:, None] - 1))
            cells = torch.zeros(len(h.owner), LEVELS).index_add(0, h.cell, gain)
            total = torch.zeros(len(h.snr_db)).index_add(0, h.owner, torch.logsumexp(cells + prior[g], 1))
            situations.append(total + weight[g])
        return torch.logsumexp(torch.stack(situations), 0)


def learn(h: Hypotheses, steps: int) -> Prior:
    torch.manual_seed(1)
    prior = Prior()
    optimiser = torch.optim.Adam(prior.parameters(), lr=0.03)
    for _ in range(steps):
        nats = prior.nats(h)
        loss = -torch.sigmoid((nats - PASS_NATS) / SOFT_NATS).mean() - 5e-4 * nats.clamp(max=120).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return prior


def numbers(values: Tensor) -> str:
    return ", ".join(f"{v:.4f}" for v in values.tolist())


def distribution(values: Tensor) -> str:
    values = values.clamp(min=LEAST)
    return numbers(values / values.sum())


def header(p: Prior) -> str:
    weight = p.weight.softmax(0)
    order = weight.argsort(descending=True)
    rows = lambda table: ",\n    ".join("{" + distribution(table[g]) + "}" for g in order)
    return HEADER.format(
        states=STATES, situations=SITUATIONS, levels=LEVELS, level=numbers(p.levels()),
        weight=distribution(weight[order]), prior=rows(p.prior.softmax(1)), presence=rows(p.presence.softmax(1)))


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("states", type=Path)
    arguments.add_argument("--held-out", type=Path)
    arguments.add_argument("--steps", type=int, default=200)
    options = arguments.parse_args()
    prior = learn(Hypotheses.read(options.states), options.steps)
    if not options.held_out:
        print(header(prior), end="")
        return
    held_out = Hypotheses.read(options.held_out)
    passed = (prior.nats(held_out) >= PASS_NATS).tolist()
    for snr in sorted(set(held_out.snr_db), reverse=True):
        at = [p for p, s in zip(passed, held_out.snr_db) if s == snr]
        print(f"{snr:g} dB: {100 * sum(at) / len(at):.1f} % of {len(at)}")


if __name__ == "__main__":
    main()
