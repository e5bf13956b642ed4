"""What is on air on a made-up day, and when: programmes with their music, speech and effects, adverts, repeats and gaps."""
import dataclasses

FADE_DB = -40.0
INAUDIBLE_DB = 20.0


@dataclasses.dataclass
class Item:
    kind: str  # music, speech, effects
    recording: object
    begin_s: float  # in the recording
    start_s: float  # on air, from midnight
    end_s: float
    levels: list  # (seconds from its start, dB above the level of speech)
    speed: float = 1.0

    def audible(self):
        """From when to when it is no more than INAUDIBLE_DB below its usual level: what fades is gone before its end."""
        floor = self.usual_db() - INAUDIBLE_DB
        ends = []
        for points in (self.levels, self.levels[::-1]):
            (at, db), (after, louder) = points[:2]
            ends.append(at + (after - at) * max(0.0, floor - db) / (louder - db) if louder > floor > db else at)
        return self.start_s + ends[0], self.start_s + ends[1]

    def usual_db(self):
        return sorted(db for _, db in self.levels)[len(self.levels) // 2]


@dataclasses.dataclass
class Programme:
    title: str
    episode: int
    start_s: float
    end_s: float


@dataclasses.dataclass
class Channel:
    name: str
    items: list
    programmes: list
    gaps: list  # (start, end): nothing was captured


def flat(level_db, seconds, rise_s=0.0, fall_s=0.0):
    points = [(0.0, FADE_DB if rise_s else level_db)]
    points += [(rise_s, level_db)] if rise_s else []
    points += [(seconds - fall_s, level_db), (seconds, FADE_DB)] if fall_s else [(seconds, level_db)]
    return points


class Writer:
    """Writes the items of one programme, one after the other."""

    def __init__(self, rng, pool, start_s, end_s):
        self.rng, self.pool = rng, pool
        self.at, self.end_s = start_s, end_s
        self.items = []

    def fit(self, seconds):
        """What is left before the last signature."""
        return max(8.0, min(seconds, self.end_s - 26 - self.at))

    def uniform(self, low, high):
        return float(self.rng.uniform(low, high))

    def pick(self, recordings):
        return recordings[int(self.rng.integers(len(recordings)))]

    def put(self, kind, recording, begin_s, seconds, levels):
        self.items.append(Item(kind, recording, begin_s, self.at, self.at + seconds, levels))

    def music(self, recording, seconds, levels, begin_s=None):
        if begin_s is None:
            begin_s = self.uniform(0, max(0.0, recording.seconds - seconds))
        self.put("music", recording, begin_s, seconds, levels)

    def speak(self, seconds):
        """People talk one after the other; nobody says the same again in the same way."""
        until, began = self.at + seconds, self.at
        while self.at < until - 1:
            clip = self.pick(self.pool.speech)
            length = min(clip.seconds, until - self.at, self.uniform(8, 30))
            self.put("speech", clip, self.uniform(0, clip.seconds), length, flat(0.0, length))
            self.items[-1].speed = self.uniform(0.93, 1.07)
            self.at += length + self.uniform(0.2, 0.8)
        self.at = began

    # What programmes are made of. Each leaves `at` where it ends, after a moment of quiet: cues that touch are made by songs().

    def close(self, seconds):
        self.at += seconds + self.uniform(2.5, 5)

    def signature(self, theme):
        seconds = min(self.uniform(12, 20), theme.seconds)
        self.music(theme, seconds, flat(3.0, seconds, fall_s=1.0), begin_s=0.0)
        self.close(seconds)

    def talk(self):
        seconds = self.fit(self.uniform(15, 60))
        self.speak(seconds)
        self.close(seconds)

    def bed(self):
        seconds = self.fit(self.uniform(25, 90))
        self.music(self.pick(self.pool.music), seconds, flat(self.pick(self.pool.levels), seconds, 1.0, 2.0))
        self.speak(seconds)
        self.close(seconds)

    def ducked(self):
        """Music comes first, and goes under speech."""
        seconds, level_db = self.fit(self.uniform(30, 70)), self.pick(self.pool.levels)
        if seconds < 20:
            return self.talk()
        self.music(self.pick(self.pool.music), seconds, [(0, 2), (6, 2), (7.5, level_db), (seconds - 2, level_db), (seconds, FADE_DB)])
        self.at += 7
        self.speak(seconds - 7)
        self.at -= 7
        self.close(seconds)

    def songs(self):
        """Songs that follow each other without a pause."""
        for _ in range(int(self.rng.integers(1, 4))):
            song = self.pick(self.pool.music)
            seconds = self.fit(min(self.uniform(30, 120), song.seconds))
            if self.at > self.end_s - 40:
                break
            self.music(song, seconds, flat(2.0, seconds))
            self.at += seconds
        self.close(0)

    def scene(self):
        seconds = self.fit(self.uniform(20, 60))
        self.music(self.pick(self.pool.music), seconds, flat(-4.0, seconds, 2.0, 3.0))
        if self.pool.effects:
            clip = self.pick(self.pool.effects)
            self.put("effects", clip, 0.0, min(seconds, clip.seconds), flat(-6.0, min(seconds, clip.seconds)))
        self.close(seconds)

    def advert(self):
        seconds = self.uniform(10, 25)
        self.music(self.pick(self.pool.jingles), seconds, flat(-5.0, seconds), begin_s=0.0)
        self.speak(seconds)
        self.close(seconds)


FORMS = {  # title: what it is made of, again and again
    "News": ("talk", "bed", "talk", "talk", "ducked"),
    "Magazine": ("ducked", "talk", "bed", "scene", "bed"),
    "Hit Parade": ("songs", "talk", "songs"),
    "Film": ("scene", "talk", "scene", "bed", "scene"),
    "Shop": ("bed", "bed", "ducked", "talk"),
    "Matinee": ("scene", "ducked", "songs", "talk"),
}


def make_programme(rng, pool, title, theme, start_s, end_s):
    writer = Writer(rng, pool, start_s + 1.5, end_s)
    writer.signature(theme)
    while writer.at < end_s - 60:
        for part in FORMS[title]:
            if writer.at < end_s - 60:
                getattr(writer, part)()
    if writer.at < end_s - 22:
        writer.signature(theme)
    return writer.items


def make_adverts(rng, pool, start_s, end_s):
    writer = Writer(rng, pool, start_s + 1, end_s)
    while writer.at < end_s - 28:
        writer.advert()
    return writer.items


def moved(items, seconds):
    return [dataclasses.replace(item, start_s=item.start_s + seconds, end_s=item.end_s + seconds) for item in items]


class Pool:
    """What the day is made of. Recordings that are left out of the catalogue are themes too, so that they are heard often."""

    def __init__(self, rng, music, speech, effects, unknown):
        order = list(rng.permutation(len(music)))
        long = [i for i in order if music[i].seconds >= 45]
        self.unknown = [music[i] for i in long[:unknown]]
        self.known = [m for m in music if m not in self.unknown]
        self.music, self.speech, self.effects = self.known, speech, effects
        self.jingles = [m for m in self.known if m.seconds >= 26][:4]
        self.levels = [-6.0, -8.0, -10.0, -12.0, -15.0, -18.0]
        themes = self.unknown[:2] + [m for m in self.known if m not in self.jingles and m.seconds >= 22]
        self.themes = dict(zip(FORMS, themes))


def make_day(rng, pool, names, hours, gap_count):
    """Channels of the same length with programmes of 5 to 60 minutes; one in four repeats what another showed before."""
    channels, shown = [], []
    for name in names:
        channel = Channel(name, [], [], [])
        at, number = 0.0, 0
        longest = hours * 3600 / 3
        while at < hours * 3600 - 60:
            length = min(float(rng.choice([300, 600, 900, 1800, 2700, 3600])), max(180.0, longest), hours * 3600 - at)
            number += 1
            again = [p for p in shown if p[0].end_s - p[0].start_s <= length and p[1] != (name, number - 1)]
            if again and rng.random() < 0.25:
                programme, _, items = again[int(rng.integers(len(again)))]
                shift, length = at - programme.start_s, programme.end_s - programme.start_s
                programme = dataclasses.replace(programme, start_s=at, end_s=at + length)
                items = moved(items, shift)
            else:
                title = str(rng.choice(list(FORMS)))
                programme = Programme(title, 100 * len(channels) + number, at, at + length)
                items = make_programme(rng, pool, title, pool.themes[title], at, at + length)
                shown.append((programme, (name, number), items))
            channel.programmes.append(programme)
            channel.items += items
            at += length
            if rng.random() < 0.6 and at < hours * 3600 - 200:
                channel.items += make_adverts(rng, pool, at, at + 120)
                at += 120
        channel.gaps = make_gaps(rng, hours, gap_count)
        channels.append(channel)
    return channels


def make_gaps(rng, hours, count):
    gaps = []
    while len(gaps) < count:
        start = round(rng.uniform(0.1, 0.9) * hours * 3600)
        gap = (start, start + round(min(240.0, hours * 90)))
        if all(gap[1] < a - 120 or gap[0] > b + 120 for a, b in gaps):
            gaps.append(gap)
    return sorted(gaps)


# --- the truth -------------------------------------------------------------------------------------


@dataclasses.dataclass
class Use:
    """One use of a recording, as a perfect cue sheet has it: pieces up to 2 s apart are one."""

    channel: str
    recording: object
    start_s: float
    end_s: float
    level_db: float  # of the music, where most of it is
    music_lufs: float = 0.0
    speech_lufs: float = 0.0

    @property
    def seconds(self):
        return self.end_s - self.start_s

    @property
    def use(self):
        """The default rule of docs/CUESHEETS.md on the stems themselves."""
        delta = self.music_lufs - self.speech_lufs
        if self.speech_lufs < -50 or delta >= 3:
            return "foreground"
        return "background" if delta <= -3 else "indistinguishable"


def outside(start_s, end_s, gaps):
    """The pieces of a stretch that lie in no gap; gaps in order."""
    for a, b in gaps:
        if a > start_s:
            yield start_s, min(a, end_s)
        start_s = max(start_s, b)
    if start_s < end_s:
        yield start_s, end_s


def uses_of(channel, hours):
    pieces = []
    for item in channel.items:
        if item.kind != "music":
            continue
        first, last = item.audible()
        gaps = [g for g in channel.gaps if g[1] > first and g[0] < last]
        for start, end in outside(first, min(last, hours * 3600), gaps):
            if end > start:
                pieces.append(Use(channel.name, item.recording, start, end, item.usual_db()))
    uses = []
    for piece in sorted(pieces, key=lambda p: p.start_s):
        last = next((u for u in reversed(uses[-4:]) if u.recording is piece.recording and piece.start_s - u.end_s <= 2), None)
        if last:
            last.end_s = max(last.end_s, piece.end_s)
        else:
            uses.append(piece)
    return uses
