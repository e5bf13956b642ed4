"""The real matcher as a judge: `undertone evaluate` on the dev recordings, from Python."""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
from pathlib import Path


def add_options(p: argparse.ArgumentParser, needed: bool = True) -> None:
    p.add_argument("--undertone", default="../build/release/undertone", help="the program")
    p.add_argument("--audio", type=Path, required=needed, help="folder with music/dev, music/train, speech/dev")
    p.add_argument("--queries", type=int, default=100, help="per condition")
    p.add_argument("--cache", help="folder for decoded and separated audio")
    p.add_argument("--jobs", type=int, default=0, help="threads of the program; 0: one per core")


def evaluate(args: argparse.Namespace, *more: str) -> dict:
    """The report of one evaluation, as its JSON."""
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder) / "report"
        command = [args.undertone, "evaluate", "-m", args.audio / "music/dev", "--catalogue", args.audio / "music/train",
                   "-s", args.audio / "speech/dev", "--queries", args.queries, "--jobs", args.jobs, "-o", base, *more]
        if args.cache:
            command += ["--cache", args.cache]
        done = subprocess.run([str(c) for c in command], stdout=subprocess.DEVNULL)
        if done.returncode:
            raise SystemExit(f"{args.undertone} evaluate: exit status {done.returncode}")
        return json.loads(base.with_suffix(".json").read_text())


def rates(report: dict) -> dict[tuple[str, str, str], float]:
    """(params, heard, condition) to identified, %."""
    return {(r["params"], r["heard"], c["condition"]): 100 * c["rate"]
            for r in report["results"] for c in r["conditions"] if "rate" in c}


def false_answers(report: dict) -> int:
    return len(report["false_identifications"])


def table(heads: list[str], rows: list[list]) -> str:
    """A Markdown table; numbers with one decimal."""
    def cell(x):
        return f"{x:.1f}" if isinstance(x, float) else "" if x is None else str(x)
    lines = [heads, ["---"] + ["---:"] * (len(heads) - 1), *([cell(x) for x in row] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"
