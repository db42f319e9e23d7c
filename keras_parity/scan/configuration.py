"""One configuration of a layer or operation, as plain data: an expression and the inputs that it is applied to.

The expression is what a user would type, with `layers` and `ops` for `keras.layers` and `keras.ops` and `x`, `y`, `z`,
`w` for the inputs: `layers.Conv2D(3, 2, strides=2, padding='same')(x)`.
"""

import ast
import fnmatch
from dataclasses import dataclass
from typing import Any

VARIABLES = ("x", "y", "z", "w", "v")


@dataclass(frozen=True)
class Tensor:
    """What one input holds.

    Attributes:
        values: The kind of values, as `normal` or `below 7`; `values.py` draws them.
        shape: The shape of one example; the batch axis comes before it.
        dtype: The dtype's name, or `float`: whatever floatx the check runs in.
        batch: A batch size that the configuration insists on; None lets it vary.
    """

    values: str
    shape: tuple[int, ...]
    dtype: str = "float"
    batch: int | None = None

    def __str__(self) -> str:
        batch = "" if self.batch is None else f" batch {self.batch}"
        return f"{self.values} {self.dtype}{list(self.shape)}{batch}"


@dataclass(frozen=True)
class Configuration:
    """A layer or operation with all its arguments, on inputs of one kind."""

    expression: str
    inputs: tuple[Tensor, ...]

    @property
    def name(self) -> str:
        """The expression and its inputs: what tells configurations apart, in tables and on the command line."""
        return f"{self.expression} on {', '.join(str(tensor) for tensor in self.inputs)}"

    @property
    def subjects(self) -> set[str]:
        """The public names that the expression uses, as `layers.Conv2D` or `ops.image.resize`; `x[1]` is `get_item`."""
        names = {
            ast.unparse(node) for node in ast.walk(ast.parse(self.expression, mode="eval")) if _is_public_name(node)
        }
        return {name for name in names if not any(other.startswith(name + ".") for other in names)} or {"ops.get_item"}


def on(*inputs_then_expressions: Tensor | str) -> list[Configuration]:
    """Return one configuration per expression, each on the same inputs.

    Args:
        *inputs_then_expressions: `Tensor`s, then expressions.
    """
    inputs = tuple(value for value in inputs_then_expressions if isinstance(value, Tensor))
    return [Configuration(value, inputs) for value in inputs_then_expressions if isinstance(value, str)]


def normal(*shape: int, **options: Any) -> Tensor:
    """Standard normal numbers."""
    return Tensor("normal", shape, **options)


def positive(*shape: int, **options: Any) -> Tensor:
    """Numbers from 0.1 to 4."""
    return Tensor("positive", shape, **options)


def unit(*shape: int, **options: Any) -> Tensor:
    """Numbers from 0 to 1, both ends excluded."""
    return Tensor("unit", shape, **options)


def symmetric(*shape: int, **options: Any) -> Tensor:
    """Numbers from -1 to 1, both ends excluded."""
    return Tensor("symmetric", shape, **options)


def image(*shape: int, **options: Any) -> Tensor:
    """Numbers from 0 to 255, some of them repeated."""
    return Tensor("image", shape, **options)


def tied(*shape: int, **options: Any) -> Tensor:
    """Whole numbers from -2 to 2, so that many are equal."""
    return Tensor("tied", shape, **options)


def edges(*shape: int, **options: Any) -> Tensor:
    """Zeros of both signs, halves, kinks of activations, tiny and ordinary numbers."""
    return Tensor("edges", shape, **options)


def saturated(*shape: int, **options: Any) -> Tensor:
    """Numbers from 20 to 1e30 of both signs, where exponentials overflow and activations are flat."""
    return Tensor("saturated", shape, **options)


def special(*shape: int, **options: Any) -> Tensor:
    """NaN, infinities and subnormal numbers between ordinary ones."""
    return Tensor("special", shape, **options)


def definite(*shape: int, **options: Any) -> Tensor:
    """Symmetric positive definite matrices."""
    return Tensor("definite", shape, **options)


def constant(*shape: int, **options: Any) -> Tensor:
    """One number throughout."""
    return Tensor("constant", shape, **options)


def probabilities(*shape: int, **options: Any) -> Tensor:
    """Positive numbers whose last axis sums to one."""
    return Tensor("probabilities", shape, **options)


def below(n: int, *shape: int, dtype: str = "int32", **options: Any) -> Tensor:
    """Whole numbers from 0 to n - 1."""
    return Tensor(f"below {n}", shape, dtype, **options)


def integers(*shape: int, dtype: str = "int32", **options: Any) -> Tensor:
    """Whole numbers from -9 to 9."""
    return Tensor("integers", shape, dtype, **options)


def boolean(*shape: int, **options: Any) -> Tensor:
    """True and false, at random."""
    return Tensor("boolean", shape, "bool", **options)


def lengths(*shape: int, **options: Any) -> Tensor:
    """Whole numbers 1, 2, 3 and so on: lengths of sequences."""
    return Tensor("lengths", shape, "int32", **options)


def masked(*shape: int, **options: Any) -> Tensor:
    """Sequences that end in zeros, one of them all zeros, one without any."""
    return Tensor("masked", shape, **options)


def _is_public_name(node: ast.AST) -> bool:
    if not isinstance(node, ast.Attribute):
        return False
    root: ast.expr = node
    while isinstance(root, ast.Attribute):
        root = root.value
    return isinstance(root, ast.Name) and root.id in ("layers", "ops")


def matches(name: str, pattern: str) -> bool:
    """Return whether a configuration's name holds a text, or matches a pattern: `*` alone is a wildcard in it."""
    if "*" not in pattern:
        return pattern in name
    return fnmatch.fnmatchcase(name, pattern.replace("[", "[[]"))
