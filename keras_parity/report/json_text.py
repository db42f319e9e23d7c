"""A verdict as strict JSON, and back.

JSON has no NaN and no infinities: NaN is written as null, an infinity as the string "Infinity" or "-Infinity".
"""

import dataclasses
import json
import math
from pathlib import Path

from keras_parity.verdict import Finding, Measurement, Verdict

_INFINITIES = {"Infinity": math.inf, "-Infinity": -math.inf}


def render_json(verdict: Verdict) -> str:
    """Return the verdict as one indented JSON object."""
    values = {"format": 1, **_plain(verdict.to_dict())}
    return json.dumps(values, indent=2, allow_nan=False) + "\n"


def parse_json(text: str) -> Verdict:
    """Return the verdict that `render_json` wrote.

    Raises:
        ValueError: If the text is not such a verdict.
    """
    try:
        values = json.loads(text)
        if values.pop("format") != 1:
            raise ValueError("it is of another format")
        for kind, key in ((Finding, "findings"), (Measurement, "measurements")):
            values[key] = [_with_numbers(kind, item) for item in values[key]]
        return Verdict.from_dict(_with_numbers(Verdict, values))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"this is not a keras-parity report: {error}") from error


def _plain(value):
    """Return `value` in JSON's types."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    if hasattr(value, "tolist"):  # NumPy's arrays and scalars
        return _plain(value.tolist())
    if isinstance(value, float):
        if math.isfinite(value):
            return value
        return None if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if value is None or isinstance(value, bool | int | str):
        return value
    return value.as_posix() if isinstance(value, Path) else str(value)


def _with_numbers(kind: type, values: dict) -> dict:
    """Return a dataclass's values with its float fields as numbers again."""
    floats = {field.name for field in dataclasses.fields(kind) if field.type in (float, "float")}
    return {key: _number(value) if key in floats else value for key, value in values.items()}


def _number(value) -> float:
    return math.nan if value is None else _INFINITIES.get(value, value)
