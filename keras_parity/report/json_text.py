"""A verdict as strict JSON, and back.

JSON has no NaN and no infinities: NaN is written as null, an infinity as the string "Infinity" or "-Infinity".
"""

import dataclasses
import json
import math
from pathlib import Path
from typing import Any

from keras_parity.protocol.quantity import Kind, Quantity
from keras_parity.verdict import Finding, Measurement, Verdict

FORMAT = 2
_INFINITIES = {"Infinity": math.inf, "-Infinity": -math.inf}


def render_json(verdict: Verdict) -> str:
    """Return the verdict as one indented JSON object."""
    values = {"format": FORMAT, **_plain(verdict.to_dict())}
    return json.dumps(values, indent=2, allow_nan=False) + "\n"


def parse_json(text: str) -> Verdict:
    """Return the verdict that `render_json` wrote.

    Raises:
        ValueError: If the text is not such a verdict.
    """
    try:
        values = json.loads(text)
        written = values.pop("format")
        if written == 1:
            values = _from_format_1(values)
        elif written != FORMAT:
            raise ValueError("it is of another format")
        for kind, key in ((Finding, "findings"), (Measurement, "measurements")):
            values[key] = [_with_numbers(kind, item) for item in values[key]]
        return Verdict.from_dict(_with_numbers(Verdict, values))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"this is not a keras-parity report: {error}") from error


def _from_format_1(values: dict[str, Any]) -> dict[str, Any]:
    """Return what keras-parity 0.1 wrote, in the words of today."""
    settings = values.pop("settings")
    known = ("dtype", "seed", "steps", "training", "edge", "special", "custom", "kwargs", "loss", "optimizer")
    label = values["model"]
    request = {"model": label, "kind": "file" if label.endswith(".keras") else "function", "custom": None}
    request |= {"executions": settings.get("backends", []), "metrics": settings.get("metrics", [])}
    values["request"] = request | {name: settings[name] for name in known if name in settings}
    values["used"] = {name: settings[name] for name in ("threshold", "batch_size") if name in settings}
    for finding in values["findings"]:
        finding["executions"] = finding.pop("backends")
        finding["detail"] = finding.pop("message").partition(f"({finding['cause']}): ")[2]
    for item in (*values["findings"], *values["measurements"]):
        item["execution"] = item.pop("backend")
        item["quantity"] = _quantity_of(item["quantity"]).to_dict()
    return values


def _quantity_of(text: str) -> Quantity:
    """Return the quantity that a text of keras-parity 0.1 names."""
    for kind in (Kind.GRADIENT, Kind.UPDATE, Kind.STATE, Kind.SLOT):
        start = kind.value.format("")
        if text.startswith(start):
            return Quantity(kind, text.removeprefix(start))
    return Quantity(Kind.OUTPUT, text.removeprefix("output"))


def _plain(value: Any) -> Any:
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


def _with_numbers(kind: type[Finding | Measurement | Verdict], values: dict[str, Any]) -> dict[str, Any]:
    """Return a dataclass's values with its float fields as numbers again."""
    floats = {field.name for field in dataclasses.fields(kind) if field.type in (float, "float")}
    return {key: _number(value) if key in floats else value for key, value in values.items()}


def _number(value: Any) -> float:
    number: float = math.nan if value is None else _INFINITIES.get(value, value)
    return number
