"""Which parameters an avatar of VRChat has, and what of them has to be sent.

A number is a float parameter, or some bools `Name1`, `Name2`, `Name4`... with `NameNegative` for
its sign. Only what has changed is sent.

Source: VRCFaceTracking, parameters and BinaryBaseParameter.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping

from engine.outputs._osc import Template, message
from engine.outputs._unified import bits

PARAMETERS = "/avatar/parameters/"
FLAGS = ("EyeTrackingActive", "ExpressionTrackingActive", "LipTrackingActive")
MOST_BITS = 8
_EXPRESSION = re.compile(r"/avatar/parameters/(?:.+/)?v2/(.+)")
_BIT = re.compile(r"(.+?)(1|2|4|8|16|32|64|128|Negative)")
_SIGN = 0  # stands for the weight of NameNegative
_EXACT = (-1.0, 0.0, 1.0)  # are always reached, however small the last step


class Parameters:
    """The parameters of one avatar.

    floats  expression to address
    bools   expression to addresses by weight: 1, 2, 4...; 0 for that of the sign
    flags   addresses of FLAGS
    step    a float that has changed by less is not sent again
    """

    def __init__(
        self,
        floats: Mapping[str, str],
        bools: Mapping[str, Mapping[int, str]],
        flags: Iterable[str],
        step: float,
    ) -> None:
        self._floats = {name: Template(address, floats=1) for name, address in floats.items()}
        self._bits = {name: _Bits(addresses) for name, addresses in bools.items()}
        self._flags = [_Switch(address) for address in flags]
        self._step = step
        self._sent: dict[str, float] = {}

    @property
    def names(self) -> set[str]:
        """The expressions that the avatar takes."""
        return self._floats.keys() | self._bits.keys()

    def forget(self) -> None:
        """Send everything again."""
        self._sent.clear()
        for switch in (*self._flags, *(s for b in self._bits.values() for s in b.switches)):
            switch.forget()

    def messages(self, values: Mapping[str, float], tracked: bool) -> Iterator[bytes]:
        """Yield what has changed.

        values   by expression; what the avatar does not take is left out
        tracked  whether there is a face, for the flags
        """
        for flag in self._flags:
            yield from flag.set(tracked)
        for name, value in values.items():
            template, packed = self._floats.get(name), self._bits.get(name)
            if template is not None and self._changed(name, value):
                self._sent[name] = value
                yield template.filled(value)
            if packed is not None:
                yield from packed.set(value)

    def _changed(self, name: str, value: float) -> bool:
        before = self._sent.get(name)
        if before is None or value == before:
            return before is None
        return abs(value - before) >= self._step or value in _EXACT


def assumed(
    names: Iterable[str], prefix: str, *, floats: bool, bit_count: int, step: float
) -> Parameters:
    """Return the parameters of an avatar that nobody has told of.

    names      of expressions
    prefix     before `v2/`, with its slash
    floats     whether it has floats
    bit_count  how many bits every binary parameter has; 0 for none
    """
    start = f"{PARAMETERS}{prefix}v2/"
    listed = list(names)
    weights = [1 << place for place in range(bit_count)]
    bools = {
        name: {w: f"{start}{name}{w}" for w in weights} | {_SIGN: f"{start}{name}Negative"}
        for name in (listed if bit_count else ())
    }
    flags = [PARAMETERS + flag for flag in FLAGS]
    return Parameters({name: start + name for name in listed if floats}, bools, flags, step)


def told(types: Mapping[str, str], known: Iterable[str], step: float) -> Parameters:
    """Return the parameters of an avatar that has told what it has.

    types  address of every parameter to its OSC type
    known  names of expressions; others are somebody else's
    """
    floats: dict[str, str] = {}
    bools: dict[str, dict[int, str]] = {}
    flags: list[str] = []
    wanted = set(known)
    for address, kind in types.items():
        if kind in ("T", "F") and address.rpartition("/")[2] in FLAGS:
            flags.append(address)
        found = _EXPRESSION.fullmatch(address)
        if found is None:
            continue
        name, bit = found[1], _BIT.fullmatch(found[1])
        if kind == "f" and name in wanted:
            floats[name] = address
        elif kind in ("T", "F") and bit is not None and bit[1] in wanted:
            weight = _SIGN if bit[2] == "Negative" else int(bit[2])
            bools.setdefault(bit[1], {})[weight] = address
    return Parameters(floats, {n: a for n, a in bools.items() if 1 in a}, flags, step)


class _Switch:
    """A bool parameter."""

    def __init__(self, address: str) -> None:
        self._message: Callable[[bool], bytes] = {
            on: message(address, on) for on in (False, True)
        }.__getitem__
        self._sent: bool | None = None

    def forget(self) -> None:
        self._sent = None

    def set(self, on: bool) -> Iterator[bytes]:
        if on is not self._sent:
            self._sent = on
            yield self._message(on)


class _Bits:
    """A number in bools."""

    def __init__(self, addresses: Mapping[int, str]) -> None:
        self._bits: list[_Switch] = []
        while (weight := 1 << len(self._bits)) in addresses:
            self._bits.append(_Switch(addresses[weight]))
        self._sign = _Switch(addresses[_SIGN]) if _SIGN in addresses else None
        self.switches = [*self._bits, *((self._sign,) if self._sign is not None else ())]

    def set(self, value: float) -> Iterator[bytes]:
        on = bits(value, len(self._bits), signed=self._sign is not None)
        for switch, bit in zip(self._bits, on, strict=True):
            yield from switch.set(bit)
        if self._sign is not None:
            yield from self._sign.set(value < 0.0)
