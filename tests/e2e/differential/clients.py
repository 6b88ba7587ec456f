"""Sends inputs to a server, many at a time, and tells what it took each of them for."""

import asyncio
import socket

from .names import MARK

_AT_ONCE = 128
_BETWEEN_SEGMENTS = 0.002
_MOST_BYTES = 65536


#: What a server did with an input.
LISTED, OTHER, NOTHING = "listed", "other", "nothing"


def _is_listed(reads, answer):
    """Whether the server served what is listed: the mark, or the ServerHello that only the listed name gets."""
    if reads == "http":
        return MARK in answer
    while len(answer) >= 6:
        kind, length = answer[0], int.from_bytes(answer[3:5], "big")
        if kind == 22:
            return answer[5] == 2
        answer = answer[5 + length:]
    return False


def _outcome(reads, answer):
    if _is_listed(reads, answer):
        return LISTED
    return OTHER if reads == "http" and answer.startswith(b"HTTP/1.") and answer[8:12] == b" 200" else NOTHING


async def _exchange(server, segments, patience):
    loop = asyncio.get_running_loop()
    connection = socket.socket()
    connection.setblocking(False)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    # No TIME_WAIT: the ports are used again and again.
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
    answer = b""
    try:
        await loop.sock_connect(connection, ("127.0.0.1", server.port))
        for place, segment in enumerate(segments):
            if place:
                await asyncio.sleep(_BETWEEN_SEGMENTS)
            await loop.sock_sendall(connection, segment)
        while len(answer) < _MOST_BYTES and not _is_listed(server.reads, answer):
            piece = await asyncio.wait_for(loop.sock_recv(connection, 16384), patience)
            if not piece:
                break
            answer += piece
    except (OSError, TimeoutError, asyncio.TimeoutError):
        pass
    finally:
        connection.close()
    return _outcome(server.reads, answer)


async def _all(server, inputs, patience):
    limit = asyncio.Semaphore(_AT_ONCE)

    async def one(segments):
        async with limit:
            return await _exchange(server, segments, patience)

    return await asyncio.gather(*(one(segments) for segments in inputs))


def outcomes(namespace, server, inputs, patience=0.15):
    """What the server did with each input. `patience`: seconds without a byte from it."""
    with namespace.entered():
        return asyncio.run(_all(server, inputs, patience))
