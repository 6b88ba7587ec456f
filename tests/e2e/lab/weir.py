"""Weir's programs in the edge namespace, their configuration, and their sockets."""

import contextlib
import json
import os
import signal
import socket
from pathlib import Path

from .process import Process, poll, run

class RpcError(Exception):
    """An error answer; `code` is the stable name in data.code."""

    def __init__(self, error):
        super().__init__(error.get("message", ""))
        self.number = error.get("code")
        self.code = (error.get("data") or {}).get("code")


def call(path, method, params=None, descriptor=None, timeout=20.0):
    """One JSON-RPC 2.0 call over a Unix socket, a JSON object a line."""
    request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params or {}}
    line = (json.dumps(request) + "\n").encode()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(timeout)
        connection.connect(str(path))
        if descriptor is None:
            connection.sendall(line)
        else:
            socket.send_fds(connection, [line], [descriptor])
        answer = b""
        while not answer.endswith(b"\n"):
            piece = connection.recv(65536)
            if not piece:
                raise ConnectionError(f"{path}: closed in the middle of an answer")
            answer += piece
    reply = json.loads(answer)
    if "error" in reply:
        raise RpcError(reply["error"])
    return reply["result"]


def default_settings(directory, framesz=None, frame_bytes=None, driver="af_packet", workers=None, queues=1,
                     roles=("subscriber", "network"), hops=None, **dataplane):
    """The laboratory's weir.yaml as a dictionary, for a test to change. `roles`: of the ports on sub0 and net0.
    `hops`: the port in topology routed. `dataplane`: more of its settings."""
    if driver == "af_packet":
        options = f"blocksz=65536,framesz={framesz},framecnt=512" if framesz else "blocksz=65536,framecnt=4096"
        options += f",qpairs={queues}"
    else:
        options = "force_copy=1,busy_budget=0"
    settings = {
        "dataplane": {
            "eal": ["--no-pci", "--no-huge", "-m", "512"],
            "ports": [
                {"name": role, "role": role, "device": f"net_{driver}{number},iface={interface},{options}"}
                for number, (role, interface) in enumerate(zip(roles, ("sub0", "net0")))
            ],
            "workers": workers or [max(os.sched_getaffinity(0))],
            "idle": "sleep",
            "socket": str(directory / "dataplane.sock"),
            "snapshot_dir": str(directory / "state" / "snapshots"),
        },
        "control": {
            "socket": str(directory / "control.sock"),
            "metrics": {"listen": "127.0.0.1:9477"},
            "state_dir": str(directory / "state"),
        },
        "lists": [
            {"name": "hotline", "url": f"file://{directory}/hotline.txt", "format": "plain",
             "guards": {"max_shrink_percent": 100, "max_growth_percent": 0}},
            {"name": "local", "type": "manual"},
        ],
    }
    if hops:
        settings["dataplane"]["mode"] = "routed"
        settings["dataplane"]["ports"] = [{**port, **hop, "name": hop["role"]}
                                          for port, hop in zip(settings["dataplane"]["ports"], hops)]
    if frame_bytes:
        settings["dataplane"]["mbufs"] = {"frame_bytes": frame_bytes, "count": 4096}
    settings["dataplane"].update(dataplane)
    return settings


class Weir:
    """weir-dataplane and weir-control with one configuration."""

    def __init__(self, programs, namespace, directory, settings=None):
        self._programs = programs
        self._namespace = namespace
        self._directory = directory
        self.settings = settings or default_settings(directory)
        self.configuration = directory / "weir.yaml"
        self.configuration.write_text(json.dumps(self.settings, indent=2))  # JSON is YAML
        self.list_file = directory / "hotline.txt"
        self.snapshot_dir = directory / "state" / "snapshots"
        self.snapshot_dir.mkdir(parents=True, exist_ok=True)
        self.dataplane_socket = directory / "dataplane.sock"
        self.control_socket = directory / "control.sock"
        self.dataplane = None
        self.control = None

    def program(self, name):
        return self._programs / name

    def run(self, name, *arguments, timeout=30.0):
        """Runs a program of Weir to its end in the edge namespace."""
        return run([self.program(name), *arguments], self._namespace, timeout)

    def start_dataplane(self):
        """Returns when it forwards: its socket answers only then."""
        self.dataplane = Process("weir-dataplane", [self.program("weir-dataplane"), "--config", self.configuration],
                                 self._directory / "dataplane.log", self._namespace)
        return poll(lambda: self._answers(self.dataplane, self.dataplane_socket), 20, what="weir-dataplane answers")

    def give_workers_their_cores(self):
        """Nobody else's work delays the workers, as on the isolated cores of a machine in service. Without it a busy machine
        may leave a worker that is ready to run waiting for seconds. Where real-time priority is not allowed, nothing
        changes."""
        for thread in Path(f"/proc/{self.dataplane.pid}/task").iterdir():
            if (thread / "comm").read_text().startswith("rte-worker"):
                with contextlib.suppress(PermissionError):
                    os.sched_setscheduler(int(thread.name), os.SCHED_RR, os.sched_param(1))

    def start_control(self):
        """Returns when the dataplane uses a snapshot of this daemon."""
        self.control = Process("weir-control", [self.program("weir-control"), "--config", self.configuration],
                               self._directory / "control.log", self._namespace)
        poll(lambda: self._answers(self.control, self.control_socket), 20, what="weir-control answers")
        poll(lambda: self.generation() > 0, 20, what="a first generation is active")

    @staticmethod
    def _answers(process, path):
        if not process.running():
            raise AssertionError(f"{process.name} ended with status {process.wait()}\n{process.tail()}")
        try:
            return call(path, "status", timeout=5)
        except (OSError, ConnectionError):
            return None

    def write_list(self, *entries):
        """Replaces the feed's file whole, as a feed does."""
        fresh = self.list_file.with_suffix(".new")
        fresh.write_text("".join(f"{entry}\n" for entry in entries))
        os.replace(fresh, self.list_file)

    def status(self):
        return call(self.dataplane_socket, "status")

    def generation(self):
        """The active generation; 0: none."""
        snapshot = self.status()["snapshot"]
        return snapshot["generation"] if snapshot else 0

    def ctl(self, *arguments, timeout=30.0, allow=(0,)):
        """weirctl's answer as JSON; it must exit with a status of `allow`."""
        done = self.run("weirctl", "--socket", self.control_socket, "--json", *arguments, timeout=timeout)
        if done.returncode not in allow:
            raise AssertionError(f"weirctl {arguments}: exit {done.returncode}: {done.stderr.strip()}")
        return json.loads(done.stdout)

    def load_snapshot(self, generation, data):
        """Hands bytes to the dataplane as the control daemon does: by descriptor."""
        descriptor = os.memfd_create("snapshot", os.MFD_CLOEXEC)
        try:
            os.write(descriptor, data)
            return call(self.dataplane_socket, "snapshot.load", {"generation": generation}, descriptor)
        finally:
            os.close(descriptor)

    def families(self):
        """The dataplane's counters: {family: [(labels, value), ...]}"""
        answer = call(self.dataplane_socket, "counters")
        return {family["name"]: [(sample["labels"], sample["value"]) for sample in family["samples"]]
                for family in answer["families"]}

    def outcomes(self):
        return {labels["outcome"]: value for labels, value in self.families()["weir_packets_total"]}

    def ports(self):
        return {port["role"]: port for port in self.status()["ports"]}

    def wait_for_a_turn(self):
        """Until every worker has asked all its ports for packets, from the first to the last."""
        before = self.status()["workers"]

        def turned():
            # The turn that was under way does not count.
            return all(now["heartbeat"] >= then["heartbeat"] + 2 for now, then in zip(self.status()["workers"], before))

        poll(turned, 5, 0.001, what="every worker has made a turn")

    def conserved(self):
        """(received, sum of outcomes, missed): the first two are equal when no packet is on its way."""
        ports = self.status()["ports"]
        received = sum(port["received_packets"] for port in ports)
        missed = sum(port["missed_packets"] for port in ports)
        return received, sum(self.outcomes().values()), missed

    def kill(self, process):
        process.signal(signal.SIGKILL)
        process.wait()

    def stop(self):
        """Ends both in order; returns the exit statuses of those that ran."""
        return [process.stop() for process in (self.control, self.dataplane) if process and process.running()]
