"""Overload and faults as the operations guide describes them, each one produced for real."""

import contextlib
import ctypes
import fcntl
import os
import random
import re
import socket
import struct
import time
from pathlib import Path

from lab import frames
from lab.case import LabCase, programs
from lab.network import ORIGIN_V4
from lab.process import poll
from lab.raw import RawPort
from lab.weir import RpcError

_HALF = b"GET /half HTTP/1.1\r\nHost: news.test\r\nX: "
_libc = ctypes.CDLL(None, use_errno=True)


class _Flooded(LabCase):
    first_list = ("news.test/forbidden", "listed.test")

    def setUp(self):
        self.port = RawPort(self.wire.client, "lan0")

    def tearDown(self):
        self.port.close()
        super().tearDown()

    def flood(self, count, make):
        for number in range(count):
            self.port.send(frames.ethernet(0x0800, make(number)))
            if number % 100 == 99:  # no more than the device's ring holds
                time.sleep(0.01)

    def counter(self, family):
        return self.weir.families()[family][0][1]

    def half_requests(self, count, body=b""):
        self.flood(count, lambda number: frames.ipv4(6, frames.tcp(_HALF + body)))


class Overload(_Flooded):
    settings_options = {"flows": {"capacity": 1024, "reassembly_bytes": 262144},
                        "fragments": {"memory_bytes": 262144}}

    def assert_filters(self):
        self.assert_passes("http://news.test/")
        self.assert_blocked_page("http://news.test/forbidden")
        self.assert_passes("https://news.test/")
        self.assert_blocked_tls("https://listed.test/")

    def test_flow_table_full(self):
        before = self.counter("weir_flow_evictions_total")
        self.flood(3000, lambda number: frames.ipv4(6, frames.tcp(b"x")))
        self.assertGreater(self.counter("weir_flow_evictions_total"), before + 1000)
        self.assert_filters()

    def test_reassembly_memory_full(self):
        before = self.counter("weir_stream_evictions_total")
        self.half_requests(600, b"a" * 1000)
        self.assertGreater(self.counter("weir_stream_evictions_total"), before)
        self.assert_filters()

    def test_fragment_memory_full(self):
        before = self.counter("weir_fragment_evictions_total")

        def first_fragment(number):
            packet = bytearray(frames.ipv4(6, bytes(1200), fragment=0x2000))
            packet[4:6] = struct.pack("!H", 1000 + number)
            packet[10:12] = bytes(2)
            packet[10:12] = struct.pack("!H", frames.checksum(bytes(packet[:20])))
            return bytes(packet)

        self.flood(2000, first_fragment)
        # The kernel joins IPv4 fragments before net_af_packet sees them, so these may not arrive at all.
        evicted = self.counter("weir_fragment_evictions_total") - before
        if self.weir.outcomes()["forward_fragment"]:
            self.assertGreater(evicted, 0)
        self.assert_filters()

    def test_snapshot_refused(self):
        generation = self.weir.generation()
        before = self.counter("weir_snapshots_refused_total")
        with self.assertRaises(RpcError) as refused:
            self.weir.load_snapshot(generation + 1, random.Random(1).randbytes(4096))
        self.assertEqual(refused.exception.code, "snapshot_magic")
        self.assertEqual(self.counter("weir_snapshots_refused_total"), before + 1)
        self.assertEqual(self.weir.generation(), generation)
        self.assert_filters()


class _Closed(_Flooded):
    """A flood cannot push out the half of a listed request that came before it."""

    def check(self, flood, outcome, evictions):
        with self.wire.client.connect(ORIGIN_V4, 80) as connection:
            connection.sendall(b"GET /forbid")
            poll(lambda: self.weir.outcomes()["forward_incomplete"] > 0, what="the half is waiting")
            flood()
            poll(lambda: self.weir.outcomes()[outcome] > 100, what=outcome)
            self.assertEqual(self.counter(evictions), 0)
            connection.sendall(b"den HTTP/1.1\r\nHost: news.test\r\n\r\n")
            self.assertIn(b" 451 ", connection.recv(65536))
        self.assertNotIn("/forbidden 200", " ".join(self.origin.requests()))


class FlowTableClosed(_Closed):
    settings_options = {"flows": {"capacity": 1024}, "fail": {"flow_table": "closed"}}

    def test_flow_table_full_and_closed_forgets_nothing(self):
        self.check(lambda: self.half_requests(3000), "drop_flow_table_full", "weir_flow_evictions_total")


class ReassemblyClosed(_Closed):
    settings_options = {"flows": {"reassembly_bytes": 262144}, "fail": {"reassembly": "closed"}}

    def test_reassembly_memory_full_and_closed_gives_up_nothing(self):
        self.check(lambda: self.half_requests(600, b"a" * 1000), "drop_reassembly_full", "weir_stream_evictions_total")


class NoList(LabCase):
    """`dataplane.fail.no_list`: open and closed."""

    first_list = ("news.test/forbidden",)
    with_control = False
    settings_options = {"fail": {"no_list": "closed"}}

    def test_no_list_closed_cuts_the_wire_until_there_is_one(self):
        with self.assertRaises(OSError):
            self.wire.client.connect(ORIGIN_V4, 80, timeout=2).close()
        self.assertGreater(self.weir.outcomes()["drop_no_list"], 0)
        self.assert_conserved()
        self.weir.start_control()
        # For a moment the client remembers that nobody answered its ARP requests.
        poll(lambda: self.browser.get("http://news.test/").status == 200, what="the wire carries traffic")
        self.assert_blocked_page("http://news.test/forbidden")


class NoListOpen(LabCase):
    with_control = False

    def test_no_list_open_passes_and_counts(self):
        self.assert_passes("http://news.test/forbidden")
        self.assertEqual(self.weir.outcomes()["forward_no_list"], 1)


class Links(LabCase):
    """The ends of the wire are kernel interfaces. Setting a peer down stands for a pulled cable."""

    first_list = ("news.test/forbidden",)

    def carrier(self, namespace, interface):
        with namespace.entered():
            # sysfs shows the namespace in which it was mounted; ethtool's ioctl uses the caller's.
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asks:
                return bool(_interface_flags(asks, interface) & _IFF_RUNNING)

    def check(self, end, interface, other_end, other_interface):
        before = self.weir.families()["weir_link_follows_total"][0][1]
        poll(lambda: self.carrier(other_end, other_interface), what="the kernel has seen the link")
        end.ip("link", "set", interface, "down")
        poll(lambda: not self.carrier(other_end, other_interface), what="the other end sees no link")
        self.assertEqual(self.weir.families()["weir_link_follows_total"][0][1], before + 1)
        self.assertEqual([port["link_up"] for port in self.weir.status()["ports"]], [False, False])
        end.ip("link", "set", interface, "up")
        poll(lambda: self.carrier(other_end, other_interface), what="the other end has its link again")
        poll(lambda: all(port["link_up"] for port in self.weir.status()["ports"]), what="both links")
        self.assert_passes("http://news.test/")
        self.assert_blocked_page("http://news.test/forbidden")

    def test_link_of_the_subscriber_lost(self):
        self.check(self.wire.client, "lan0", self.wire.origin, "wan0")

    def test_link_of_the_network_lost(self):
        self.check(self.wire.origin, "wan0", self.wire.client, "lan0")

    def test_link_taken_down_comes_back_when_weir_ends(self):
        self.wire.client.ip("link", "set", "lan0", "down")
        poll(lambda: not self.carrier(self.wire.origin, "wan0"), what="the other end sees no link")
        self.assertEqual(self.weir.dataplane.stop(), 0)
        poll(lambda: self.carrier(self.wire.origin, "wan0"), what="the other end has its link again")
        self.wire.client.ip("link", "set", "lan0", "up")
        self.weir.start_dataplane()

    def test_link_taken_down_by_a_killed_weir_comes_back_at_the_next_start(self):
        self.wire.client.ip("link", "set", "lan0", "down")
        poll(lambda: not self.carrier(self.wire.origin, "wan0"), what="the other end sees no link")
        self.weir.kill(self.weir.dataplane)
        self.wire.client.ip("link", "set", "lan0", "up")
        self.assertFalse(self.carrier(self.wire.origin, "wan0"))
        self.weir.start_dataplane()
        poll(lambda: self.carrier(self.wire.origin, "wan0"), what="the other end has its link again")
        self.assert_passes("http://news.test/")


class LinksApart(LabCase):
    settings_options = {"link_follow": False}
    with_origin = False
    with_control = False

    def test_link_follow_can_be_off(self):
        self.wire.client.ip("link", "set", "lan0", "down")
        poll(lambda: not self.weir.ports()["subscriber"]["link_up"], what="the link is seen lost")
        time.sleep(0.5)
        self.assertTrue(self.weir.ports()["network"]["link_up"])
        self.wire.client.ip("link", "set", "lan0", "up")


class Watchdog(LabCase):
    """A stopped worker: systemd is no longer told that all is well."""

    with_origin = False
    with_control = False

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.weir.stop()

    def test_watchdog_is_fed_only_while_every_worker_moves(self):
        path = self.directory / "notify.sock"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.bind(str(path))
            manager.settimeout(5)
            with _environment(NOTIFY_SOCKET=str(path), WATCHDOG_USEC="600000"):
                self.weir.start_dataplane()
            _await(manager, b"WATCHDOG=1")
            worker = _thread(self.weir.dataplane.pid, "rte-worker")
            with _frozen(worker):
                _await(manager, b"has stopped")
                _drain(manager)
                manager.settimeout(1.5)
                with self.assertRaises(TimeoutError):
                    _await(manager, b"WATCHDOG=1")
                self.assertEqual(self.weir.families()["weir_worker_stalls_total"][0][1], 1)
            manager.settimeout(5)
            _await(manager, b"WATCHDOG=1")


class Breaker(LabCase):
    """A rule that blocks far more than it should is tripped, and Weir says so."""

    first_list = ("news.test/forbidden", "news.test/other", "listed.test")
    settings_options = {"breaker": {"action": "trip", "page_hits_per_second": 3, "clients": 1},
                        "block": {"http": {"bytes_per_destination": 0}}}

    def hammer(self, path, until):
        """Requests the page about fifty times a second until `until()` is true."""
        deadline = time.monotonic() + 40
        while not until():
            self.assertLess(time.monotonic(), deadline, "not within 40 s")
            for _ in range(10):
                with self.wire.client.connect(ORIGIN_V4, 80) as connection:
                    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: news.test\r\n\r\n".encode())
                    connection.recv(65536)
            time.sleep(0.05)

    def tripped(self):
        return self.weir.status()["tripped_rules"]

    def test_breaker_trips_tells_and_is_reset(self):
        before = self.weir.families()["weir_rule_trips_total"][0][1]
        self.hammer("/forbidden", self.tripped)
        rules = self.tripped()
        self.assertEqual(len(rules), 1)
        self.assert_passes("http://news.test/forbidden")
        self.assertGreater(self.weir.outcomes()["forward_tripped"], 0)
        self.assert_blocked_page("http://news.test/other")
        self.assertEqual(self.weir.families()["weir_rule_trips_total"][0][1], before + 1)
        problems = poll(lambda: self.weir.ctl("status", allow=(0, 1))["problems"], what="the status names a problem")
        self.assertEqual([problem["code"] for problem in problems], ["rules_tripped"])
        self.assertIn(f"rule {rules[0]} is TRIPPED", self.weir.dataplane.output())
        self.assertNotIn("forbidden", self.weir.dataplane.output())
        self.assertEqual(self.weir.ctl("reset", rules[0])["reset"], 1)
        self.assertEqual(self.tripped(), [])
        self.assert_blocked_page("http://news.test/forbidden")

    def test_breaker_leaves_hosts_alone(self):
        end = time.monotonic() + 8
        self.hammer("/other", self.tripped)  # pages are inspected all the while
        while time.monotonic() < end:
            self.assert_blocked_tls("https://listed.test/")
        self.assertEqual(len(self.tripped()), 1)
        # When a new list no longer has the rule, it is no longer tripped either.
        self.weir.write_list("news.test/forbidden", "listed.test")
        self.weir.ctl("reload")
        self.assertEqual(self.tripped(), [])
        self.weir.write_list(*self.first_list)
        self.weir.ctl("reload")
        self.assert_blocked_page("http://news.test/other")


class Latency(LabCase):
    first_list = ("news.test/forbidden",)

    def metrics(self):
        with self.wire.edge.connect("127.0.0.1", 9477) as connection:
            connection.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            text = b""
            while piece := connection.recv(65536):
                text += piece
        return text.decode()

    @staticmethod
    def count(text):
        found = re.search(r"^weir_packet_latency_seconds_count (\d+)", text, re.M)
        return int(found[1]) if found else 0

    def test_latency_is_measured_when_switched_on(self):
        self.assert_passes("http://news.test/")
        self.assertNotIn("weir_packet_latency_seconds", self.metrics())
        self.weir.ctl("latency", "on")
        self.assert_passes("http://news.test/")
        # SYN, SYN and ACK, request, response: before these the client has not got the page.
        text = poll(lambda: (text := self.metrics()) and self.count(text) >= 4 and text, what="four packets are measured")
        self.assertIn("# TYPE weir_packet_latency_seconds histogram", text)
        count = self.count(text)
        self.assertEqual(int(re.search(r'^weir_packet_latency_seconds_bucket{le="\+Inf"} (\d+)', text, re.M)[1]), count)
        self.weir.ctl("latency", "off")


class Clock(LabCase):
    """The wall clock jumps by years. What is remembered for a minute is still remembered."""

    first_list = ("news.test/forbidden",)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.clock = cls.directory / "clock"
        cls.jump(0)
        cls.weir.dataplane.stop()
        library = programs() / "weir-clock-jump.so"
        with _environment(LD_PRELOAD=str(library), WEIR_CLOCK_FILE=str(cls.clock)):
            cls.weir.start_dataplane()

    @classmethod
    def jump(cls, seconds):
        with open(cls.clock, "r+b" if cls.clock.exists() else "wb") as file:
            file.write(struct.pack("=q", seconds))

    def test_clock_jumps_change_nothing(self):
        for years in (10, -10):
            with self.subTest(years=years), self.wire.client.connect(ORIGIN_V4, 80) as blocked, \
                    self.wire.client.connect(ORIGIN_V4, 80) as half:
                self.jump(0)
                blocked.sendall(b"GET /forbidden HTTP/1.1\r\nHost: news.test\r\n\r\n")
                self.assertIn(b" 451 ", blocked.recv(65536))
                half.sendall(b"GET /forbid")
                dropped = self.weir.outcomes()["drop_blocked_flow"]
                self.jump(years * 365 * 86400)
                half.sendall(b"den HTTP/1.1\r\nHost: news.test\r\n\r\n")
                self.assertIn(b" 451 ", half.recv(65536))
                with contextlib.suppress(OSError):
                    blocked.sendall(b"GET /weather HTTP/1.1\r\nHost: news.test\r\n\r\n")
                poll(lambda: self.weir.outcomes()["drop_blocked_flow"] > dropped, what="the connection stays blocked")
                # A reload works, and its time shows that the clock has jumped.
                self.weir.ctl("add", "news.test/added", "--list", "local")
                activated = self.weir.status()["snapshot"]["activated_unix_seconds"]
                self.assertAlmostEqual(activated, time.time() + years * 365 * 86400, delta=60)
                self.assert_blocked_page("http://news.test/added")
                self.weir.ctl("remove", "news.test/added", "--list", "local")
                self.assert_passes("http://news.test/added")


_SIOCGIFFLAGS = 0x8913
_IFF_RUNNING = 0x40


def _interface_flags(asks, name):
    request = struct.pack("16sH22x", name.encode(), 0)
    return struct.unpack("16sH22x", fcntl.ioctl(asks, _SIOCGIFFLAGS, request))[1]


@contextlib.contextmanager
def _environment(**values):
    before = {key: os.environ.get(key) for key in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for key, value in before.items():
            os.environ.pop(key, None)
            if value is not None:
                os.environ[key] = value


def _await(manager, text):
    while text not in manager.recv(4096):
        pass


def _drain(manager):
    manager.settimeout(0)
    with contextlib.suppress(BlockingIOError):
        while True:
            manager.recv(4096)


def _thread(pid, name):
    """The id of the thread of that process whose name begins with `name`."""
    for task in Path(f"/proc/{pid}/task").iterdir():
        if (task / "comm").read_text().startswith(name):
            return int(task.name)
    raise AssertionError(f"no thread {name}")


_PTRACE_SEIZE, _PTRACE_INTERRUPT, _PTRACE_DETACH, _WALL = 0x4206, 0x4207, 17, 0x40000000


@contextlib.contextmanager
def _frozen(thread):
    """Stops one thread of a process for the block. The others keep running."""
    def ptrace(request):
        if _libc.ptrace(request, thread, None, None) != 0:
            raise OSError(ctypes.get_errno(), "ptrace")

    ptrace(_PTRACE_SEIZE)
    try:
        ptrace(_PTRACE_INTERRUPT)
        os.waitpid(thread, _WALL)
        yield
    finally:
        ptrace(_PTRACE_DETACH)
