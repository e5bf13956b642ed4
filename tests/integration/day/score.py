"""A cue sheet of a made-up day against its truth."""
import collections


def union_s(spans):
    total, last = 0.0, float("-inf")
    for start, end in sorted(spans):
        total += max(0.0, end - max(start, last))
        last = max(last, end)
    return total


def overlap(a, b):
    return max(0.0, min(a[1], b[1]) - max(a[0], b[0]))


class Cue:
    def __init__(self, json, seconds_of):
        self.channel, self.outcome, self.id = json["channel"], json["outcome"], json["id"]
        self.title = json["recording"]["title"] if json["recording"] else None
        self.span = (seconds_of(json["start_utc"]), seconds_of(json["end_utc"]))
        self.use = json["usage"]["use"]
        self.programme = json["programme"]


def groups_of(use):
    yield "all"
    if use.speech_lufs < -50:
        yield "without speech"
    else:
        delta = use.music_lufs - use.speech_lufs
        yield "music louder than speech" if delta > 0 else "0 to 10 LU under speech" if delta > -10 else "more than 10 LU under speech"


def sheet(uses, cues):
    """How much of it is right, for all uses and by how loud they are against speech; and what of it is not true."""
    rows = collections.OrderedDict()
    confusion = collections.Counter()
    identified = [c for c in cues if c.outcome == "identified"]
    by_title = collections.defaultdict(list)
    for cue in identified:
        by_title[cue.channel, cue.title].append(cue)
    for use in uses:
        mine = [c for c in by_title[use.channel, use.recording.title] if overlap(c.span, (use.start_s, use.end_s)) > 0]
        covered = union_s([(max(c.span[0], use.start_s), min(c.span[1], use.end_s)) for c in mine])
        found = covered >= use.seconds / 2
        for group in groups_of(use):
            row = rows.setdefault(group, collections.Counter())
            row["uses"] += 1
            row["seconds"] += use.seconds
            row["covered"] += covered
            row["found"] += found
            row["start"] += found and abs(mine[0].span[0] - use.start_s) <= 1
            row["end"] += found and abs(mine[-1].span[1] - use.end_s) <= 1
        if found:
            confusion[use.use, max(mine, key=lambda c: overlap(c.span, (use.start_s, use.end_s))).use] += 1
    spans = collections.defaultdict(list)
    for use in uses:
        spans[use.channel, use.recording.title].append((use.start_s - 1, use.end_s + 1))
    wrong = [(c, c.span[1] - c.span[0] - sum(overlap(c.span, s) for s in spans[c.channel, c.title])) for c in identified]
    return {"groups": {name: {k: round(float(v), 1) for k, v in row.items()} for name, row in rows.items()},
            "use": [{"true": a, "cue": b, "cues": n} for (a, b), n in sorted(confusion.items())],
            "false_cues": [[c.channel, c.title, round(c.span[0], 1), round(c.span[1], 1)] for c, s in wrong
                           if s >= c.span[1] - c.span[0] - 0.5],
            "false_seconds": round(sum(max(0.0, s) for _, s in wrong), 1),
            "identified_seconds": round(sum(c.span[1] - c.span[0] for c in identified), 1)}


def programmes(channels, cues):
    """Cues whose programme, and time within it, are those of the plan."""
    right, total = 0, 0
    for cue in cues:
        plan = next((p for c in channels if c.name == cue.channel for p in c.programmes if p.start_s <= cue.span[0] < p.end_s), None)
        total += 1
        said = cue.programme
        right += (said is None) == (plan is None) and (
            plan is None or said["title"] == plan.title and said["episode_no"] == str(plan.episode)
            and abs(said["in_ms"] / 1000 - (cue.span[0] - plan.start_s)) < 0.05)
    return {"cues": total, "right": right}


def truth_of(span, channel, uses):
    """The title that most of a stretch is of; None: speech, effects or nothing."""
    best = max((u for u in uses if u.channel == channel), key=lambda u: overlap(span, (u.start_s, u.end_s)), default=None)
    return best.recording.title if best and overlap(span, (best.start_s, best.end_s)) > 0.25 * (span[1] - span[0]) else None


def clusters(tunes, uses, unknown, seconds_of):
    """tunes: `unknown show` of each cluster. Which recording each is about, and what in it is of another."""
    titles = {r.title for r in unknown}
    out = []
    for tune in tunes:
        heard = [truth_of((seconds_of(a["start_utc"]), seconds_of(a["end_utc"])), a["channel"], uses) for a in tune["heard"]]
        title, count = collections.Counter(heard).most_common(1)[0]
        out.append({"cluster": tune["cluster"], "airings": len(heard), "about": title, "other": len(heard) - count,
                    "unknown": title in titles, "cue_ids": [a["cue_id"] for a in tune["heard"]],
                    "spans": [(a["channel"], seconds_of(a["start_utc"]), seconds_of(a["end_utc"])) for a in tune["heard"]]})
    return out


def recall(clusters_found, uses, unknown):
    """For each recording that the catalogue lacks: how many of its uses its largest cluster has."""
    rows = []
    for recording in unknown:
        mine = [u for u in uses if u.recording is recording]
        about = [c for c in clusters_found if c["about"] == recording.title]
        largest = max(about, key=lambda c: c["airings"], default=None)
        held = sum(any(ch == u.channel and overlap((a, b), (u.start_s, u.end_s)) >= u.seconds / 2 for ch, a, b in largest["spans"])
                   for u in mine) if largest else 0
        rows.append({"title": recording.title, "uses": len(mine), "clusters": len(about), "in_largest": held})
    return rows
