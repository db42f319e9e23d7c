"""Running a reduced script as its reader will, and telling whether what it printed shows the difference."""

import itertools
import math
import os
import re
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from keras_parity.errors import UsageError, quote
from keras_parity.executions import find_executions
from keras_parity.protocol.rounding import UNIT_ROUNDOFF

_LIMIT_SECONDS = 300
# Prints that differ by fewer units show rounding alone; and the odd one must stand out from the others' differences.
_LEAST_UNITS, _LEAST_RATIO = 2.0, 4.0


class NoReproducer(UsageError):  # noqa: N818 - what came of it, as a reader would say it
    """The difference could not be brought into a script; the text says why."""


def run_script(text: str, name: str, sys_path: Sequence[str]) -> str:
    """Return what a script prints where an execution computes, in a process of its own.

    Args:
        text: The script.
        name: The execution's, as `jax`.
        sys_path: Folders with the user's own modules.

    Raises:
        NoReproducer: If it fails.
    """
    paths = [*sys_path, *filter(None, [os.environ.get("PYTHONPATH")])]
    (execution,) = find_executions([name])
    environment = execution.environment(None) | {"PYTHONPATH": os.pathsep.join(paths)}
    with tempfile.TemporaryDirectory(prefix="keras-parity-") as folder:
        script = Path(folder, "script.py")
        script.write_text(text, encoding="utf-8")
        try:
            done = subprocess.run(
                [*execution.interpreter, str(script)],
                env=environment,
                capture_output=True,
                text=True,
                timeout=_LIMIT_SECONDS,
                stdin=subprocess.DEVNULL,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise NoReproducer(f"the script gives no answer on {name} within {_LIMIT_SECONDS} seconds") from None
    if done.returncode != 0:
        complaint = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        raise NoReproducer(f"the script fails on {name}: {quote(complaint, 200)}")
    return done.stdout.strip()


def tells_apart(printed: dict[str, str], odd: str | None, dtype: str, expected: float = 0.0) -> bool:
    """Return whether a backend stands apart in what was printed, by more than rounding.

    Args:
        printed: By execution; a line with its backend's name, dtype and shape, then numbers.
        odd: The backend; None where any two that differ will do.
        dtype: The dtype policy, for the size of its rounding.
        expected: The absolute difference that the check saw; one a thousand times smaller is that of something else,
            as of the rounding errors of a gradient that cancels out.
    """
    least = 0.0 if math.isnan(expected) else expected / 1000
    unit = UNIT_ROUNDOFF.get(dtype.removeprefix("mixed_"), 2.0**-24)
    texts = {name: text.partition(" ")[2] for name, text in printed.items()}
    distances = {
        (one, other): _distance(texts[one], texts[other], least) / unit
        for one, other in itertools.combinations(printed, 2)
    }
    if odd is None:
        return max(distances.values(), default=0.0) > _LEAST_UNITS
    own = min((distance for pair, distance in distances.items() if odd in pair), default=0.0)
    others = max((distance for pair, distance in distances.items() if odd not in pair), default=0.0)
    return own > _LEAST_UNITS and own > _LEAST_RATIO * others


def _distance(first: str, second: str, least: float) -> float:
    """Return the largest difference of what two backends printed, relative to the largest number; 0 below `least`."""
    heads, texts = zip(*(text.partition("\n")[::2] for text in (first, second)), strict=True)
    one, other = map(_read_numbers, texts)
    if heads[0] != heads[1] or len(one) != len(other):
        return math.inf
    finite = np.isfinite(one) & np.isfinite(other)
    if not np.array_equal(one[~finite], other[~finite], equal_nan=True):
        return math.inf
    one, other = one[finite], other[finite]
    difference, largest = np.max(np.abs(one - other), initial=0.0), np.max(np.abs([one, other]), initial=0.0)
    return float(difference / largest) if difference > least else 0.0


def _read_numbers(text: str) -> np.ndarray:
    words = re.findall(r"True|False|[-+]?(?:nan|inf|\d+\.?\d*(?:e[-+]?\d+)?)", text)
    return np.array([float({"True": 1, "False": 0}.get(word, word)) for word in words])
