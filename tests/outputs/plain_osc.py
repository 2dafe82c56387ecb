"""OSC 1.0 read by hand from its specification: shares no code with the program or its libraries."""

from __future__ import annotations

import struct


def read(packet: bytes) -> list[tuple[str, list]]:
    """Return (address, arguments) of every message, those of nested bundles in order."""
    if packet.startswith(b"#bundle\0"):
        found, rest = [], packet[16:]
        while rest:
            size = struct.unpack(">i", rest[:4])[0]
            assert size % 4 == 0
            assert 0 < size <= len(rest) - 4
            found += read(rest[4 : 4 + size])
            rest = rest[4 + size :]
        return found
    address, rest = _text(packet)
    assert address.startswith("/")
    tags, rest = _text(rest)
    assert tags.startswith(",")
    arguments: list = []
    for tag in tags[1:]:
        if tag in "if":
            arguments.append(struct.unpack(">" + tag, rest[:4])[0])
            rest = rest[4:]
        elif tag == "s":
            text, rest = _text(rest)
            arguments.append(text)
        elif tag in "TF":
            arguments.append(tag == "T")
        else:
            raise AssertionError(f"type {tag!r}")
    assert rest == b""
    return [(address, arguments)]


def _text(data: bytes) -> tuple[str, bytes]:
    end = data.index(b"\0")
    size = end + 4 - end % 4
    assert data[end:size] == b"\0" * (size - end)
    return data[:end].decode("ascii"), data[size:]
