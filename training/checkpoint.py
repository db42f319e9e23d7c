"""The checkpoint: all that a run needs to go on as if it had never stopped.

Weights alone do not do: the optimiser's slots, the metrics in mid-epoch, the states of seed generators and the place in
the data belong to it too. The data's order is a function of (seed, epoch), so its place is two numbers.
"""

import dataclasses
import io
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from foundation.errors import UserError
from foundation.files import write_bytes

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Position:
    """How far a run has come, and what it has recorded on the way.

    Attributes:
        epoch: Finished epochs.
        step: Finished steps of the epoch after those.
        seconds: What those steps took.
        history: A row per finished epoch.
        log: A row per log line.
    """

    epoch: int
    step: int
    seconds: float
    history: list[dict[str, Any]]
    log: list[dict[str, Any]]


def write_checkpoint(path: Path, model: "keras.Model", position: Position) -> None:
    """Write the whole state of `model` and its place in the run to `path`, in one step.

    Args:
        path: The `.npz` file to create or replace.
        model: A compiled `keras.Model`.
        position: Its place.
    """
    arrays: dict[str, Any] = {f"{index:04d}": _to_numpy(variable) for index, variable in enumerate(_variables(model))}
    names = [variable.path for variable in _variables(model)]
    about = json.dumps({"names": names, **vars(position)})
    content = io.BytesIO()
    np.savez(content, about=np.frombuffer(about.encode(), np.uint8), **arrays)
    write_bytes(path, content.getvalue())


def read_checkpoint(path: Path) -> tuple[Position, list[np.ndarray]]:
    """Return the place in the run and the state that `write_checkpoint` wrote to `path`.

    Raises:
        UserError: If the file is missing or damaged.
    """
    try:
        with np.load(path, allow_pickle=False) as content:
            about = json.loads(content["about"].tobytes())
            position = Position(**{field.name: about[field.name] for field in dataclasses.fields(Position)})
            return position, [content[f"{index:04d}"] for index in range(len(about["names"]))]
    except FileNotFoundError:
        raise UserError(f"{path} is not there: that run never reached its first checkpoint; train it again") from None
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise UserError(f"{path} is damaged ({type(error).__name__}); train that run again") from error


def restore_state(model: "keras.Model", arrays: list[np.ndarray]) -> None:
    """Put a checkpoint's state into `model`, whose optimiser and metrics must have been built.

    Raises:
        UserError: If the state is another model's.
    """
    variables = _variables(model)
    if [array.shape for array in arrays] != [tuple(variable.shape) for variable in variables]:
        raise UserError(f"the checkpoint is not one of {model.name} with this optimiser; train that run again")
    for variable, array in zip(variables, arrays, strict=True):
        variable.assign(array)


def _variables(model: "keras.Model") -> "list[keras.Variable]":
    """Return every variable that training changes, in an order that the model's structure fixes."""
    return [*model.variables, *model.optimizer.variables, *model.metrics_variables]


def _to_numpy(variable: "keras.Variable") -> np.ndarray:
    import keras

    array: np.ndarray = keras.ops.convert_to_numpy(variable)
    return array
