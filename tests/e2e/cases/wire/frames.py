"""Every frame that is not a listed request leaves by the other port unchanged, byte for byte."""

import unittest

from lab.case import LabCase
from lab.frames import FRAGMENTS, FRAGMENTS_JOINED, JUMBO, PLAIN, QINQ, QINQ_REWRITTEN
from lab.raw import RawPort


class FrameCase(LabCase):
    """A silent wire: the next frame to come out must be the one that went in."""

    wire_options = {"addresses": False}
    with_origin = False
    with_control = False

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.client_port = RawPort(cls.wire.client, "lan0")
        cls.addClassCleanup(cls.client_port.close)
        cls.origin_port = RawPort(cls.wire.origin, "wan0")
        cls.addClassCleanup(cls.origin_port.close)

    def assert_crosses(self, sent, expected=None):
        """`sent` arrives at the other end as `expected` (by default unchanged), once and alone, in both directions."""
        for way, source, sink in (("to the network", self.client_port, self.origin_port),
                                  ("to the subscriber", self.origin_port, self.client_port)):
            source.send(sent)
            received = sink.receive(3)
            self.assertIsNotNone(received, f"lost on its way {way}")
            self.assertEqual(received.hex(), (expected or sent).hex(), f"changed on its way {way}")


def assert_nothing_more(case):
    for port, end in ((case.client_port, "subscriber"), (case.origin_port, "network")):
        extra = port.receive(0.3)
        case.assertIsNone(extra, f"a frame that nobody sent came to the {end}: {extra and extra.hex()}")


def case_for(frame):
    return lambda self: self.assert_crosses(frame)


class Frames(FrameCase):
    """Ordinary and broken frames over net_af_packet."""

    def test_vlan_qinq_outer_tag_is_rewritten_by_af_packet(self):
        # A limit of that device, not of Weir: it turns every outer tag into 0x8100.
        self.assert_crosses(QINQ, QINQ_REWRITTEN)

    def test_ipv4_fragments_are_joined_by_af_packet(self):
        # That device again: DPDK puts its sockets into a fanout group, for which the kernel reassembles fragments.
        for fragment in FRAGMENTS:
            self.client_port.send(fragment)
        self.assertEqual(self.origin_port.receive(3), FRAGMENTS_JOINED)

    def test_zz_nothing_else_was_sent(self):
        assert_nothing_more(self)


class JumboFrames(FrameCase):
    wire_options = {"addresses": False, "mtu": 9000}
    settings_options = {"framesz": 16384, "frame_bytes": 16384}


class XdpFrames(FrameCase):
    """net_af_xdp keeps all tags."""

    settings_options = {"driver": "af_xdp"}

    @classmethod
    def setUpClass(cls):
        try:
            super().setUpClass()
        except AssertionError as error:
            if "XDP" in str(error) or "af_xdp" in str(error):
                raise unittest.SkipTest("this kernel has no AF_XDP on veth: " + str(error).splitlines()[0]) from None
            raise

    def test_xdp_qinq_keeps_its_outer_tag(self):
        self.assert_crosses(QINQ)

    def test_xdp_ipv4_fragments_stay_apart(self):
        for fragment in FRAGMENTS:
            self.assert_crosses(fragment)

    def test_xdp_zz_nothing_else_was_sent(self):
        assert_nothing_more(self)


for _name, _frame in PLAIN.items():
    setattr(Frames, f"test_{_name}", case_for(_frame))
for _name, _frame in JUMBO.items():
    setattr(JumboFrames, f"test_{_name}", case_for(_frame))
for _name in ("arp", "stp_802_3_llc", "vlan_http", "two_8100_tags", "runt_14", "full_1514"):
    setattr(XdpFrames, f"test_xdp_{_name}", case_for(PLAIN[_name]))
