"""A claim sheet of a made-up day, honest but for planted errors, and what an audit must say of them."""
import csv
import dataclasses

ISWC = "T-034524680-1"  # of the work that pool.cover and pool.original share
USAGE = {"background": "Background", "foreground": "Featured", "indistinguishable": "Background"}


@dataclasses.dataclass
class Error:
    what: str
    outcome: str
    row: int  # of the sheet; None: none
    span: tuple  # where it is
    found: bool = False


class Sheet:
    def __init__(self, rng, iso, metadata):
        self.rng, self.iso, self.metadata = rng, iso, metadata
        self.rows, self.errors = [], []

    def claim(self, start_s, end_s, recording, usage="", use=None):
        meta = self.metadata[recording.title]
        self.rows.append((start_s, [self.iso(start_s), self.iso(end_s), meta["title"], meta["artist"], meta["isrc"], meta["iswc"], usage,
                                    meta["artist"]], use))
        return len(self.rows) - 1

    def honest(self, use):
        """As a stop watch has it."""
        self.claim(use.start_s + self.rng.uniform(-0.5, 0.5), use.end_s + self.rng.uniform(-0.5, 0.5), use.recording, USAGE[use.use], use)

    def error(self, what, outcome, row, start_s, end_s):
        self.errors.append(Error(what, outcome, row, (start_s, end_s)))

    def write(self, path):
        """In order of time; errors then name the rows of the file."""
        order = sorted(range(len(self.rows)), key=lambda i: self.rows[i][0])
        with open(path, "w", encoding="utf-8", newline="") as out:
            table = csv.writer(out)
            table.writerow(["Start", "End", "Title", "Artist", "ISRC", "ISWC", "Usage", "Composer"])
            table.writerows(self.rows[i][1] for i in order)
        place = {i: n + 2 for n, i in enumerate(order)}
        self.honest_rows = {place[i]: self.rows[i][2] for i in order}
        for error in self.errors:
            error.row = place.get(error.row)


class Planter:
    """Each kind of error once, on uses that are long, loud enough and alone; everything else is claimed honestly."""

    def __init__(self, sheet, uses, pool, end_s, gaps):
        self.sheet, self.uses, self.pool = sheet, uses, pool
        self.end_s, self.gaps = end_s, gaps
        self.taken = set()
        self.good = [u for u in uses if u.seconds >= 20 and u.level_db >= -12 and self.alone(u) and u.recording is not pool.cover]

    def alone(self, use):
        return all(o is use or o.end_s < use.start_s - 1 or o.start_s > use.end_s + 1 for o in self.uses)

    def far(self, use):
        """Whether it can be claimed a little later, and the audit, which looks 15 minutes around, mistake no other use for it."""
        span = (use.end_s, use.end_s + use.seconds + 60)
        return (span[1] < self.end_s and all(b < span[0] or a > span[1] for a, b in self.gaps) and
                all(o is use or o.recording is not use.recording or abs(o.start_s - use.start_s) > 1100 + o.seconds for o in self.uses))

    def take(self, fits=lambda use: True):
        free = [u for u in self.good if id(u) not in self.taken and fits(u)]
        if not free:
            raise SystemExit("this day has no use to plant an error on; another seed or a longer day has")
        use = free[int(self.sheet.rng.integers(len(free)))]
        self.taken.add(id(use))
        return use

    def wrong(self, with_use):
        sheet, pool = self.sheet, self.pool
        use = self.take(self.far)
        later = use.end_s + 30
        sheet.error("at another time", "wrong-time", sheet.claim(later, later + use.seconds, use.recording, ""), later, later + use.seconds)
        use = self.take()
        sheet.error("starts late", "wrong-time", sheet.claim(use.start_s + 9, use.end_s, use.recording, ""), use.start_s, use.end_s)
        use = self.take()
        long = use.start_s + 1.5 * use.seconds + 4
        sheet.error("too long", "wrong-time", sheet.claim(use.start_s, long, use.recording, ""), use.start_s, long)
        use = self.take()
        sheet.error("another recording", "wrong-recording", sheet.claim(use.start_s, use.end_s, pool.absent), use.start_s, use.end_s)
        use = max((u for u in self.uses if u.recording is pool.cover), key=lambda u: (u.level_db, u.seconds))
        self.taken.add(id(use))
        sheet.error("the original for its cover", "wrong-recording", sheet.claim(use.start_s, use.end_s, pool.original), use.start_s, use.end_s)
        use = self.take()
        sheet.claim(use.start_s, use.end_s, use.recording)
        sheet.error("one use in two rows", "claimed-twice", sheet.claim(use.start_s + 1, use.end_s, use.recording), use.start_s, use.end_s)
        if with_use:
            self.wrong_use()

    def wrong_use(self):
        plain = {"background": "Featured", "foreground": "Background"}
        clear = lambda u: u.use in plain and abs(u.music_lufs - u.speech_lufs) > 8  # noqa: E731
        use = self.take(clear)
        row = self.sheet.claim(use.start_s, use.end_s, use.recording, plain[use.use])
        self.sheet.error("the other use", "wrong-use", row, use.start_s, use.end_s)

    def missing(self, unknown_uses, quiet, gap):
        sheet, pool = self.sheet, self.pool
        use = self.take()
        sheet.error("not claimed", "not-claimed", None, use.start_s, use.end_s)
        sheet.error("while nothing was captured", "capture-gap", sheet.claim(gap[0] + 3, gap[1] - 3, pool.absent), *gap)
        use = self.take()
        sheet.honest(use)
        sheet.error("not in the catalogue", "no-reference", sheet.claim(quiet[0] + 2, quiet[1] - 2, pool.unheard_of), *quiet)
        sheet.error("no music", "no-music", sheet.claim(quiet[0] + 1, quiet[1] - 1, pool.absent), *quiet)
        for i, use in enumerate(sorted(unknown_uses, key=lambda u: -u.seconds)):
            if i == 0:
                row = sheet.claim(use.start_s, use.end_s, pool.absent)
                sheet.error("music that nothing identifies", "music-unmatched", row, use.start_s, use.end_s)
            else:
                sheet.error("unidentified, not claimed", "unidentified", None, use.start_s, use.end_s)

    def the_rest(self):
        for use in self.uses:
            if id(use) not in self.taken:
                self.sheet.honest(use)


def judge(sheet, report, seconds_of):
    """Ticks off the errors that the audit found; gives what else it reported, and how many claims it calls right. What is reported of
    an honest claim because the recognition was off by more than a second, or missed the music, is not the audit's mistake: it is
    given apart."""
    more, off, matched = [], [], 0
    for finding in report["findings"]:
        if finding["outcome"] == "matched":
            matched += 1
            continue
        claim, cues = finding["claim"], finding["cues"]
        row = claim["row"] if claim else None
        span = (seconds_of(cues[0]["start_utc"]), seconds_of(cues[-1]["end_utc"])) if cues else None
        for error in sheet.errors:
            same_place = row == error.row if row or error.row else span and span[0] < error.span[1] and span[1] > error.span[0]
            if same_place and error.outcome == finding["outcome"]:
                error.found = True
                break
        else:
            use = sheet.honest_rows.get(row)
            right = use and cues and abs(span[0] - use.start_s) <= 1 and abs(span[1] - use.end_s) <= 1
            (more if right or finding["outcome"] == "not-claimed" else off).append(finding)
    return more, off, matched
