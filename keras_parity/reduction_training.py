"""The search for the smallest script that shows a finding of the optimiser, a metric or whole training steps.

No call of a layer shows these, so the engine is not asked again: a script counts where what it prints stands apart.
"""

import functools
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from keras_parity.comparison import Comparison, TooFewBackends, label_of
from keras_parity.errors import WorkerError
from keras_parity.reduction import Reduction, say_nothing
from keras_parity.reduction_case import Reproducer, Slot
from keras_parity.reduction_output import NoReproducer, tells_apart
from keras_parity.reduction_script import render_script, show, spell_layer, spell_object, spell_target
from keras_parity.source import describe_source

# What layers of findings begin with.
IN_TRAINING = ("(optimizer)", "(metric ", "(training)")
# The script's own numbers for the optimiser: as many as a check finds an epsilon with, which shows on small ones alone.
GRADIENTS = 64


@dataclass
class TrainingReduction(Reduction):
    """The work on one finding.

    Attributes:
        optimizer: As in `compile`; None takes Adam.
        metrics: As in `compile`.
        steps: Training steps of the check.
        steps_shown: Those of the script.
        spelled: The optimiser as it is typed.
    """

    optimizer: object = None
    metrics: Sequence = ()
    steps: int = 3
    steps_shown: int = 1
    spelled: str = ""

    def _start(self, loss) -> Reproducer:
        self.shown = self.finding
        if not self.finding.layer.startswith("(metric "):
            self.spelled = self._spell_optimizer()
        for steps in sorted({1, self.steps}):
            self.steps_shown = steps
            for case in self._cases(loss):
                if (start := self.try_case(case)) is not None:
                    return start
        raise NoReproducer("no layer trained alone shows the difference in a script")

    def _cases(self, loss) -> list[Reproducer]:
        if self.finding.layer == "(optimizer)":
            generator = np.random.default_rng(self.seed)
            sizes = 10 ** generator.uniform(-6, 0, GRADIENTS)
            tensors = [generator.standard_normal(GRADIENTS), generator.choice([-1.0, 1.0], GRADIENTS) * sizes]
            tensors = tuple(tensor.astype(np.float32).astype(np.float64) for tensor in tensors)
            return [Reproducer("keras.Variable", {}, (Slot(0), Slot(1)), {}, tensors, ("float", "float"))]
        if self.finding.layer == "(training)":
            calls = self._at_the_driver(self._extract_calls)[1]
            trained = [case for case in calls if case.weights and case.args == (Slot(0),) and not case.random]
            return sorted(trained, key=lambda case: case.is_model)  # layers alone come first
        metric = next(m for m in self.metrics if self.finding.layer == f"(metric {label_of(m)})")
        return self._at_the_driver(functools.partial(self._extract_loss, metric, "metrics"))

    def _spell_optimizer(self) -> str:
        kind, config, custom = self.workers[self._driver].call(
            "keras_parity.reduction_stages:describe_optimizer", self.optimizer or "adam"
        )
        if custom is not None:
            raise NoReproducer(f"{custom.name} is an optimiser of the user's own")
        return spell_object(kind, config)

    def try_case(self, case: Reproducer) -> Reproducer | None:
        """Return a case with its weights filled in, if the backends print what differs; else None."""
        if self.finding.layer == "(training)":
            run = Comparison(self.backends, self.workers, self.dtype, self.seed, self.time_limit, say_nothing)
            try:
                source = describe_source("keras_parity.reduction_stages:build", {"case": case}, self.source.custom)
                run.open(source, {}, None)
                if case.weights is None:
                    driver = self.workers[run.active[0]]
                    weights, names = driver.call("keras_parity.reduction_stages:describe_weights")
                    case = replace(case, weights=weights, names=names)
            except (TooFewBackends, WorkerError):
                return None
            finally:
                run.close()
        arguments = ("keras_parity.reduction_stages:run_script", self._render(case, "Draft."), self.dtype)
        printed = self.workers.everywhere(*arguments, backends=self.backends, time_limit=self.time_limit)
        if any(isinstance(answer, WorkerError) for answer in printed.values()):
            return None
        return case if tells_apart(printed, self.finding.backend, self.dtype, self._least()) else None

    def _least(self) -> float:
        """Return the absolute difference that the script is expected to show, as far as it is one of the same thing."""
        return self.finding.max_abs_error if self.finding.layer == "(training)" else 0.0

    def _render(self, case: Reproducer, header: str) -> str:
        render = {"(optimizer)": self._optimizer_lines, "(training)": self._training_lines}
        lines = render.get(self.finding.layer, self._metric_lines)(case)
        return render_script(case, self.finding, self.dtype, "", header, "\n".join(lines))

    def _metric_lines(self, case: Reproducer) -> list[str]:
        return [
            f"value = np.asarray({spell_target(case)}(x0, x1))",
            *show("value"),
        ]

    def _optimizer_lines(self, case: Reproducer) -> list[str]:
        return [
            f"optimizer = {self.spelled}",
            'variable = keras.Variable(x0, name="variable")',
            *([f"for step in range({self.steps_shown}):"] if self.steps_shown > 1 else []),
            f"{'    ' * (self.steps_shown > 1)}optimizer.apply([x1], [variable])",
            *self._chosen("optimizer", "[variable]"),
            *show("value"),
        ]

    def _training_lines(self, case: Reproducer) -> list[str]:
        return [
            *spell_layer(case),
            "target = np.zeros(layer(x).shape)",
            "model = keras.Sequential([layer])",
            f'model.compile({self.spelled}, loss="mean_squared_error")',
            *([f"for step in range({self.steps_shown}):"] if self.steps_shown > 1 else []),
            f"{'    ' * (self.steps_shown > 1)}loss = model.train_on_batch(keras.ops.convert_to_numpy(x), target)",
            *self._chosen("model.optimizer", "model.trainable_variables"),
            *show("value"),
        ]

    def _chosen(self, optimizer: str, weights: str) -> list[str]:
        """Return the line that takes what the finding is about: slots of one kind, the loss, or the weights."""
        quantity = self.finding.quantity
        if " after step " in quantity:
            return ["value = np.asarray(loss)"]
        if quantity.startswith("slot "):
            kind = quantity.rpartition("_")[2]
            weights = f'[slot for slot in {optimizer}.variables if slot.path.endswith("{kind}")]'
        return [
            f"chosen = {weights}",
            "value = np.concatenate([np.ravel(keras.ops.convert_to_numpy(one)) for one in chosen])",
        ]
