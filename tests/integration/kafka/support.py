"""What the tests with real brokers share: a workplace with audio, a store and a configuration; and kcat, which reads what came out
independently of undertone."""
import json
import os
import pathlib
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
sys.path.insert(0, str(HERE))
import soak  # noqa: E402  (its composer)

SCHEMAS = HERE.parents[2] / "configs" / "schemas"
START = "2026-11-21T06:00:00Z"


class Place:
    """A folder, a topic prefix of its own, and the program."""

    def __init__(self, undertone, bootstrap, name):
        self.undertone = undertone
        self.bootstrap = bootstrap
        self.prefix = f"{name}-{os.getpid()}-{int(time.time())}"
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix=f"ut-{name}-"))
        self.rng = random.Random(7)
        self.processes = []
        self.around = []  # a command that runs the program, such as env
        os.environ.setdefault("OMP_NUM_THREADS", "1")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
                process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def store(self):
        return f"sqlite:{self.folder}/undertone.db"

    def configure(self, name="undertone.yaml", kafka="", rest="", partitions=3):
        path = self.folder / name
        path.write_text(f"store: {self.store}\nseparator:\n  model: none\nkafka:\n  brokers: {self.bootstrap}\n"
                        f"  topic_prefix: {self.prefix}\n  partitions: {partitions}\n  session_timeout_s: 3\n{kafka}{rest}")
        return str(path)

    def run(self, *arguments, check=True, timeout=120):
        result = subprocess.run([self.undertone, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                timeout=timeout)
        if check and result.returncode != 0:
            sys.exit(f"undertone {' '.join(arguments)}: exit code {result.returncode}\n{result.stdout}{result.stderr}")
        return result

    def start(self, *arguments, log=None):
        path = self.folder / (log or f"log-{len(self.processes)}")
        with open(path, "ab") as output:
            process = subprocess.Popen([*self.around, self.undertone, *arguments], stdout=output, stderr=output)
        process.log = path
        self.processes.append(process)
        return process

    def compose(self, tracks=3, seconds=40):
        notes = soak.tones(self.rng)
        self.tracks = [soak.compose(self.rng, notes, seconds) for _ in range(tracks)]
        (self.folder / "tracks").mkdir()
        for i, track in enumerate(self.tracks):
            soak.write_wav(self.folder / "tracks" / f"track-{i}.wav", [track])

    def programme(self, name, seconds):
        path = self.folder / name
        soak.write_wav(path, soak.programme(self.rng, self.tracks, soak.noise(self.rng, 12), seconds))
        return str(path)

    def rows(self, query, *values):
        with sqlite3.connect(f"{self.folder}/undertone.db", timeout=30) as db:
            return db.execute(query, values).fetchall()

    def topic(self, name):
        return f"{self.prefix}.{name}"

    def messages(self, topic, bootstrap=None):
        """Everything in a topic, each as kcat's JSON with `headers` as a dictionary and the value parsed."""
        found = subprocess.run(["kcat", "-b", bootstrap or self.bootstrap, "-C", "-t", self.topic(topic), "-o", "beginning", "-e",
                                "-q", "-J"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60)
        if found.returncode != 0:
            sys.exit(f"kcat: {topic}: {found.stderr}")
        messages = []
        for line in found.stdout.splitlines():
            message = json.loads(line)
            pairs = message.get("headers") or []
            message["headers"] = dict(zip(pairs[::2], pairs[1::2]))
            message["value"] = json.loads(message["payload"]) if message["payload"] is not None else None
            messages.append(message)
        return messages

    def wait_for(self, what, condition, seconds=60, process=None):
        until = time.monotonic() + seconds
        while True:
            value = condition()
            if value:
                return value
            if process and process.poll() is not None:
                self.show_logs()
                sys.exit(f"ended (exit code {process.returncode}) before {what}")
            if time.monotonic() > until:
                self.show_logs()
                sys.exit(f"{what}: not within {seconds} s")
            time.sleep(0.2)

    def show_logs(self):
        for path in sorted(self.folder.glob("log-*")):
            print(f"--- {path.name}\n" + path.read_text(errors="replace")[-3000:], file=sys.stderr)


def check_events(messages):
    """Attributes as CloudEvents 1.0 wants them in binary mode, values as their schemas do."""
    import jsonschema
    validators = {}
    for message in messages:
        headers = message["headers"]
        kind = headers["ce_type"]
        if headers["ce_specversion"] != "1.0" or headers["content-type"] != "application/json":
            sys.exit(f"not CloudEvents: {headers}")
        if headers["ce_dataschema"] != f"urn:undertone:schema:{kind}" or not headers["ce_id"] or not headers["ce_time"]:
            sys.exit(f"not an event of ours: {headers}")
        if headers["ce_subject"] != headers["ce_partitionkey"]:
            sys.exit(f"subject and partition key differ: {headers}")
        if kind not in validators:
            schema = json.loads((SCHEMAS / f"{kind}.json").read_text("utf-8"))
            jsonschema.Draft202012Validator.check_schema(schema)
            validators[kind] = jsonschema.Draft202012Validator(schema)
        validators[kind].validate(message["value"])
        if validators[kind].is_valid(dict(message["value"], channel={"id": 7})):
            sys.exit(f"the schema of {kind} admits anything")


def fail_unless(condition, text):
    if not condition:
        sys.exit(text)
