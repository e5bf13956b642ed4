"""Learns fingerprint/evidence_prior.h: in which states the peaks of music that is really there are seen.

    cmake --preset bench && cmake --build --preset bench
    A=../shared/audio
    build/bench/tests/evidence_states $A/music/train $A/music/dev $A/speech/train > states.txt
    python train/evidence.py states.txt > fingerprint/evidence_prior.h
    python train/evidence.py states.txt --held-out dev.txt        # prints the share of hypotheses that pass instead

The model is that of fingerprint/evidence.h: a mixture over situations; in each, a prior over the part of a cell's peaks
that show and a distribution over the states: 36 of both witnesses, six of the mixture alone. What is maximised is how many true hypotheses pass 29.5 nats,
softly. Whatever the outcome, wrong hypotheses stay under the bound, which does not depend on it.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

SIGHTS, SITUATIONS, LEVELS = 6, 3, 4
PASS_NATS, SOFT_NATS = 29.5, 6.0
LEAST = 2e-4  # probability of anything

HEADER = """\
/* What presence looks like: see evidence.h. Made by train/evidence.py from mixtures of the train split at 0 to -30 dB,
 * such that as many true hypotheses as possible pass 29.5 nats; any other numbers would leave the bound on wrong ones
 * as it is. Inside fingerprint/ only. */
#ifndef UT_FINGERPRINT_EVIDENCE_PRIOR_H
#define UT_FINGERPRINT_EVIDENCE_PRIOR_H

enum {{
    UT_EVIDENCE_SIGHTS = {sights}, /* of one witness */
    UT_EVIDENCE_STATES = UT_EVIDENCE_SIGHTS * UT_EVIDENCE_SIGHTS,
    UT_EVIDENCE_SITUATIONS = {situations},
    UT_EVIDENCE_LEVELS = {levels},
}};

typedef struct {{
    double level[UT_EVIDENCE_LEVELS];                           /* parts of a cell's peaks that show */
    double weight[UT_EVIDENCE_SITUATIONS];                      /* how common each situation is, */
    double levels[UT_EVIDENCE_SITUATIONS][UT_EVIDENCE_LEVELS];  /* how common each part in it, */
    double presence[UT_EVIDENCE_SITUATIONS][UT_EVIDENCE_STATES]; /* and in which states a peak that shows is seen: a
                                                                 * line for each sight of the mixture */
}} ut_evidence_prior;

/* The mixture and the separated music. */
static const ut_evidence_prior UT_EVIDENCE_JOINT = {joint};

/* The mixture alone: the music sees nothing. */
static const ut_evidence_prior UT_EVIDENCE_ALONE = {alone};

#endif
"""

TABLE = """\
{{
    .level = {{{level}}},
    .weight = {{{weight}}},
    .levels = {{{levels}}},
    .presence =
        {{{presence}}},
}}"""

MASKED = torch.tensor([0.35, 0.05, 0.15, 0.30, 0.05, 0.10])  # sights of what is under speech
PLAIN = torch.tensor([0.05, 0.05, 0.10, 0.15, 0.25, 0.40])  # and of what is not


@dataclass
class Hypotheses:
    """Peaks of all hypotheses, one after the other."""

    state: Tensor
    chance: Tensor
    cell: Tensor  # counted over all hypotheses
    owner: Tensor  # hypothesis of each cell
    snr_db: list[float]

    @staticmethod
    def read(path: Path, witnesses: int) -> "Hypotheses":
        """Of the mixture alone, the states are its sights."""
        state, chance, cell, owner, snr_db, cells = [], [], [], [], [], 0
        lines = iter(path.read_text().splitlines())
        for head in lines:
            heard, snr, count = head.split()
            rows = [next(lines).split() for _ in range(int(count))]
            if int(heard) != witnesses:
                continue
            cell += [cells + int(r[0]) for r in rows]
            state += [int(r[1]) if witnesses > 1 else int(r[1]) // SIGHTS for r in rows]
            chance += [float(r[2]) for r in rows]
            here = 1 + max((int(r[0]) for r in rows), default=0)
            owner += [len(snr_db)] * here
            cells += here
            snr_db.append(float(snr))
        return Hypotheses(torch.tensor(state), torch.tensor(chance), torch.tensor(cell), torch.tensor(owner), snr_db)


class Prior(torch.nn.Module):
    def __init__(self, witnesses: int):
        super().__init__()
        masked, plain = MASKED, PLAIN
        if witnesses > 1:
            masked, plain = torch.outer(MASKED, PLAIN).flatten(), torch.outer(PLAIN, PLAIN).flatten()
        self.presence = torch.nn.Parameter(torch.stack([masked, (masked + plain) / 2, plain]).log())
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


def learn(path: Path, witnesses: int, steps: int) -> Prior:
    h = Hypotheses.read(path, witnesses)
    prior = Prior(witnesses)
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


def states(presence: Tensor) -> str:
    """One situation's distribution, a line for each sight of the mixture."""
    presence = presence.clamp(min=LEAST)
    presence = presence / presence.sum()
    if len(presence) == SIGHTS:
        presence = torch.nn.functional.pad(presence[:, None], (0, SIGHTS - 1)).flatten()
    rows = [numbers(row) for row in presence.reshape(SIGHTS, SIGHTS)]
    return "{" + ", /**/\n          ".join(rows) + "}"


def table(p: Prior) -> str:
    weight = p.weight.softmax(0)
    order = weight.argsort(descending=True)
    levels = ",\n               ".join("{" + distribution(p.prior.softmax(1)[g]) + "}" for g in order)
    presence = ",\n         ".join(states(p.presence.softmax(1)[g]) for g in order)
    return TABLE.format(level=numbers(p.levels()), weight=distribution(weight[order]), levels=levels, presence=presence)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("states", type=Path)
    arguments.add_argument("--held-out", type=Path)
    arguments.add_argument("--steps", type=int, default=200)
    options = arguments.parse_args()
    torch.manual_seed(1)
    joint, alone = (learn(options.states, witnesses, options.steps) for witnesses in (2, 1))
    if not options.held_out:
        print(HEADER.format(sights=SIGHTS, situations=SITUATIONS, levels=LEVELS, joint=table(joint), alone=table(alone)),
              end="")
        return
    for prior, witnesses, name in ((joint, 2, "joint"), (alone, 1, "mixture alone")):
        held_out = Hypotheses.read(options.held_out, witnesses)
        passed = (prior.nats(held_out) >= PASS_NATS).tolist()
        for snr in sorted(set(held_out.snr_db), reverse=True):
            at = [p for p, s in zip(passed, held_out.snr_db) if s == snr]
            print(f"{name}, {snr:g} dB: {100 * sum(at) / len(at):.1f} % of {len(at)}")


if __name__ == "__main__":
    main()
