"""Chromium and real servers: listed pages do not load over HTTP, TLS 1.3 or HTTP/3; all others do."""

from lab.caddy import CaddyOrigin
from lab.case import LabCase
from lab.chromium import Chromium
from lab.network import ORIGIN_V4
from lab.record import Recorder, dissect, values

_X25519MLKEM768 = str(0x11EC)
_ALERT = "net::ERR_SSL_UNRECOGNIZED_NAME_ALERT"


class BrowserCase(LabCase):
    def requests(self, protocol, verdict):
        """How many requests Weir has counted."""
        return sum(value for labels, value in self.weir.families()["weir_requests_total"]
                   if labels == {"protocol": protocol, "verdict": verdict})

    def assert_never_reached(self, part):
        """No line of the server's log contains `part`."""
        self.assertEqual([line for line in self.origin.requests() if part in line], [])

    def assert_loads(self, page, protocol, body, tls=""):
        self.assertEqual((page.error, page.status, page.protocol, page.tls), ("", 200, protocol, tls))
        self.assertEqual(page.body.strip(), body)

    def capture(self, name, interface="lan0"):
        recorder = Recorder(self.wire.client, interface, self.directory / f"{name}.pcap")
        self.addCleanup(recorder.stop)
        return recorder


class Tcp(BrowserCase):
    """Against nginx, without HTTP/3."""

    first_list = ("news.test/forbidden", "listed.test")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.chromium = Chromium(cls.wire.client, cls.directory, cls.origin.certificates, ORIGIN_V4, "--disable-quic")
        cls.addClassCleanup(cls.chromium.stop)

    def test_http_page_loads(self):
        page = self.chromium.visit("http://news.test/weather?day=1")
        self.assert_loads(page, "http/1.1", "origin: http://news.test/weather?day=1")
        self.assertIn("news.test /weather?day=1 200", self.origin.requests())

    def test_http_listed_page_does_not(self):
        for url in ("http://news.test/forbidden", "http://news.test/x/../%66orbidden?a=b#c", "http://www.listed.test/"):
            with self.subTest(url):
                page = self.chromium.visit(url)
                self.assertEqual((page.error, page.status), ("", 451))
                self.assertNotIn("origin:", page.body)
        self.assert_never_reached("forbidden")
        self.assert_never_reached("listed.test")
        # The connection that Weir answered does not get in the way of the next page of the same site.
        self.assert_loads(self.chromium.visit("http://news.test/after"), "http/1.1", "origin: http://news.test/after")

    def test_tls_1_3_host_loads(self):
        page = self.chromium.visit("https://news.test/forbidden")
        self.assert_loads(page, "http/1.1", "origin: https://news.test/forbidden", "TLS 1.3")

    def test_tls_1_3_listed_host_does_not(self):
        recorder = self.capture("hello")
        for url in ("https://listed.test/", "https://www.listed.test/page"):
            self.assertEqual(self.chromium.visit(url).error, _ALERT, url)
        self.assert_never_reached("listed.test")
        # The hello was what today's browsers send: a post-quantum key share, in more than one segment.
        hellos = dissect(recorder.stop(), "tls.handshake.type == 1")
        names = [values(hello, "tls.handshake.extensions_server_name") for hello in hellos]
        self.assertTrue(all(len(name) == 1 for name in names), names)
        self.assertEqual({name[0] for name in names}, {"listed.test", "www.listed.test"})
        for hello in hellos:
            self.assertIn(_X25519MLKEM768, values(hello, "tls.handshake.extensions_key_share_group"))
            self.assertGreaterEqual(int(values(hello, "tcp.segment.count")[0]), 2)


class Http3(CaddyOrigin, BrowserCase):
    """Against Caddy."""

    first_list = ("listed.test",)

    def open(self, directory, *flags):
        chromium = Chromium(self.wire.client, self.directory, self.certificates, ORIGIN_V4, *flags, profile=directory)
        self.addCleanup(chromium.stop)
        return chromium

    def test_quic_alone(self):
        """Chromium is told that both hosts speak QUIC, and tries nothing else."""
        chromium = self.open("forced", "--origin-to-force-quic-on=news.test:443,listed.test:443")
        recorder = self.capture("quic")
        self.assert_loads(chromium.visit("https://news.test/one"), "h3", "caddy: https://news.test/one", "QUIC")
        self.assertIn("HTTP/3.0 news.test /one 200", self.origin.requests())
        before = self.requests("quic", "block")
        page = chromium.visit("https://listed.test/two")
        self.assertRegex(page.error, "^net::ERR_")
        self.assertGreater(self.requests("quic", "block"), before)
        self.assert_never_reached("listed.test")
        self.assert_loads(chromium.visit("https://news.test/three"), "h3", "caddy: https://news.test/three", "QUIC")
        hellos = dissect(recorder.stop(), "quic && tls.handshake.type == 1")
        names = {name for hello in hellos for name in values(hello, "tls.handshake.extensions_server_name")}
        self.assertEqual(names, {"news.test", "listed.test"})
        for hello in hellos:
            self.assertIn(_X25519MLKEM768, values(hello, "tls.handshake.extensions_key_share_group"))

    def test_fallback_from_quic_to_tcp_is_blocked_too(self):
        # The name with an unused port: Chromium accepts the laboratory's certificates over QUIC for it as well.
        flags = ("--origin-to-force-quic-on=shop.test:1",)
        chromium = self.open("fallback", *flags)
        self.assert_loads(chromium.visit("https://shop.test/first"), "h2", "caddy: https://shop.test/first", "TLS 1.3")
        self.learns_of_quic(chromium)
        chromium.stop()

        self.weir.ctl("add", "shop.test", "--list", "local")
        self.addCleanup(self.weir.ctl, "remove", "shop.test", "--list", "local")
        seen = len(self.origin.requests())
        before = self.requests("quic", "block"), self.requests("tls", "block")
        chromium = self.open("fallback", *flags)
        self.assertRegex(chromium.visit("https://shop.test/last").error, "^net::ERR_")
        self.assertGreater(self.requests("quic", "block"), before[0])
        self.assertGreater(self.requests("tls", "block"), before[1])
        self.assertEqual(self.origin.requests()[seen:], [])

    def learns_of_quic(self, chromium):
        """Caddy offers HTTP/3 in its first answer (Alt-Svc). Chromium uses it within a few pages."""
        for number in range(10):
            page = chromium.visit(f"https://shop.test/more/{number}")
            self.assertEqual((page.error, page.status), ("", 200))
            if page.protocol == "h3":
                return
        self.fail("Chromium does not change to HTTP/3")
