#!/usr/bin/env bash
# The program with and without a CUDA device: what works, what it says, and a device that is lost on the way.
# Usage: cuda.sh UNDERTONE HOST_LIBRARY OLD_DRIVER_LIBRARY
set -uo pipefail
undertone=$1 host=$2 old=$3
model=$(dirname "$0")/../golden/separator/tiny-wave.safetensors
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export XDG_DATA_HOME=$scratch/data
failed=0

python3 - "$scratch/in.wav" <<'END'
import random, struct, sys, wave
random.seed(1)
with wave.open(sys.argv[1], "wb") as out:
    out.setparams((1, 2, 16000, 0, "NONE", ""))
    out.writeframes(struct.pack("<20000h", *(random.randint(-9000, 9000) for _ in range(20000))))
END

check() { # WHAT CONDITION…
    local what=$1
    shift
    "$@" || { echo "FAILED: $what"; tail -5 "$scratch/log"; failed=1; }
}

separate() { # OUTPUT OPTION…: its exit status; what it says is in $scratch/log
    "$undertone" separate --model "$model" -p f32 --float "$scratch/in.wav" -o "$@" >"$scratch/log" 2>&1 </dev/null
}

close() { # A B: the same length, and samples within 1e-4
    python3 - "$1" "$2" <<'END'
import array, sys
a, b = (open(path, "rb").read() for path in sys.argv[1:])
at = a.index(b"data") + 8
x, y = array.array("f", a[at:at + 80000]), array.array("f", b[at:at + 80000])
sys.exit(not (len(a) == len(b) and len(x) == 20000 and max(map(abs, x)) > 0.01
              and max(abs(p - q) for p, q in zip(x, y)) < 1e-4))
END
}

check "onednn" separate "$scratch/cpu.wav" -b onednn

export UT_CUDA_LIBRARY=$host
check "cuda" separate "$scratch/cuda.wav" -b cuda
check "cuda's output" close "$scratch/cpu.wav" "$scratch/cuda.wav"
"$undertone" doctor >"$scratch/log" 2>&1
check "doctor names the device" grep -q '^ok *cuda *host emulation' "$scratch/log"

# Several files at once share batches, and each gets its own.
mkdir "$scratch/many"
for i in 1 2 3 4; do cp "$scratch/in.wav" "$scratch/many/$i.wav"; done
check "four at once" "$undertone" separate --model "$model" -p f32 --float -b cuda -j 4 "$scratch/many" \
    -o "$scratch/music" >"$scratch/log" 2>&1
for i in 1 2 3 4; do check "file $i of four" close "$scratch/cpu.wav" "$scratch"/music/$i*.wav; done

# Lost in the middle: all audio comes out, and it says so once.
export UTC_FAIL_AT_RUN=2
check "a lost device" separate "$scratch/lost.wav" -b cuda
check "a lost device is named once" [ "$(grep -c event=cuda-lost "$scratch/log")" = 1 ]
check "a lost device's output" close "$scratch/cpu.wav" "$scratch/lost.wav"
unset UTC_FAIL_AT_RUN

for library in "$old" "$scratch/absent.so"; do
    export UT_CUDA_LIBRARY=$library
    separate "$scratch/none.wav" -b cuda
    check "--backend cuda with $library" [ $? = 1 ]
    check "one line of $library" [ "$(wc -l <"$scratch/log")" = 1 ]
    check "nothing written" [ ! -e "$scratch/none.wav" ]
    check "auto with $library" separate "$scratch/auto.wav"
    check "one warning of $library" [ "$(grep -c event=cuda-unusable "$scratch/log")" = 1 ]
    check "auto's output" close "$scratch/cpu.wav" "$scratch/auto.wav"
    rm -f "$scratch/auto.wav"
    "$undertone" doctor >"$scratch/log" 2>&1
    check "doctor explains" grep -q '^warn *cuda *not used: ' "$scratch/log"
done
exit $failed
