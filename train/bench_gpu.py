"""PyTorch's speed on a CUDA device, to compare the library of cuda/ with: the same networks, compiled, in bf16.

    python bench_gpu.py unet wave-unet-m1 [--batch 16 64 256] [--seconds 2]

One JSON object a line. The network alone, its input already on the device: no transforms and no copies, which are in
the library's times.
"""

from __future__ import annotations

import argparse
import json
import time

import torch

from networks import SAMPLE_RATE, build


def measure(name: str, batch: int, seconds: float) -> dict:
    net = build(name)
    module = net.module().cuda().eval().to(memory_format=torch.channels_last)
    run = torch.compile(module, mode="max-autotune")
    x = torch.rand((batch, *net.input_shape), device="cuda").to(memory_format=torch.channels_last)
    with torch.inference_mode(), torch.autocast("cuda", torch.bfloat16):
        for _ in range(5):
            run(x)
        torch.cuda.synchronize()
        runs, start = 0, time.monotonic()
        while runs < 3 or time.monotonic() - start < seconds:
            run(x)
            torch.cuda.synchronize()
            runs += 1
        mean = (time.monotonic() - start) / runs
    return {"what": "torch", "network": name, "batch": batch, "runs": runs, "mean_ms": mean * 1e3,
            "x_real_time_mean": net.block * batch / SAMPLE_RATE / mean, "torch": torch.__version__}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("networks", nargs="+")
    parser.add_argument("--batch", type=int, nargs="+", default=[16, 64, 256])
    parser.add_argument("--seconds", type=float, default=2)
    args = parser.parse_args()
    if not torch.cuda.is_available():
        raise SystemExit("bench_gpu: no CUDA device")
    for name in args.networks:
        for batch in args.batch:
            print(json.dumps(measure(name, batch, args.seconds)), flush=True)


if __name__ == "__main__":
    main()
