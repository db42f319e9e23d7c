"""The options that shape a check, the same for `check` and `reduce`, and the request that they make."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_parity.cli.arguments import (
    read_count,
    read_executions,
    read_identifier,
    read_identifiers,
    read_json_object,
    read_positive,
    read_seconds,
    read_weights,
)
from keras_parity.errors import UsageError
from keras_parity.names import BACKENDS, DTYPES

if TYPE_CHECKING:
    import numpy as np


def add_backends_and_dtype(parser: argparse.ArgumentParser) -> None:
    """Add the options that every comparison has: which backends, and in which dtype policy."""
    parser.add_argument(
        "--backends",
        type=read_executions,
        metavar="NAMES",
        help=f"two or more of {','.join(BACKENDS)}; default: as installed",
    )
    parser.add_argument("--dtype", choices=DTYPES, default="float32", metavar="POLICY", help=", ".join(DTYPES))


def add_request_options(parser: argparse.ArgumentParser) -> None:
    """Add what names a model, and all that shapes its check."""
    parser.add_argument("model", metavar="MODEL", help="a .keras file, or module:function that builds a model")
    add_backends_and_dtype(parser)
    parser.add_argument("--kwargs", type=read_json_object, metavar="JSON", help="arguments of the function")
    parser.add_argument("--custom", metavar="MODULE", help="module that registers the model's own classes")
    parser.add_argument(
        "--seed", type=int, default=1, metavar="N", help="of inputs, weights and random layers; default 1"
    )
    case = parser.add_argument_group("what is computed; drawn or chosen to fit the model where it is not given")
    case.add_argument("--inputs", type=Path, metavar="FILE.npz", help="inputs, by name, or one after the other")
    case.add_argument("--targets", type=Path, metavar="FILE.npz", help="targets, likewise")
    case.add_argument("--loss", type=read_identifier, metavar="NAME", help="a name, JSON, or module:function")
    case.add_argument("--optimizer", type=read_identifier, metavar="NAME", help="likewise")
    case.add_argument("--metrics", type=read_identifiers, metavar="NAMES", help="names with commas, or JSON")
    case.add_argument("--loss-weights", type=read_weights, metavar="JSON", help="of the outputs: a list, or by name")
    case.add_argument("--weighted-metrics", type=read_identifiers, metavar="NAMES", help="as --metrics")
    case.add_argument("--class-weight", type=read_json_object, metavar="JSON", help="of the classes, by number")
    case.add_argument("--steps", type=read_count, default=3, metavar="K", help="optimizer steps; default 3")
    case.add_argument("--batch-size", type=read_positive, metavar="N", help="default 4, or 2 of a large model")
    case.add_argument("--inference-only", action="store_true", help="no loss, no gradients, no training")
    case.add_argument("--no-edge", action="store_true", help="ordinary inputs only: no blank, tied or huge ones")
    case.add_argument("--special", action="store_true", help="NaN, infinities and subnormal numbers too")
    case.add_argument("--no-reload", action="store_true", help="do not save the model and load it elsewhere")
    case.add_argument(
        "--time-limit", type=read_seconds, default=300.0, metavar="SECONDS", help="most time for one call; default 300"
    )


def request_options(options: argparse.Namespace) -> dict[str, Any]:
    """Return the keyword arguments of `keras_parity.request.make_request` that the options stand for.

    Raises:
        UsageError: If a file of arrays cannot be read.
    """
    return {
        "executions": options.backends,
        "kwargs": options.kwargs,
        "custom": options.custom,
        "inputs": options.inputs and read_arrays(options.inputs),
        "targets": options.targets and read_arrays(options.targets),
        "inputs_file": options.inputs and str(options.inputs),
        "targets_file": options.targets and str(options.targets),
        "loss": options.loss,
        "optimizer": options.optimizer,
        "metrics": options.metrics or (),
        "loss_weights": options.loss_weights,
        "weighted_metrics": options.weighted_metrics,
        "class_weight": options.class_weight,
        "steps": options.steps,
        "dtype": options.dtype,
        "seed": options.seed,
        "batch_size": options.batch_size,
        "training": not options.inference_only,
        "edge": not options.no_edge,
        "special": options.special,
        "reload": not options.no_reload,
        "time_limit": options.time_limit,
    }


def read_arrays(path: Path) -> "np.ndarray | list[np.ndarray] | dict[str, np.ndarray]":
    """Return what a NumPy file holds: one array, a list where they are numbered, else a dict by name.

    Raises:
        UsageError: If it cannot be read, or holds anything but plain arrays.
    """
    import numpy as np

    try:
        with open(path, "rb") as file:  # which NumPy leaves open where it is damaged
            content = np.load(file, allow_pickle=False)
            if isinstance(content, np.ndarray):
                return content
            arrays = dict(content)
    except FileNotFoundError:
        raise UsageError(f"{path} is not there; write one with numpy.savez") from None
    except Exception as error:  # a damaged file raises almost anything
        raise UsageError(f"cannot read {path} as arrays: {' '.join(str(error).split())}") from error
    numbered = [f"arr_{i}" for i in range(len(arrays))]  # numpy.savez names them so
    if not arrays:
        raise UsageError(f"{path} holds no arrays")
    if sorted(arrays) != sorted(numbered):
        return arrays
    return arrays["arr_0"] if len(arrays) == 1 else [arrays[name] for name in numbered]
