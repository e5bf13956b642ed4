#!/usr/bin/env python3
"""Real brokers of Apache Kafka on loopback for the tests: KRaft, small, started and stopped by whoever asks.

    broker.py start FOLDER [--brokers 1]      starts, waits until they serve, prints the bootstrap list
    broker.py stop FOLDER

FOLDER/bootstrap holds the list. A broker ends by itself after an hour, should nobody stop it.
"""
import argparse
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
LIFE_S = "3600"
CLUSTER_ID = "dW5kZXJ0b25ldGVzdHNraw"
LOG = """status = error
appender.file.type = File
appender.file.name = file
appender.file.fileName = ${sys:broker.log}
appender.file.layout.type = PatternLayout
appender.file.layout.pattern = %d %p %c %m%n
rootLogger.level = warn
rootLogger.appenderRef.file.ref = file
"""
SETTINGS = """process.roles=broker,controller
node.id={node}
controller.quorum.voters={voters}
listeners=PLAINTEXT://{host}:{port},CONTROLLER://127.0.0.1:{control}
controller.listener.names=CONTROLLER
log.dirs={folder}/data
auto.create.topics.enable=false
num.partitions=3
default.replication.factor={copies}
message.max.bytes=100000
min.insync.replicas={insync}
offsets.topic.num.partitions=4
offsets.topic.replication.factor={copies}
transaction.state.log.num.partitions=2
transaction.state.log.replication.factor={copies}
transaction.state.log.min.isr={insync}
share.coordinator.state.topic.replication.factor={copies}
share.coordinator.state.topic.min.isr={insync}
group.initial.rebalance.delay.ms=200
group.min.session.timeout.ms=1000
replica.lag.time.max.ms=5000
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
controlled.shutdown.enable=true
log.cleaner.dedupe.buffer.size=2097152
num.network.threads=2
num.io.threads=2
num.recovery.threads.per.data.dir=1
background.threads=1
"""


def free_ports(count):
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


class Cluster:
    def __init__(self, folder, brokers=1, settings="", host="127.0.0.1"):
        self.host = host
        self.folder = pathlib.Path(folder).resolve()
        self.count = brokers
        self.settings = settings
        self.nodes = range(1, brokers + 1)
        self.processes = {}
        self.jars = None

    def java(self, *command):
        return ["java", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto", "-cp", f"{self.jars}/*", *command]

    def home(self, node):
        return self.folder / f"broker-{node}"

    def prepare(self):
        fetch = HERE.parents[2] / "tools" / "kafka-fetch"
        self.jars = subprocess.run([fetch], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        ports = free_ports(2 * self.count)
        self.ports = dict(zip(self.nodes, ports))
        control = dict(zip(self.nodes, ports[self.count:]))
        voters = ",".join(f"{node}@127.0.0.1:{control[node]}" for node in self.nodes)
        copies = min(3, self.count)
        formats = []
        for node in self.nodes:
            home = self.home(node)
            home.mkdir()
            (home / "log4j2.properties").write_text(LOG)
            (home / "server.properties").write_text(
                SETTINGS.format(node=node, host=self.host, voters=voters, port=self.ports[node], control=control[node], folder=home,
                                copies=copies, insync=max(1, copies - 1)) + self.settings)
            formats.append(subprocess.Popen(self.java("-Xmx64m", f"-Dbroker.log={home}/format.log",
                                                      f"-Dlog4j2.configurationFile={home}/log4j2.properties",
                                                      "kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c",
                                                      str(home / "server.properties")), stdout=subprocess.DEVNULL))
        if any(process.wait() for process in formats):
            sys.exit("the brokers' storage could not be made")

    @property
    def bootstrap(self):
        return ",".join(f"{self.host}:{self.ports[node]}" for node in self.nodes)

    def start_node(self, node):
        home = self.home(node)
        command = self.java("-Xmx256m", f"-Dbroker.log={home}/broker.log",
                            f"-Dlog4j2.configurationFile={home}/log4j2.properties", "kafka.Kafka",
                            str(home / "server.properties"))
        with open(home / "output", "ab") as output:
            process = subprocess.Popen(["timeout", "--signal=KILL", LIFE_S, *command], stdin=subprocess.DEVNULL,
                                       stdout=output, stderr=output, start_new_session=True)
        self.processes[node] = process
        (home / "pid").write_text(str(process.pid))

    def serves(self, node):
        """An answer to a request of metadata, and every broker in it: it can be produced to."""
        try:
            found = subprocess.run(["kcat", "-b", f"{self.host}:{self.ports[node]}", "-L", "-m", "2", "-J"], timeout=5,
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
        except subprocess.TimeoutExpired:
            return False
        return found.count('"id":') >= 1

    def wait(self, nodes, seconds=90):
        until = time.monotonic() + seconds
        for node in nodes:
            while not self.serves(node):
                if self.processes[node].poll() is not None or time.monotonic() > until:
                    output = (self.home(node) / "output").read_text(errors="replace")[-2000:]
                    sys.exit(f"broker {node} does not serve: {output}")
                time.sleep(0.2)

    def start(self):
        self.prepare()
        for node in self.nodes:
            self.start_node(node)
        self.wait(self.nodes)
        (self.folder / "bootstrap").write_text(self.bootstrap)

    def end_node(self, node, how=signal.SIGTERM):
        process = self.processes.pop(node)
        os.killpg(process.pid, how)
        process.wait()

    def end(self):
        for node in list(self.processes):
            self.end_node(node, signal.SIGKILL)

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.end()
            raise
        return self

    def __exit__(self, *_):
        self.end()


def stop(folder):
    """Ends the brokers of an earlier start, and waits until their processes are gone."""
    for path in pathlib.Path(folder).glob("broker-*/pid"):
        pid = int(path.read_text())
        try:
            os.killpg(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        path.unlink()
    shutil.rmtree(folder, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=("start", "stop"))
    parser.add_argument("folder")
    parser.add_argument("--brokers", type=int, default=1)
    options = parser.parse_args()
    stop(options.folder)
    if options.action == "start":
        cluster = Cluster(options.folder, options.brokers)
        cluster.start()
        print(cluster.bootstrap)


if __name__ == "__main__":
    main()
