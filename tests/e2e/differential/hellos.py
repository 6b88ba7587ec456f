"""Mutated TLS client hellos: records, other messages between them, shapes of the list of names, cuts."""

import struct

from .names import LISTED_HOST, OTHER_HOST
from .requests import cut

_HANDSHAKE, _CCS, _ALERT, _DATA = 22, 20, 21, 23
# RFC 8446, 4.2.3 and RFC 5246, 7.4.1.4.1: enough for TLS 1.2 with an ECDSA or RSA certificate.
_CIPHERS = (0xC02B, 0xC02F, 0xC00A, 0xC014, 0x009C, 0x002F, 0x1301)
_GROUPS = (0x001D, 0x0017)
_SIGNATURES = (0x0403, 0x0804, 0x0401, 0x0501)


def _vector(bytes_of_length, content):
    return len(content).to_bytes(bytes_of_length, "big") + content


def _words(values):
    return b"".join(struct.pack("!H", value) for value in values)


def _extension(number, content):
    return struct.pack("!H", number) + _vector(2, content)


def _name(name, kind=0):
    return bytes((kind,)) + _vector(2, name)


def _name_list(random, damage):
    name, other = LISTED_HOST.encode(), OTHER_HOST.encode()
    if random.random() >= damage:
        return _vector(2, _name(name))
    return random.choice((
        _vector(2, _name(name) + _name(other)), _vector(2, _name(other) + _name(name)), _vector(2, _name(other, 1) + _name(name)),
        _vector(2, _name(name) + b"\0"), _vector(2, _name(name)) + b"x", struct.pack("!H", 400) + _name(name),
        _vector(2, _name(name.upper())), _vector(2, _name(name + b".")), _vector(2, _name(name + b"\0")), _vector(2, _name(b"\0" + name)),
        _vector(2, _name(name + b":443")), _vector(2, _name(name + b" ")), _vector(2, _name(b" " + name)), _vector(2, _name(b"x@" + name)),
        _vector(2, _name(name + b"@" + other)), _vector(2, _name(name + b"/")), _vector(2, _name(name + b"\r\n")), _vector(2, _name(b".." + name)),
        _vector(2, _name(b"")), _vector(2, b""), b"", _vector(2, _name(name + bytes((random.randrange(256),))))))


def hello(random, damage):
    """A handshake message."""
    def maybe(wild, plain):
        return wild() if random.random() < damage else plain

    names = _extension(0, _name_list(random, damage))
    others = [_extension(10, _vector(2, _words(_GROUPS))), _extension(11, b"\x01\x00"), _extension(13, _vector(2, _words(_SIGNATURES))),
              _extension(23, b""), _extension(35, b""), _extension(16, _vector(2, b"\x08http/1.1"))]
    if random.random() < damage:
        others.append(_extension(21, bytes(random.choice((1, 200, 3000)))))
    place = random.randrange(len(others) + 1)
    extensions = others[:place] + [names] + others[place:]
    if random.random() < damage / 2:
        extensions.insert(random.randrange(len(extensions) + 1), random.choice((names, _extension(0, _vector(2, _name(OTHER_HOST.encode()))))))
    body = struct.pack("!H", maybe(lambda: random.choice((0x0301, 0x0302, 0x0300, 0x0304, 0x0505)), 0x0303))
    body += random.randbytes(32)
    body += _vector(1, random.randbytes(maybe(lambda: random.choice((0, 16, 32, 33)), 32)))
    body += _vector(2, _words(_CIPHERS)) + _vector(1, maybe(lambda: random.choice((b"\x01\x00", b"\0\1", b"")), b"\0"))
    block = _vector(2, b"".join(extensions))
    body += block + (b"x" if random.random() < damage / 4 else b"")
    return bytes((maybe(lambda: random.choice((1, 1, 2, 0)), 1),)) + _vector(3, body)


def _record(kind, content, version=0x0301):
    return struct.pack("!BHH", kind, version, len(content)) + content


def _between(random):
    """What some servers pass over."""
    return random.choice((
        _record(_HANDSHAKE, b""), _record(_CCS, b""), _record(_CCS, b"\x01"), _record(_ALERT, b"\x01\x5a"), _record(_ALERT, b"\x01\x00"),
        _record(_ALERT, b""), _record(_DATA, b""), _record(_DATA, b"x"), _record(_CCS, b"\x01\x01"), _record(_HANDSHAKE, b"\0\0\0\0"),
        _record(24, b""), _record(_HANDSHAKE, b"") * random.choice((2, 20, 32, 33)), b"\r\n", b"PROXY UNKNOWN\r\n"))


def make(random):
    """One input."""
    damage = random.choice((0.0, 0.05, 0.2, 0.5))
    message = hello(random, damage)
    pieces = [message]
    if random.random() < 0.4:
        places = sorted({random.randrange(1, len(message)) for _ in range(random.choice((1, 2, 5, 40)))})
        pieces = [message[a:b] for a, b in zip([0, *places], [*places, len(message)])]
    stream = b""
    for piece in pieces:
        while random.random() < damage / 2:
            stream += _between(random)
        version = random.choice((0x0300, 0x0302, 0x0303, 0x0304, 0x0505, 0x0f0f, 0x0000)) if random.random() < damage else 0x0301
        stream += _record(_HANDSHAKE, piece, version)
    if random.random() < damage / 4:
        at = random.randrange(len(stream))
        stream = stream[:at] + bytes((random.randrange(256),)) + stream[at + 1:]
    return cut(random, stream)
