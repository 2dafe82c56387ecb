"""Reads OSC packets that anybody may have sent: whole and well-formed, or refused.

Source: Open Sound Control 1.0, opensoundcontrol.org/spec-1_0, with the usual further types.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

DEEPEST = 8  # bundles within bundles
_BUNDLE = b"#bundle\0"
_NUMBERS = {tag: struct.Struct(">" + code) for tag, code in zip("ifhdt", "ifqdQ", strict=True)}
_CONSTANTS: dict[str, bool | None] = {"T": True, "F": False, "N": None, "I": True}
_FOUR_BYTES = "rmc"  # colour, MIDI, character
_NOT_IN_ADDRESS = " #*,?[]{}"

Argument = str | int | float | bool | bytes | None


class Message(NamedTuple):
    """One message; arrays are read as if they had no brackets."""

    address: str
    arguments: tuple[Argument, ...]


def read(packet: bytes) -> list[Message]:
    """Return the messages of a packet, those of bundles in order.

    Raises ValueError saying what is wrong; then nothing of the packet is to be used.
    """
    return list(_contents(packet, 0))


def _contents(packet: bytes, depth: int) -> Iterator[Message]:
    if not packet.startswith(_BUNDLE):
        yield _message(packet)
        return
    if depth == DEEPEST:
        raise ValueError("bundles within bundles")
    if len(packet) < 16:
        raise ValueError("a bundle without its time tag")
    at = 16
    while at < len(packet):
        if at + 4 > len(packet):
            raise ValueError("a bundle that is cut")
        (size,) = struct.unpack_from(">i", packet, at)
        start, at = at + 4, at + 4 + size
        if size <= 0 or size % 4 or at > len(packet):
            raise ValueError(f"a bundle's part of {size} bytes")
        yield from _contents(packet[start:at], depth + 1)


def _message(packet: bytes) -> Message:
    address, at = _text(packet, 0)
    if not address.startswith("/") or not address.isprintable() or not address.isascii():
        raise ValueError("no OSC address")
    if any(sign in _NOT_IN_ADDRESS for sign in address):
        raise ValueError(f"address {address!r}")
    if at == len(packet):
        return Message(address, ())  # some senders leave the types out where there are none
    tags, at = _text(packet, at)
    if not tags.startswith(","):
        raise ValueError("no types")
    arguments: list[Argument] = []
    for tag in tags[1:]:
        if tag in "[]":
            continue
        argument, at = _argument(tag, packet, at)
        arguments.append(argument)
    if at != len(packet):
        raise ValueError("more than its types say")
    return Message(address, tuple(arguments))


def _argument(tag: str, packet: bytes, at: int) -> tuple[Argument, int]:
    if tag in _CONSTANTS:
        return _CONSTANTS[tag], at
    if tag in "sS":
        return _text(packet, at)
    if tag in _NUMBERS:
        number = _NUMBERS[tag]
        try:
            return number.unpack_from(packet, at)[0], at + number.size
        except struct.error:
            raise ValueError("a number that is cut") from None
    if tag in _FOUR_BYTES:
        return _bytes(packet, at, 4), at + 4
    if tag == "b":
        size = int.from_bytes(_bytes(packet, at, 4), "big")
        return _bytes(packet, at + 4, size), at + 4 + size + -size % 4
    raise ValueError(f"type {tag!r}")


def _bytes(packet: bytes, at: int, size: int) -> bytes:
    if at + size > len(packet):
        raise ValueError("data that is cut")
    return packet[at : at + size]


def _text(packet: bytes, at: int) -> tuple[str, int]:
    end = packet.find(b"\0", at)
    if end < 0:
        raise ValueError("a text without end")
    after = end + 4 - end % 4
    if after > len(packet) or packet[end:after].strip(b"\0"):
        raise ValueError("a text that is not filled up with zeros")
    try:
        return packet[at:end].decode("utf-8"), after
    except UnicodeDecodeError:
        raise ValueError("a text that is none") from None
