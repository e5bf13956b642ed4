#!/usr/bin/env bash
# catalogue copy between SQLite and PostgreSQL, either way, stopped and gone on with. Runs beside tests/with-postgres.
# Usage: catalogue_copy.sh UNDERTONE
set -uo pipefail
undertone=$1
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export XDG_DATA_HOME=$scratch/data XDG_CACHE_HOME=$scratch/cache
failed=0

# STATUS PATTERN WHAT…: the command's exit status, and a pattern that its output (both streams) holds
expect() {
    local status=$1 pattern=$2 output rc
    shift 2
    output=$("$@" 2>&1 </dev/null)
    rc=$?
    if [ "$rc" != "$status" ] || ! grep -qE -- "$pattern" <<<"$output"; then
        echo "FAILED: $*: status $rc, expected $status with /$pattern/; said:"
        head -5 <<<"$output"
        failed=1
    fi
}
same() { # WHAT GOT WANT
    [ "$2" = "$3" ] || { echo "FAILED: $1: got '$(head -c 300 <<<"$2")', want '$(head -c 300 <<<"$3")'"; failed=1; }
}
copy() { "$undertone" catalogue copy "$@"; }
run_sql() { psql -qAtX "$UT_TEST_POSTGRES dbname=$1" -c "$2"; }
content() { "$undertone" catalogue list --json --store "$1" | jq -c 'del(.id)' | sort | sha256sum; }
count() { "$undertone" catalogue stats --json --store "$1" 2>/dev/null | jq .recordings | grep . || echo 0; }

run_sql postgres 'CREATE DATABASE one' && run_sql postgres 'CREATE DATABASE two'
one="postgresql:$UT_TEST_POSTGRES dbname=one"
two="postgresql:$UT_TEST_POSTGRES dbname=two"
lite=sqlite:$scratch/lite.db

expect 2 'same store' copy "$lite" "$lite"
expect 2 '' copy "$lite"
expect 1 'does not exist' copy "$lite" "$one"
expect 1 'does not exist' copy "$one" "$lite"

# --- real recordings, as a user has them, one removed
mkdir "$scratch/music"
for i in 1 2 3; do
    ffmpeg -v error -f lavfi -i "anoisesrc=seed=$i:duration=3:color=pink:sample_rate=16000" -metadata artist="Ännchen $i" \
        "$scratch/music/$i.flac"
done
printf 'file,title,isrc,composers\n1.flac,"One, or ""First""",USS1Z9900001,Ann Lee|00017798450|PRS|50; Bob Roe|||50\n' \
    >"$scratch/tracks.csv"
expect 0 '^3 added' "$undertone" catalogue add "$scratch/music" --metadata "$scratch/tracks.csv" --params p1,p3 --store "$lite"
expect 0 '^1 removed' "$undertone" catalogue remove 2 --store "$lite"
expect 0 '^2 added, 0 there already; 4 fingerprints' copy "$lite" "$one"
same 'content' "$(content "$one")" "$(content "$lite")"
expect 0 '^0 added, 2 there already; 0 fingerprints' copy "$lite" "$one"
expect 0 '^ok: 4 fingerprints' "$undertone" catalogue verify --store "$one"
expect 0 '2 of them unread' "$undertone" catalogue add "$scratch/music/1.flac" "$scratch/music/3.flac" --store "$one"
expect 0 'identified' "$undertone" identify "$scratch/music/3.flac" --separator none --store "$one" --json
version=$("$undertone" catalogue stats --json --store "$one" | jq .catalogue_version)
expect 0 '^0 added, 2 there already' copy "$lite" "$one"
same 'version' "$("$undertone" catalogue stats --json --store "$one" | jq .catalogue_version)" "$version"

# --- many more, in the server; the copy is killed where it happens to be, and told to stop
run_sql one "
INSERT INTO undertone.recording (audio_sha256, title, duration_ms, added_ns)
SELECT encode(sha256(n::text::bytea), 'hex'), 'Title ' || n, n, n FROM generate_series(1, 3000) AS n;
INSERT INTO undertone.fingerprint (recording_id, params, data)
SELECT id, 'p3', decode(repeat(audio_sha256, 60), 'hex') FROM undertone.recording WHERE title LIKE 'Title %';
INSERT INTO undertone.party (recording_id, position, name, role, share)
SELECT id, 0, 'Name ' || id, 'composer', 0.1 FROM undertone.recording WHERE title LIKE 'Title %'"
rm "$scratch"/lite.db*
for after in 1 600 1500; do
    "$undertone" catalogue copy "$one" "$lite" >/dev/null 2>&1 & # not the function: $! is to be the program
    pid=$!
    for _ in $(seq 2000); do
        kill -0 $pid 2>/dev/null || break
        [ "$(count "$lite")" -lt $after ] || break
    done
    kill -9 $pid 2>/dev/null
    wait $pid 2>/dev/null
    [ "$(count "$lite")" -le 3002 ] || { echo "FAILED: too many after a kill"; failed=1; }
done
expect 0 "\"added\":[0-9]+,\"present\":[0-9]+" copy "$one" "$lite" --json
same 'after kills' "$(content "$lite")" "$(content "$one")"
expect 0 '"added":3002,"present":0' copy "$lite" "$two" --json
same 'back' "$(content "$two")" "$(content "$one")"
same 'fingerprints' "$(run_sql two "SELECT count(*), md5(string_agg(digest::text, '' ORDER BY digest)) FROM undertone.fingerprint")" \
    "$(run_sql one "SELECT count(*), md5(string_agg(digest::text, '' ORDER BY digest)) FROM undertone.fingerprint")"
exit $failed
