"""Several workers: whichever queue a packet arrives in, the worker of its addresses inspects it."""

import socket

from lab.case import LabCase
from lab.network import ORIGIN_V4

_SOURCES = [f"192.0.2.{number}" for number in range(10, 26)]


class _TwoWorkers(LabCase):
    first_list = ("news.test/forbidden", "listed.test")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for address in _SOURCES:
            cls.wire.client.ip("address", "add", f"{address}/24", "dev", "lan0")

    def connect(self, source):
        with self.wire.client.entered():
            connection = socket.create_connection((ORIGIN_V4, 80), timeout=10, source_address=(source, 0))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def exchange(self, source, path):
        """Sends a request in four pieces; returns the first line of the answer."""
        request = f"GET {path} HTTP/1.1\r\nHost: news.test\r\nConnection: close\r\n\r\n".encode()
        with self.connect(source) as connection:
            for at in range(0, len(request), len(request) // 4 + 1):
                connection.sendall(request[at:at + len(request) // 4 + 1])
            return connection.recv(65536).split(b"\r\n")[0].decode()

    def check_two_workers(self):
        # Each worker owns about half of the sixteen address pairs.
        for source in _SOURCES:
            self.assertIn(" 200 ", self.exchange(source, f"/from/{source}"))
            self.assertIn(" 451 ", self.exchange(source, "/forbidden"))
        # nginx logs a request that was cut off as 400.
        self.assertEqual([line for line in self.origin.requests() if "/forbidden 200" in line], [])
        for url in ("http://news.test/", "https://news.test/"):
            for ipv6 in (False, True):
                self.assert_passes(url, ipv6=ipv6)
        self.assert_blocked_page("http://news.test/forbidden", ipv6=True)
        self.assert_blocked_tls("https://listed.test/")
        status = self.weir.status()
        self.assertEqual(len(status["workers"]), 2)
        outcomes = self.weir.outcomes()
        self.assertGreaterEqual(outcomes["drop_blocked"], len(_SOURCES) + 2)
        self.assertEqual((outcomes["forward_handoff_full"], outcomes["drop_tx_full"]), (0, 0))
        self.assertGreater(self.weir.families()["weir_handoffs_total"][0][1], 0)

    def check_reload(self):
        self.weir.ctl("add", "news.test/added", "--list", "local")
        for source in _SOURCES:
            self.assertIn(" 451 ", self.exchange(source, "/added"))
        self.weir.ctl("remove", "news.test/added", "--list", "local")
        for source in _SOURCES:
            self.assertIn(" 200 ", self.exchange(source, "/added"))

    def check_stop(self):
        self.assertEqual(self.weir.dataplane.stop(), 0)
        self.weir.start_dataplane()


class OneQueue(_TwoWorkers):
    """The device has one queue: one worker receives everything, and both inspect."""

    settings_options = {"workers": [0, 1]}

    def test_one_queue_two_workers(self):
        self.check_two_workers()

    def test_one_queue_reload_reaches_both(self):
        self.check_reload()

    def test_one_queue_stops(self):
        self.check_stop()


class TwoQueues(_TwoWorkers):
    settings_options = {"workers": [0, 1], "queues": 2}

    def test_two_queues_two_workers(self):
        self.check_two_workers()

    def test_two_queues_reload_reaches_both(self):
        self.check_reload()
