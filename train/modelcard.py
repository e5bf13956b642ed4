"""What models/MODEL.md must say of a model, as Markdown: network, recipe, results, and the attributions of the data.

    python modelcard.py RUN ../models/unet-HASH8.safetensors --reports evaluation.json … > section.md
    python modelcard.py > attributions.md

Reports are those of `undertone evaluate -o`. Attributions are read from the training pools' index (the manifest's rows),
so they list exactly what could be drawn.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections import defaultdict
from dataclasses import asdict
from pathlib import Path

import export
import matcher
import modelfile
from corpus import open_pool
from networks import macs, parameter_count
from recipe import Recipe


def cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def grouped(rows: list[dict]) -> dict[tuple[str, str, str], list[str]]:
    """(source, artist, licence) to titles."""
    groups = defaultdict(list)
    for r in rows:
        groups[r["source_repo"], r["artist"], r["licence"]].append(r["title"])
    return dict(sorted(groups.items()))


def table(rows: list[dict], titles: bool) -> str:
    lines = ["| source | artist | licence | " + ("titles |" if titles else "recordings |"), "|---|---|---|---|"]
    for (source, artist, licence), names in grouped(rows).items():
        last = "; ".join(cell(n) for n in names) if titles else str(len(names))
        lines.append(f"| {source} | {cell(artist)} | {cell(licence)} | {last} |")
    return "\n".join(lines)


def facts(run: Path, model: Path) -> str:
    """The network, how it was trained, and where its curve ended."""
    net, _, state = export.load_run(run)
    info, args = modelfile.metadata(model.read_bytes()), state["args"]
    with open(run / "curve.csv", newline="") as f:
        last = list(csv.DictReader(f))[-1]
    recipe = state["recipe"]
    changed = [f"{k} {v:g}" for k, v in asdict(recipe).items() if v != getattr(Recipe(), k)]
    return (f"## {model.stem}\n\n"
            f"Network `{net.name}`: {parameter_count(net):,} parameters, {macs(net) * 16e-3 / net.block:.0f} MMAC per second "
            f"of audio, blocks of {net.block / 16000:.2f} s. SHA-256 of the weights: {info['sha256']}.\n\n"
            f"### Recipe\n\n"
            f"- {info['recipe']}\n"
            f"- {state['step']} steps of {args['batch']}: {state['examples']} mixtures, "
            f"{state['examples'] * net.block / 16000 / 3600:.1f} h of audio, {state['seconds'] / 3600:.2f} h of computing.\n"
            f"- Learning rate {args['lr']} to {args['final_lr']}, averaged weights {args['ema']}, seed {args['seed']}.\n"
            f"- `recipe.py` but for: {', '.join(changed) or 'nothing'}.\n"
            f"- The curve ended at a training loss of {last['train_loss']}, dev {last['dev_loss']}.\n")


def results(report: dict) -> str:
    conditions = [c["condition"] for c in report["results"][0]["conditions"]]
    rows = [[f"{r['params']} {r['heard']}", *(100 * c["rate"] if "rate" in c else None for c in r["conditions"])]
            for r in report["results"]]
    return (matcher.table([f"{report['model']}, identified %", *conditions], rows)
            + f"\nFalse identifications: {matcher.false_answers(report)}. {report['catalogue_recordings']} recordings, "
            f"queries of {report['seconds']:g} s, seed {report['seed']}, {report['backend']}.\n")


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument("run", type=Path, nargs="?")
    p.add_argument("model", type=Path, nargs="?")
    p.add_argument("--reports", type=Path, nargs="*", default=[])
    args = p.parse_args()
    if args.run:
        if not args.model:
            p.error("the model file of the run is missing")
        print(facts(args.run, args.model) + "\n### Identification\n")
        for report in args.reports:
            print(results(json.loads(report.read_text())))
    attributions()


def attributions() -> None:
    for kind in ("music", "effects", "speech"):
        rows = open_pool(kind, "train").rows
        hours = sum(r["samples"] for r in rows) / 16000 / 3600
        print(f"### {kind.capitalize()}: {len(rows)} recordings, {hours:.2f} h\n")
        print(table(rows, titles=kind != "speech") + "\n")


if __name__ == "__main__":
    main()
