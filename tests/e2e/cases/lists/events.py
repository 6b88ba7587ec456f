"""Followers of blocked requests learn about rules, and nothing about pages or people."""

import json
import socket

from lab.case import LabCase
from lab.network import CLIENT_V4
from lab.process import Process, poll

_SECRETS = ("news.test", "listed.test", "forbidden", CLIENT_V4)


class Events(LabCase):
    first_list = ("news.test/forbidden", "listed.test")

    def block_each(self):
        self.assert_blocked_page("http://news.test/forbidden")
        self.assert_blocked_tls("https://listed.test/")

    def rule(self, url):
        return self.weir.ctl("check", url)["rule"]

    def follow(self, *options):
        """`weirctl events` after its first event. Events from before it connected are not shown."""
        log = self.directory / f"events-{len(list(self.directory.glob('events-*')))}.log"
        follower = Process("events", [self.weir.program("weirctl"), "--socket", self.weir.control_socket, *options, "events"],
                           log, self.wire.edge)
        self.addCleanup(follower.stop)
        poll(lambda: self.block_each() or log.read_text(), 20, 0.2, what="a first event")
        return follower

    def test_rules_and_nothing_of_pages_or_people(self):
        people, programs = self.follow(), self.follow("--json")
        page, host = self.rule("http://news.test/forbidden"), self.rule("https://listed.test/")
        poll(lambda: f" http  list hotline, rule {page}\n" in people.output(), what="the page's rule")
        poll(lambda: f" tls   list hotline, rule {host}\n" in people.output(), what="the host's rule")

        def seen():
            return {(event["protocol"], event["list"], event["rule"])
                    for event in map(json.loads, programs.output().splitlines()) if "rule" in event}

        poll(lambda: seen() >= {("http", "hotline", page), ("tls", "hotline", host)}, what="both as JSON")
        for secret in _SECRETS:
            self.assertNotIn(secret, people.output() + programs.output())

    def test_who_does_not_read_holds_up_nobody(self):
        silent = []
        for _ in range(3):
            connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self.addCleanup(connection.close)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            connection.connect(str(self.weir.control_socket))
            connection.sendall(b'{"jsonrpc":"2.0","id":1,"method":"events.follow"}\n')
            silent.append(connection)
        reader = self.follow()
        for _ in range(30):
            self.block_each()
        before = reader.output().count("\n")
        self.assertTrue(self.weir.ctl("reload")["active"])
        self.block_each()
        poll(lambda: reader.output().count("\n") > before, what="another event")

    def test_ends_with_the_daemon_and_says_so(self):
        follower = self.follow()
        self.assertEqual(self.weir.control.stop(), 0)
        self.assertEqual(follower.wait(), 1)
        self.assertIn("weir-control closed the connection", follower.output())
        self.weir.start_control()
