"""The search for the smallest script that shows a finding of the optimiser, a metric or whole training steps.

No call of a layer shows these, so the engine is not asked again: a script counts where what it prints stands apart.
"""

import functools
from dataclasses import dataclass, replace

import numpy as np

from keras_parity.comparison import open_check
from keras_parity.comparison.opening import open_model
from keras_parity.comparison.training import label_of
from keras_parity.errors import WorkerError
from keras_parity.participants import TooFewLeft
from keras_parity.protocol.quantity import Kind
from keras_parity.protocol.reducing import DescribeOptimizer, DescribeWeights, Reproducer, Slot
from keras_parity.reduce.output import NoReproducer, tells_apart
from keras_parity.reduce.script import render_script, show, spell_layer, spell_object, spell_target
from keras_parity.reduce.search import Reduction, say_nothing

# What layers of findings begin with.
IN_TRAINING = ("(optimizer)", "(metric ", "(training)")
# The script's own numbers for the optimiser: as many as a check finds an epsilon with, which shows on small ones alone.
GRADIENTS = 64


@dataclass
class TrainingReduction(Reduction):
    """The work on one finding.

    Attributes:
        steps_shown: Those of the script.
        spelled: The optimiser as it is typed.
    """

    steps_shown: int = 1
    spelled: str = ""

    def _start(self) -> Reproducer:
        if not self.finding.layer.startswith("(metric "):
            self.spelled = self._spell_optimizer()
        for steps in sorted({1, self.request.steps}):
            self.steps_shown = steps
            for case in self._cases():
                if (start := self.try_case(case)) is not None:
                    return start
        raise NoReproducer("no layer trained alone shows the difference in a script")

    def _cases(self) -> list[Reproducer]:
        if self.finding.layer == "(optimizer)":
            generator = np.random.default_rng(self.request.seed)
            sizes = 10 ** generator.uniform(-6, 0, GRADIENTS)
            drawn = [generator.standard_normal(GRADIENTS), generator.choice([-1.0, 1.0], GRADIENTS) * sizes]
            tensors = tuple(tensor.astype(np.float32).astype(np.float64) for tensor in drawn)
            return [Reproducer("keras.Variable", {}, (Slot(0), Slot(1)), {}, tensors, ("float", "float"))]
        if self.finding.layer == "(training)":
            calls = self.at_the_driver(self._extract_calls)[1]
            trained = [case for case in calls if case.weights and case.args == (Slot(0),) and not case.random]
            return sorted(trained, key=lambda case: case.is_model)  # layers alone come first
        metric = next(m for m in self.request.metrics if self.finding.layer == f"(metric {label_of(m)})")
        return self.at_the_driver(functools.partial(self._extract_loss, metric, "metrics"))

    def _spell_optimizer(self) -> str:
        made = self.crew[self._driver].ask(DescribeOptimizer(self.request.optimizer or "adam"))
        if made.custom is not None:
            raise NoReproducer(f"{made.custom.name} is an optimiser of the user's own")
        return spell_object(made.name, made.config)

    def try_case(self, case: Reproducer) -> Reproducer | None:
        """Return a case with its weights filled in, if the backends print what differs; else None."""
        if self.finding.layer == "(training)":
            with open_check(self.request_for(case), self.crew, say_nothing) as check:
                try:
                    open_model(check, {})
                    if case.weights is None:
                        weights = check.participants.ask(check.participants.active[0], DescribeWeights())
                        case = replace(case, weights=weights.values, names=weights.names)
                except (TooFewLeft, WorkerError):
                    return None
        printed = self.print_everywhere(self._render(case, "Draft."))
        if not printed:
            return None
        return case if tells_apart(printed, self.finding.execution, self.request.dtype, self._least()) else None

    def _least(self) -> float:
        """Return the absolute difference that the script is expected to show, as far as it is one of the same thing."""
        return self.finding.max_abs_error if self.finding.layer == "(training)" else 0.0

    def _render(self, case: Reproducer, header: str) -> str:
        render = {"(optimizer)": self._optimizer_lines, "(training)": self._training_lines}
        lines = render.get(self.finding.layer, self._metric_lines)(case)
        return render_script(case, self.finding, self.request.dtype, "", header, "\n".join(lines))

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
        if quantity.kind is Kind.LOG:
            return ["value = np.asarray(loss)"]
        if quantity.kind is Kind.SLOT:
            kind = quantity.family or quantity.name.rpartition("_")[2]
            weights = f'[slot for slot in {optimizer}.variables if slot.path.endswith("{kind}")]'
        return [
            f"chosen = {weights}",
            "value = np.concatenate([np.ravel(keras.ops.convert_to_numpy(one)) for one in chosen])",
        ]
