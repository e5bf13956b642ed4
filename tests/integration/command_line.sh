#!/usr/bin/env bash
# The frame of the command line, on the program itself: every verb's help, wrong usage, bad configurations, a full or
# closed standard output. Usage: command_line.sh UNDERTONE
set -uo pipefail
undertone=$1
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export XDG_DATA_HOME=$scratch/data
failed=0

expect() { # STATUS PATTERN WHAT…: the command's exit status, and a pattern that its output (both streams) holds
    local status=$1 pattern=$2 output rc
    shift 2
    output=$("$@" 2>&1 </dev/null)
    rc=$?
    if [ "$rc" != "$status" ] || ! grep -qE -- "$pattern" <<<"$output"; then
        echo "FAILED: $*: status $rc, expected $status with /$pattern/; said:"
        echo "$output" | head -5
        failed=1
    fi
}

expect 0 '^undertone [0-9]+\.[0-9]+' "$undertone" --version
expect 0 'usage: undertone VERB' "$undertone" --help
expect 2 'usage: undertone VERB' "$undertone"
expect 2 'no such verb' "$undertone" frobnicate
expect 2 'no such verb' "$undertone" config frobnicate

verbs=$("$undertone" --help | sed -n 's/^  \([a-z][a-z ]*[a-z]\)  .*/\1/p')
[ "$(wc -l <<<"$verbs")" -ge 5 ] || { echo "FAILED: --help lists no verbs"; failed=1; }
while read -r verb; do
    # shellcheck disable=SC2086 # a verb may be two words
    expect 0 "^usage: undertone $verb" "$undertone" $verb --help
    # shellcheck disable=SC2086
    twice=$("$undertone" $verb --help | grep -oE '^ +-[a-zA-Z0-9],' | sort | uniq -d)
    [ -z "$twice" ] || { echo "FAILED: $verb: two options are$twice"; failed=1; }
    # shellcheck disable=SC2086
    expect 2 '--no-such-option: no such option' "$undertone" $verb --no-such-option
    # shellcheck disable=SC2086
    expect 2 '--log-level: loud: allowed: debug' "$undertone" $verb --log-level loud
done <<<"$verbs"

expect 1 'No such file' "$undertone" config check "$scratch/absent.yaml"
expect 1 'is a folder' "$undertone" config check "$scratch"
printf 'capture:\n  ring: 3\n' >"$scratch/unknown.yaml"
expect 1 'unknown.yaml:2: capture.ring: no such key' "$undertone" config check "$scratch/unknown.yaml"
expect 1 'unknown.yaml:2: capture.ring: no such key' "$undertone" doctor --config "$scratch/unknown.yaml"
printf 'log_level: loud\n' >"$scratch/value.yaml"
expect 1 'value.yaml:1: log_level: loud: allowed: debug' "$undertone" config check "$scratch/value.yaml"
printf 'channels: [{id: a, uri: "rtsp://u:hunter2@h/"}]\n' >"$scratch/secret.yaml"
expect 0 'uri: "rtsp://u:\*\*\*@h/"' "$undertone" config dump --config "$scratch/secret.yaml"

expect 1 'stdout|cannot be written' bash -c "'$undertone' config document >/dev/full"
expect 1 'stdout|cannot be written' bash -c "'$undertone' config document >&-"

# A report in both forms, or neither.
expect 0 'peak resident' "$undertone" bench --stages none --separator none -o "$scratch/figures"
grep -q 'peak resident' "$scratch/figures.md" && jq -e . "$scratch/figures.json" >/dev/null ||
    { echo "FAILED: bench -o: figures.md or figures.json"; failed=1; }
expect 1 'absent/figures.md' "$undertone" bench --stages none --separator none -o "$scratch/absent/figures"

# Doctor may find this machine wanting; what it says must be JSON in any case.
"$undertone" doctor --json >"$scratch/doctor.json" 2>"$scratch/doctor.log"
rc=$?
if [ $rc -gt 1 ] || ! jq -e -s 'length >= 6 and all(.[]; has("check") and has("status") and has("found"))' \
    "$scratch/doctor.json" >/dev/null; then
    echo "FAILED: doctor --json: status $rc"
    cat "$scratch/doctor.json" "$scratch/doctor.log"
    failed=1
fi
exit $failed
