"""weir-replay against tshark: both name the same hosts, paths and server names in captures of real clients."""

import collections

from lab import firefox
from lab.caddy import Caddy
from lab.case import LabCase
from lab.chromium import Chromium
from lab.network import ORIGIN_V4
from lab.record import Recorder
from lab.referee import Request, compare

_H2C_PORT = 8082
_CADDY_PORT = 8443
_PAGE = f"""<!doctype html><title>page</title><h1>page</h1>
<script>
for (const [method, path, body] of [["POST", "/form?step=1", "a=b&c=d"], ["PUT", "/file", "x".repeat(20000)]]) {{
  const request = new XMLHttpRequest();
  request.open(method, path, false);
  request.send(body);
}}
</script>
""" + "".join(f'<img src="{url}">\n' for url in (
    *(f"http://news.test/image/{number}?size=large" for number in range(12)),
    "http://shop.test/a%20b/%7Euser/../c?q=%3f#fragment",
    "https://news.test/tls", "https://www.listed.test/tls",
    f"https://shop.test:{_CADDY_PORT}/h3/1", f"https://shop.test:{_CADDY_PORT}/h3/2"))

#: What a capture of a browser that loads the page contains, whatever else the browser requests.
_BROWSED = {
    Request("http", "news.test", "/pages/browse.html", None),
    Request("http", "news.test", "/form", "step=1"),
    Request("http", "news.test", "/file", None),
    *(Request("http", "news.test", f"/image/{number}", "size=large") for number in range(12)),
    Request("http", "shop.test", "/a%20b/c", "q=?"),
    Request("tls", "news.test", None, None),
    Request("tls", "www.listed.test", None, None),
    Request("quic", "shop.test", None, None),
}


class Captures(LabCase):
    first_list = ("elsewhere.test",)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        (cls.origin.pages / "browse.html").write_text(_PAGE)
        cls.caddy = Caddy(cls.wire.origin, cls.directory, cls.origin.certificates, _CADDY_PORT)
        cls.addClassCleanup(cls.caddy.process.stop)

    def record(self, name):
        recorder = Recorder(self.wire.client, "lan0", self.directory / f"{name}.pcap")
        self.addCleanup(recorder.stop)
        return recorder

    def assert_agreed(self, capture, expected):
        """Both name `expected`, and neither names anything that the other does not."""
        both, theirs, ours = compare(self.weir.program("weir-replay"), capture,
                                     "-d", f"tcp.port=={_CADDY_PORT},tls", "-d", f"tcp.port=={_H2C_PORT},http2")
        # Over QUIC the names count, not how often: tshark shows a repeated Initial again.
        for alone in (theirs, ours):
            for request in [request for request in alone if request.protocol == "quic" and request in both]:
                del alone[request]
        self.assertEqual((theirs, ours), (collections.Counter(), collections.Counter()), "tshark alone, Weir alone")
        self.assertEqual(expected - set(both), set(), "named by neither")

    def test_chromium(self):
        recorder = self.record("chromium")
        chromium = Chromium(self.wire.client, self.directory, self.origin.certificates, ORIGIN_V4,
                            f"--origin-to-force-quic-on=shop.test:{_CADDY_PORT}")
        self.addCleanup(chromium.stop)
        page = chromium.visit("http://news.test/pages/browse.html", loaded=True)
        self.assertEqual((page.error, page.status), ("", 200))
        chromium.stop()
        self.assertIn(f"HTTP/3.0 shop.test:{_CADDY_PORT} /h3/1 200", self.caddy.requests())
        self.assert_agreed(recorder.stop(), _BROWSED)

    def test_firefox(self):
        recorder = self.record("firefox")
        firefox.visit(self.wire.client, self.directory, self.origin.certificates, ORIGIN_V4,
                      "http://news.test/pages/browse.html", http3=f"shop.test;h3=:{_CADDY_PORT}")
        self.assertIn(f"HTTP/3.0 shop.test:{_CADDY_PORT} /h3/1 200", self.caddy.requests())
        self.assert_agreed(recorder.stop(), _BROWSED)

    def test_curl(self):
        recorder = self.record("curl")
        body = self.directory / "upload"
        body.write_bytes(bytes(range(256)) * 1000)
        large = "--data-binary", f"@{body}"
        proxy = "--noproxy", "none.test", "--proxy", f"http://{ORIGIN_V4}:80"
        again = "--next", "--noproxy", "*", "--max-time", "10"
        for *options, url in (
                ("http://news.test/first", "http://news.test/second?a=b", "http://news.test/third"),
                ("--data", "a=b", "http://news.test/form", *again, "http://news.test/after-form"),
                (*large, "http://news.test/upload", *again, "http://news.test/after-upload"),
                (*large, "--header", "Transfer-Encoding: chunked", "http://news.test/chunked", *again,
                 "http://news.test/after-chunked"),
                ("--head", "http://news.test/head"),
                ("--http1.0", "http://news.test/old"),
                ("--path-as-is", "--header", "hOST:  SHOP.test.:80", "http://shop.test/x/../y//z"),
                (*proxy, "http://shop.test/proxied"),
                (*proxy, "--proxytunnel", "http://news.test/tunnel"),
                ("--http2", "http://news.test/h2c"),
                ("--http2-prior-knowledge", f"http://news.test:{_H2C_PORT}/prior"),
                ("--tls-max", "1.2", "https://news.test/"),
                ("https://www.listed.test/",)):
            self.browser.get(url, *options)
        self.browser.get("http://news.test/six", ipv6=True)
        self.browser.get("https://shop.test/six", ipv6=True)
        self.assert_agreed(recorder.stop(), {
            *(Request("http", "news.test", f"/{path}", None)
              for path in ("first", "third", "form", "after-form", "upload", "after-upload", "chunked",
                           "after-chunked", "head", "old", "h2c", "six")),
            Request("http", "news.test", "/second", "a=b"),
            Request("http", "shop.test", "/y/z", None),
            Request("http", "shop.test", "/proxied", None),
            Request("http", "news.test", None, None),
            Request("h2c", "news.test", "/prior", None),
            Request("tls", "news.test", None, None),
            Request("tls", "www.listed.test", None, None),
            Request("tls", "shop.test", None, None),
        })
