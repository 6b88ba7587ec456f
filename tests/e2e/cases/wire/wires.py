"""The laboratory's own wires: frames cannot overtake each other on them."""

import contextlib
import os
import socket
import unittest

from lab import frames
from lab.network import Mirror, OneArmed, TwoArmed, Wire
from lab.process import poll

_ETH_P_ALL = 0x0003
_SOL_PACKET, _PACKET_FANOUT, _PACKET_IGNORE_OUTGOING = 263, 18, 23
_PACKET_FANOUT_CPU = 2
_ETHERTYPE = 0x88B5  # for local experiments: nobody answers
_FRAMES = 20

_TWO_WIRES = (("client", "lan0", "edge", "sub0"), ("edge", "net0", "origin", "wan0"))
_WIRES = {
    Wire: _TWO_WIRES,
    TwoArmed: _TWO_WIRES,
    Mirror: (("client", "lan0", "switch", "to-client"), ("origin", "wan0", "switch", "to-origin"),
             ("edge", "sub0", "switch", "copy"), ("edge", "net0", "switch", "answers")),
    OneArmed: (("client", "lan0", "router", "lan1"), ("origin", "wan0", "router", "wan1"),
               ("router", "weir0", "edge", "sub0")),
}


class CoreSockets:
    """Tells which cores took in the frames of an interface: a socket for each core, which gets what came in there."""

    def __init__(self, namespace, interface):
        self._stack = contextlib.ExitStack()
        with namespace.entered():
            self._sockets = [self._stack.enter_context(socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0))
                             for _ in range(max(os.sched_getaffinity(0)) + 1)]
        for each in self._sockets:
            each.setblocking(False)
            each.setsockopt(_SOL_PACKET, _PACKET_IGNORE_OUTGOING, 1)
            each.bind((interface, _ETH_P_ALL))
            each.setsockopt(_SOL_PACKET, _PACKET_FANOUT, os.getpid() & 0xFFFF | _PACKET_FANOUT_CPU << 16)
        self._seen = [0] * len(self._sockets)

    def counts(self):
        """Frames of _ETHERTYPE since the start, by core."""
        for core, each in enumerate(self._sockets):
            with contextlib.suppress(BlockingIOError):
                while frame := each.recv(2048):
                    self._seen[core] += frame[12:14] == _ETHERTYPE.to_bytes(2, "big")
        return self._seen

    def close(self):
        self._stack.close()


@contextlib.contextmanager
def on_core(core):
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


class Wires(unittest.TestCase):
    def test_wires_deliver_on_one_core_wherever_the_sender_runs(self):
        for wire_class, wires in _WIRES.items():
            wire = wire_class()
            self.addCleanup(wire.delete)
            for left, left_name, right, right_name in wires:
                ends = (getattr(wire, left), left_name), (getattr(wire, right), right_name)
                for sender, receiver in (ends, ends[::-1]):
                    with self.subTest(f"{wire_class.__name__}: {sender[1]} to {receiver[1]}"):
                        self.check(sender, receiver)

    def check(self, sender, receiver):
        cores = {min(os.sched_getaffinity(0)), max(os.sched_getaffinity(0))}
        sockets = CoreSockets(*receiver)
        with contextlib.closing(sockets), sender[0].entered(), \
                socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as source:
            source.bind((sender[1], 0))
            for core in cores:
                with on_core(core):
                    for _ in range(_FRAMES):
                        source.send(frames.ethernet(_ETHERTYPE, bytes(46), "ff:ff:ff:ff:ff:ff"))
            poll(lambda: sum(sockets.counts()) >= _FRAMES * len(cores), what="the frames have come")
            self.assertEqual([count for count in sockets.counts() if count], [_FRAMES * len(cores)], "frames by core")
