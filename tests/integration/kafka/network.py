"""A monitor between a real PostgreSQL (tests/with-postgres) and a real broker, and what must hold whatever happens to them: audio is
analysed all the while, the backlog shows in the metrics, memory stays bounded, and in the end every channel has exactly what a
replay of the same audio finds, each of it published, in the order of the store."""
import json
import os
import sys
import wave

from broker import free_ports
from faults import check_arrivals, memory_mib
from support import Place, fail_unless, soak

import live  # noqa: E402  (its reader of metrics)
from postgres_server import Server

NS_PER_SAMPLE = 62500
COLUMNS = "id, start_ns, end_ns, outcome, witness, start_sample, end_sample"
BACKLOG = 3000
PIECE_S, PAUSE_S = 6, 8
MORE_MIB = 60
# Whatever is put into the outbox leaves its name here, in the transaction that puts it.
LOG = """CREATE TABLE public.told (n bigserial, id text, type text, key text, at timestamptz DEFAULT clock_timestamp());
CREATE FUNCTION public.tell() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO public.told (id, type, key) VALUES (new.id, new.type, new.key); RETURN new; END $$;
CREATE TRIGGER tell AFTER INSERT ON undertone.outbox FOR EACH ROW EXECUTE FUNCTION public.tell()"""


class Network(Place):
    def __init__(self, undertone, bootstrap, name, channels=4, seconds=240):
        super().__init__(undertone, bootstrap, name)
        os.environ["XDG_CACHE_HOME"] = str(self.folder)
        self.server = Server()
        self.database = f"{name}_{os.getpid()}"
        self.standby_port, self.port = free_ports(2)
        self.dsn = self.server.dsn(self.database, self.standby_port)  # there is no standby yet
        self.channels = [f"channel-{i}" for i in range(channels)]
        self.seconds = seconds

    @property
    def store(self):
        return self.dsn

    def rows(self, query, *values):
        for value in values:
            query = query.replace("?", f"'{value}'", 1)
        text = self.server.sql(query, dsn=self.dsn)
        return [tuple(int(f) if f.lstrip("-").isdigit() else f for f in line.split("\x1f")) for line in text.splitlines()]

    def prepare(self):
        """Channels that play short pieces with pauses between, so that something is concluded every few seconds."""
        self.compose(tracks=6, seconds=12)
        pause = soak.noise(self.rng, PAUSE_S)
        lines = ["events:\n  sinks: ['kafka:']\n  retry_max_s: 1\nmetrics:\n  listen: 127.0.0.1:%d\nchannels:" % self.port]
        for number, channel in enumerate(self.channels):
            parts = [pause[:number * 32000 * (PIECE_S + PAUSE_S) // len(self.channels)]]
            for _ in range(self.seconds // (PIECE_S + PAUSE_S)):
                begin = self.rng.randrange(0, 12 - PIECE_S) * 32000
                parts += [self.rng.choice(self.tracks)[begin:begin + PIECE_S * 32000], pause]
            soak.write_wav(self.folder / f"{channel}.wav", parts)
            lines.append(f"  - id: {channel}\n    uri: 'file:{self.folder}/{channel}.wav'")
        self.server.sql(f"CREATE DATABASE {self.database}")
        self.rest = "\n".join(lines) + "\n"
        self.config = self.configure(rest=self.rest)
        self.run("catalogue", "add", str(self.folder / "tracks"), "--config", self.config)
        self.run("catalogue", "add", str(self.folder / "tracks"), "--store", f"sqlite:{self.folder}/peace.db")
        self.server.sql(LOG, dsn=self.dsn)

    def instances(self):
        return [one for one in json.loads(self.run("status", "--json", "--config", self.config).stdout)["instances"] if one["alive"]]

    def metrics(self):
        return live.scrape(self.port)

    def identified(self):
        return sum(value for name, value in self.metrics().items() if name.startswith("undertone_cues_total"))

    def heard_s(self):
        found = self.metrics()
        return [found.get(f'undertone_audio_seconds_total{{channel="{channel}"}}', 0) for channel in self.channels]

    def hears_on(self, what, process, seconds=3):
        """Every channel is analysed further."""
        before = self.heard_s()
        self.wait_for(f"{what}: audio is analysed", lambda: all(now >= then + seconds for now, then in zip(self.heard_s(), before)), 60,
                      process)

    def add_backlog(self, count=BACKLOG, check=True):
        """Events straight into the outbox, on channels of their own."""
        value = json.dumps({"channel": {"id": "backlog"}, "filler": "x" * 1500})
        self.server.sql("INSERT INTO outbox (id, type, key, time_ns, json) SELECT gen_random_uuid(), 'org.undertone.audit.test.v1',"
                        f" 'backlog-' || n % 8, n, '{value}' FROM generate_series(1, {count}) AS n", dsn=self.dsn, check=check)

    def begin(self):
        monitor = self.start("run", "--config", self.config)
        self.wait_for("something is identified and published", lambda: self.identified() >= 2 and not self.rows("SELECT id FROM outbox"), 90,
                      monitor)
        self.small_mib = memory_mib(monitor)
        return monitor

    def endure(self, what, monitor, begin, end, shows):
        """A fault begins, is noticed by the metric `shows`, and ends: then all is written and published."""
        begin()
        self.hears_on(what, monitor)
        self.wait_for(f"{what}: {shows} tells of it", lambda: self.metrics().get(shows, 0) > 0, 90, monitor)
        end()
        self.wait_for(f"{what}: all is written", lambda: self.metrics().get("undertone_store_pending") == 0, 90, monitor)
        self.wait_for(f"{what}: all is published", lambda: not self.rows("SELECT id FROM outbox WHERE type LIKE '%audit%' LIMIT 1"), 120,
                      monitor)
        self.hears_on(f"{what}, afterwards", monitor)
        grown = memory_mib(monitor) - self.small_mib
        fail_unless(grown < MORE_MIB, f"{what}: {grown:.0f} MiB more in memory")

    def conclude(self, monitor):
        monitor.terminate()
        if monitor.wait(90) != 0:
            self.show_logs()
            sys.exit(f"the monitor does not end well: exit code {monitor.returncode}")
        fail_unless(not self.rows("SELECT id FROM outbox"), "events are left in the store")

    def replayed(self, channel, start_ns, begin, samples):
        """What a replay of a piece of the channel's audio finds."""
        piece = self.folder / "piece.wav"
        with wave.open(str(self.folder / f"{channel}.wav")) as source:
            source.setpos(begin)
            soak.write_wav(piece, [source.readframes(samples)])
        store = f"{self.folder}/peace.db"
        start = soak.time.strftime("%Y-%m-%dT%H:%M:%S", soak.time.gmtime(start_ns // 10**9)) + f".{start_ns % 10**9:09}Z"
        self.run("replay", str(piece), "--channel", channel, "--start", start, "--separator", "none", "--store", f"sqlite:{store}")
        with soak.sqlite3.connect(store) as db:
            return db.execute(f"SELECT {COLUMNS} FROM airplay WHERE segment_id = (SELECT id FROM segment WHERE channel = ? AND start_ns = ?)"
                              " ORDER BY id", (channel, start_ns)).fetchall()

    def check_airplays(self, one_life=True):
        """Segment by segment what a replay finds; one_life: the segments of a channel follow each other in its file."""
        total = 0
        for channel in self.channels:
            at = 0
            for segment, start_ns, count, resume, done in self.rows(
                    f"SELECT id, start_ns, sample_count, resume_sample, done::int FROM segment WHERE channel = '{channel}' ORDER BY id"):
                got = self.rows(f"SELECT {COLUMNS} FROM airplay WHERE segment_id = {segment} ORDER BY id")
                if not (got or resume or done):
                    continue  # a life too short for anything
                found = self.replayed(channel, start_ns, at, count or resume + 60 * 16000)
                wanted = [row for row in found if done or row[5] < resume]  # what began before the checkpoint is concluded
                fail_unless(set(wanted) <= set(got) <= set(found), f"{channel}, segment {segment}: {len(set(wanted) - set(got))} of {len(wanted)} airplays are "
                            f"missing, {len(set(got) - set(found))} are others: {sorted(set(wanted) ^ set(got))}")
                total += len(got)
                at += count if one_life else 0
        fail_unless(total >= len(self.channels), f"only {total} airplays: nothing is shown")
        return total

    def check_events(self, told=None):
        """Everything that was ever in the outbox came, its first arrivals in the same order; and every airplay was in it."""
        told = self.rows("SELECT id, type, key FROM public.told ORDER BY n")
        twice = 0
        for topic, kind in (("identification.v1", "cue.identified"), ("capture.v1", "capture"), ("audit.v1", "audit")):
            order = {}
            for event, type_, key in told:
                if f".{kind}." in type_:
                    order.setdefault(key, {})[event] = None
            if not order:
                continue
            twice += check_arrivals(self, {key: list(wanted) for key, wanted in order.items()}, topic)[1]
        cues = {m["value"]["cue_id"] for m in self.messages("identification.v1")}
        fail_unless(cues == {row[0] for row in self.rows("SELECT id FROM airplay")}, "airplays and events differ")
        return len(told), twice


def skip(reason):
    print(f"SKIPPED: {reason}", file=sys.stderr)
    sys.exit(77)
