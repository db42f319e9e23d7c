"""The script of a whole model, for what shows in no call alone: `fit`, `predict`, a training step, a loop's gradient.

The user's function builds the model, and the script gives it weights and data of its own. So nothing of the model is
left out, but for the examples, of which there are as few as show the difference.
"""

import functools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from keras_parity.comparison import Check
from keras_parity.comparison.training import targets_of_steps
from keras_parity.draws import Draw, map_leaves
from keras_parity.errors import quote
from keras_parity.ledger import WHOLE
from keras_parity.protocol.cause import Cause
from keras_parity.protocol.quantity import Kind
from keras_parity.protocol.reducing import Builder, DescribeBuilder, Slot
from keras_parity.protocol.source import PickledObject
from keras_parity.protocol.tasks import OpenCase, Predict
from keras_parity.reduce.output import NoReproducer, run_script, tells_apart
from keras_parity.reduce.script import join_script, show, spell_serialised, spell_structure
from keras_parity.reduce.search import Reduction
from keras_parity.verdict import Verdict

# So many examples, and so many in a batch, are tried one after the other: the last batch is a partial one.
_SIZES = ((1, 1), (2, 2), (5, 2))
PREDICT = "(predict)"


@dataclass(frozen=True)
class WholeModel:
    """A model, and what it is called on.

    Attributes:
        builder: What builds it.
        inputs: Example arrays, in order.
        targets: The same.
        weights: The same, of the examples; none where they all count alike.
        input_structure: A `Slot` for each of them.
        target_structure: The same.
        weight_structure: The same.
        compiled: Whether it comes compiled, and is trained as it does.
        batch: How many examples it takes, where that is fixed.
    """

    builder: Builder
    inputs: list[np.ndarray]
    targets: list[np.ndarray]
    weights: list[np.ndarray]
    input_structure: Any
    target_structure: Any
    weight_structure: Any
    compiled: bool
    batch: int | None


@dataclass
class WholeReduction(Reduction):
    """The work on one finding."""

    def reduce(self, verdict: Verdict) -> str:
        """Return the script's text.

        Raises:
            NoReproducer: If there is none.
        """
        if self.finding.layer == "(reload)":
            raise NoReproducer("(reload) is no layer: a file is written on one backend and read on another")
        model = self._describe()
        sizes = ((model.batch, model.batch),) if model.batch is not None else _SIZES
        for examples, batch in sizes:
            body = functools.partial(self._render_model, model, examples, batch)
            printed = self._print(body("Draft."))
            if tells_apart(printed, self.finding.execution, self.request.dtype):
                return body(self._header_of_model(printed, verdict))
        seen = "; ".join(quote(text, 60) for text in printed.values())
        raise NoReproducer(f"with other weights and data the backends print the same ({seen})")

    def _print(self, text: str) -> dict[str, str]:
        """Return what a script prints, each backend in a process of its own."""
        self.say(f"running the script on {', '.join(self.request.executions)}")
        run = functools.partial(run_script, text, sys_path=self.request.source.sys_path)
        with ThreadPoolExecutor() as pool:
            return dict(zip(self.request.executions, pool.map(run, self.request.executions), strict=True))

    def _describe(self) -> WholeModel:
        request, driver = self.request, self.crew[self._driver]
        if self._builds:
            driver.ask(OpenCase(request.source, request.dtype, request.seed, request.inputs, None))
            return WholeModel(driver.ask(DescribeBuilder(request.source)), [], [], [], (), (), (), True, None)
        return self.at_the_driver(self._describe_with)

    def _describe_with(self, check: Check, draw: Draw) -> WholeModel:
        """Return the model while workers hold it."""
        request, driver = self.request, self.crew[self._driver]
        builder = driver.ask(DescribeBuilder(request.source))
        outputs = [np.asarray(output) for output in driver.ask(Predict(draw.inputs))]
        targets = targets_of_steps(check, outputs)[0] if all(o.dtype.kind == "f" for o in outputs) else []
        given = request.inputs is not None
        inputs, structure = number_leaves(draw.inputs) if given else (list(draw.inputs), builder.inputs)
        wanted, target_structure = number_leaves(targets)
        weights, weight_structure = number_leaves([] if request.sample_weight is None else request.sample_weight)
        if request.targets is None:
            target_structure = builder.outputs
        batches = {spec.shape[0] for spec in check.inputs or () if spec.shape} - {None}
        batch = int(next(iter(batches)) or 1) if batches else None
        structures = (structure, target_structure, weight_structure)
        return WholeModel(builder, inputs, wanted, weights, *structures, check.own_training, batch)

    def _render_model(self, model: WholeModel, examples: int, batch: int, header: str) -> str:
        request, spelled = self.request, {"x": model.inputs}
        imports: set[str] = set()
        if self._trains:
            spelled |= {"y": model.targets, "w": model.weights}
            imports = _imports((request.optimizer, request.loss, request.metrics, request.weighted_metrics))
        body = self._body(model, batch)
        if any("namedtuple(" in line for line in body):
            imports.add("from collections import namedtuple")
        data = sorted(imports)
        data += ["generator = np.random.default_rng(1)"]
        for letter, arrays in spelled.items():
            data += [f"{_name(letter, arrays)(i)} = {spell_data(array, examples)}" for i, array in enumerate(arrays)]
        raises = self.finding.cause is Cause.ERROR
        custom = model.builder.function
        return join_script(header, self.request.dtype, custom, "\n".join(data), "\n".join(body), raises=raises)

    @property
    def _builds(self) -> bool:
        """Whether the model cannot be built everywhere."""
        return self.finding.quantity.kind is Kind.BUILDING

    @property
    def _trains(self) -> bool:
        """Whether the difference is one of training, or of what only training computes."""
        if self.finding.layer.startswith("(") and self.finding.layer not in (WHOLE, PREDICT):
            return True
        return self.finding.layer != PREDICT and (
            self.finding.cause is Cause.ERROR or self.finding.quantity.kind is Kind.GRADIENT
        )

    def _body(self, model: WholeModel, batch: int) -> list[str]:
        x = spell_structure(model.input_structure, _name("x", model.inputs))
        y = spell_structure(model.target_structure, _name("y", model.targets))
        if model.weights:
            y += f", sample_weight={spell_structure(model.weight_structure, _name('w', model.weights))}"
        lines = [f"model = {self._spell_model(model)}"]
        if self._builds:
            return [*lines, 'print(keras.backend.backend(), "builds it, with", len(model.weights), "weights")']
        if not model.builder.built:
            lines.append(f"model({x}, training=False)  # makes the weights")
        weights = "model.trainable_weights"
        if model.builder.frozen:
            frozen = 'not w.trainable and len(w.shape) > 1 and "float" in w.dtype'
            lines.append(f"drawn = {weights} + [w for w in model.weights if {frozen}]")
            weights = "drawn"
        lines += [
            f"for weight in sorted({weights}, key=lambda weight: weight.path):",
            "    weight.assign(generator.uniform(-0.5, 0.5, weight.shape))",
        ]
        if self._trains and not model.compiled:
            lines.append(f"model.compile({self._spell_training()})")
        if self.finding.layer == PREDICT:
            lines += [
                *([f"model.predict({x}, batch_size={batch}, verbose=0)"] if self._is_second else []),
                f"outputs = model.predict({x}, batch_size={batch}, verbose=0)",
            ]
        elif self.finding.layer == "(fit)":
            lines += [
                f"history = model.fit({x}, {y}, batch_size={batch}, shuffle=False, verbose=0).history",
                f"scores = model.evaluate({x}, {y}, batch_size={batch}, return_dict=True, verbose=0)",
                "outputs = [*history.values(), *scores.values(), *model.trainable_weights]",
            ]
        elif self._trains:
            steps = max(self.request.steps, 1)
            lines += [
                *([f"for step in range({steps}):"] if steps > 1 else []),
                f"{'    ' * (steps > 1)}logs = model.train_on_batch({x}, {y}, return_dict=True)",
                "outputs = [*logs.values(), *model.trainable_weights]",
            ]
        else:
            lines.append(f"outputs = model({x}, training={self.finding.mode == 'training'})")
        return [
            *lines,
            "arrays = [keras.ops.convert_to_numpy(output) for output in keras.tree.flatten(outputs)]",
            "value = np.array([np.linalg.norm(array) for array in arrays])  # of each the length, as a vector",
            *show("value"),
        ]

    @property
    def _is_second(self) -> bool:
        return self.finding.quantity.name.endswith("again")

    def _spell_model(self, model: WholeModel) -> str:
        function = model.builder.function
        if function is None:
            return f"keras.saving.load_model({self.request.source.label!r})"
        kwargs = (self.request.kwargs or {}).items()
        return f"{function.name}({', '.join(f'{name}={value!r}' for name, value in kwargs)})"

    def _spell_training(self) -> str:
        """Return the arguments of `compile`."""
        request = self.request
        spelled = [_spell_named(request.optimizer or "adam")]
        spelled.append(f"loss={_spell_named(request.loss or 'mean_squared_error')}")
        if request.loss_weights is not None:
            spelled.append(f"loss_weights={request.loss_weights!r}")
        for name in ("metrics", "weighted_metrics"):
            if given := getattr(request, name):
                spelled.append(f"{name}={_spell_named(given if isinstance(given, dict) else list(given))}")
        return ", ".join(spelled)

    def _header_of_model(self, printed: dict[str, str], verdict: Verdict) -> str:
        finding = self.finding
        who = f"{finding.execution} is alone" if finding.execution else "no two backends agree"
        versions = ", ".join(f"{name} {version}" for name, version in verdict.environment.get("versions", {}).items())
        where = "" if finding.layer.startswith("(") else f", in the layer {finding.layer}"
        lines = "\n\n".join(printed.values())
        return (
            f"{self.request.source.label}: {who} on the {finding.quantity} ({finding.cause.value}){where}.\n\n"
            "The whole model, as keras-parity found no call within it that shows this alone. Run it with\n"
            "KERAS_BACKEND set to "
            f"{', '.join(self.request.executions)}; with {versions}\nit printed:\n\n{lines}\n"
        )


def number_leaves(structure: Any) -> tuple[list[np.ndarray], Any]:
    """Return the arrays of a structure, and the structure with a `Slot` in the place of each."""
    arrays: list[np.ndarray] = []

    def number(leaf: Any) -> Slot:
        arrays.append(np.asarray(leaf))
        return Slot(len(arrays) - 1)

    return arrays, map_leaves(structure, number)


def spell_data(array: np.ndarray, examples: int) -> str:
    """Return an expression for data like an array's, of so many examples, from a `generator` of random numbers."""
    shape = (examples, *array.shape[1:])
    if array.dtype.kind in "OSU":
        return f"np.array({np.resize(array, shape).tolist()!r})"
    if array.dtype.kind == "b":
        return f"generator.random({shape}) < 0.5"
    if array.dtype.kind != "f":
        return f'generator.integers({array.min()}, {array.max() + 1}, {shape}).astype("{array.dtype.name}")'
    return f'{_spell_floats(array, shape)}.astype("float32")'


def _spell_floats(array: np.ndarray, shape: tuple[int, ...]) -> str:
    least, most = float(array.min(initial=np.inf)), float(array.max(initial=-np.inf))
    if least == most:
        return f"np.full({shape}, {least!r})"
    sums_to_one = array.ndim > 1 and least >= 0 and np.allclose(array.sum(axis=-1), 1, atol=1e-5)
    whole = np.array_equal(array, np.round(array))
    if sums_to_one and whole:
        return f"np.eye({shape[-1]})[generator.integers(0, {shape[-1]}, {shape[:-1]})]"
    if sums_to_one:
        return f"generator.dirichlet(np.ones({shape[-1]}), {shape[:-1]})"
    if whole:
        return f"generator.integers({int(least)}, {int(most) + 1}, {shape})"
    return f"generator.standard_normal({shape})" if least < 0 else f"generator.uniform({least!r}, {most!r}, {shape})"


def _name(letter: str, arrays: list[np.ndarray]) -> Callable[[int], str]:
    return lambda position: letter if len(arrays) == 1 else f"{letter}{position}"


def _spell_named(value: Any) -> str:
    """Return what names a loss, a metric or an optimiser, as it is typed; see `_imports`.

    Raises:
        NoReproducer: If it is an object of the user's own.
    """
    if isinstance(value, PickledObject) or callable(value):
        raise NoReproducer(f"{getattr(value, '__name__', None) or type(value).__name__} is an object of the user's own")
    if isinstance(value, str) and ":" in value:
        return value.partition(":")[2]
    if isinstance(value, dict) and "class_name" not in value:
        return "{" + ", ".join(f"{name!r}: {_spell_named(item)}" for name, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_spell_named, value))}]"
    return spell_serialised(value)


def _imports(value: Any) -> set[str]:
    """Return the lines that import what is named as `module:name`."""
    if isinstance(value, str) and ":" in value:
        module, _, name = value.partition(":")
        return {f"from {module} import {name.partition('.')[0]}"}
    if isinstance(value, dict) and "class_name" not in value:
        value = list(value.values())
    return set().union(*map(_imports, value)) if isinstance(value, list | tuple) else set()
