#!/usr/bin/env python3
"""`undertone run` on a PostgreSQL store: a recording that another process adds is recognised without a restart, told by an
announcement alone; then the server is killed and away for a while, and neither audio nor a result is lost.

    tests/with-postgres tests/integration/live_postgres.py --undertone build/cpu/undertone
"""
import argparse
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import live  # noqa: E402
import soak  # noqa: E402
from postgres_server import Server  # noqa: E402

AWAY_S = 4


class LivePostgres(live.Live):
    def __init__(self, options, folder):
        super().__init__(options, folder)
        self.server = Server()
        self.dsn = self.server.dsn("live")
        self.log = []

    def sql(self, text):
        return self.server.sql(text, "live")

    def prepare(self):
        rng = random.Random(7)
        notes = soak.tones(rng)
        first, second = (soak.compose(rng, notes, 24) for _ in range(2))
        soak.write_wav(self.folder / "first.wav", [first])
        soak.write_wav(self.folder / "second.wav", [second])
        pause = soak.noise(rng, 6)
        soak.write_wav(self.folder / "programme.wav", [pause, first, pause, pause, second, pause])
        self.server.sql("CREATE DATABASE live")
        (self.folder / "undertone.yaml").write_text(f"""
store: "{self.dsn}"
separator: {{model: none}}
recognition: {{reload_s: 3600}}
events: {{sinks: ['jsonl:{self.folder}/events.jsonl']}}
metrics: {{listen: '127.0.0.1:{self.port}'}}
channels: [{{id: one, uri: 'file:{self.folder}/programme.wav'}}]
""")

    def add(self, name):
        subprocess.run([self.options.undertone, "catalogue", "add", str(self.folder / name), "--store", self.dsn], check=True,
                       stdout=subprocess.DEVNULL)

    def listen(self, process):
        for line in process.stderr:
            self.log.append(line)
            sys.stderr.write(line)

    def heard_s(self):
        return self.metrics().get('undertone_audio_seconds_total{channel="one"}', 0)

    def whole_run(self):
        process = subprocess.Popen([self.options.undertone, "run", "--once", "--config", str(self.folder / "undertone.yaml")],
                                   stderr=subprocess.PIPE, text=True)
        threading.Thread(target=self.listen, args=(process,), daemon=True).start()
        self.wait_for("audio", lambda: self.heard_s() > 1, process)
        self.add("second.wav")
        self.wait_for("the catalogue is loaded anew", lambda: any("catalogue_loaded" in line for line in self.log), process)
        self.server.control("stop", "-m", "immediate")
        before_s = self.heard_s()
        time.sleep(AWAY_S)
        during_s = self.heard_s()
        if during_s <= before_s:
            sys.exit(f"no audio was analysed while the server was away: {before_s} s, {during_s} s")
        self.server.control("start")
        if process.wait(180) != 0:
            sys.exit(f"run --once: exit code {process.returncode}")

    def check(self):
        titles = self.sql("SELECT title FROM undertone.on_air WHERE outcome = 'identified' ORDER BY starts").split("\n")
        if titles != ["first", "second"]:
            sys.exit(f"on air: {titles}")
        wrong = {
            "gaps": self.sql("SELECT count(*) FROM undertone.gap WHERE reason <> 'connect'"),
            "events left": self.sql("SELECT count(*) FROM undertone.outbox"),
            "segments open": self.sql("SELECT count(*) FROM undertone.segment WHERE NOT done"),
            "further segments": self.sql("SELECT count(*) - 1 FROM undertone.segment"),
            "airplays unpublished": str(int(self.sql("SELECT count(*) FROM undertone.airplay")) -
                                        len({line for line in (self.folder / "events.jsonl").read_text("utf-8").splitlines()
                                             if ".cue.identified." in line})),
        }
        if any(value != "0" for value in wrong.values()):
            sys.exit(f"should all be 0: {wrong}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--undertone", required=True)
    options = parser.parse_args()
    options.channels = 1
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    with tempfile.TemporaryDirectory(prefix="ut-live-") as folder:
        os.environ["XDG_CACHE_HOME"] = folder
        run = LivePostgres(options, pathlib.Path(folder))
        run.prepare()
        run.add("first.wav")
        run.whole_run()
        run.check()


if __name__ == "__main__":
    main()
