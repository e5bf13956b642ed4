"""The server that tests/with-postgres runs, and a standby of it."""
import os
import pathlib
import subprocess
import time


class Server:
    def __init__(self):
        self.where = os.environ["UT_TEST_POSTGRES"]
        self.port = os.environ["UT_TEST_POSTGRES_PORT"]
        self.data = pathlib.Path(os.environ["UT_TEST_POSTGRES_DATA"])
        self.replica = self.data.parent / "standby"
        self.ctl = os.environ["UT_TEST_POSTGRES_CTL"].split()

    def dsn(self, database, *standbys):
        """Of libpq; with standbys it finds the one that takes writes."""
        if not standbys:
            return f"postgresql:{self.where} dbname={database}"
        folder = self.data.parent
        hosts, ports = ",".join([str(folder)] * (len(standbys) + 1)), ",".join([self.port, *map(str, standbys)])
        return f"postgresql:host={hosts} port={ports} user=ut dbname={database} target_session_attrs=read-write"

    def sql(self, text, database="postgres", dsn=None, check=True):
        conninfo = (dsn or self.dsn(database)).split(":", 1)[1]
        done = subprocess.run(["psql", "-qAtX", "-F", "\x1f", "-v", "ON_ERROR_STOP=1", conninfo, "-c", text], stdout=subprocess.PIPE,
                              stderr=None if check else subprocess.DEVNULL, check=check, text=True,
                              env=dict(os.environ, PGOPTIONS="-c search_path=undertone,public"))
        return done.stdout.rstrip("\n")

    def control(self, *what, data=None):
        data = data or self.data
        subprocess.run([*self.ctl, "-D", str(data), "-w", "-l", f"{data}/../log", *what], check=True, stdout=subprocess.DEVNULL,
                       cwd="/")

    def tool(self, name, *arguments):
        """Another program of PostgreSQL, as the server's user."""
        subprocess.run([*self.ctl[:-1], str(pathlib.Path(self.ctl[-1]).parent / name), *arguments], check=True, cwd="/")

    def standby(self, port):
        """A streaming replica, on whose word every commit waits from now on."""
        data = self.replica
        self.tool("pg_basebackup", "-d", self.where, "-D", str(data), "-R", "-X", "stream", "-c", "fast")
        with open(data / "postgresql.conf", "a") as settings:
            settings.write(f"port = {port}\n")
        self.control("start", data=data)
        self.sql("ALTER SYSTEM SET synchronous_standby_names = '*'")
        self.control("reload")
        until = time.monotonic() + 60
        while self.sql("SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'") != "1":
            if time.monotonic() > until:
                raise SystemExit("the standby does not follow")
            time.sleep(0.1)

    def stop_standby(self):
        if self.replica.exists():
            self.control("stop", "-m", "immediate", data=self.replica)
