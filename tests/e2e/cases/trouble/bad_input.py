"""Mistakes of an operator: one clear line each, before any harm is done."""

import json
import re
import socket

from lab import cleanup
from lab.case import LabCase, programs
from lab.network import Wire
from lab.weir import Weir, default_settings

_RTMGRP_LINK = 1
_DPDK_CHATTER = re.compile(r"^(EAL|PMD|ETHDEV|MBUF|TELEMETRY|eth_|rte_)|Segmentation|terminate called", re.MULTILINE)


class BadInput(LabCase):
    """weir-dataplane and weir-control, started with something wrong while no other Weir runs."""

    wire_options = {"addresses": False}

    @classmethod
    def setUpClass(cls):
        cls.directory = cleanup.run_directory()
        cls.wire = Wire(**cls.wire_options)
        cls.addClassCleanup(cls.wire.delete)
        cls.weir = Weir(programs(), cls.wire.edge, cls.directory)

    def write(self, change=None):
        """The laboratory's configuration after `change(settings)`."""
        settings = default_settings(self.directory)
        if change:
            change(settings)
        self.weir.configuration.write_text(json.dumps(settings, indent=2))
        return self.weir.configuration

    def assert_refuses(self, program, file, status, *patterns):
        done = self.weir.run(program, "--config", file)
        self.assertEqual(done.returncode, status, f"{program}: {done.stderr}")
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        for pattern in patterns:
            self.assertRegex(done.stderr, pattern)
        self.assertNotRegex(done.stderr + done.stdout, _DPDK_CHATTER)
        return lines

    def setUp(self):
        # The kernel reports every change of an interface, and opening a port makes it promiscuous. A driver may
        # leave it promiscuous; opening it again would then cause no report.
        for name in ("sub0", "net0"):
            self.wire.edge.ip("link", "set", name, "promisc", "off")
        with self.wire.edge.entered():
            self.link_events = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
        self.addCleanup(self.link_events.close)
        self.link_events.bind((0, _RTMGRP_LINK))
        self.link_events.setblocking(False)

    def link_changed(self):
        try:
            return bool(self.link_events.recv(65536))
        except BlockingIOError:
            return False

    def assert_ports_untouched(self):
        self.assertFalse(self.link_changed(), "an interface was changed")
        # The watch itself does report a change.
        self.wire.edge.ip("link", "set", "sub0", "promisc", "on")
        self.assertTrue(self.link_changed())
        self.wire.edge.ip("link", "set", "sub0", "promisc", "off")

    def test_unknown_key(self):
        text = self.write().read_text()
        file = self.directory / "unknown.yaml"
        file.write_text(text.replace('"idle"', '"idel"'))
        line = next(n for n, l in enumerate(text.splitlines(), 1) if '"idle"' in l)
        for program in ("weir-dataplane", "weir-control"):
            with self.subTest(program):
                lines = self.assert_refuses(program, file, 2, rf"{re.escape(str(file))}:{line}: .*idel")
                self.assertEqual(len(lines), 1, lines)
        self.assert_ports_untouched()

    def test_several_problems_each_on_its_line(self):
        file = self.directory / "several.yaml"
        file.write_text("dataplane:\n  mode: sideways\n  workers: [-1]\n  ports:\n"
                        "    - {name: a, device: net_null0, role: nobody}\nlists:\n  - {name: x, type: nothing}\n")
        lines = self.assert_refuses("weir-dataplane", file, 2, r":2: .*mode", r":3: .*workers", r":5: .*role",
                                    r":7: .*type")
        self.assertTrue(all(str(file) in line for line in lines), lines)

    def test_broken_yaml(self):
        file = self.directory / "broken.yaml"
        file.write_text("dataplane:\n  ports: [\n  mode: inline\n")
        for program in ("weir-dataplane", "weir-control"):
            with self.subTest(program):
                self.assert_refuses(program, file, 2, rf"{re.escape(str(file))}:\d+: ")

    def test_missing_file(self):
        for program in ("weir-dataplane", "weir-control"):
            with self.subTest(program):
                lines = self.assert_refuses(program, self.directory / "none.yaml", 2, r"none\.yaml")
                self.assertEqual(len(lines), 1, lines)

    def test_check_config(self):
        for program in ("weir-dataplane", "weir-control"):
            with self.subTest(program):
                done = self.weir.run(program, "--config", self.write(), "--check-config")
                self.assertEqual(done.returncode, 0, done.stderr)
        self.assert_ports_untouched()

    def test_missing_interface(self):
        def change(settings):
            settings["dataplane"]["ports"][1]["device"] = "net_af_packet1,iface=absent0"

        lines = self.assert_refuses("weir-dataplane", self.write(change), 1, r"absent0")
        self.assertEqual(len([line for line in lines if "absent0" in line]), 1, lines)

    def test_unknown_driver(self):
        def change(settings):
            settings["dataplane"]["ports"][1]["device"] = "net_nonsense1,iface=net0"

        self.assert_refuses("weir-dataplane", self.write(change), 1, r"net_nonsense1")

    def test_too_little_memory(self):
        def change(settings):
            settings["dataplane"]["eal"] = ["--no-pci", "--no-huge", "-m", "16"]

        self.assert_refuses("weir-dataplane", self.write(change), 1, r"-m|memory")

    def test_socket_in_use(self):
        path = self.directory / "dataplane.sock"
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as other:
            other.bind(str(path))
            other.listen()
            try:
                self.assert_refuses("weir-dataplane", self.write(), 1, r"dataplane\.sock")
            finally:
                path.unlink()

    def test_unknown_option(self):
        for program in ("weir-dataplane", "weir-control", "weirctl"):
            with self.subTest(program):
                self.assertEqual(self.weir.run(program, "--no-such-option").returncode, 2)

    def test_weirctl_without_daemon(self):
        done = self.weir.run("weirctl", "--socket", self.directory / "nobody.sock", "status")
        self.assertEqual(done.returncode, 1)
        self.assertIn("nobody.sock", done.stderr)
        self.assertEqual(len(done.stderr.strip().splitlines()), 1, done.stderr)
