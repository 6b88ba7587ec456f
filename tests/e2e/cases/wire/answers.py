"""Each answer at a real peer: what Chromium shows, what curl and openssl report, how the server's TCP reacts."""

import os
import re
import shutil
import signal
import socket
import struct
import zlib
from pathlib import Path

from lab import cleanup
from lab.caddy import CaddyOrigin
from lab.case import LabCase
from lab.chromium import Chromium
from lab.frames import checksum, ethernet
from lab.network import CLIENT_MAC, ORIGIN_V4
from lab.process import poll, run
from lab.raw import RawPort
from lab.record import Recorder, dissect, values

SYN, RST, PSH, ACK = 0x02, 0x04, 0x08, 0x10
_CLIENT_INSIDE, _ORIGIN_INSIDE = "198.51.100.2", "198.51.100.80"


def _different_rows(png):
    """How many rows of pixels are not all of one byte: more than a few where text is shown. (PNG, filter bytes and
    all: an empty page's rows repeat the row above them, so they are zeros.)"""
    data, at = b"", 8
    width = height = 0
    while at < len(png):
        length = int.from_bytes(png[at:at + 4], "big")
        kind, body = png[at + 4:at + 8], png[at + 8:at + 8 + length]
        if kind == b"IHDR":
            width, height = int.from_bytes(body[:4], "big"), int.from_bytes(body[4:8], "big")
        if kind == b"IDAT":
            data += body
        at += 12 + length
    pixels = zlib.decompress(data)
    row = len(pixels) // height
    return sum(len(set(pixels[i * row + 1:(i + 1) * row])) > 1 for i in range(height)) if width else 0


class AnswersCase(LabCase):
    def tearDown(self):
        if self.with_origin:
            poll(lambda: self.origin.connections() == 0, 10, what="nginx has no connection left open")
        super().tearDown()

    def capture(self, name, interface="lan0"):
        recorder = Recorder(self.wire.client, interface, self.directory / f"{name}.pcap")
        self.addCleanup(recorder.stop)
        return recorder

    def openssl(self, name):
        """What `openssl s_client` reports about a handshake for this name."""
        done = run(["openssl", "s_client", "-connect", f"{ORIGIN_V4}:443", "-servername", name], self.wire.client)
        return done.stdout + done.stderr

    def keep_picture(self, chromium, name):
        """Returns the picture; $WEIR_E2E_PICTURES names a directory for those who want to look at it."""
        file = self.directory / f"{name}.png"
        chromium.screenshot(file)
        if pictures := os.environ.get("WEIR_E2E_PICTURES"):
            shutil.copy(file, Path(pictures) / file.name)
        return file.read_bytes()


class PageThatChanges(AnswersCase):
    first_list = ("news.test/forbidden",)

    @classmethod
    def setUpClass(cls):
        cls.page = cleanup.run_directory() / "block.html"
        cls.page.write_text("<p>the first page")
        cls.settings_options = {"block": {"http": {"page": str(cls.page)}}}
        super().setUpClass()

    def shown(self):
        return self.assert_blocked_page("http://news.test/forbidden").body

    def test_the_page_is_read_again(self):
        self.assertEqual(self.shown(), "<p>the first page")
        self.page.write_text("<p>the second page")
        self.assertEqual(self.shown(), "<p>the first page")
        answer = self.weir.ctl("reconfigure")
        self.assertEqual(answer["dataplane"], {"changed": [], "needs_restart": [], "page": True})
        self.assertEqual(self.shown(), "<p>the second page")

        self.page.write_text("<p>the third page")
        self.weir.dataplane.signal(signal.SIGHUP)
        poll(lambda: self.shown() == "<p>the third page", 5, what="SIGHUP has the page read again")

        self.page.write_text("")
        answer = self.weir.ctl("reconfigure", allow=(1,))
        self.assertEqual(answer["dataplane"]["error"]["code"], "config_invalid")
        self.assertEqual(self.shown(), "<p>the third page")
        self.page.write_text("<p>the first page")
        self.weir.ctl("reconfigure")


class Answers(AnswersCase):
    first_list = ("news.test/forbidden", "listed.test", _ORIGIN_INSIDE)
    settings_options = {"block": {
        "http": {"blocked_by": "https://isp.example/", "operator": "Example Networks <AS64496>",
                 "reason": "Its address is on the list of the national hotline.",
                 "contact": "Write to blocking@isp.example."}}}

    def test_chromium_shows_the_page(self):
        chromium = Chromium(self.wire.client, self.directory, self.origin.certificates, ORIGIN_V4, "--disable-quic",
                            profile="page")
        self.addCleanup(chromium.stop)
        page = chromium.visit("http://news.test/forbidden")
        self.assertEqual((page.error, page.status), ("", 451))
        self.assertEqual(re.split(r"\n+", chromium.shown()), [
            "Access to this page is blocked",
            "Who blocks it", "Example Networks <AS64496>",
            "Why", "Its address is on the list of the national hotline.",
            "How to object", "Write to blocking@isp.example."])
        self.assertGreater(_different_rows(self.keep_picture(chromium, "block-page")), 50)
        # The answer says no-store, so it is requested again.
        blocked = self.weir.outcomes()["drop_blocked"]
        self.assertEqual(chromium.visit("http://news.test/forbidden").status, 451)
        self.assertGreater(self.weir.outcomes()["drop_blocked"], blocked)
        self.assertEqual([line for line in self.origin.requests() if "forbidden" in line], [])
        chromium.stop()

    def test_curl_gets_the_page(self):
        answer = self.assert_blocked_page("http://news.test/forbidden")
        self.assertEqual(answer.headers["link"], '<https://isp.example/>; rel="blocked-by"')
        self.assertEqual(answer.headers["cache-control"], "no-store")
        self.assertIn("<dd>Example Networks &lt;AS64496&gt;</dd>", answer.body)
        head = self.assert_blocked_page("http://news.test/forbidden", "--head")
        self.assertEqual((head.body, head.headers["content-length"]), ("", answer.headers["content-length"]))

    def test_page_in_the_segments_that_the_client_asked_for(self):
        self.wire.client.ip("route", "add", f"{ORIGIN_V4}/32", "dev", "lan0", "advmss", "300")
        self.addCleanup(self.wire.client.ip, "route", "del", f"{ORIGIN_V4}/32", "dev", "lan0")
        recorder = self.capture("segments")
        answer = self.assert_blocked_page("http://news.test/forbidden")
        self.assertEqual(int(answer.headers["content-length"]), len(answer.body.encode()))
        segments = dissect(recorder.stop(), f"tcp.len > 0 && ip.src == {ORIGIN_V4}")
        lengths = [int(values(segment, "tcp.len")[0]) for segment in segments]
        # Linux uses timestamps: 12 bytes of options in each.
        self.assertEqual(set(lengths[:-1]), {288})
        self.assertGreaterEqual(len(lengths), 3, lengths)
        self.assertTrue(all(values(segment, "tcp.options.timestamp.tsval") for segment in segments))
        for packet in dissect(recorder.file, f"ip.src == {ORIGIN_V4}", "-o", "tcp.check_checksum:TRUE",
                              "-o", "ip.check_checksum:TRUE"):
            self.assertEqual((values(packet, "ip.checksum.status"), values(packet, "tcp.checksum.status")),
                             (["1"], ["1"]))

    def test_openssl_and_curl_name_the_alert(self):
        self.assertRegex(self.openssl("listed.test"), r"(?i)alert.unrecognized.name|SSL alert number 112")
        self.assertNotRegex(self.openssl("news.test"), r"(?i)alert")
        self.assertIn("unrecognized name", self.assert_blocked_tls("https://listed.test/").error)

    def test_answers_come_through_vxlan(self):
        """Both ends are the kernel's own: they drop an answer whose outer or inner header is wrong."""
        for end, device, inside in ((self.wire.client, "lan0", _CLIENT_INSIDE), (self.wire.origin, "wan0", _ORIGIN_INSIDE)):
            other = ORIGIN_V4 if end is self.wire.client else "192.0.2.2"
            own = "192.0.2.2" if end is self.wire.client else ORIGIN_V4
            end.ip("link", "add", "vx0", "type", "vxlan", "id", "77", "local", own, "remote", other, "dstport",
                   "4789", "dev", device)
            self.addCleanup(end.ip, "link", "del", "vx0")
            end.execute("ethtool", "-K", "vx0", "tx", "off")
            end.ip("address", "add", f"{inside}/24", "dev", "vx0")
            end.ip("link", "set", "vx0", "up")
        resets = self.wire.origin.snmp()["TcpExtTCPAbortOnData"]
        done = run(["curl", "-q", "--silent", "--show-error", "--max-time", "10", "--noproxy", "*", "--write-out",
                    "%{http_code}", f"http://{_ORIGIN_INSIDE}/page"], self.wire.client)
        self.assertEqual((done.returncode, done.stdout[-3:]), (0, "451"), done.stderr)
        poll(lambda: self.origin.connections() == 0, 10, what="nginx has got the reset")
        self.assertEqual(self.wire.origin.snmp()["TcpExtTCPAbortOnData"], resets)
        self.assertEqual([line for line in self.origin.requests() if _ORIGIN_INSIDE in line], [])


class OtherAnswers(AnswersCase):
    first_list = ("news.test/forbidden", "listed.test")
    settings_options = {"block": {"http": {"status": 302, "redirect": "https://splash.example/blocked?by=isp"},
                                  "tls": "reset", "quic": "drop"}}

    def test_redirect(self):
        answer = self.browser.get("http://news.test/forbidden")
        self.assertEqual((answer.exit_code, answer.status), (0, 302), answer.error)
        self.assertEqual(answer.headers["location"], "https://splash.example/blocked?by=isp")
        self.assertEqual(answer.headers["cache-control"], "no-store")
        self.assertNotIn("news.test", answer.body)
        self.assertEqual([line for line in self.origin.requests() if "forbidden" in line], [])

    def test_tls_reset(self):
        answer = self.browser.get("https://listed.test/")
        self.assertEqual(answer.exit_code, 35, answer.body)
        self.assertRegex(answer.error, "(?i)reset by peer")
        self.assertEqual([line for line in self.origin.requests() if "listed.test" in line], [])


class ManyPages(AnswersCase):
    """Somebody has pages sent to one address, which may be forged."""

    first_list = ("news.test/forbidden",)
    settings_options = {"block": {"http": {"bytes_per_destination": 300}}}

    def test_beyond_the_limit_of_a_destination_come_resets(self):
        self.assert_blocked_page("http://news.test/forbidden")
        again = [self.browser.get("http://news.test/forbidden") for _ in range(3)]
        self.assertEqual([answer.status for answer in again], [0, 0, 0])
        for answer in again:
            self.assertRegex(answer.error, "(?i)reset by peer")
        self.assertEqual(self.weir.families()["weir_pages_limited_total"][0][1], 3)
        self.assertEqual([line for line in self.origin.requests() if "forbidden" in line], [])
        self.assert_passes("http://news.test/")


class ForgedSources(LabCase):
    """A sender that is not the client of its source address sees nothing of what the server answers. (Without a
    handshake Weir sends the server nothing, so a connection stays open there.)"""

    first_list = ("news.test/forbidden",)
    _VICTIM = "192.0.2.9"

    def setUp(self):
        super().setUp()
        # The server's packets reach the victim's place on the wire, where nobody resets the connection.
        self.wire.origin.ip("neigh", "replace", self._VICTIM, "lladdr", CLIENT_MAC, "dev", "wan0")
        self.raw = RawPort(self.wire.client, "lan0")
        self.addCleanup(self.raw.close)

    def send(self, port, sequence, acknowledgement, flags, payload=b""):
        addresses = socket.inet_aton(self._VICTIM) + socket.inet_aton(ORIGIN_V4)
        segment = struct.pack("!HHIIBBHHH", port, 80, sequence, acknowledgement, 5 << 4, flags, 64000, 0, 0) + payload
        sum_of = checksum(addresses + struct.pack("!HH", 6, len(segment)) + segment)
        segment = segment[:16] + struct.pack("!H", sum_of) + segment[18:]
        header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(segment), 7, 0, 64, 6, 0) + addresses
        header = header[:10] + struct.pack("!H", checksum(header)) + header[12:]
        self.raw.send(ethernet(0x0800, header + segment))

    def receive(self, port):
        """The flags, sequence number and payload of the next segment for the victim's port."""
        while (frame := self.raw.receive(5)) is not None:
            if frame[12:14] != b"\x08\x00" or frame[30:34] != socket.inet_aton(self._VICTIM) or frame[23] != 6:
                continue
            segment = frame[34:14 + int.from_bytes(frame[16:18], "big")]
            if int.from_bytes(segment[2:4], "big") == port:
                return segment[13], int.from_bytes(segment[4:8], "big"), segment[(segment[12] >> 4) * 4:]
        self.fail(f"nothing came for port {port}")

    def answer_to(self, port, guess):
        """What the request draws. `guess`: added to the number that the server waits to see acknowledged."""
        self.send(port, 999, 0, SYN)
        flags, start, _ = self.receive(port)
        self.assertEqual(flags, SYN | ACK)
        self.send(port, 1000, (start + 1 + guess) % (1 << 32), PSH | ACK,
                  b"GET /forbidden HTTP/1.1\r\nHost: news.test\r\n\r\n")
        flags, _, payload = self.receive(port)
        while flags == SYN | ACK:  # the server sends it again
            flags, _, payload = self.receive(port)
        return flags, payload

    def test_only_who_sees_the_servers_numbers_gets_the_page(self):
        flags, payload = self.answer_to(50001, guess=1 << 31)
        self.assertEqual((flags & RST, payload), (RST, b""))
        flags, payload = self.answer_to(50002, guess=0)
        self.assertEqual(flags & RST, 0)
        self.assertIn(b"HTTP/1.1 451 ", payload)
        self.assertEqual([line for line in self.origin.requests() if "forbidden" in line], [])


class QuicClose(CaddyOrigin, AnswersCase):
    """Against Caddy, which would accept the connection if Weir let it."""

    first_list = ("listed.test",)

    def test_chromium_takes_the_close(self):
        chromium = Chromium(self.wire.client, self.directory, self.certificates, ORIGIN_V4,
                            "--origin-to-force-quic-on=news.test:443,listed.test:443", profile="close")
        self.addCleanup(chromium.stop)
        recorder = self.capture("close")
        self.assertEqual(chromium.visit("https://news.test/one").protocol, "h3")
        self.assertEqual(chromium.visit("https://listed.test/two").error, "net::ERR_QUIC_PROTOCOL_ERROR")
        self.assertEqual([line for line in self.origin.requests() if "listed.test" in line], [])
        closes = dissect(recorder.stop(), "quic.cc.error_code", "-o", "udp.check_checksum:TRUE")
        refused = [packet for packet in closes if values(packet, "quic.cc.error_code") == [str(0x170)]]
        self.assertGreater(len(refused), 0)
        for packet in refused:
            self.assertEqual(values(packet, "ip.src"), [ORIGIN_V4])
            self.assertEqual(values(packet, "quic.cc.error_code.tls_alert"), ["112"])
            self.assertEqual(values(packet, "udp.checksum.status"), ["1"])
        # Chromium has given up each of these connections and sends nothing more.
        ports = {values(packet, "udp.dstport")[0] for packet in refused}
        for port in ports:
            after = [packet for packet in dissect(recorder.file, f"udp.srcport == {port}")
                     if int(values(packet, "num")[0]) > min(
                         int(values(close, "num")[0]) for close in refused
                         if values(close, "udp.dstport") == [port])]
            self.assertLessEqual(len(after), 1, "what was on its way when the close came")
