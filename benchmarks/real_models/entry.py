"""What the catalogue says of a model: how to build it, what to feed it, what the engine should say of it."""

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, TypedDict

import numpy as np

# Draws an array, or a structure of them, for so many examples.
Sampler = Callable[[np.random.Generator, int], object]


@dataclass(frozen=True)
class Place:
    """Where a backend truly differs.

    Attributes:
        layers: A pattern of the layer's path, as a finding has it; `*` matches anything.
        backend: The backend that is alone; None where no two agree.
    """

    layers: str
    backend: str | None

    def matches(self, layer: str, backend: str | None) -> bool:
        """Return whether a finding lies there."""
        return backend == self.backend and any(fnmatchcase(layer, one) for one in self.layers.split("|"))


@dataclass(frozen=True)
class Expected:
    """The right verdict.

    Attributes:
        outcome: `agree` or `disagree`.
        places: Layers and backends that are truly different; each must be named, and no other.
        reason: Why, in a sentence; empty for a plain agreement.
    """

    outcome: str = "agree"
    places: tuple[Place, ...] = ()
    reason: str = ""


AGREE = Expected()


class Rest(TypedDict, total=False):
    """What an entry may say beside what the model is and what it is fed; the keys are attributes of `Model`."""

    kwargs: dict[str, Any]
    gives_inputs: bool
    gives_targets: bool
    loss: str | dict[str, Any]
    optimizer: str | dict[str, Any]
    metrics: tuple[str, ...]
    still: dict[str, Any]
    expected: Expected
    batch: int
    rounding: float


@dataclass(frozen=True)
class Model:
    """A model of the bench.

    Attributes:
        name: Its own.
        family: The section of the catalogue that it stands in.
        builder: `module:function`, which any worker can import.
        draw_inputs: Draws inputs in the structure that the model takes.
        kwargs: Arguments of the builder.
        draw_targets: Draws targets that fit the loss; None where the outputs' own shapes do, for a squared error.
        gives_inputs: Whether the check is given the inputs, as a user would; without, it draws its own.
        gives_targets: Whether the check is given the targets.
        loss: As in `compile`; None where the model comes compiled or the check takes its own.
        optimizer: The same.
        metrics: Names of metrics.
        still: Arguments of the builder that take the model's own randomness away.
        options: What else the check is given.
        expected: The right verdict.
        exceptions: By dtype policy, the right verdict where it is another one.
        needs: Packages without which the model is skipped.
        large: Whether the workers are started anew after it.
        batch: The only batch size that it takes; None for any.
        rounding: How far its results may be apart in plain Keras, relative to the largest, because layers of it compute
            in a dtype of their own, whatever the precision asked for.
    """

    name: str
    family: str
    builder: str
    draw_inputs: Sampler
    kwargs: dict = field(default_factory=dict)
    draw_targets: Sampler | None = None
    gives_inputs: bool = False
    gives_targets: bool = False
    loss: str | dict | None = None
    optimizer: str | dict | None = None
    metrics: tuple[str, ...] = ()
    still: dict = field(default_factory=dict)
    options: dict = field(default_factory=dict)
    expected: Expected = AGREE
    exceptions: dict = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    large: bool = False
    batch: int | None = None
    rounding: float = 0.0

    def expected_in(self, dtype: str) -> Expected:
        """Return the right verdict under a dtype policy."""
        return self.exceptions.get(dtype, self.expected)

    def missing_packages(self) -> list[str]:
        """Return the packages that it needs and that are not installed."""
        return [name for name in self.needs if importlib.util.find_spec(name) is None]

    def arguments(self, seed: int, count: int = 4) -> dict:
        """Return what `keras_parity.check` takes beside the builder's name.

        Args:
            seed: Of the check; it draws inputs and targets that are given.
            count: Examples in what is given.
        """
        generator = np.random.default_rng([seed, *self.name.encode()])
        inputs, targets = draw_data(self, generator, self.batch or count)
        given: dict = {"kwargs": self.kwargs or None, "seed": seed, **self.options}
        if self.batch:
            given["batch_size"] = self.batch
        if self.gives_inputs:
            given["inputs"] = inputs
        if self.gives_targets:
            given["targets"] = targets if isinstance(targets, list | dict) else [targets]
        for key in ("loss", "optimizer", "metrics"):
            if getattr(self, key):
                given[key] = getattr(self, key)
        return given


def draw_data(model: Model, generator: np.random.Generator, count: int) -> tuple[object, object]:
    """Return inputs and targets for so many examples; None for targets that no sampler is there for."""
    inputs = model.draw_inputs(generator, count)
    return inputs, model.draw_targets(generator, count) if model.draw_targets else None


def normal(*shape: int, mean: float = 0.0, deviation: float = 1.0) -> Sampler:
    """Return a sampler of float32 normal numbers `(count, *shape)`."""
    return lambda generator, count: generator.normal(mean, deviation, (count, *shape)).astype("float32")


def uniform(*shape: int, low: float = 0.0, high: float = 1.0) -> Sampler:
    """Return a sampler of float32 uniform numbers `(count, *shape)`."""
    return lambda generator, count: generator.uniform(low, high, (count, *shape)).astype("float32")


def pixels(size: int) -> Sampler:
    """Return a sampler of float32 images `(count, size, size, 3)` in 0..255."""
    return uniform(size, size, 3, high=255.0)


def integers(high: int, *shape: int, low: int = 0, dtype: str = "int32") -> Sampler:
    """Return a sampler of integers `(count, *shape)` in low..high - 1."""
    return lambda generator, count: generator.integers(low, high, (count, *shape)).astype(dtype)


def padded(high: int, length: int) -> Sampler:
    """Return a sampler of int32 tokens `(count, length)` in 1..high - 1, the ends of rows padded with 0."""

    def draw(generator: np.random.Generator, count: int) -> np.ndarray:
        tokens = generator.integers(1, high, (count, length)).astype("int32")
        for row, kept in enumerate(generator.integers(2, length + 1, count)):
            tokens[row, kept:] = 0
        return tokens

    return draw


def one_hot(classes: int, *shape: int) -> Sampler:
    """Return a sampler of float32 one-hot vectors `(count, *shape, classes)`."""
    return lambda generator, count: np.eye(classes, dtype="float32")[generator.integers(0, classes, (count, *shape))]


def ones(*shape: int, dtype: str = "int32") -> Sampler:
    """Return a sampler that is all ones, as a mask without padding."""
    return lambda _, count: np.ones((count, *shape), dtype)


def zeros(*shape: int, dtype: str = "int32") -> Sampler:
    """Return a sampler that is all zeros, as segment numbers of a single text."""
    return lambda _, count: np.zeros((count, *shape), dtype)


def adjacency(*shape: int) -> Sampler:
    """Return a sampler of float32 symmetric 0-1 matrices `(count, *shape)` with ones on the diagonal."""

    def draw(generator: np.random.Generator, count: int) -> np.ndarray:
        values = generator.random((count, *shape)) < 0.3
        values = values | np.swapaxes(values, -1, -2) | np.eye(shape[-1], dtype=bool)
        return values.astype("float32")

    return draw


def listed(*samplers: Sampler) -> Sampler:
    """Return a sampler of a list."""
    return lambda generator, count: [sampler(generator, count) for sampler in samplers]


def named(**samplers: Sampler) -> Sampler:
    """Return a sampler of a dictionary."""
    return lambda generator, count: {name: sampler(generator, count) for name, sampler in samplers.items()}
