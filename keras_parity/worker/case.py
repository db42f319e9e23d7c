"""The case that a worker holds: one model, built in two precisions, and what its runs have left.

Of the two models with the same weights, one computes in float64 (`reference`) and one in the dtype that the check is
about (`checked`).
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field

import keras
import numpy as np

from keras_parity.errors import NoModel, UsageError, quote
from keras_parity.protocol.results import Raised, Results
from keras_parity.protocol.rounding import UNIT_ROUNDOFF
from keras_parity.worker import keras_internals, precision
from keras_parity.worker.capture import Call, CallStack, watching
from keras_parity.worker.randomness import is_random_state, shared_randomness
from keras_parity.worker.replay import to_tensor
from keras_parity.worker.settings import Settings, apply_settings, read_settings
from keras_parity.worker.tensors import Compiled

# The two forms of the model: in float64, and in the dtype that the check is about.
KINDS = ("reference", "checked")
# OpenVINO computes in float32 whatever it is told.
NO_FLOAT64 = Raised("no float64 result to be had", unsupported=True)


@dataclass(frozen=True)
class Studied:
    """What a call gives, unperturbed: attributes as in `Study`, and through which kinds of model gradients go back."""

    reference: Results | Raised
    checked: Results | Raised
    gradients: tuple[Raised | None, Raised | None]
    backward: dict[str, bool]


@dataclass
class Case:
    """A model under check, as this worker holds it; `models`, `calls` and `compiled` are by `KINDS`.

    Attributes:
        dtype: The dtype policy that the check is about.
        seed: Of the check.
        models: The model in each precision in which it could be built.
        calls: The calls of each model's last run, by their keys.
        data: The floats that the last run gave the model.
        jumps: Whether a call that takes some of them jumps at them, by its key.
        compiled: Keeps what was compiled for each model.
        studied: What the calls of the last study gave, by their keys, where that was to be kept.
        eager: The models that JAX could not compile in the last run: their calls are replayed eagerly, too.
        patches: What holds as long as the case does.
        settings: Keras's settings before the model was built.
        unbuilt: What building the reference raised, where the model that is asked about can be built; then there is
            none.
    """

    dtype: str
    seed: int
    models: dict[str, keras.Model] = field(default_factory=dict)
    calls: dict[str, dict[str, Call]] = field(default_factory=dict)
    data: list[np.ndarray] = field(default_factory=list)
    jumps: dict[str, bool] = field(default_factory=dict)
    compiled: dict[str, Compiled] = field(default_factory=lambda: {kind: {} for kind in KINDS})
    studied: dict[str, Studied] = field(default_factory=dict)
    eager: set[str] = field(default_factory=set)
    patches: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)
    settings: Settings = field(default_factory=read_settings)
    unbuilt: Raised | None = None

    @property
    def finest(self) -> str:
        """Which model computes in the finest numbers: the reference, if it can be built."""
        return next(kind for kind in KINDS if kind in self.models)

    def why_missing(self, kind: str) -> Raised | None:
        """Return why there is no such model: what building it raised; None where there is one."""
        return None if kind in self.models else self.unbuilt


_case: Case | None = None


def hold_case(case: Case) -> None:
    """Hold a case from now on."""
    global _case
    _case = case


def drop_case() -> bool:
    """Take the patches of the case off, set Keras's settings back and hold no case; return whether there was one."""
    global _case
    if _case is None:
        return False
    _case.patches.close()
    apply_settings(_case.settings)
    _case = None
    return True


def current_case() -> Case:
    """Return the case that this worker holds.

    Raises:
        NoModel: If it holds none, as a process that was started anew.
    """
    if _case is None:
        raise NoModel
    return _case


def describe_error(error: Exception, at: str | None = None) -> Raised:
    """Return an exception's class and message as one line of bounded length, and where it was raised."""
    if isinstance(error, UsageError):
        return Raised(str(error), misuse=True)
    return Raised(f"{type(error).__name__}: {quote(error, limit=400) or 'no message'}", at or "")


def in_precision(kind: str) -> contextlib.AbstractContextManager[None]:
    """Return what lets Keras compute in the precision of one of the two models."""
    return precision.reference_precision() if kind == "reference" else precision.checked_precision(current_case().dtype)


@contextlib.contextmanager
def running(kind: str, stack: CallStack) -> Iterator[None]:
    """Let one of the two models run: in its precision, with a stack that knows where it is, on draws that all share."""
    with in_precision(kind), watching(stack), shared_randomness(current_case().seed, stack.next_draw):
        yield


def weights_of(model: keras.Model) -> list[keras.Variable]:
    """Return a model's variables without the states of random-number generators, which a check does not use."""
    return [variable for variable in model.variables if not is_random_state(variable)]


def assign(kind: str, variables: list[keras.Variable], values: list[np.ndarray]) -> None:
    """Give variables of one of the two models values, in its precision."""
    with in_precision(kind):
        for variable, value in zip(variables, values, strict=True):
            variable.assign(to_tensor(value, variable.dtype))


def call_dtype(key: str) -> str:
    """Return what a call computes in: of one with others within, the coarsest dtype of them all."""
    calls = [current_case().calls["checked"][key]]
    dtypes = []
    while calls:
        call = calls.pop()
        calls += call.inner
        dtypes.append(_own_dtype(call))
    return max(dtypes, key=lambda dtype: UNIT_ROUNDOFF[dtype])


def _own_dtype(call: Call) -> str:
    floats = [dtype for dtype in call.dtypes if dtype in UNIT_ROUNDOFF]
    if isinstance(call.operation, keras.Layer) or not floats:
        return precision.compute_dtype(call.operation)
    # An operation has no policy: it computes in what it is given.
    return max(floats, key=lambda dtype: UNIT_ROUNDOFF[dtype])


def model_dtype() -> str:
    """Return the dtype that the model itself computes in."""
    return precision.compute_dtype(current_case().models["checked"])


def training_dtype() -> str:
    """Return the coarsest dtype of the model's layers: whole steps round as they do."""
    layers = keras_internals.flatten_layers(current_case().models["checked"])
    dtypes = {precision.compute_dtype(layer) for layer in layers}
    return max(dtypes, key=lambda dtype: UNIT_ROUNDOFF[dtype])
