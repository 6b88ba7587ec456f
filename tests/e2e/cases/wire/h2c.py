"""HTTP/2 in cleartext, from curl and from raw sockets, to nginx: listed requests are reset, all others pass."""

from lab.case import LabCase
from lab.network import ORIGIN_V4

_PORT = 8082
_PRIOR = "--http2-prior-knowledge"
_CONNECTION = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes.fromhex("000000 04 00 00000000")


def _literal(index, value):
    """A header field with incremental indexing: name by index, value as a literal."""
    return bytes([0x40 | index, len(value)]) + value.encode()


def _headers(stream, block):
    """A HEADERS frame with END_STREAM and END_HEADERS."""
    return len(block).to_bytes(3, "big") + b"\x01\x05" + stream.to_bytes(4, "big") + block


class H2c(LabCase):
    first_list = ("news.test/forbidden", "listed.test")

    def assert_reset(self, url, *options, **kwargs):
        answer = self.browser.get(url, _PRIOR, *options, **kwargs)
        # The reset may arrive while curl is still sending, or while it is receiving.
        self.assertIn(answer.exit_code, (55, 56), f"{url}: {answer.error or answer.body}")
        self.assertEqual(answer.status, 0)
        self.assertIn("reset", answer.error)

    def assert_never_answered(self, prefix):
        """nginx logs status 000 for a request that began and never ended."""
        answered = [line for line in self.origin.requests() if line.startswith(prefix) and not line.endswith(" 000")]
        self.assertEqual(answered, [])

    def test_page_passes(self):
        answer = self.assert_passes(f"http://news.test:{_PORT}/weather", _PRIOR)
        self.assertEqual(answer.body, "origin: http://news.test/weather\n")

    def test_listed_page_and_host_are_reset(self):
        self.assert_reset(f"http://news.test:{_PORT}/forbidden?a=b")
        self.assert_reset(f"http://www.listed.test:{_PORT}/any")
        self.assert_reset(f"http://news.test:{_PORT}/x/../forbidden", "--path-as-is")
        self.assert_never_answered("news.test /forbidden")
        self.assert_never_answered("www.listed.test")

    def test_ipv6(self):
        self.assert_passes(f"http://news.test:{_PORT}/six", _PRIOR, ipv6=True)
        self.assert_reset(f"http://listed.test:{_PORT}/six", ipv6=True)
        self.assert_never_answered("listed.test /six")

    def test_headers_over_several_segments(self):
        # `!` takes ten bits, so that 5 KB of it are more than four segments; the name may be in any of them.
        long = ("--header", "X-Long: " + "!" * 5000)
        self.assert_passes(f"http://news.test:{_PORT}/long", _PRIOR, *long)
        self.assert_reset(f"http://listed.test:{_PORT}/long", *long)
        self.assert_never_answered("listed.test /long")

    def test_second_request_of_a_connection_by_index(self):
        with self.wire.client.connect(ORIGIN_V4, _PORT) as connection:
            # :method GET, :scheme http, :authority and :path, which become entries 63 and 62.
            connection.sendall(_CONNECTION + _headers(1, b"\x82\x86" + _literal(1, "news.test") + _literal(4, "/ok")))
            self.receive_body(connection, b"origin: http://news.test/ok\n")
            connection.sendall(_headers(3, b"\x82\x86\xbf\xbe"))
            self.receive_body(connection, b"origin: http://news.test/ok\n")
            with self.assertRaises(ConnectionResetError):
                connection.sendall(_headers(5, b"\x82\x86\xbf" + _literal(4, "/forbidden")))
                while connection.recv(4096):
                    pass
        self.assertEqual(self.origin.requests().count("news.test /ok 200"), 2)
        self.assert_never_answered("news.test /forbidden")

    def test_one_byte_a_segment(self):
        request = _CONNECTION + _headers(1, b"\x82\x86" + _literal(1, "listed.test") + _literal(4, "/bytes"))
        with self.wire.client.connect(ORIGIN_V4, _PORT) as connection:
            connection.setsockopt(6, 1, 1)  # TCP_NODELAY
            with self.assertRaises(ConnectionError):
                for byte in request:
                    connection.sendall(bytes([byte]))
                while connection.recv(4096):
                    pass
        self.assert_never_answered("listed.test /bytes")

    @staticmethod
    def receive_body(connection, body):
        """Reads until the DATA frame with this body has arrived."""
        received = b""
        while body not in received:
            piece = connection.recv(4096)
            if not piece:
                raise AssertionError(f"the connection ended: {received!r}")
            received += piece
