"""Traffic beside a test: what real clients do, and what no client should."""

import contextlib
import random
import socket
import ssl
import struct
import threading
import time

from . import frames
from .network import CLIENT_V4, ORIGIN_V4
from .raw import RawPort


class Background(threading.Thread):
    """Traffic beside the reloads; `failures` tells what broke, `count` how much was done."""

    def __init__(self, case, stop):
        super().__init__(daemon=True)
        self.case, self.stop = case, stop
        self.count, self.failures = 0, []

    def run(self):
        begin = time.monotonic()
        try:
            self.work()
        except Exception as error:  # handed to the test's thread, which fails with it
            self.failures.append(f"{type(self).__name__} after {self.count}, at {time.monotonic() - begin:.0f} s: {error!r}")


class Transfer(Background):
    """One connection that downloads without a pause, until `stop` and to the end of what it then downloads. `count`: whole
    downloads of `size` bytes."""

    def __init__(self, case, stop, size):
        super().__init__(case, stop)
        self.size = size

    def work(self):
        with self.case.wire.client.entered():
            connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        with connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 256 * 1024)  # bounds the bursts
            connection.settimeout(20)
            connection.connect((ORIGIN_V4, 80))
            while not self.stop.is_set():
                self._download(connection)
                self.count += 1

    def _download(self, connection):
        connection.sendall(b"GET /large HTTP/1.1\r\nHost: news.test\r\n\r\n")
        head = b""
        while b"\r\n\r\n" not in head:
            head += self._receive(connection, 4096)
        if not head.startswith(b"HTTP/1.1 200 ") or b"Content-Length: %d\r\n" % self.size not in head:
            raise ValueError(f"not the answer: {head[:200]!r}")
        left = self.size - (len(head) - head.index(b"\r\n\r\n") - 4)
        while left > 0:
            left -= len(self._receive(connection, min(left, 262144)))

    @staticmethod
    def _receive(connection, most):
        piece = connection.recv(most)
        if not piece:
            raise ConnectionError("closed in the middle of a download")
        return piece


class Connections(Background):
    """New connections one after the other: pages that pass, pages that are listed, TLS both ways."""

    def work(self):
        context = ssl.create_default_context(cafile=str(self.case.origin.ca_file))
        while not self.stop.is_set():
            kind = self.count % 4
            if kind < 2:
                path, expected = ((b"/open", b"HTTP/1.1 200 "), (b"/forbidden", b"HTTP/1.1 451 "))[kind]
                with self._connect(80, path.decode()) as connection:
                    self._page(connection, path, expected)
            elif kind == 2:
                with self._connect(443, "news.test") as plain:
                    context.wrap_socket(plain, server_hostname="news.test").close()
            else:
                with self._connect(443, "listed.test") as plain:
                    try:
                        context.wrap_socket(plain, server_hostname="listed.test").close()
                        self.failures.append("a listed host answered over TLS")
                    except ssl.SSLError:
                        pass
            self.count += 1
            time.sleep(0.01)

    @contextlib.contextmanager
    def _connect(self, port, what):
        """A failure tells which connection, so that it can be looked for among the outcomes."""
        begin, own = time.monotonic(), "unknown, not connected"
        try:
            with self.case.wire.client.connect(ORIGIN_V4, port) as connection:
                own = connection.getsockname()[1]
                yield connection
        except OSError as error:
            raise OSError(f"{what}: port {own}, begun {time.monotonic() - begin:.1f} s before: {error!r}") from error

    def _page(self, connection, path, expected):
        connection.sendall(b"GET " + path + b" HTTP/1.1\r\nHost: news.test\r\nConnection: close\r\n\r\n")
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
        if not answer.startswith(expected):
            self.failures.append(f"{path.decode()}: {answer[:20]!r}")


class Hostile(Background):
    """Frames that nobody honest sends, `rate` a second: half requests from everywhere, decoys, overlapping fragments,
    broken headers. What is sent depends on `seed` alone."""

    def __init__(self, case, stop, rate=500, seed=1):
        super().__init__(case, stop)
        self.rate, self.random = rate, random.Random(seed)

    def work(self):
        port = RawPort(self.case.wire.client, "lan0")
        kinds = (self._half_request, self._decoy, self._fragment, self._broken, self._quic)
        begin = time.monotonic()
        try:
            while not self.stop.is_set():
                port.send(self.random.choice(kinds)())
                self.count += 1
                if (ahead := begin + self.count / self.rate - time.monotonic()) > 0.01:
                    time.sleep(ahead)
        finally:
            port.close()

    def _address(self):
        """A source that is nobody's, so that nothing comes back."""
        return bytes((198, 18 + self.random.getrandbits(1), self.random.getrandbits(8), self.random.getrandbits(8)))

    def _packet(self, protocol, payload, fragment=0, identification=0, source=None):
        head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), identification, fragment, 64, protocol, 0,
                           source or self._address(), socket.inet_aton(ORIGIN_V4))
        head = head[:10] + struct.pack("!H", frames.checksum(head)) + head[12:]
        return frames.ethernet(0x0800, head + payload)

    def _segment(self, payload, sequence, source_port, flags=0x18):
        return struct.pack("!HHIIBBHHH", source_port, 80, sequence & 0xFFFFFFFF, 1, 5 << 4, flags, 64000, 0, 0) + payload

    def _half_request(self):
        text = b"GET /" + bytes(self.random.choices(b"abcdef/%.", k=self.random.randrange(900)))
        return self._packet(6, self._segment(text, self.random.getrandbits(32), self.random.randrange(1024, 65536)))

    def _decoy(self):
        """Pieces of requests on a few connections, at odds with each other."""
        text = self.random.choice((b"GET /forbidden HTTP/1.1\r\nHost: news.test\r\n\r\n",
                                   b"POST / HTTP/1.1\r\nHost: listed.test\r\nContent-Length: 99\r\n\r\n"))
        at = self.random.randrange(len(text))
        flags = self.random.choice((0x18, 0x18, 0x18, 0x02, 0x04, 0x11, 0x29))
        return self._packet(6, self._segment(text[at:at + self.random.randrange(40)], 1000 + at,
                                             40000 + self.random.randrange(50), flags),
                            source=bytes((198, 18, 0, 1)))

    def _fragment(self):
        offset = self.random.randrange(8)
        return self._packet(self.random.choice((6, 17, 47)), self.random.randbytes(8 * self.random.randrange(1, 9)),
                            offset | self.random.choice((0, 0x2000)), self.random.randrange(64),
                            bytes((198, 18, 0, 2)))

    def _broken(self):
        # Not in the client's name: who contradicts its own connections breaks them.
        frame = self.random.choice(list(frames.PLAIN.values())).replace(socket.inet_aton(CLIENT_V4), bytes((198, 18, 0, 3)))
        frame = bytearray(frame)
        for _ in range(self.random.randrange(1, 6)):
            # Addresses stay: the origin must not take the frame for its own and answer.
            at = self.random.randrange(12, len(frame)) if len(frame) > 12 else 0
            frame[at] = self.random.getrandbits(8)
        return bytes(frame)

    def _quic(self):
        first = bytes((0xC0 | self.random.getrandbits(6),)) + self.random.choice(
            (b"\0\0\0\1", b"\x6b\x33\x43\xcf", b"\xff\0\0\x1d", self.random.randbytes(4)))
        datagram = first + b"\x08" + self.random.randbytes(self.random.randrange(30, 1300))
        return self._packet(17, struct.pack("!HHHH", self.random.randrange(1024, 65536), 443, 8 + len(datagram), 0) + datagram)
