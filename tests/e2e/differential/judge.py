"""Holds what the servers did against what Weir did."""

import dataclasses
import re

from . import clients
from .blocked import blocked
from .names import LIST, LISTED_HOST, OTHER_HOST, PAGE_HOST

#: Misses that are known: servers that may serve it, a pattern of the minimised input, and the reason.
KNOWN_MISSES = (
    ({"openssl", "gnutls"}, rb"\x16(?!.*\0\0\0.\0.\0\0.listed\.test)", "no name is asked for, and these two serve that as well"),
    ({"lighttpd"}, rb".*\.html/", "a page with a slash after it is another page (matching specification); lighttpd takes the slash off"),
    ({"apache2", "caddy"}, rb".*[A-Za-z0-9]:/[^/]", "TO FIX: an absolute target with one slash: the path begins at the slash"),
    ({"caddy"}, rb".*\.html/(\.|[^/ ]*/\.\.)", "TO FIX: Caddy takes the slash off that a dot segment leaves after a page"),
    ({"haproxy"}, rb".*[Hh][Oo][Ss][Tt].{0,2}:.*,", "TO FIX: HAProxy's hdr(host) takes each part between commas for a name"),
    ({"python"}, rb".*\n[^:\r\n]+\r?\nContent-Length",
     "TO FIX: Python ends the headers at a line without a colon, and sees no framing after it"),
    ({"python"}, rb".*[\x85\xa0]", "TO FIX: Python separates the words of a request line at 0x85 and 0xa0, which occur in UTF-8"),
    ({"python"}, rb".*[A-Za-z]+[\s\x1c-\x1f]+[^\s/]\S*\s*\n", "TO FIX: a request line without a version whose target is no path"),
    ({"python"}, rb".*\n.*\n\r?\n?.*GET \S+\r?\n", "TO FIX: a request line without a version in a body, in the middle of a line"),
)


@dataclasses.dataclass
class Difference:
    """An input that Weir and the servers took for different things."""

    segments: tuple
    servers: tuple  # for a miss, those that served what is listed; else those that served something else

    def shown(self):
        return " | ".join(repr(segment)[2:-1] for segment in self.segments)


@dataclasses.dataclass
class Verdicts:
    """What came of a batch."""

    inputs: int = 0
    listed: int = 0    # at least one server served what is listed
    blocked: int = 0
    refused: int = 0   # blocked, and all servers refused it: nobody is kept from anything
    misses: list = dataclasses.field(default_factory=list)
    overs: list = dataclasses.field(default_factory=list)  # blocked, and served as something that is not listed

    def add(self, other):
        for field in dataclasses.fields(self):
            setattr(self, field.name, getattr(self, field.name) + getattr(other, field.name))


class Judge:
    """Compares `program` (weir-replay) with `servers`, all of one protocol."""

    def __init__(self, program, directory, namespace, servers, entries=LIST):
        self._program = program
        self._directory = directory
        self._namespace = namespace
        self._servers = servers
        self._entries = entries
        self._reads = servers[0].reads

    def _blocked(self, inputs):
        return blocked(self._program, self._directory, self._reads, inputs, self._entries)

    def verdicts(self, inputs):
        by_weir = self._blocked(inputs)
        by_server = [(server, clients.outcomes(self._namespace, server, inputs)) for server in self._servers]
        result = Verdicts(inputs=len(inputs), blocked=sum(by_weir))
        for place, segments in enumerate(inputs):
            listed = tuple(server.name for server, outcomes in by_server if outcomes[place] == clients.LISTED)
            other = tuple(server.name for server, outcomes in by_server if outcomes[place] == clients.OTHER)
            result.listed += bool(listed)
            if listed and not by_weir[place]:
                result.misses.append(Difference(segments, listed))
            elif by_weir[place] and not listed and other:
                result.overs.append(Difference(segments, other))
            elif by_weir[place] and not listed:
                result.refused += 1
        return result

    def still_missed(self, name, inputs, patience=0.5):
        """For each input whether server `name` alone serves what Weir lets through."""
        server = next(server for server in self._servers if server.name == name)
        outcomes = clients.outcomes(self._namespace, server, inputs, patience)
        return [outcome == clients.LISTED and not is_blocked for outcome, is_blocked in zip(outcomes, self._blocked(inputs))]

    def minimised(self, miss):
        """The miss with as few segments and bytes as its first server needs; None: it does not happen again."""
        name, segments = miss.servers[0], miss.segments
        if not all(self.still_missed(name, [segments, segments])):
            return None
        while smaller := self._smaller(name, segments):
            segments = smaller
        return Difference(segments, miss.servers)

    def _smaller(self, name, segments):
        candidates = [(b"".join(segments),)] if len(segments) > 1 else []
        total = sum(map(len, segments))
        for step in (64, 16, 4, 1):
            if step < total:
                candidates += [_without(segments, at, step) for at in range(0, total, step)]
        candidates = [candidate for candidate in candidates if candidate and candidate != segments]
        found = self.still_missed(name, candidates, patience=0.1) if candidates else []
        return next((candidate for candidate, is_missed in zip(candidates, found) if is_missed), None)


def _without(segments, at, count):
    kept = []
    for segment in segments:
        begin, end = max(0, at), max(0, at + count)
        kept.append(segment[:begin] + segment[end:])
        at -= len(segment)
    return tuple(segment for segment in kept if segment)


def known(difference):
    """Why a miss is known, or None."""
    stream = b"".join(difference.segments)
    return next((why for servers, pattern, why in KNOWN_MISSES
                 if set(difference.servers) <= servers and re.match(pattern, stream, re.DOTALL)), None)


def explanation(difference):
    """Why Weir blocks what a server takes for something that is not listed; None: nothing explains it."""
    stream = b"".join(difference.segments)
    lower = stream.lower()
    hosts = lower.count(b"host") + lower.count(b"://")
    if lower.count(b" http/") > 1 or b"content-length" in lower or b"transfer-encoding" in lower:
        return "framing in doubt, or a second request: the body may be a request"
    if OTHER_HOST.encode() in lower or hosts > 1:
        return "more than one host is named"
    if any(odd in stream for odd in (b"\r\r", b"\n\n", b"\r\n ", b"\r\n\t")) or lower.count(b"\r") != lower.count(b"\n"):
        return "line ends that servers read in different ways"
    if not any(line.startswith(b"host: " + name.encode() + b"\r") for name in (LISTED_HOST, PAGE_HOST) for line in lower.split(b"\n")):
        return "a damaged name"
    return None
