"""What each choice of the recipe brings: short runs that differ in one thing, side by side.

    nice -n 15 python ablate.py unet --out DIR --steps 300 [--only "no codec" ...] [--audio AUDIO]

Every row is a run of `train.py` of the same steps and seed in DIR, resumable. Measured by the share of the clean music's
peaks that survive in the separated music and in either (evaluate_peaks.py; chance 2 and 4 %), and with --audio by the
joint hit rate of the real matcher. Short runs say what helps early; they do not say what helps in the end.
Prints the table, and writes DIR/ablation.md.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from pathlib import Path

import choose
import evaluate_peaks
import export
import matcher
from separate import music_of

ROWS: dict[str, list[str]] = {
    "as it is": [],
    "no pauses cut": ["--set", "cut=0"],
    "no second speaker, no effects": ["--set", "overlap=0", "effects=0"],
    "no equaliser, compression, band limit": ["--set", "colour=0", "compression=0", "bandwidth=0"],
    "no codec": ["--set", "codec=0"],
    "no change of speed": ["--set", "speed=0"],
    "music under speech only": ["--set", "over=0", "music=0", "speech=0"],
    "-10 dB and up only": ["--set", "lowest_db=-10"],
    "no weight on peaks": ["--set", "peak_weight=0", "speech_weight=0"],
    "no peak loss": ["--set", "peak_loss=0"],
    "too much costs as too little": ["--set", "interference=1"],
    "not from the mixture": ["--random-start"],  # waveform networks
}


def run_of(args: argparse.Namespace, name: str) -> Path:
    return args.out / re.sub(r"\W+", "-", name)


def train(args: argparse.Namespace, name: str) -> None:
    command = [sys.executable, str(Path(__file__).with_name("train.py")), args.network, "--run", str(run_of(args, name)),
               "--steps", str(args.steps), "--batch", str(args.batch), "--threads", str(args.threads),
               "--warmup", str(min(200, args.steps // 5)), "--ema", str(args.ema), *ROWS[name]]
    subprocess.run(command + (["--f32"] if args.f32 else []), check=True, stdout=sys.stderr)


def measure(args: argparse.Namespace, name: str, pairs) -> list:
    """Peaks of the separated music, then of either, at every SNR; then hit rates."""
    net, module, state = export.load_run(run_of(args, name))
    survived = evaluate_peaks.table(lambda audio: music_of(net, module, audio), pairs)
    row = [name, *(100 * float(survived[snr][:, k].mean()) for k in (1, 2) for snr in evaluate_peaks.SNRS)]
    if args.audio:
        model = export.write(net, module, run_of(args, name), export.recipe_of(state), export.torch.float32)
        row += choose.judge(args, model)[0][1:]
    return row


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument("network")
    p.add_argument("--out", type=Path, required=True)
    p.add_argument("--steps", type=int, default=300)
    p.add_argument("--batch", type=int, default=8)
    p.add_argument("--ema", type=float, default=0.99)
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--f32", action="store_true")
    p.add_argument("--peak-queries", type=int, default=24)
    p.add_argument("--only", nargs="+", choices=ROWS, default=list(ROWS), metavar="ROW")
    matcher.add_options(p, needed=False)
    args = p.parse_args()
    pairs, rows = evaluate_peaks.queries(args.peak_queries, "dev"), []
    heads = [f"{args.network}, {args.steps} steps of {args.batch}",
             *(f"{what} {snr}" for what in ("music", "either") for snr in evaluate_peaks.SNRS)]
    heads += [f"hits {snr}" for snr in choose.SNRS] if args.audio else []
    for name in args.only:
        train(args, name)
        rows.append(measure(args, name, pairs))
        (args.out / "ablation.md").write_text(matcher.table(heads, rows))
    print(matcher.table(heads, rows))


if __name__ == "__main__":
    main()
