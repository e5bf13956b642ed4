#!/usr/bin/env bash
# tools/gpu-verify without a device, and the report it makes of what it measured. Usage: gpu_tools.sh VERIFY_CUDA HOST_LIBRARY
set -uo pipefail
verify=$1
export UT_CUDA_LIBRARY=$2
root=$(cd "$(dirname "$0")/../.." && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failed=0

check() { # WHAT CONDITION…
    local what=$1
    shift
    "$@" || { echo "FAILED: $what"; failed=1; }
}

mkdir "$scratch/bin"
printf '#!/bin/sh\nexit 9\n' >"$scratch/bin/nvidia-smi"
chmod +x "$scratch/bin/nvidia-smi"
PATH=$scratch/bin:$PATH "$root/tools/gpu-verify" >"$scratch/said" 2>&1
check "status without a device" [ $? = 3 ]
check "one line without a device" [ "$(wc -l <"$scratch/said")" = 1 ]
"$root/tools/gpu-verify" --frobnicate >/dev/null 2>&1
check "unknown argument" [ $? = 2 ]

# The report, of real agreement lines and made-up speeds: nothing of it is kept.
"$verify" --quick "$root/tests/golden/separator/tiny-wave.safetensors" >"$scratch/lines.jsonl"
check "verify_cuda" [ $? = 0 ]
for batch in 1 16 64; do
    for input in f32 s16; do
        echo "{\"what\":\"speed\",\"network\":\"made-up\",\"precision\":\"bf16\",\"input\":\"$input\",\"batch\":$batch,\"runs\":3," \
            "\"best_ms\":1,\"mean_ms\":2,\"x_real_time_best\":${batch}00,\"x_real_time_mean\":${batch}0,\"tflops_mean\":1.5," \
            "\"pcie_bytes_per_audio_s\":96000,\"device_bytes\":1000}" >>"$scratch/lines.jsonl"
    done
done
echo '{"what":"torch","network":"made-up","batch":16,"runs":3,"mean_ms":4,"x_real_time_mean":80,"torch":"0"}' >>"$scratch/lines.jsonl"
check "report" "$root/tools/gpu-report" "$scratch/lines.jsonl" --out "$scratch" --commit abc >/dev/null
check "the page's figures" grep -q '| made-up | s16 | 16 | 160 (1,600) | 2.00 | 1.5 | ? | 96 | 2.00 |' "$scratch/cuda.md"
check "what was not measured says so" grep -q '| made-up | f32 | 64 .* not measured |' "$scratch/cuda.md"
check "the plot is XML" python3 -c "import sys, xml.dom.minidom as x; x.parse(sys.argv[1])" "$scratch/cuda.svg"
check "the JSON names the commit" [ "$(python3 -c "import json, sys; print(json.load(open(sys.argv[1]))['commit'])" "$scratch/cuda.json")" = abc ]
grep '"device"' "$scratch/lines.jsonl" >"$scratch/empty.jsonl"
"$root/tools/gpu-report" "$scratch/empty.jsonl" --out "$scratch" 2>/dev/null
check "no report of nothing" [ $? = 1 ]
exit $failed
