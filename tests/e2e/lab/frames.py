"""Frames for the wire, as bytes: a table that reads as a protocol's name and what is in it."""

import itertools
import struct

from .network import CLIENT_MAC, ORIGIN_MAC


def mac(text):
    return bytes.fromhex(text.replace(":", ""))


def ethernet(ethertype, payload, destination=ORIGIN_MAC, source=CLIENT_MAC, tags=()):
    """`tags`: (TPID, VLAN id) pairs, outermost first."""
    head = mac(destination) + mac(source)
    for tpid, vlan in tags:
        head += struct.pack("!HH", tpid, vlan)
    return head + struct.pack("!H", ethertype) + payload


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ipv4(protocol, payload, total_length=None, version_ihl=0x45, header_checksum=None, fragment=0):
    length = 20 + len(payload) if total_length is None else total_length

    def header(value):
        return struct.pack("!BBHHHBBH4s4s", version_ihl, 0, length, 7, fragment, 64, protocol, value,
                           bytes((192, 0, 2, 2)), bytes((192, 0, 2, 80)))

    value = checksum(header(0)) if header_checksum is None else header_checksum
    return header(value) + payload


def ipv6(next_header, payload, payload_length=None, hop_limit=64):
    length = len(payload) if payload_length is None else payload_length
    address = bytes.fromhex("20010db8000000000000000000000000")
    return struct.pack("!IHBB", 6 << 28, length, next_header, hop_limit) + address[:15] + b"\x02" + address[:15] + b"\x80" + payload


# Each segment is on a connection of its own: two that say different things of the same bytes are a conflict.
_source_ports = itertools.count(40000)


def tcp(payload, destination_port=80, data_offset=5, flags=0x18):
    return struct.pack("!HHIIBBHHH", next(_source_ports), destination_port, 1000, 2000, data_offset << 4, flags, 64000, 0, 0) + payload


def udp(payload, length=None, destination_port=53):
    return struct.pack("!HHHH", 40000, destination_port, 8 + len(payload) if length is None else length, 0) + payload


_GET = b"GET /news HTTP/1.1\r\nHost: news.test\r\n\r\n"
_ARP = bytes.fromhex("0001080006040001") + mac(CLIENT_MAC) + bytes((192, 0, 2, 2)) + bytes(6) + bytes((192, 0, 2, 80))
_LLDP = bytes.fromhex("0207040200000000020403050600060200780000")
_STP = bytes.fromhex("424203000000000080000200000000020000000080000200000000028001000014000200 0f00")
_ND = bytes.fromhex("8700abcd00000000") + bytes.fromhex("20010db8000000000000000000000080") + b"\x01\x01" + mac(CLIENT_MAC)

#: Every one must come out of the other port unchanged, at MTU 1500.
PLAIN = {
    "arp": ethernet(0x0806, _ARP, "ff:ff:ff:ff:ff:ff"),
    "lldp": ethernet(0x88CC, _LLDP, "01:80:c2:00:00:0e"),
    "stp_802_3_llc": ethernet(len(_STP), _STP, "01:80:c2:00:00:00"),
    "pause": ethernet(0x8808, b"\x00\x01\xff\xff" + bytes(42), "01:80:c2:00:00:01"),
    "lacp": ethernet(0x8809, b"\x01\x01" + bytes(108), "01:80:c2:00:00:02"),
    "snap": ethernet(64, b"\xaa\xaa\x03\x00\x00\x0c\x20\x00" + bytes(56), "01:00:0c:cc:cc:cc"),
    "ipv6_neighbour_solicitation": ethernet(0x86DD, ipv6(58, _ND, hop_limit=255), "33:33:ff:00:00:80"),
    "ipv4_multicast": ethernet(0x0800, ipv4(17, udp(b"x" * 40)), "01:00:5e:00:00:fb"),
    "ipv4_broadcast": ethernet(0x0800, ipv4(17, udp(b"x" * 40)), "ff:ff:ff:ff:ff:ff"),
    "foreign_addresses": ethernet(0x0800, ipv4(17, udp(b"x")), "02:aa:aa:aa:aa:aa", "02:bb:bb:bb:bb:bb"),
    "mpls": ethernet(0x8847, struct.pack("!II", 100 << 12 | 64, 200 << 12 | 0x100 | 64) + ipv4(6, tcp(_GET))),
    "mpls_multicast": ethernet(0x8848, struct.pack("!I", 300 << 12 | 0x100 | 64) + bytes(50)),
    "pppoe_session": ethernet(0x8864, b"\x11\x00\x00\x01\x00\x22\x00\x21" + ipv4(17, udp(b"abcd"))),
    "pppoe_discovery": ethernet(0x8863, b"\x11\x09\x00\x00\x00\x04\x01\x01\x00\x00" + bytes(40), "ff:ff:ff:ff:ff:ff"),
    "macsec": ethernet(0x88E5, bytes(range(64))),
    "unknown_ethertype": ethernet(0x9ABC, bytes(range(100))),
    "experimental_ethertype": ethernet(0x88B5, bytes(range(256)) * 4),
    "vlan_0": ethernet(0x0800, ipv4(17, udp(b"y")), tags=[(0x8100, 0xE000)]),
    "vlan_arp": ethernet(0x0806, _ARP, "ff:ff:ff:ff:ff:ff", tags=[(0x8100, 0x6FFE)]),
    "vlan_http": ethernet(0x0800, ipv4(6, tcp(_GET)), tags=[(0x8100, 42)]),
    "vlan_dei": ethernet(0x86DD, ipv6(17, udp(b"z")), tags=[(0x8100, 0x1000 | 4094)]),
    "two_8100_tags": ethernet(0x0800, ipv4(6, tcp(_GET)), tags=[(0x8100, 100), (0x8100, 200)]),
    "inner_88a8_tag": ethernet(0x0800, ipv4(6, tcp(_GET)), tags=[(0x8100, 100), (0x88A8, 200)]),
    "full_1514": ethernet(0x0800, ipv4(17, udp(bytes(range(256)) * 5 + bytes(192)))),
    "runt_14": ethernet(0x0800, b""),
    "runt_15": ethernet(0x86DD, b"\x60"),
    "runt_20": ethernet(0x0800, b"\x45\x00\x00\x14\x00\x00"),
    "runt_33": ethernet(0x0800, ipv4(6, b"")[:19]),
    "runt_59": ethernet(0x0800, ipv4(6, tcp(b"12345"))),
    "runt_vlan_20": ethernet(0x0800, b"\x45\x00", tags=[(0x8100, 7)]),
    "ipv4_version_5": ethernet(0x0800, ipv4(6, tcp(_GET), version_ihl=0x55)),
    "ipv4_header_too_short": ethernet(0x0800, ipv4(6, tcp(_GET), version_ihl=0x44)),
    "ipv4_header_beyond_frame": ethernet(0x0800, ipv4(6, b"abcd", version_ihl=0x4F)),
    "ipv4_length_beyond_frame": ethernet(0x0800, ipv4(6, tcp(_GET), total_length=9000)),
    "ipv4_length_zero": ethernet(0x0800, ipv4(6, tcp(_GET), total_length=0)),
    "ipv4_bad_checksum": ethernet(0x0800, ipv4(6, tcp(_GET), header_checksum=0xBEEF)),
    "ipv4_reserved_fragment_bit": ethernet(0x0800, ipv4(6, tcp(_GET), fragment=0x8000)),
    "ipv4_trailer": ethernet(0x0800, ipv4(6, tcp(b"")) + b"\xde\xad\xbe\xef" * 5),
    "ipv4_protocol_255": ethernet(0x0800, ipv4(255, bytes(60))),
    "ipv6_length_beyond_frame": ethernet(0x86DD, ipv6(6, tcp(_GET), payload_length=60000)),
    "ipv6_version_4": ethernet(0x86DD, b"\x45" + ipv6(6, tcp(_GET))[1:]),
    "ipv6_extension_chain_cut": ethernet(0x86DD, ipv6(0, b"\x3c\xff\x00\x00")),
    "ipv6_no_next_header": ethernet(0x86DD, ipv6(59, bytes(30))),
    "tcp_data_offset_0": ethernet(0x0800, ipv4(6, tcp(_GET, data_offset=0))),
    "tcp_data_offset_beyond": ethernet(0x0800, ipv4(6, tcp(b"", data_offset=15))),
    "tcp_all_flags": ethernet(0x0800, ipv4(6, tcp(_GET, flags=0xFF))),
    "tcp_bad_checksum": ethernet(0x0800, ipv4(6, tcp(_GET))),
    "tcp_cut_in_ports": ethernet(0x0800, ipv4(6, b"\x9c\x40\x00")),
    "udp_length_beyond": ethernet(0x0800, ipv4(17, udp(b"q", length=4000))),
    "udp_length_zero": ethernet(0x0800, ipv4(17, udp(b"q", length=0))),
    "all_zero": bytes(60),
    "all_ones": b"\xff" * 60,
}

#: The outer tag of 802.1ad; some devices rewrite it (see frames.qinq).
_TAGGED_TWICE = ipv4(6, tcp(_GET))
QINQ = ethernet(0x0800, _TAGGED_TWICE, tags=[(0x88A8, 100), (0x8100, 200)])
QINQ_REWRITTEN = ethernet(0x0800, _TAGGED_TWICE, tags=[(0x8100, 100), (0x8100, 200)])

#: One datagram in two fragments, in order.
FRAGMENTS = [ethernet(0x0800, ipv4(17, udp(b"A" * 24), fragment=0x2000)),
             ethernet(0x0800, ipv4(17, b"B" * 16, fragment=4))]
FRAGMENTS_JOINED = ethernet(0x0800, ipv4(17, udp(b"A" * 24) + b"B" * 16))

#: At MTU 9000.
JUMBO = {
    "jumbo_1515": ethernet(0x0800, ipv4(17, udp(bytes(1473)))),
    "jumbo_2048": ethernet(0x0800, ipv4(17, udp(bytes(range(256)) * 7 + bytes(214)))),
    "jumbo_9014": ethernet(0x0800, ipv4(17, udp(bytes(range(256)) * 35 + bytes(12)))),
    "jumbo_9018_vlan": ethernet(0x0800, ipv4(17, udp(bytes(range(256)) * 35 + bytes(12))), tags=[(0x8100, 5)]),
    "jumbo_unknown_ethertype": ethernet(0x9ABC, bytes(range(250)) * 36),
}


def write_acknowledgements(path):
    """A capture of 64-byte TCP segments without payload."""
    acknowledgements = [ethernet(0x0800, ipv4(6, tcp(b"", flags=0x10)) + bytes(6)) for _ in range(100)]
    with open(path, "wb") as file:
        file.write(struct.pack("=IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for frame in acknowledgements:
            file.write(struct.pack("=IIII", 0, 0, len(frame), len(frame)) + frame)
