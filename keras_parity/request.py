"""All that a check is asked for: made and validated once, written into the verdict, and read back from it."""

import dataclasses
import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keras_parity.errors import UsageError
from keras_parity.executions import find_executions, installed_executions
from keras_parity.names import DTYPES
from keras_parity.protocol.source import ModelSource
from keras_parity.source import describe_objects, describe_source, pickle_value

# What stands in a written request for a value that only Python can hold.
_PYTHON = "in Python"


@dataclass(frozen=True)
class CheckRequest:
    """What a check is asked for.

    Attributes:
        source: What builds the model.
        executions: The names of those to compare.
        kwargs: Arguments of the function that builds it, as given.
        inputs: Arrays in the structure that the model takes; None draws them.
        targets: Arrays, one for each output; None draws them.
        inputs_file: The file that the inputs were read from, on the command line.
        targets_file: Likewise.
        loss: As in `compile`, or `module:function`; None takes the mean squared error.
        optimizer: Likewise; None takes Adam.
        metrics: As in `compile`.
        loss_weights: As in `compile`.
        weighted_metrics: As in `compile`.
        sample_weight: As in `fit`.
        class_weight: As in `fit`: a number for each class, by its own number.
        steps: Training steps; 0 for none.
        dtype: The dtype policy asked about.
        seed: Draws weights, inputs, targets and random layers' numbers.
        batch_size: Examples in a draw; None leaves it to the check.
        training: Whether gradients, training mode, loss, optimiser and metrics are compared too.
        edge: Whether there are edge draws.
        special: Whether there are draws of NaN, infinities and subnormal numbers.
        reload: Whether the model is saved and loaded.
        time_limit: Seconds that an execution may take for one task.
    """

    source: ModelSource
    executions: tuple[str, ...]
    kwargs: Mapping[str, Any] | None = None
    inputs: Any = None
    targets: Any = None
    inputs_file: str | None = None
    targets_file: str | None = None
    loss: Any = None
    optimizer: Any = None
    metrics: Any = ()
    loss_weights: Any = None
    weighted_metrics: Any = None
    sample_weight: Any = None
    class_weight: dict[int, float] | None = None
    steps: int = 3
    dtype: str = "float32"
    seed: int = 1
    batch_size: int | None = None
    training: bool = True
    edge: bool = True
    special: bool = False
    reload: bool = True
    time_limit: float = 300.0

    @property
    def custom(self) -> str | None:
        """The module to import first."""
        return self.source.custom

    def to_dict(self) -> dict[str, Any]:
        """Return it in JSON's types; in place of what only Python can hold, a text that says so."""
        values: dict[str, Any] = {"model": self.source.label, "kind": self.source.kind, "custom": self.custom}
        for field in dataclasses.fields(self):
            if field.name in ("source", "inputs", "targets", "sample_weight"):
                continue
            values[field.name] = _written(getattr(self, field.name))
        for name in ("inputs", "targets", "sample_weight"):
            given = getattr(self, name) is not None and getattr(self, f"{name}_file", None) is None
            values[name] = _PYTHON if given else None
        return values

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "CheckRequest":
        """Return the request that `to_dict` gave, but for what only Python can hold.

        Raises:
            KeyError: If it lacks a value.
        """
        known = {field.name for field in dataclasses.fields(cls)} - {"source"}
        rest = {name: value for name, value in values.items() if name in known}
        rest |= {"executions": tuple(values["executions"]), "metrics": _given_metrics(values["metrics"])}
        if rest.get("class_weight"):
            rest["class_weight"] = _given_class_weights(rest["class_weight"])
        label, kind = values["model"], values["kind"]
        reference = label if kind == "function" and ":" in label else None
        kwargs = pickle_value(values["kwargs"], "the keyword arguments") if values.get("kwargs") else None
        path = label if kind == "file" else None
        source = ModelSource(label, kind, path, reference, kwargs=kwargs, custom=values["custom"])
        return cls(source, **rest)

    @property
    def names_training(self) -> bool:
        """Whether it says how the model is trained, so that a model that came compiled is not trained as it did."""
        return self.loss is not None or self.optimizer is not None

    @property
    def asks_for_training(self) -> bool:
        """Whether anything of training was asked for, so that the check must not leave it out without a word."""
        return bool(self.given_training)

    @property
    def given_training(self) -> list[str]:
        """The names of what was asked for of training."""
        names = ("targets", "loss", "optimizer", "loss_weights", "weighted_metrics", "sample_weight", "class_weight")
        return [name for name in names if getattr(self, name) is not None] + (["metrics"] if self.metrics else [])

    @property
    def in_python(self) -> bool:
        """Whether it holds what no command line can name."""
        values = self.to_dict()
        named = self.source.kind == "file" or ":" in self.source.label
        return not named or _holds_python(values)

    def command(self, verb: str = "check", **options: str) -> str | None:
        """Return the command line that asks for the same; None where it holds what no command line can name.

        Args:
            verb: `check` or `reduce`.
            options: More options.
        """
        if self.in_python:
            return None
        words = ["keras-parity", verb, self.source.label if self.source.label[:1] != "-" else f"./{self.source.label}"]
        words += ["--backends", ",".join(self.executions)]
        for name, default in _DEFAULTS.items():
            value = getattr(self, name)
            if name in ("inputs", "targets", "sample_weight", "executions") or value == default:
                continue
            if name in _FLAGS:
                words.append(_FLAGS[name])
            else:
                words.append(f"--{name.removesuffix('_file').replace('_', '-')}={_argument(name, value)}")
        if self.custom:
            words.append(f"--custom={self.custom}")
        for name, value in options.items():
            words += [f"--{name}", value]
        return shlex.join(words)

    def call(self, function: str, **options: Any) -> str:
        """Return the call of Python that asks for the same, with the names of what only Python can hold."""
        label = self.source.label.rpartition(".")[2]
        if self.source.kind == "file" or ":" in self.source.label:
            model = repr(self.source.label)
        else:
            model = label if label.isidentifier() else "model"
        given: dict[str, Any] = {"backends": self.executions}
        given |= {n: getattr(self, n) for n, default in _DEFAULTS.items() if not _same(getattr(self, n), default)}
        given |= {"custom": self.custom} if self.custom else {}
        written = self.to_dict()
        arguments = [
            f"{name}={name if _holds_python(written.get(name)) else repr(value)}" for name, value in given.items()
        ]
        return f"{function}({', '.join([model, *arguments, *(f'{n}={v!r}' for n, v in options.items())])})"


_DEFAULTS = {f.name: f.default for f in dataclasses.fields(CheckRequest) if f.default is not dataclasses.MISSING}
_FLAGS = {"training": "--inference-only", "edge": "--no-edge", "special": "--special", "reload": "--no-reload"}


def make_request(
    model: object,
    executions: Sequence[str] | None = None,
    *,
    kwargs: Mapping[str, Any] | None = None,
    custom: str | None = None,
    **options: Any,
) -> CheckRequest:
    """Return a request, once it is known to make sense.

    Args:
        model: A `.keras` file, `module:function`, a function that builds the model, or a built one.
        executions: Names; None takes every backend that is installed.
        kwargs: Arguments of the function.
        custom: A module to import first.
        options: The other attributes of `CheckRequest`.

    Raises:
        UsageError: If it makes no sense.
    """
    found = installed_executions() if executions is None else find_executions(executions)
    if "metrics" in options:
        options["metrics"] = _given_metrics(options["metrics"])
    if options.get("class_weight") is not None:
        options["class_weight"] = _given_class_weights(options["class_weight"])
        if options.get("sample_weight") is not None:
            raise UsageError("give class_weight or sample_weight, not both: Keras takes one of them")
    for name in ("loss", "optimizer", "metrics", "weighted_metrics"):
        if name in options:
            options[name] = describe_objects(options[name])
    source = describe_source(model, dict(kwargs) if kwargs else None, custom)
    request = CheckRequest(source, tuple(e.name for e in found), kwargs or None, **options)
    if request.dtype not in DTYPES:
        raise UsageError(f"no dtype {request.dtype!r} to check; choose one of {', '.join(DTYPES)}")
    if request.steps < 0:
        raise UsageError(f"steps is {request.steps}; it must be 0 or more")
    if request.batch_size is not None and request.batch_size < 1:
        raise UsageError(f"batch_size is {request.batch_size}; it must be 1 or more")
    if not 0 < request.time_limit < float("inf"):
        raise UsageError(f"time_limit is {request.time_limit}; it must be a number of seconds above 0")
    return request


def _given_metrics(metrics: Any) -> Any:
    """Return metrics as a tuple, or as the dictionary that they are."""
    if isinstance(metrics, Mapping):
        return dict(metrics)
    return (metrics,) if isinstance(metrics, str) else tuple(metrics or ())


def _given_class_weights(weights: Any) -> dict[int, float]:
    """Return the weights of classes by their numbers, which are texts in JSON.

    Raises:
        UsageError: If they are anything else.
    """
    try:
        return {int(label): float(weight) for label, weight in weights.items()}
    except (AttributeError, TypeError, ValueError):
        text = f"class_weight is {weights!r}; it must have a number for each class, as {{0: 1.0, 1: 5.0}}"
        raise UsageError(text) from None


def _same(value: Any, default: Any) -> bool:
    return value is default or (type(value) is type(default) and not _is_array(value) and value == default)


def _is_array(value: Any) -> bool:
    return hasattr(value, "__array__")


def _written(value: Any) -> Any:
    """Return a value in JSON's types, or a dictionary that says what only Python can hold."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Mapping):
        return {str(key): _written(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_written(item) for item in value]
    if isinstance(value, Path):
        return value.as_posix()
    return {_PYTHON: getattr(value, "__name__", None) or type(value).__name__}


def _holds_python(value: Any) -> bool:
    if isinstance(value, dict):
        return _PYTHON in value or any(map(_holds_python, value.values()))
    return any(map(_holds_python, value)) if isinstance(value, list) else value == _PYTHON


def _argument(name: str, value: Any) -> str:
    """Return an option's value as it is typed on the command line."""
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return repr(value).removesuffix(".0")
    if name == "metrics" and isinstance(value, tuple) and all(isinstance(m, str) and "," not in m for m in value):
        return ",".join(value)
    return json.dumps(_written(value))
