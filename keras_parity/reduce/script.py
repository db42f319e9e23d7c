"""The text of a script that makes one call and prints what it gives; nothing but keras and numpy is imported there."""

import re
import textwrap
from collections.abc import Callable
from typing import Any

import numpy as np

from keras_parity.protocol.cause import Cause
from keras_parity.protocol.quantity import Kind
from keras_parity.protocol.reducing import Custom, Reproducer, Slot, is_object
from keras_parity.reduce.case import FEW, drawn_values
from keras_parity.verdict import Finding

# What the output is contracted with for a gradient, the same numbers on every backend: ones, by which the gradient of a
# softmax is zero, or each number's position.
WEIGHTINGS = ("ones", "positions")
_GRADIENT = '''
class Gradient(keras.optimizers.Optimizer):
    """Puts the gradient in the place of a weight, so that a step of training shows it."""

    def update_step(self, gradient, variable, learning_rate):
        self.assign(variable, gradient)


class Probe(keras.layers.Layer):
    """Makes the call, and holds its input as a weight where the input's gradient is asked for."""

{body}


model = keras.Sequential([Probe()])
gradient = Gradient(learning_rate=1.0, name="gradient")
model.compile(gradient, loss=lambda _, y: y, run_eagerly=True, auto_scale_loss=False)
model.fit(np.zeros((1, 1)), np.zeros((1, 1)), verbose=0)
'''


def render_script(
    case: Reproducer,
    finding: Finding,
    dtype: str,
    weighting: str,
    header: str,
    body: str | None = None,
    *,
    backward: bool = False,
) -> str:
    """Return the script's text.

    Args:
        case: The call.
        finding: What differs there.
        dtype: The dtype policy.
        weighting: One of `WEIGHTINGS`, for a gradient.
        header: The docstring.
        body: What is done with the call's tensors; None makes the call and prints what the finding is about.
        backward: Whether that shows in a gradient alone, as an exception may; a gradient's finding does.
    """
    tensors = [
        f"{_variable(case, i)} = {_tensor(tensor, name, dtype)}"
        for i, (tensor, name) in enumerate(zip(case.tensors, case.dtypes, strict=True))
    ]
    if body is None:
        backward = backward or finding.quantity.kind is Kind.GRADIENT
        body = _gradient(case, finding, weighting) if backward else _forward(case, finding)
    return join_script(header, dtype, case.custom, "\n".join(tensors), body, raises=finding.cause is Cause.ERROR)


def join_script(header: str, dtype: str, custom: Custom | None, data: str, body: str, *, raises: bool) -> str:
    """Return a script's text from its parts.

    Args:
        header: The docstring.
        dtype: The dtype policy.
        custom: The user's own class or function, which it holds or imports; None for Keras's alone.
        data: The lines that make the data.
        body: What is done with the data.
        raises: Whether it is an exception that differs, which is then printed.
    """
    imports, definitions = (custom and custom.definition) or ("", "")
    setting, preamble = _precision(dtype)
    if custom and not definitions:
        imports = f"from {custom.module} import {custom.name}"
    parts = ['"""' + header.replace("\\", "\\\\").replace('"""', "'''") + '"""', preamble]
    parts.append("\n".join(filter(None, ["import keras", "import numpy as np", imports])))
    parts.append(setting)
    parts.append(f"\n{definitions}\n" if definitions else "")
    parts.append(data)
    if raises:
        body = (
            "try:\n"
            + textwrap.indent(body, "    ")
            + "\nexcept Exception as error:\n"
            + '    print(keras.backend.backend(), "raises", type(error).__name__ + ":", str(error).splitlines()[0])'
        )
    return "\n\n".join(part for part in parts if part) + "\n" + body.rstrip("\n") + "\n"


def spell_target(case: Reproducer) -> str:
    """Return the expression for what is called."""
    if case.is_model:
        return f"{case.kind}.from_config({case.config!r})"
    name = case.custom.name if case.custom else case.kind
    return spell_object(name, case.config) if _is_class(case) else name


def spell_object(name: str, config: dict[str, Any]) -> str:
    """Return the expression that makes an object of a class."""
    return f"{name}({_arguments(config)})"


def _is_class(case: Reproducer) -> bool:
    return case.kind.rpartition(".")[2][:1].isupper()


def _forward(case: Reproducer, finding: Finding) -> str:
    quantity = finding.quantity
    lines = [*spell_layer(case), f"y = {_call(case, finding.mode)}"]
    if quantity.kind is Kind.STATE and quantity.name in case.names:
        lines.append(f"value = layer.weights[{case.names.index(quantity.name)}]  # {quantity.name}")
    elif quantity.kind is Kind.MASK:
        lines.append(f'value = getattr(y{quantity.name}, "_keras_mask", None)')
    elif quantity.kind is Kind.ADDED_LOSS:
        lines.append("value = sum(layer.losses)")
    elif quantity.kind is Kind.OUTPUT and quantity.name:
        lines.append(f"value = y{quantity.name}")
    else:
        return "\n".join([*lines, *show("y")])
    return "\n".join([*lines, *show("value")])


def _gradient(case: Reproducer, finding: Finding, weighting: str) -> str:
    what = finding.quantity.name
    floats = [i for i, tensor in enumerate(case.tensors) if tensor.dtype.kind == "f"]
    held = None
    if what == "input" or re.fullmatch(r"input\[\d+\]", what):
        held = int(what[6:-1]) if "[" in what else floats[0]
    elif finding.cause is Cause.ERROR and floats:  # what raises in a gradient raises in that of the input
        held = floats[0]
    lines = ["def __init__(self):", "    super().__init__()", "    self.layer = layer", ""] if _is_layer(case) else []
    name = _variable(case, held or 0)
    if held is not None:
        lines += [
            "def build(self, _):",
            f"    self.held = self.add_weight(shape={name}.shape, dtype={name}.dtype, autocast=False,",
            f"                                initializer=lambda *_, **__: {name})",
            "",
        ]
    lines += ["def call(self, unused):"]
    lines += [f"    {name} = keras.ops.convert_to_tensor(self.held)"] if held is not None else []
    lines += [f"    y = {_call(case, finding.mode)}"]
    lines += ["    total = 0.0", "    for part in keras.tree.flatten(y):"]
    total = "part" if weighting == "ones" else "part * keras.ops.reshape(weights, part.shape)"
    if weighting != "ones":
        lines += ["        weights = keras.ops.cast(np.arange(1, np.prod(part.shape) + 1), part.dtype)"]
    lines += [f"        total = total + keras.ops.sum({total})", "    return total + 0 * unused"]
    body = _GRADIENT.format(body=textwrap.indent("\n".join(lines), "    "))
    shown = "model.layers[0].held"
    if held is None:
        shown = f"layer.weights[{case.names.index(what)}]" if what in case.names else "layer.weights[0]"
    # Called once, so that it has its weights.
    setup = (
        [*spell_layer(case), _call(case, finding.mode)] if _is_layer(case) and not case.weights else spell_layer(case)
    )
    gradient = finding.quantity if finding.quantity.kind is Kind.GRADIENT else "gradient"
    value = f"value = {shown}  # now the {gradient}"
    return "\n".join([*setup, "", body.strip("\n"), value, *show("value")])


def _is_layer(case: Reproducer) -> bool:
    return _is_class(case) and not case.kind.startswith(
        ("keras.losses.", "keras.metrics.", "keras.Variable", "keras.src.ops.")
    )


def spell_layer(case: Reproducer) -> list[str]:
    """Return the lines that make the layer and set its weights."""
    if not _is_layer(case):
        return []
    lines = [f"layer = {spell_target(case)}"]
    if case.weights:
        weights = ",\n    ".join(_array(weight).replace("\n", "\n    ") for weight in case.weights)
        lines += [f"{_call(case, None)}  # makes the weights"]
        lines += [
            f"weights = [\n    {weights},\n]  # {', '.join(case.names)}",
            "for variable, value in zip(layer.weights, weights):",
            "    variable.assign(value)",
        ]
    return lines


def _call(case: Reproducer, mode: str | None) -> str:
    arguments = [_value(case, arg) for arg in case.args]
    arguments += [f"{name}={_value(case, value)}" for name, value in case.kwargs.items()]
    if case.takes_training and mode is not None:
        arguments.append(f"training={mode == 'training'}")
    return f"{'layer' if _is_layer(case) else spell_target(case)}({', '.join(arguments)})"


def _value(case: Reproducer, value: Any) -> str:
    return spell_structure(value, lambda position: _variable(case, position))


def spell_structure(value: Any, name: Callable[[int], str]) -> str:
    """Return a nested value as it is typed, with the name of each slot's variable in its place.

    A named tuple is typed as one of a class made for it, by `namedtuple`.
    """
    if isinstance(value, Slot):
        return name(value.position)
    if isinstance(value, list):
        return f"[{', '.join(spell_structure(item, name) for item in value)}]"
    if isinstance(value, tuple):
        items = f"({', '.join(spell_structure(item, name) for item in value)}{',' if len(value) == 1 else ''})"
        fields = getattr(value, "_fields", None)
        return items if fields is None else f"namedtuple({type(value).__name__!r}, {' '.join(fields)!r}){items}"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key!r}: {spell_structure(item, name)}" for key, item in value.items()) + "}"
    return repr(value)


def _variable(case: Reproducer, position: int) -> str:
    return "x" if len(case.tensors) == 1 else f"x{position}"


def _tensor(tensor: np.ndarray, name: str, policy: str) -> str:
    dtype = ("float64" if policy == "float64" else "float32") if name == "float" else name
    return f'keras.ops.convert_to_tensor({_array(tensor)}, "{dtype}")'


def _array(array: np.ndarray) -> str:
    """Return an expression for an array; for many numbers, one that makes them, where there is such a one."""
    shape = tuple(array.shape)
    if array.size > FEW:
        for value in (0.0, 1.0):
            if np.array_equal(array, np.full(shape, value)):
                return f"np.{'ones' if value else 'zeros'}({shape})"
        if array.dtype.kind == "f" and np.array_equal(array, drawn_values(shape)):
            return f"np.random.default_rng(1).standard_normal({shape})"
    text = np.array2string(array, separator=", ", threshold=array.size + 1, max_line_width=110, floatmode="unique")
    text = re.sub(r"(?<=\[) +", "", text)
    text = re.sub(r"(?<![\w.])(nan|inf)\b", r"np.\1", text) if array.dtype.kind == "f" else text
    return re.sub(r"(\d\.)(?=[,\]\s]|$)", r"\g<1>0", text)


def _arguments(config: dict[str, Any]) -> str:
    return ", ".join(f"{name}={spell_serialised(value)}" for name, value in config.items())


def spell_serialised(value: Any) -> str:
    """Return a serialised value as it is typed."""
    if is_object(value) and not value["class_name"].startswith("__"):
        return f"{value['module']}.{value['class_name']}({_arguments(value['config'])})"
    if isinstance(value, list):
        return f"[{', '.join(map(spell_serialised, value))}]"
    if isinstance(value, tuple):
        return f"({', '.join(map(spell_serialised, value))}{',' if len(value) == 1 else ''})"
    return repr(value)


def _precision(dtype: str) -> tuple[str, str]:
    """Return the lines that set the precision, and those that must come before keras is imported."""
    if dtype == "float32":
        return "", ""
    if dtype == "float64":
        return 'keras.config.set_floatx("float64")', 'import os\n\nos.environ["JAX_ENABLE_X64"] = "1"'
    return f'keras.config.set_dtype_policy("{dtype}")', ""


def show(name: str) -> list[str]:
    """Return the lines that print a tensor or an array: backend, dtype and shape, then the numbers."""
    return [
        f"dtype = keras.backend.standardize_dtype({name}.dtype)",
        f"print(keras.backend.backend(), dtype, tuple({name}.shape))",
        f'print(np.array2string(keras.ops.convert_to_numpy({name}), floatmode="unique", threshold=10**6))',
    ]
