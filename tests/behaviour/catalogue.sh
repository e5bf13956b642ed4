#!/usr/bin/env bash
# The catalogue as a user meets it: add, list, show, remove, stats and verify on the program itself.
# Usage: catalogue.sh UNDERTONE
set -uo pipefail
undertone=$1
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export XDG_DATA_HOME=$scratch/data
music=$scratch/music
mkdir "$music"
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

# WHAT GOT WANT
same() {
    [ "$2" = "$3" ] || { echo "FAILED: $1: got '$2', want '$3'"; failed=1; }
}

catalogue() { "$undertone" catalogue "$@"; }
version() { catalogue stats --json | jq .catalogue_version; }
titles() { catalogue list --json | jq -r .title | paste -sd, -; }
# Noise has landmarks enough, and no two seeds sound alike.
song() { ffmpeg -v error -f lavfi -i "anoisesrc=seed=$1:duration=4:color=pink:sample_rate=16000" "${@:2}"; }

# --- no catalogue yet
expect 1 'store .*: does not exist' catalogue list
expect 2 'no PATH and no --list' catalogue add
expect 2 '"p9" is none of p1, p2, p3' catalogue add "$music" --params p3,p9
expect 1 'nothing-there: No such file' catalogue add "$music/nothing-there"
expect 0 '^recordings +0$' catalogue stats
expect 0 '^ok: 0 fingerprints' catalogue verify

# --- a folder with good and bad files
song 1 "$music/one.wav"
mkdir -p "$music/deep/er"
song 2 -metadata title='Two of Tags' -metadata artist='Ann' -metadata isrc=GBAYE0000351 "$music/deep/er/two.flac"
song 3 "$music/3.5 mm.wav"
song 4 "$music/.hidden.wav"
echo 'not audio' >"$music/letter.wav"
: >"$music/empty.mp3"
echo 'cover' >"$music/cover.jpg"
head -c 30000 "$music/deep/er/two.flac" >"$music/cut.flac"
ffmpeg -v error -f lavfi -i anullsrc=duration=3 "$music/silence.wav"
expect 1 '^3 added, 0 there already .*, 4 failed' catalogue add "$music"
expect 1 'letter.wav: ' catalogue add "$music"
expect 1 'empty.mp3: ' catalogue add "$music"
expect 1 'cut.flac: ' catalogue add "$music"
expect 1 'silence.wav: nothing in it to recognise' catalogue add "$music"
same 'titles' "$(titles)" '3.5 mm,Two of Tags,one'
same 'tags' "$(catalogue list --json | jq -c 'select(.artist) | [.artist, .isrc]')" '["Ann","GBAYE0000351"]'
rm "$music"/{letter.wav,empty.mp3,cut.flac,silence.wav}

# --- the same again changes nothing; the same audio elsewhere is no second recording
before=$(version)
expect 0 '^0 added, 3 there already \(3 of them unread, 0 updated\), 0 failed' catalogue add "$music"
touch "$music/one.wav"
expect 0 '^0 added, 3 there already \(2 of them unread, 0 updated\), 0 failed' catalogue add "$music"
mkdir "$scratch/copies"
ffmpeg -v error -i "$music/one.wav" -metadata title='Another Name' "$scratch/copies/copy.flac"
expect 0 '^0 added, 1 there already \(0 of them unread, 0 updated\)' catalogue add "$scratch/copies" "$scratch/copies"
same 'version' "$(version)" "$before"
same 'titles after copies' "$(titles)" '3.5 mm,Two of Tags,one'

# --- tracks.csv
cat >"$scratch/tracks.csv" <<'CSV'
file,title,isrc,label,composers,publishers
one.wav,"One, or the First",US-S1Z-99-00001,Label,Ann Lee|00017798450|PRS|50; Bob Roe|||50,House|||100
er/two.flac,,,Label,,
CSV
expect 0 '\(3 of them unread, 2 updated\)' catalogue add "$music" --metadata "$scratch/tracks.csv"
expect 0 '\(3 of them unread, 0 updated\)' catalogue add "$music" --metadata "$scratch/tracks.csv"
same 'titles by CSV' "$(titles)" '3.5 mm,Two of Tags,One, or the First'
one=$(catalogue list --json | jq 'select(.title | startswith("One")) | .id')
same 'parties' "$(catalogue show "$one" --json | jq -c '[.isrc, (.parties[] | [.name, .ipi, (100 * .share | round)])]')" \
    '["USS1Z9900001",["Ann Lee","00017798450",50],["Bob Roe",null,50],["House",null,100]]'
expect 0 '^composer +Ann Lee, ipi 00017798450, PRS, 50 %' catalogue show "$one"
expect 0 '^artist +Ann$' catalogue show 2
touch "$music/one.wav"
expect 0 '^0 added, 3 there already \(2 of them unread, 0 updated\)' catalogue add "$music"
same 'title stays' "$(titles)" '3.5 mm,Two of Tags,One, or the First'
before=$(version)
printf 'file,isrc\none.wav,X\n' >"$scratch/bad.csv"
expect 1 'bad.csv:2: isrc "X" is not one' catalogue add "$music" --metadata "$scratch/bad.csv"
expect 1 'absent.csv' catalogue add "$music" --metadata "$scratch/absent.csv"
same 'nothing done' "$(version)" "$before"
song 5 "$music/five.wav"
printf 'file,title\nfive.wav,Five\nfife.wav,Fife\n' >"$scratch/miss.csv"
expect 1 'miss.csv:3: file "fife.wav" is none of those given' catalogue add "$music" --metadata "$scratch/miss.csv"
same 'the rest was added' "$(titles)" '3.5 mm,Two of Tags,One, or the First,Five'

# --- more parameter sets, lists, removal
echo "$music/five.wav" >"$scratch/list.txt"
expect 0 '\(0 of them unread, 1 updated\)' catalogue add --list "$scratch/list.txt" --params p1,p2,p3
same 'sets' "$(catalogue show 4 --json | jq -c '.fingerprint_bytes | keys')" '["p1","p2","p3"]'
expect 0 '^1 removed' catalogue remove 4
expect 1 'recording 4: not in store' catalogue remove 4
expect 1 '"four" is not the id' catalogue show four
expect 1 'recording 99: not in store' catalogue show 99
expect 0 '^id +4 \(removed' catalogue show 4
same 'titles after removal' "$(titles)" '3.5 mm,Two of Tags,One, or the First'
expect 0 '^1 added, 0 there already' catalogue add "$music/five.wav"
same 'back under its id' "$(catalogue list --json | jq -r 'select(.title == "Five") | .id')" 4
expect 0 '^ok: 4 fingerprints, 3 index files \(2 of them' catalogue verify

# --- damage
store=$scratch/data/undertone/undertone.db
index=$store.p3.index
flip() { # FILE OFFSET: changes one byte
    local byte
    byte=$(od -An -tu1 -j "$2" -N 1 "$1")
    # shellcheck disable=SC2059 # the format is the byte
    printf "\\x$(printf %02x $((byte ^ 16)))" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}
segment=$(find "$index" -name '*.segment' | sort | head -1)
flip "$segment" $(($(stat -c %s "$segment") / 2))
expect 1 'undertone.db.p3.index' catalogue verify
same 'verify --json' "$(catalogue verify --json 2>/dev/null | jq -c '[.ok, (.damage | length)]')" '[false,1]'
expect 0 'index-rebuilt' catalogue add "$music"
expect 0 '^ok' catalogue verify
flip "$(find "$index" -name '*.segment' | sort | head -1)" 100
expect 0 '^p3: 4 recordings, .* in 2 segments' catalogue rebuild
expect 0 '^ok' catalogue verify
expect 2 'p9: not one of' catalogue rebuild --params p9
sqlite3 "$store" 'PRAGMA wal_checkpoint(TRUNCATE)' >/dev/null
cp "$store" "$scratch/good.db"
at=$(grep -abo 'Two of Tags' "$store" | head -1 | cut -d: -f1)
flip "$store" "$at"
expect 1 'recording 2 does not fit its checksum' catalogue verify
cp "$scratch/good.db" "$store"
expect 0 '^ok' catalogue verify
sqlite3 "$store" 'PRAGMA user_version = 99'
expect 1 'schema 99 is newer' catalogue list
head -c 5000 "$scratch/good.db" >"$store"
expect 1 'damaged|not a store' catalogue verify

# --- interruptions
rm -rf "$scratch/data"
mkdir "$scratch/many"
for i in $(seq 40); do song $((100 + i)) "$scratch/many/$i.wav"; done
whole=$scratch/whole.db
expect 0 '^40 added' catalogue add "$scratch/many" --store "sqlite:$whole"
content() { catalogue list --json --store "$1" | jq -c 'del(.added)'; }
count() { catalogue stats --json 2>/dev/null | jq .recordings | grep . || echo 0; }
# Killed once it has made this many recordings in all, so each time at another point of its work.
for after in 1 7 13 19 25 31; do
    "$undertone" catalogue add "$scratch/many" >/dev/null 2>&1 & # not the function: $! is to be the program
    pid=$!
    while kill -0 $pid 2>/dev/null && [ "$(count)" -lt $after ]; do :; done
    kill -9 $pid 2>/dev/null
    wait $pid 2>/dev/null
    expect 0 '^ok' catalogue verify
done
expect 0 '^[0-9]+ added, [0-9]+ there already' catalogue add "$scratch/many"
same 'after kills as without' "$(content "sqlite:$store")" "$(content "sqlite:$whole")"
rm -rf "$scratch/data"
ffmpeg -v error -f lavfi -i anoisesrc=seed=9:duration=2400:sample_rate=16000 "$scratch/many/long.wav"
"$undertone" catalogue add "$scratch/many/long.wav" "$scratch/many" >"$scratch/out" 2>&1 &
pid=$!
until [ -f "$store" ]; do sleep 0.01; done
kill -INT $pid
wait $pid
same 'status after SIGINT' $? 1
expect 0 'stopped' cat "$scratch/out"
expect 0 '^ok: 0 fingerprints' catalogue verify
exit $failed
