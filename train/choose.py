"""Of the model files that a run kept, the one that identifies most: by the real matcher, not by the loss.

    python train.py unet --run RUN --hours 8 --keep-every 1000
    python choose.py RUN --audio AUDIO [--against ../models/unet-HASH8.safetensors]

Hit rates of the joint decision (mixture and separated music) at every SNR, dev split. The best has the highest mean;
a file with more false identifications than another one never wins over it. --against adds a file to compare with, such
as the one that is shipped. Prints a table, and writes it to RUN/choice.md; the last line is the best file.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matcher

SNRS = ["0 dB", "-10 dB", "-20 dB", "-30 dB"]


def judge(args: argparse.Namespace, model: Path) -> tuple[list[float], int]:
    """Joint hit rates of clean and SNRS, and false identifications."""
    report = matcher.evaluate(args, "--params", "p3", "--conditions", "clean,mix,absent,speech", "--absent",
                              str(args.queries), "--no-mix", "--separator", str(model))
    rate = matcher.rates(report)
    return [rate["p3", "joint", c] for c in ("clean", *SNRS)], matcher.false_answers(report)


def best_of(judged: dict[Path, tuple[list[float], int]]) -> Path:
    return min(judged, key=lambda m: (judged[m][1], -sum(judged[m][0])))


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument("run", type=Path)
    p.add_argument("--against", type=Path, nargs="*", default=[])
    matcher.add_options(p)
    args = p.parse_args()
    files = [*sorted(args.run.glob("step-*/*.safetensors")), *args.against]
    if not files:
        raise SystemExit(f"{args.run}: no model files; train.py keeps them with --keep-every")
    judged = {f: judge(args, f) for f in files}
    rows = [[f.parent.name + "/" + f.name, *rates, false] for f, (rates, false) in judged.items()]
    text = matcher.table(["identified jointly, %", "clean", *SNRS, "false"], rows)
    (args.run / "choice.md").write_text(text)
    print(text)
    print(best_of(judged))


if __name__ == "__main__":
    main()
