"""Mutated HTTP/1.x streams. An input is a tuple of segments; everything depends on the random source alone."""

from .names import LISTED_HOST, LISTED_PAGE, OTHER_HOST, PAGE_HOST

_LINE_ENDS = (b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r", b"\r\r\n", b"\n\r\n", b" \r\n", b"\x0b\r\n", b"\0\r\n", b"\r\n ")
_BLANKS = (b" ", b" ", b"  ", b"\t", b"", b"\x0b", b"\x0c", b"\x1c", b"\xa0", b"\r", b" \r\n ", b" \n\t", b"\0")
_BYTES = (b"\0", b" ", b"\t", b"\r", b"\n", b"\x7f", b"\x80", b"\xa0", b"\xff", b":", b"@", b"/", b"\\", b"?", b"#", b";", b",",
          b"%", b"%2f", b"%2e", b"%00", b"%0a", b".", b"..", b"[", b"]", b"\"", b"\x0b", b"\x0c", b"\x1f", b"\x85")
_METHODS = (b"GET", b"GET", b"GET", b"POST", b"HEAD", b"OPTIONS", b"PUT", b"get", b"G", b"PROPFIND", b"", b" GET", b"\r\nGET")
_VERSIONS = (b"HTTP/1.1", b"HTTP/1.1", b"HTTP/1.1", b"HTTP/1.0", b"HTTP/0.9", b"HTTP/1.2", b"HTTP/2.0", b"HTTP/1.1 ", b"http/1.1",
             b"HTTP/01.1", b"HTTP/1.10", b"RTSP/1.0", b"HTTP/1", b"", b"HTTP/ 1.1", b"ICY/1.1", b"HTTP/11.1")


def _hosts(random, host):
    """What may stand in a Host field for `host`."""
    name = host.encode()
    other = OTHER_HOST.encode()
    return random.choice((
        name, name, name, name.upper(), name + b".", name + b":80", name + b":", name + b":x", name + b":80:80", b"x@" + name,
        name + b"@" + other, name + b":@" + other, other + b":80@" + name, b"[" + name + b"]", name + b"/", name + b"/a", b"/" + name,
        name + b"?", name + b"#x", name + b"\\", name + b" ", b" " + name, name + b" " + other, name + b"," + other,
        other + b"," + name, other + b", " + name, b"\"" + name + b"\"", b"http://" + name, name.replace(b".", b"%2e"),
        name + b"\0", b"\0" + name, name + b"\0" + other, b".." + name, b"." + name, name + b"..",
        name + random.choice(_BYTES), random.choice(_BYTES) + name, name + random.choice(_BYTES) + other,
        name[:3] + random.choice(_BYTES) + name[3:]))


def _paths(random, path):
    """What may stand in a request line for `path`."""
    text = path.encode()
    head, _, tail = text.rpartition(b"/")
    return random.choice((
        text, text, text, b"/" + text, text + b"?x=1", text + b"#x", text + b"/", text + b"/.", text + b"/x/..", b"/x/.." + text,
        b"/." + text, head + b"/./" + tail, head + b"//" + tail, text + b";x=1", head + b";x/" + tail, text.upper(),
        text.replace(b"p", b"%70", 1), text.replace(b"p", b"%50", 1), text.replace(b"/p", b"%2fp"), text.replace(b"/", b"\\"), text + b"%00",
        text + b"%20", text + b".", text + b"%2e", text[1:], b"*", text.replace(b"/p", b"/%2e/p"),
        text.replace(b"/p", b"/x/%2e%2e/p"), text + random.choice(_BYTES), text[:4] + random.choice(_BYTES) + text[4:]))


def _targets(random, host, path):
    wanted = _paths(random, path)
    name = _hosts(random, host)
    return random.choice((
        wanted, wanted, wanted, wanted, b"http://" + name + wanted, b"HTTP://" + name + wanted, b"https://" + name + wanted,
        b"//" + name + wanted, b"http:" + wanted, b"http:/" + wanted, b"http:///" + wanted, b"ftp://" + name + wanted,
        b"http://" + name, name + wanted, b"http://u:p@" + name + wanted, b"http://" + name + b"?" + wanted, b"x" + wanted, b""))


def _field(random, name, value):
    damaged = random.choice((
        name, name, name, name, name.upper(), name.lower(), name + b" ", b" " + name, name + b"\t", name + b"\x80", b"\x80" + name,
        name + b"\0", name.replace(b"o", b"0", 1), b"\t" + name, name + b"\r", b"X\n" + name, b"X: y\r" + name,
        name.replace(b"-", b"_"), name + random.choice(_BYTES)))
    separator = random.choice((b":", b":", b":", b":", b"::", b" :", b";", b"=", b": :"))
    return damaged + separator + random.choice(_BLANKS) + value + random.choice((b"", b"", b"", b" ", b"\t", random.choice(_BLANKS)))


def _plain_field(name, value):
    return name + b": " + value


def _request(random, host, path, damage, fields=(), body=b""):
    """One request. `damage`: how likely each part of it is damaged."""
    def maybe(wild, plain):
        return wild() if random.random() < damage else plain

    lines = [b" ".join((maybe(lambda: random.choice(_METHODS), b"GET"), maybe(lambda: _targets(random, host, path), path.encode()),
                        maybe(lambda: random.choice(_VERSIONS), b"HTTP/1.1")))]
    if random.random() < damage / 2:
        lines[0] = lines[0].replace(b" ", random.choice((b"  ", b"\t", b"\x0b", b"\x0c", b"\r", b"\0", b"\x1c")), 1)
    host_field = maybe(lambda: _field(random, b"Host", maybe(lambda: _hosts(random, host), host.encode())),
                       _plain_field(b"Host", host.encode()))
    heads = [host_field, *fields]
    if random.random() < damage:
        second = random.choice((OTHER_HOST, host, ""))
        heads.insert(random.randrange(len(heads) + 1), maybe(lambda: _field(random, b"Host", second.encode()),
                                                             _plain_field(b"Host", second.encode())))
    for _ in range(random.choice((0, 0, 1, 2)) if random.random() < damage else 0):
        heads.insert(random.randrange(len(heads) + 1), maybe(lambda: _field(random, b"X-A", b"b"), b"X-A: b"))
    lines += heads
    text = b"".join(line + maybe(lambda: random.choice(_LINE_ENDS), b"\r\n") for line in lines)
    return text + maybe(lambda: random.choice(_LINE_ENDS), b"\r\n") + body


def _framed(random, damage, inner):
    """A request to the other host whose framing may hide `inner`, which follows it."""
    chunk = b"%x\r\n" % len(inner) + inner + b"\r\n0\r\n\r\n"
    framing, body = random.choice((
        ([b"Content-Length: 0"], inner), ([b"Content-Length: %d" % len(inner)], inner), ([b"Content-Length: 3"], b"a=b" + inner),
        ([b"Content-Length: 3, 3"], b"a=b" + inner), ([b"Content-Length: 3", b"Content-Length: 3"], b"a=b" + inner),
        ([b"Content-Length: 3", b"Content-Length: %d" % (3 + len(inner))], b"a=b" + inner), ([b"Content-Length: +3"], b"a=b" + inner),
        ([b"Content-Length: 0x3"], b"a=b" + inner), ([b"Content-Length: 3 "], b"a=b" + inner), ([b"Content-Length: "], inner),
        ([b"Content-Length: -1"], inner), ([b"Content-Length : 3"], b"a=b" + inner),
        ([b"Transfer-Encoding: chunked"], b"0\r\n\r\n" + inner), ([b"Transfer-Encoding: chunked"], b"3\r\na=b\r\n0\r\n\r\n" + inner),
        ([b"Transfer-Encoding: chunked"], b"3;x=1\r\na=b\r\n0\r\nX: y\r\n\r\n" + inner),
        ([b"Transfer-Encoding: chunked"], b"3\na=b\n0\n\n" + inner), ([b"Transfer-Encoding: chunked"], b"03\r\na=b\r\n00\r\n\r\n" + inner),
        ([b"Transfer-Encoding: chunked"], chunk), ([b"Transfer-Encoding: identity"], inner), ([b"Transfer-Encoding: "], inner),
        ([b"Transfer-Encoding: chunked, identity"], b"0\r\n\r\n" + inner), ([b"Transfer-Encoding: xchunked"], b"0\r\n\r\n" + inner),
        ([b"Transfer-Encoding : chunked"], b"0\r\n\r\n" + inner), ([b"Transfer-Encoding:\x0bchunked"], b"0\r\n\r\n" + inner),
        ([b"Transfer-Encoding: chunked", b"Content-Length: %d" % len(inner)], b"0\r\n\r\n" + inner),
        ([b"Content-Length: 5", b"Transfer-Encoding: chunked"], b"0\r\n\r\n" + inner),
        ([b"Content-Length: 5", b"Transfer-Encoding: "], b"a=bcd" + inner),
        ([b"Expect: 100-continue", b"Content-Length: 3"], b"a=b" + inner), ([b"Connection: close"], inner), ([], inner), ([], b"\r\n" + inner),
        ([b"Upgrade: h2c"], inner), ([b"Foo: x\nContent-Length: %d" % len(inner)], inner)))
    outer = _request(random, OTHER_HOST, "/", damage / 3, framing)
    if random.random() < 0.7:
        outer = outer.replace(b"GET", b"POST", 1)
    return outer + body


def cut(random, stream):
    if random.random() < 0.7 or len(stream) < 2:
        return (stream,)
    places = sorted({random.randrange(1, len(stream)) for _ in range(random.choice((1, 1, 2, 3)))})
    return tuple(stream[a:b] for a, b in zip([0, *places], [*places, len(stream)]))


def _splice(random, stream):
    """A few bytes put in, taken out or doubled anywhere."""
    for _ in range(random.choice((1, 1, 2))):
        at = random.randrange(len(stream) + 1)
        kind = random.randrange(3)
        if kind == 0:
            stream = stream[:at] + random.choice(_BYTES) + stream[at:]
        elif kind == 1:
            stream = stream[:at] + stream[at + 1:]
        else:
            end = min(len(stream), at + random.choice((1, 2, 8)))
            stream = stream[:end] + stream[at:]
    return stream


def make(random):
    """One input."""
    host, path = random.choice(((LISTED_HOST, "/"), (PAGE_HOST, LISTED_PAGE)))
    damage = random.choice((0.0, 0.05, 0.15, 0.3))
    stream = _request(random, host, path, damage)
    if random.random() < 0.4:
        stream = _framed(random, damage, stream)
    elif random.random() < 0.1:
        stream = _request(random, OTHER_HOST, "/", damage) + stream
    if random.random() < 0.2:
        stream = _splice(random, stream)
    return cut(random, stream)
