"""From JSON's types back to dataclasses, by the types of their fields."""

import dataclasses
import functools
import math
import types
import typing
from typing import Any, TypeVar

Value = TypeVar("Value")


def decode(kind: type[Value], value: object, where: str) -> Value:
    """Return `value` as a `kind`.

    Args:
        kind: A dataclass; its fields' types are dataclasses, numbers, text, `tuple[X, ...]`, `dict[str, X]`, `X | None`
            or `Any`. Keys of a dictionary that it has not are passed over.
        value: JSON's types. A null is NaN where a float is expected.
        where: What it is called in an error.

    Raises:
        ValueError: If the value is none, naming the place.
    """
    result: Value = _decode(kind, value, where)
    return result


def encode(value: object) -> Any:
    """Return dataclasses, tuples and dictionaries as strict JSON's types; a number that is none becomes None."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: encode(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {str(key): encode(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [encode(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _decode(kind: Any, value: Any, where: str) -> Any:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if kind is Any:
        return value
    if origin in (typing.Union, types.UnionType):
        if value is None:
            return None
        (other,) = (argument for argument in arguments if argument is not types.NoneType)
        return _decode(other, value, where)
    if origin is tuple:
        _require(isinstance(value, list), where, "a list")
        return tuple(_decode(arguments[0], item, f"{where}[{i}]") for i, item in enumerate(value))
    if origin is dict:
        _require(isinstance(value, dict), where, "an object")
        return {key: _decode(arguments[1], item, f"{where}.{key}") for key, item in value.items()}
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        _require(isinstance(value, dict), where, "an object")
        hints = _hints(kind)
        needed = [f.name for f in dataclasses.fields(kind) if f.default is f.default_factory is dataclasses.MISSING]
        for name in needed:
            _require(name in value, f"{where}.{name}", "there")
        return kind(**{name: _decode(hints[name], value[name], f"{where}.{name}") for name in hints if name in value})
    if kind is float:
        _require(value is None or (isinstance(value, int | float) and not isinstance(value, bool)), where, "a number")
        return math.nan if value is None else value
    _require(
        isinstance(value, kind) and (kind is bool or not isinstance(value, bool)), where, f"of type {kind.__name__}"
    )
    return value


@functools.cache
def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _require(holds: bool, where: str, wanted: str) -> None:
    if not holds:
        raise ValueError(f"{where} is not {wanted}")
