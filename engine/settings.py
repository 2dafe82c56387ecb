"""Settings are frozen dataclasses: how they are declared, checked, read from YAML and written.

`setting` declares a field with its range and its one-sentence meaning, from which the check, the
message and the form in the window follow. Allowed field types: bool, int, float, str, these or
None, a tuple of these, and another settings class.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from engine.errors import ConfigError

S = TypeVar("S")


def setting(
    default: Any,
    about: str,
    *,
    minimum: float | None = None,
    maximum: float | None = None,
    choices: tuple[Any, ...] | None = None,
    label: str = "",
) -> Any:
    """Declare a field of a settings class.

    about              one sentence for the user, shown in the window
    minimum, maximum   inclusive
    choices            the allowed values
    label              what the form calls it; empty: its name in words
    """
    metadata = {
        "about": about,
        "minimum": minimum,
        "maximum": maximum,
        "choices": choices,
        "label": label,
    }
    return dataclasses.field(default=default, metadata=metadata)


def read(cls: type[S], values: object, where: str) -> S:
    """Make settings of class `cls` from what YAML gave; absent keys keep their defaults.

    where  file and section, for the message
    Raises ConfigError naming the key and what is allowed.
    """
    if not isinstance(values, Mapping):
        raise ConfigError(f"{where}: needs keys and values, got {values!r}")
    types = get_type_hints(cls)
    allowed = [field.name for field in dataclasses.fields(cls)]  # pyright: ignore[reportArgumentType]
    for key in values:
        if key not in allowed:
            raise ConfigError(f"{where}: unknown key {key!r}; allowed are {', '.join(allowed)}")
    given = {key: _converted(types[key], value, f"{where}.{key}") for key, value in values.items()}
    try:
        made = cls(**given)
    except ConfigError as error:  # what the class itself finds wrong knows no file
        raise ConfigError(f"{where}: {error}") from None
    return check(made, where)


def check(settings: S, where: str) -> S:
    """Return settings after comparing every field with its declared range.

    Raises ConfigError naming the key and what is allowed.
    """
    for field in dataclasses.fields(settings):  # pyright: ignore[reportArgumentType]
        value, key = getattr(settings, field.name), f"{where}.{field.name}"
        if dataclasses.is_dataclass(value):
            check(value, key)
        low, high = field.metadata.get("minimum"), field.metadata.get("maximum")
        choices = field.metadata.get("choices")
        if value is None:
            continue
        if choices is not None and value not in choices:
            raise ConfigError(f"{key}: {value!r} is not one of {', '.join(map(repr, choices))}")
        # Written so that a NaN fails as well.
        if (low is not None and not value >= low) or (high is not None and not value <= high):
            raise ConfigError(f"{key}: {value!r} is out of range; allowed is {_span(low, high)}")
    return settings


def plain(settings: Any) -> dict[str, Any]:
    """Return settings as dicts and lists, ready for YAML."""
    return {
        field.name: _plain_value(getattr(settings, field.name))
        for field in dataclasses.fields(settings)
    }


def _plain_value(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return plain(value)
    return [_plain_value(item) for item in value] if isinstance(value, tuple) else value


def _span(low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return f"at least {low}" if high is None else f"at most {high}"
    return f"{low} to {high}"


def _converted(kind: Any, value: Any, where: str) -> Any:
    """Return `value` as the type `kind`; an int passes as a float, nothing else bends."""
    if get_origin(kind) in (Union, UnionType):
        if value is None and NoneType in get_args(kind):
            return None
        kind = next(option for option in get_args(kind) if option is not NoneType)
    if dataclasses.is_dataclass(kind):
        return read(kind, value, where)  # pyright: ignore[reportArgumentType]
    if get_origin(kind) is tuple:
        if not isinstance(value, list):
            raise ConfigError(f"{where}: needs a list, got {value!r}")
        item = get_args(kind)[0]
        return tuple(_converted(item, v, f"{where}[{i}]") for i, v in enumerate(value))
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is not kind:
        raise ConfigError(f"{where}: needs {_type_name(kind)}, got {value!r}")
    return value


def _type_name(kind: type) -> str:
    names = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}
    return names.get(kind, kind.__name__)
