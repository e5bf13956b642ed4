#!/usr/bin/env bash
# The element as its users meet it: gst-inspect-1.0 shows it, and gst-launch-1.0 with the default network gives bit for
# bit what `undertone separate` writes. Usage: gst_separate.sh UNDERTONE (with GST_PLUGIN_PATH set)
set -euo pipefail
undertone=$1
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

shown=$(gst-inspect-1.0 undertoneseparate)
for word in model backend precision output music speech 'audio/x-raw'; do
    grep -q -- "$word" <<<"$shown" || { echo "FAILED: gst-inspect-1.0 does not show $word"; exit 1; }
done

gst-launch-1.0 -q audiotestsrc wave=pink-noise num-buffers=100 ! audio/x-raw,rate=44100,channels=2,format=S16LE ! \
    wavenc ! filesink location="$scratch/in.wav"
"$undertone" separate "$scratch/in.wav" -o "$scratch/music.wav" --float --quiet >/dev/null
raw() { # FILE: its samples
    gst-launch-1.0 -q filesrc location="$1" ! wavparse ! audio/x-raw,format=F32LE ! filesink location="$1.raw"
}
raw "$scratch/music.wav"
gst-launch-1.0 -q filesrc location="$scratch/in.wav" ! wavparse ! audioconvert ! undertoneseparate ! \
    filesink location="$scratch/element.raw"
[ -s "$scratch/element.raw" ] || { echo "FAILED: nothing came out"; exit 1; }
cmp "$scratch/music.wav.raw" "$scratch/element.raw"
