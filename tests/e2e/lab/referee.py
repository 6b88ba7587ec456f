"""tshark as the referee of weir-replay: does Weir name every host, path and server name that tshark names?"""

import collections
import ipaddress
import json
import re

from .process import run
from .record import dissect

#: One request as both tell it: canonical, None where there is nothing.
Request = collections.namedtuple("Request", "protocol host path query")

_REQUESTS = "http.request or tls.handshake.type == 1 or http2.headers.method"
_UNRESERVED = frozenset(range(0x21, 0x7F)) - set(b"#%")


def _unescaped(text):
    """Escapes decoded until none is left."""
    while (decoded := re.sub(rb"%([0-9A-Fa-f]{2})", lambda match: bytes.fromhex(match[1].decode()), text)) != text:
        text = decoded
    return text


def _escaped(text, keep=b""):
    return "".join(chr(byte) if byte in _UNRESERVED and (byte != 0x3F or keep) else f"%{byte:02X}" for byte in text)


def canonical_host(name):
    """The host of an authority's bytes as dataplane/proto/url/README.md has it."""
    match = re.fullmatch(rb"(?:.*@)?(\[.*?\]|[^:]*)(?::(.*))?", name.strip(b" \t"), re.DOTALL)
    if not match:
        return _escaped(name, b"?")
    host = re.sub(rb"\.+", b".", _unescaped(match[1]).lower()).strip(b".")
    try:
        return str(ipaddress.IPv4Address(host.decode()))
    except ValueError:
        pass
    return _escaped(host, b"?") or None


def canonical_target(target):
    """(path, query) of a target in origin form, or of `*`."""
    if target == b"*":
        target = b"/"
    target, _, _ = re.sub(rb"[\t\r\n]", b"", target).strip(b" ").partition(b"#")
    path, _, query = target.partition(b"?")
    parts = []
    pieces = re.split(rb"/+", _unescaped(path).replace(b"\\", b"/").lstrip(b"/"))
    for piece in pieces:
        if piece == b"..":
            del parts[-1:]
        elif piece != b".":
            parts.append(piece)
    if pieces[-1] in (b".", b"..") and parts:
        parts.append(b"")
    return "/" + _escaped(b"/".join(parts)), _escaped(_unescaped(query), b"?") or None


def _bytes(element, name):
    """The bytes of the first field of this name; None: there is none."""
    for field in element.iter("field"):
        if field.get("name") == name:
            return bytes.fromhex(field.get("value") or "")
    return None


def _http(packet, layer):
    """None: no request, or one without a target (tshark takes the version for it), to which no server gives a page."""
    method, target = _bytes(layer, "http.request.method"), _bytes(layer, "http.request.uri") or b""
    if method is None:
        return None
    name = _bytes(layer, "http.host")
    if name is not None:
        name = name.partition(b":")[2].strip()  # the field's bytes are the whole line
    if method == b"CONNECT":
        authority = target if re.match(rb"[^/]+(:|$)", target) and not target.startswith(b"HTTP/") else name or b""
        return Request("http", canonical_host(authority), None, None)
    if not target or target.startswith(b"HTTP/"):
        return None
    absolute = re.match(rb"[A-Za-z][A-Za-z0-9+.-]*://([^/?#]*)(.*)", target, re.DOTALL)
    if absolute:
        name, target = absolute[1], absolute[2]
    return Request("http", canonical_host(name) if name else _destination(packet), *canonical_target(target))


def _destination(packet):
    for name in ("ip.dst", "ipv6.dst"):
        found = [field.get("show") for field in packet.iter("field") if field.get("name") == name]
        if found:
            return found[-1] if name == "ip.dst" else f"[{found[-1]}]"
    return None


def _h2c(layer):
    fields = {}
    for field in layer.iter("field"):
        for key in ("method", "authority", "path"):
            if field.get("name") == f"http2.headers.{key}":
                fields[key] = field.get("show").encode()
    if "method" in fields:
        yield Request("h2c", canonical_host(fields.get("authority", b"")), *canonical_target(fields.get("path", b"")))


def _hello(packet, layer, protocol):
    for handshake in layer.iter("field"):
        if handshake.get("name") == "tls.handshake" and _bytes(handshake, "tls.handshake.type") == b"\x01":
            name = _bytes(handshake, "tls.handshake.extensions_server_name")
            yield Request(protocol, canonical_host(name) if name else _destination(packet), None, None)


def named_by_tshark(capture, *options):
    """A Counter of Requests."""
    found = collections.Counter()
    for packet in dissect(capture, _REQUESTS, *options):
        for layer in packet.findall("proto"):
            name = layer.get("name")
            if name == "http":
                found.update(filter(None, [_http(packet, layer)]))
            elif name == "http2":
                found.update(_h2c(layer))
            elif name == "tls":
                found.update(_hello(packet, layer, "tls"))
            elif name == "quic":
                found.update(_hello(packet, layer, "quic"))
    return found


def named_by_weir(replay, capture):
    """A Counter of Requests; `replay`: the program weir-replay."""
    done = run([replay, "--all", "--json", capture], timeout=120)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return collections.Counter(Request(*(line[key] for key in Request._fields)) for line in lines)


def compare(replay, capture, *options):
    """What both name, tshark alone, Weir alone: three Counters."""
    theirs, ours = named_by_tshark(capture, *options), named_by_weir(replay, capture)
    return theirs & ours, theirs - ours, ours - theirs
