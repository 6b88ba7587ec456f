"""Topology routed: Weir is a router on the path, with two arms or one."""

import errno
import socket
import struct

from lab.case import LabCase
from lab.network import CLIENT_MAC, CLIENT_V4, SUBSCRIBER_MAC, OneArmed, TwoArmed
from lab.process import poll, run
from lab.raw import RawPort

_PORT = 4001
_IPV6_RECVHOPLIMIT, _IPV6_RECVERR = 51, 25
_IP_RECVTTL, _IP_RECVERR = 12, 11
_TIME_EXCEEDED = {4: (11, 0), 6: (3, 0)}  # type and code


class RoutedCase(LabCase):
    first_list = ("news.test/forbidden", "listed.test")
    hops_to_weir = 1     # the TTL with which a packet expires at Weir
    hops_to_origin = 1   # by how much the TTL is lower at the origin

    @classmethod
    def setUpClass(cls):
        cls.settings_options = {"hops": cls.wire_class.ports, **cls.settings_options}
        super().setUpClass()
        poll(cls.resolved, 10, what="every next hop has answered")

    @classmethod
    def resolved(cls):
        return all(hop["resolved"] for port in cls.weir.status()["ports"] for hop in port["next_hops"])

    def counter(self, family, **labels):
        self.assert_conserved()
        return sum(value for found, value in self.weir.families()[family] if found == labels)

    def udp(self, namespace, version):
        with namespace.entered():
            return socket.socket(socket.AF_INET6 if version == 6 else socket.AF_INET, socket.SOCK_DGRAM)

    def origin_address(self, version):
        return self.wire.origin_v6 if version == 6 else self.wire.origin_v4

    def with_ttl(self, version, ttl):
        """A client socket that sends with this TTL and keeps the errors that it gets."""
        sender = self.udp(self.wire.client, version)
        sender.settimeout(5)
        if version == 6:
            sender.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, ttl)
            sender.setsockopt(socket.IPPROTO_IPV6, _IPV6_RECVERR, 1)
        else:
            sender.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, ttl)
            sender.setsockopt(socket.IPPROTO_IP, _IP_RECVERR, 1)
        return sender

    def ping(self, address, *options):
        return run(["ping", "-n", "-c", "2", "-i", "0.2", "-W", "2", *options, address], self.wire.client, 15)


class Common:
    """Cases for two arms and for one."""

    def test_unlisted_pages_pass(self):
        for url in ("http://news.test/", "https://news.test/"):
            for ipv6 in (False, True):
                with self.subTest(url=url, ipv6=ipv6):
                    self.assert_passes(url, ipv6=ipv6)

    def test_listed_pages_are_answered_and_never_arrive(self):
        for ipv6 in (False, True):
            with self.subTest(ipv6=ipv6):
                self.assert_blocked_page("http://news.test/forbidden", ipv6=ipv6)
                self.assert_blocked_tls("https://listed.test/", ipv6=ipv6)
        self.assertEqual([line for line in self.origin.requests() if "/forbidden 200" in line], [])
        # The resets went on to the origin by the next hop.
        poll(lambda: self.origin.connections() == 0, 10, what="the origin has no connection")

    def test_a_packet_is_a_hop_older(self):
        for version in (4, 6):
            with self.subTest(version=version):
                receiver = self.udp(self.wire.origin, version)
                receiver.settimeout(5)
                receiver.bind(("", _PORT))
                level, option = ((socket.IPPROTO_IPV6, _IPV6_RECVHOPLIMIT) if version == 6
                                 else (socket.IPPROTO_IP, _IP_RECVTTL))
                receiver.setsockopt(level, option, 1)
                with receiver, self.with_ttl(version, 40) as sender:
                    sender.sendto(b"hello", (self.origin_address(version), _PORT))
                    data, control, _, _ = receiver.recvmsg(100, 100)
                self.assertEqual(data, b"hello")
                self.assertEqual([struct.unpack("=i", value)[0] for _, _, value in control], [40 - self.hops_to_origin])

    def test_a_packet_at_its_last_hop_is_answered(self):
        for version in (4, 6):
            with self.subTest(version=version):
                expired = self.counter("weir_packets_total", outcome="drop_expired")
                with self.with_ttl(version, self.hops_to_weir) as sender:
                    sender.sendto(b"hello", (self.origin_address(version), _PORT))
                    poll(lambda: self.counter("weir_packets_total", outcome="drop_expired") == expired + 1, 5,
                         what="the packet ends here")
                    kind, code, offender = poll(lambda: self.error_of(sender, version), 5, what="an error comes")
                self.assertEqual((kind, code), _TIME_EXCEEDED[version])
                self.assertEqual(offender, self.wire.weir_v6 if version == 6 else self.wire.weir_v4)

    @staticmethod
    def error_of(sender, version):
        """Type, code and sender of the ICMP error on the socket, from sock_extended_err."""
        try:
            _, control, _, _ = sender.recvmsg(100, 300, socket.MSG_ERRQUEUE | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return None
        [value] = [value for level, _, value in control if level in (socket.IPPROTO_IP, socket.IPPROTO_IPV6)]
        _, _, kind, code = struct.unpack("=IBBB", value[:7])
        # The sender's sockaddr follows.
        address = value[16 + 8:16 + 24] if version == 6 else value[16 + 4:16 + 8]
        return kind, code, socket.inet_ntop(socket.AF_INET6 if version == 6 else socket.AF_INET, address)

    def test_weir_answers_pings(self):
        for address in (self.wire.weir_v4, self.wire.weir_v6):
            with self.subTest(address=address):
                done = self.ping(address)
                self.assertEqual(done.returncode, 0, done.stdout)

    def test_the_origin_answers_pings_through_weir(self):
        for address in (self.wire.origin_v4, self.wire.origin_v6):
            with self.subTest(address=address):
                self.assertEqual(self.ping(address).returncode, 0)

    def test_monitor_and_bypass_go_on_routing(self):
        for mode, outcome in (("monitor", "forward_monitor"), ("bypass", "forward_bypass")):
            with self.subTest(mode=mode):
                self.weir.ctl("enforcement", mode)
                before = self.counter("weir_packets_total", outcome=outcome)
                self.assert_passes("http://news.test/forbidden")
                self.assertGreater(self.counter("weir_packets_total", outcome=outcome), before)
                self.assertEqual(self.ping(self.wire.weir_v4).returncode, 0)
                self.weir.ctl("enforcement", "enforce")
        self.assert_blocked_page("http://news.test/forbidden")


class RoutedTwoArmed(Common, RoutedCase):
    wire_class = TwoArmed

    def test_weir_answers_at_its_other_side(self):
        for address in (self.wire.far_v4, self.wire.far_v6):
            self.assertEqual(self.ping(address).returncode, 0)

    def test_frames_for_others_are_not_routed(self):
        def frame(destination):
            ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 28, 1, 0, 64, 17, 0, socket.inet_aton(CLIENT_V4),
                             socket.inet_aton(self.wire.origin_v4))
            total = sum(struct.unpack("!10H", ip))
            total = (total & 0xffff) + (total >> 16)
            total = (total & 0xffff) + (total >> 16)
            ip = ip[:10] + struct.pack("!H", ~total & 0xffff) + ip[12:]
            addresses = bytes.fromhex((destination + CLIENT_MAC).replace(":", ""))
            return addresses + b"\x08\x00" + ip + struct.pack("!HHHH", _PORT, _PORT, 8, 0)

        port = RawPort(self.wire.client, "lan0")
        receiver = self.udp(self.wire.origin, 4)
        receiver.bind(("", _PORT))
        receiver.settimeout(5)
        with receiver:
            foreign = self.counter("weir_packets_total", outcome="routed_foreign")
            port.send(frame("02:00:00:00:00:77"))
            port.send(frame("ff:ff:ff:ff:ff:ff"))
            poll(lambda: self.counter("weir_packets_total", outcome="routed_foreign") >= foreign + 2, 5,
                 what="both are counted")
            port.send(frame(SUBSCRIBER_MAC))
            receiver.recv(100)
            receiver.setblocking(False)
            with self.assertRaises(BlockingIOError, msg="one of three arrives"):
                receiver.recv(100)
        port.close()

    def test_a_next_hop_that_moves_is_followed(self):
        self.assert_passes("http://news.test/")
        self.wire.origin.ip("link", "set", "wan0", "down")
        self.wire.origin.ip("link", "set", "wan0", "address", "02:00:00:00:00:81")
        self.wire.origin.ip("link", "set", "wan0", "up")
        self.wire.origin.ip("address", "replace", f"{self.wire.origin_v6}/64", "dev", "wan0", "nodad")
        self.wire.origin.ip("route", "replace", "default", "via", self.wire.far_v4)
        self.wire.origin.ip("-6", "route", "replace", "default", "via", self.wire.far_v6)
        # Its first packet makes it ask for Weir's address, and Weir learns the asker's.
        for address in (self.wire.far_v4, self.wire.far_v6):
            self.assertEqual(run(["ping", "-n", "-c", "1", "-W", "5", address], self.wire.origin, 15).returncode, 0)
        for ipv6 in (False, True):
            self.assert_passes("http://news.test/", ipv6=ipv6)

    def test_a_next_hop_that_is_silent_is_unreachable(self):
        self.weir.kill(self.weir.dataplane)
        self.wire.origin.ip("link", "set", "wan0", "arp", "off")
        self.weir.start_dataplane()

        def refused():
            try:
                self.wire.client.connect(self.wire.origin_v4, 80, timeout=1).close()
            except TimeoutError:
                return False
            except OSError as error:
                return error.errno == errno.EHOSTUNREACH
            return False

        poll(refused, 20, what="the client is told")
        self.assertGreater(self.counter("weir_packets_total", outcome="drop_no_next_hop"), 0)
        self.assertFalse(self.resolved())
        self.wire.origin.ip("link", "set", "wan0", "arp", "on")
        poll(self.resolved, 20, what="the next hop answers")
        self.assert_passes("http://news.test/")


class RoutedOneArmed(Common, RoutedCase):
    wire_class = OneArmed
    hops_to_weir = 2
    hops_to_origin = 3


class RoutedTwoWorkers(Common, RoutedCase):
    wire_class = TwoArmed
    settings_options = {"workers": [0, 1]}


class RoutedNarrow(RoutedCase):
    """The link after Weir has a smaller MTU than the one before it."""

    wire_class = TwoArmed
    wire_options = {"far_mtu": 1400}
    with_control = False

    def test_the_client_learns_what_fits(self):
        for address, family, header in ((self.wire.origin_v4, "-4", 28), (self.wire.origin_v6, "-6", 48)):
            with self.subTest(address=address):
                done = self.ping(address, "-M", "do", "-s", str(1401 - header))
                self.assertRegex(done.stdout + done.stderr, r"mtu ?= ?1400")
                self.assertEqual(self.ping(address, "-M", "do", "-s", str(1400 - header)).returncode, 0)
                self.wire.client.ip(family, "route", "flush", "cache")
        self.assertGreaterEqual(self.counter("weir_packets_total", outcome="drop_too_big"), 2)


class RoutedLimited(RoutedCase):
    wire_class = TwoArmed
    settings_options = {"routed": {"icmp_errors_per_second": 5}}
    with_control = False

    def test_errors_are_limited(self):
        def figures():
            return [self.counter("weir_packets_total", outcome="drop_expired"),
                    self.counter("weir_injected_packets_total", towards="sender"),
                    self.counter("weir_icmp_limited_total")]

        before = figures()
        with self.with_ttl(4, 1) as sender:
            for _ in range(200):
                try:
                    sender.sendto(b"hello", (self.wire.origin_v4, _PORT))
                except OSError:
                    pass  # the error about an earlier datagram
        expired, sent, limited = [now - then for now, then in zip(figures(), before)]
        self.assertGreater(expired, 20)
        self.assertEqual(sent + limited, expired)
        self.assertGreater(sent, 0)
        self.assertGreater(limited, sent)
