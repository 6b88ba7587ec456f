"""What weir-replay makes of inputs: each becomes a TCP connection of a capture."""

import json
import struct
import subprocess

_PORTS = {"http": 80, "tls": 443}
_FIRST = 1000


def _packet(number, port, sequence, flags, payload=b""):
    """A raw IPv4 packet of connection `number`. weir-replay needs no checksums."""
    source = bytes((10, 1 + (number >> 16), number >> 8 & 255, number & 255))
    segment = struct.pack("!HHIIBBHHH", 40000, port, sequence, 1, 5 << 4, flags, 64000, 0, 0) + payload
    return struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(segment), 0, 0, 64, 6, 0) + source + bytes((192, 0, 2, 80)) + segment


def _records(inputs, port):
    """(number of the input, packet), in order."""
    for number, segments in enumerate(inputs):
        yield number, _packet(number, port, _FIRST - 1, 2)
        sequence = _FIRST
        for segment in segments:
            for at in range(0, len(segment), 1400):
                piece = segment[at:at + 1400]
                yield number, _packet(number, port, sequence, 0x18, piece)
                sequence += len(piece)


def blocked(program, directory, reads, inputs, entries):
    """For each input whether weir-replay, with `entries` on its list, blocks it."""
    capture, rules = directory / "inputs.pcap", directory / "inputs.list"
    rules.write_text("".join(entry + "\n" for entry in entries))
    owners = []
    with open(capture, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101))  # LINKTYPE_RAW
        for place, (number, packet) in enumerate(_records(inputs, _PORTS[reads])):
            owners.append(number)
            file.write(struct.pack("<IIII", place // 10000, place % 10000 * 100, len(packet), len(packet)) + packet)
    done = subprocess.run([program, "--list", rules, "--json", capture], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"weir-replay: {done.stderr.strip()}")
    result = [False] * len(inputs)
    for line in done.stdout.splitlines():
        request = json.loads(line)
        if request["verdict"] == "block":
            result[owners[request["packet"] - 1]] = True
    return result
