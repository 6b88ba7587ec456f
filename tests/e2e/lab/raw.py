"""Ethernet frames in and out, byte for byte."""

import socket
import struct
import time

_ETH_P_ALL = 0x0003
_SOL_PACKET = 263
_PACKET_AUXDATA = 8
_PACKET_OUTGOING = 4
_AUXDATA = struct.Struct("=IIIHHHH")  # struct tpacket_auxdata
_TP_STATUS_VLAN_VALID = 0x10
_TP_STATUS_VLAN_TPID_VALID = 0x40


class RawPort:
    """An AF_PACKET socket on one interface of a namespace."""

    def __init__(self, namespace, interface):
        with namespace.entered():
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_ALL))
            self._socket.setsockopt(_SOL_PACKET, _PACKET_AUXDATA, 1)
            self._socket.bind((interface, _ETH_P_ALL))

    def send(self, frame):
        self._socket.send(frame)

    def receive(self, timeout):
        """The next frame that came in, as it was on the wire; None: none came."""
        deadline = time.monotonic() + timeout
        while (remaining := deadline - time.monotonic()) > 0:
            self._socket.settimeout(remaining)
            try:
                data, control, _, address = self._socket.recvmsg(65536, socket.CMSG_SPACE(_AUXDATA.size))
            except TimeoutError:
                return None
            if address[2] != _PACKET_OUTGOING:
                return self._with_tag(data, control)
        return None

    @staticmethod
    def _with_tag(data, control):
        """The kernel takes the outer VLAN tag out of a received frame and reports it aside."""
        for level, kind, value in control:
            if level == _SOL_PACKET and kind == _PACKET_AUXDATA:
                status, _, _, _, _, tci, tpid = _AUXDATA.unpack(value[:_AUXDATA.size])
                if status & _TP_STATUS_VLAN_VALID:
                    if not status & _TP_STATUS_VLAN_TPID_VALID:
                        tpid = 0x8100
                    return data[:12] + struct.pack("!HH", tpid, tci) + data[12:]
        return data

    def close(self):
        self._socket.close()
