"""Requests from curl to nginx: Weir answers the listed ones, all others pass."""

import re
import socket
import ssl

from lab.case import LabCase
from lab.network import ORIGIN_V4
from lab.process import poll


class Traffic(LabCase):
    first_list = ("news.test/forbidden", "news.test/section/", "news.test/search?q=7", "listed.test",
                  "shop.test/account")
    origin_options = {"large_bytes": 20_000_000, "rate": "0"}

    def tearDown(self):
        poll(lambda: self.origin.connections() == 0, 10, what="nginx has no connection left open")
        super().tearDown()

    def assert_never_reached(self, host, path=r"/.*"):
        """`path` is a regular expression; any query may follow."""
        reached = [line for line in self.origin.requests() if re.fullmatch(rf"{host} {path}(\?.*)? \d+", line)]
        self.assertEqual(reached, [])

    def test_http_page_passes(self):
        answer = self.assert_passes("http://news.test/weather?day=1")
        self.assertEqual(answer.body, "origin: http://news.test/weather?day=1\n")
        self.assertIn("news.test /weather?day=1 200", self.origin.requests())

    def test_http_listed_page_is_answered(self):
        answer = self.assert_blocked_page("http://news.test/forbidden")
        self.assertEqual(int(answer.headers["content-length"]), len(answer.body.encode()))
        self.assertGreater(len(answer.body), 100)
        self.assertIn("no-store", answer.headers["cache-control"])
        self.assertTrue(answer.headers["content-type"].startswith("text/html"), answer.headers)
        self.assertIn("blocked", answer.body)
        # The list is secret: the answer contains nothing of the entry.
        self.assertNotIn("news.test", answer.body)
        self.assertNotIn("forbidden", answer.body)
        self.assert_never_reached("news.test", "/forbidden")

    def test_http_listed_page_with_query(self):
        self.assert_blocked_page("http://news.test/forbidden?utm=1")
        self.assert_never_reached("news.test", "/forbidden")

    def test_http_neighbours_of_a_listed_page_pass(self):
        for path in ("/", "/forbidden/", "/forbidden.html", "/Forbidden", "/forbidde", "/other/forbidden"):
            with self.subTest(path):
                self.assert_passes(f"http://news.test{path}")

    def test_http_prefix(self):
        self.assert_blocked_page("http://news.test/section/a/b?c=d")
        self.assert_passes("http://news.test/sections/a")
        self.assert_never_reached("news.test", "/section/.*")

    def test_http_query_rule(self):
        self.assert_blocked_page("http://news.test/search?q=7")
        self.assert_passes("http://news.test/search?q=8")
        self.assert_passes("http://news.test/search")

    def test_http_other_spellings_of_a_listed_page(self):
        for path in ("/%66orbidden", "//forbidden", "/x/../forbidden", "/./forbidden", "/%2566orbidden"):
            with self.subTest(path):
                self.assert_blocked_page(f"http://news.test{path}", "--path-as-is")

    def test_http_host_in_other_spelling(self):
        self.assert_blocked_page("http://news.test/forbidden", "--header", "hoST:  NEWS.test.:80")

    def test_http_listed_host_and_below(self):
        self.assert_blocked_page("http://listed.test/any/page")
        self.assert_blocked_page("http://www.listed.test/")
        self.assert_passes("http://unlisted.test/")
        self.assert_never_reached(r"(.*\.)?listed\.test")

    def test_http_methods(self):
        head = self.assert_blocked_page("http://news.test/forbidden", "--head")
        self.assertEqual(head.body, "")
        self.assertGreater(int(head.headers["content-length"]), 100)
        self.assert_blocked_page("http://news.test/forbidden", "--data", "name=value")
        self.assert_blocked_page("http://news.test/forbidden", "--request", "OPTIONS")
        self.assert_blocked_page("http://news.test/forbidden", "--http1.0")

    def test_http_second_request_of_a_connection(self):
        with self.wire.client.connect(ORIGIN_V4, 80) as connection:
            connection.sendall(b"GET /first HTTP/1.1\r\nHost: news.test\r\n\r\n")
            self.assertIn(b"200 OK", connection.recv(4096))
            connection.sendall(b"GET /forbidden HTTP/1.1\r\nHost: news.test\r\n\r\n")
            answer = b""
            while piece := connection.recv(65536):
                answer += piece
        self.assertTrue(answer.startswith(b"HTTP/1.1 451 "), answer[:80])
        # nginx writes its log after the response.
        poll(lambda: "news.test /first 200" in self.origin.requests(), 5, what="the first request in nginx's log")
        self.assert_never_reached("news.test", "/forbidden")

    def test_http_on_an_odd_port(self):
        with self.wire.origin.entered():
            server = socket.create_server((ORIGIN_V4, 8081))
        with server, self.wire.client.connect(ORIGIN_V4, 8081) as connection:
            peer, _ = server.accept()
            with peer:
                peer.settimeout(5)
                connection.sendall(b"GET /forbidden HTTP/1.1\r\nHost: news.test:8081\r\n\r\n")
                self.assertTrue(connection.recv(4096).startswith(b"HTTP/1.1 451 "))
                with self.assertRaises(ConnectionResetError):
                    peer.recv(4096)  # the server gets a reset, and nothing of the request

    def test_http_ipv6(self):
        self.assert_passes("http://news.test/six", ipv6=True)
        self.assert_blocked_page("http://news.test/forbidden", ipv6=True)
        self.assert_never_reached("news.test", "/forbidden")

    def test_https_host_passes(self):
        answer = self.assert_passes("https://news.test/forbidden")
        # Only rules for whole hosts apply to TLS: a page rule is not widened to its host.
        self.assertEqual(answer.body, "origin: https://news.test/forbidden\n")

    def test_https_listed_host_gets_an_alert(self):
        self.assert_blocked_tls("https://listed.test/")
        self.assert_blocked_tls("https://www.listed.test/page")
        self.assert_never_reached(r"(.*\.)?listed\.test")

    def test_https_alert_is_fatal_and_immediate(self):
        context = ssl.create_default_context(cafile=str(self.origin.ca_file))
        with self.wire.client.connect(ORIGIN_V4, 443) as connection:
            with self.assertRaises(ssl.SSLError) as caught:
                context.wrap_socket(connection, server_hostname="listed.test")
        self.assertRegex(str(caught.exception.reason), "ALERT|UNRECOGNIZED_NAME")

    def test_https_ipv6(self):
        self.assert_passes("https://shop.test/account", ipv6=True)
        self.assert_blocked_tls("https://listed.test/", ipv6=True)

    def test_https_tls_1_2(self):
        self.assert_passes("https://shop.test/", "--tls-max", "1.2")
        self.assert_blocked_tls("https://listed.test/", "--tls-max", "1.2")

    def test_download_is_whole(self):
        answer = self.browser.get("http://news.test/large", "--no-include", "--output", self.directory / "got", timeout=30)
        self.assertEqual(answer.exit_code, 0, answer.error)
        self.assertEqual((self.directory / "got").stat().st_size, self.origin_options["large_bytes"])

    def test_counters_tell_what_happened(self):
        def requests(protocol, verdict):
            return sum(value for labels, value in self.weir.families()["weir_requests_total"]
                       if labels == {"protocol": protocol, "verdict": verdict})

        def blocked():
            return sum(value for labels, value in self.weir.families()["weir_blocked_total"]
                       if labels["list"] == "hotline")

        before = (requests("http", "pass"), requests("http", "block"), requests("tls", "block"), blocked())
        self.assert_passes("http://news.test/counted")
        self.assert_blocked_page("http://news.test/forbidden")
        self.assert_blocked_tls("https://listed.test/")
        after = (requests("http", "pass"), requests("http", "block"), requests("tls", "block"), blocked())
        self.assertEqual(after[0] - before[0], 1)
        self.assertGreaterEqual(after[1] - before[1], 1)  # a retransmission is counted again
        self.assertGreaterEqual(after[2] - before[2], 1)
        self.assertGreaterEqual(after[3] - before[3], 2)
