"""Topology mirror: a copy of the traffic comes in at one port, answers leave by another, and nothing is in the way."""

import socket
import threading

from lab.case import LabCase
from lab.network import ORIGIN_V4, ORIGIN_V6, Mirror
from lab.process import poll

_SLOW_PORT = 8080


class SlowServer:
    """Accepts connections and reads, but never answers, so it loses every race. Notes how each connection ended."""

    def __init__(self, namespace, port):
        self.ends = []  # "reset" or "closed"
        with namespace.entered():
            self._socket = socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._take, args=(connection,), daemon=True).start()

    def _take(self, connection):
        with connection:
            try:
                while connection.recv(65536):
                    pass
                self.ends.append("closed")
            except ConnectionResetError:
                self.ends.append("reset")

    def close(self):
        self._socket.close()


class MirrorCase(LabCase):
    wire_class = Mirror
    first_list = ("news.test/forbidden", "listed.test")

    @classmethod
    def setUpClass(cls):
        cls.settings_options = {"mode": "mirror", "roles": ("mirror", "answers"), **cls.settings_options}
        super().setUpClass()
        cls.slow = SlowServer(cls.wire.origin, _SLOW_PORT)
        cls.addClassCleanup(cls.slow.close)

    def assert_conserved(self):
        """With the last packet of every connection, which may come after the client's program has ended."""
        for end in (self.wire.client, self.wire.origin):
            poll(lambda end=end: end.connections() == 0, 10, what=f"{end.name} has no connection")
        super().assert_conserved()

    def settled_outcomes(self):
        self.assert_conserved()
        return self.weir.outcomes()

    def assert_nothing_forwarded(self):
        moved = {name: count for name, count in self.settled_outcomes().items()
                 if count and not name.startswith("mirror_")}
        self.assertEqual(moved, {})

    def assert_server_was_reset(self, before):
        poll(lambda: len(self.slow.ends) > before, 5, what="the server's connection has ended")
        self.assertEqual(self.slow.ends[before:], ["reset"])


class MirrorCopies(MirrorCase):
    def test_both_directions_are_copied(self):
        def crossed():
            seen = self.wire.client.interface_counters("lan0")
            return seen["rx"] + seen["tx"]

        def copied():
            return self.weir.ports()["mirror"]["received_packets"]

        # In this order what crosses between two of the counts is no copy that is missing.
        copied_before, crossed_before = copied(), crossed()
        self.assert_passes("http://news.test/")
        crossed_after = crossed()
        self.settled_outcomes()
        self.assertGreaterEqual(copied() - copied_before, crossed_after - crossed_before)

    def test_unlisted_pages_are_left_alone(self):
        before = self.settled_outcomes()
        for url in ("http://news.test/", "https://news.test/"):
            for ipv6 in (False, True):
                self.assert_passes(url, ipv6=ipv6)
        after = self.settled_outcomes()
        self.assertGreater(after["mirror_seen"], before["mirror_seen"] + 20)
        self.assertEqual(after["mirror_listed"], before["mirror_listed"])
        self.assertEqual(self.weir.ports()["mirror"]["transmitted_packets"], 0)
        self.assert_nothing_forwarded()

    def test_listed_page_is_answered_and_the_server_reset(self):
        for ipv6 in (False, True):
            with self.subTest(ipv6=ipv6):
                ended = len(self.slow.ends)
                listed = self.settled_outcomes()["mirror_listed"]
                self.assert_blocked_page(f"http://news.test:{_SLOW_PORT}/forbidden", *self.to_slow(ipv6), ipv6=ipv6)
                self.assert_server_was_reset(ended)
                self.assertGreater(self.settled_outcomes()["mirror_listed"], listed)
        self.assertGreater(self.weir.ports()["answers"]["transmitted_packets"], 0)
        self.assert_nothing_forwarded()

    def test_listed_host_gets_the_alert(self):
        ended = len(self.slow.ends)
        self.assert_blocked_tls(f"https://listed.test:{_SLOW_PORT}/", *self.to_slow(False))
        self.assert_server_was_reset(ended)
        self.assert_nothing_forwarded()

    def test_monitor_and_bypass_answer_nothing(self):
        for mode, outcome in (("monitor", "mirror_monitor"), ("bypass", "mirror_unseen")):
            with self.subTest(mode=mode):
                self.weir.ctl("enforcement", mode)
                before = self.settled_outcomes()[outcome]
                self.assert_passes("http://news.test/forbidden")
                self.assertGreater(self.settled_outcomes()[outcome], before)
                self.weir.ctl("enforcement", "enforce")
        self.assert_nothing_forwarded()

    def test_traffic_does_not_depend_on_the_dataplane(self):
        self.weir.kill(self.weir.dataplane)
        self.assert_passes("http://news.test/forbidden")
        self.weir.start_dataplane()
        self.assert_blocked_page(f"http://news.test:{_SLOW_PORT}/forbidden", *self.to_slow(False))

    @staticmethod
    def to_slow(ipv6):
        address = f"[{ORIGIN_V6}]" if ipv6 else ORIGIN_V4
        return [option for host in ("news.test", "listed.test")
                for option in ("--resolve", f"{host}:{_SLOW_PORT}:{address}")]


class MirrorTwoWorkers(MirrorCase):
    settings_options = {"workers": [0, 1]}

    def test_two_workers_answer(self):
        ended = len(self.slow.ends)
        self.assert_blocked_page(f"http://news.test:{_SLOW_PORT}/forbidden", *MirrorCopies.to_slow(False))
        self.assert_server_was_reset(ended)
        self.assert_passes("https://news.test/")
        self.assert_nothing_forwarded()
