"""Captures of what crosses an interface, and what tshark says about them."""

import socket
import struct
import threading
import time
import xml.etree.ElementTree

from .process import run

_ETH_P_ALL = 0x0003
_SO_RCVBUFFORCE = 33
_BUFFER_BYTES = 64 << 20
_HEADER = struct.pack("=IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)  # Ethernet


class Recorder:
    """Writes both directions of an interface to a pcap file until `stop`. Nothing that had crossed it by then is
    missing: the kernel has queued it at this socket before the other end got it."""

    def __init__(self, namespace, interface, file):
        self.file = file
        self._ended = False
        with namespace.entered():
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_ALL))
            self._socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER_BYTES)
            self._socket.bind((interface, _ETH_P_ALL))
        self._socket.settimeout(0.05)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        with open(self.file, "wb") as output:
            output.write(_HEADER)
            while True:
                ended = self._ended
                try:
                    frame = self._socket.recv(65536)
                except TimeoutError:
                    if ended:
                        return
                    continue
                now = time.time_ns() // 1000
                output.write(struct.pack("=IIII", now // 1_000_000, now % 1_000_000, len(frame), len(frame)) + frame)

    def stop(self):
        """Returns the file."""
        self._ended = True
        self._thread.join()
        self._socket.close()  # both do nothing the second time
        return self.file


def dissect(capture, display_filter, *options):
    """tshark's view of the packets that the filter selects: an XML element <packet> for each."""
    done = run(["tshark", "-n", "-r", capture, "-Y", display_filter, "-T", "pdml", *options], timeout=120)
    if done.returncode != 0:
        raise RuntimeError(f"tshark: {done.stderr.strip()}")
    return xml.etree.ElementTree.fromstring(done.stdout).findall("packet")


def values(element, name):
    """What tshark shows for every field of this name, at any depth."""
    return [field.get("show") for field in element.iter("field") if field.get("name") == name]
