"""Scripts of training: what the optimiser, a metric or a step of one layer gives, in as many lines as it takes."""

import types

import numpy as np
import pytest

from keras_parity.protocol.quantity import Kind, Quantity
from keras_parity.protocol.reducing import NamedObject, Reproducer, Slot
from keras_parity.reduce.output import NoReproducer
from keras_parity.reduce.training import GRADIENTS, TrainingReduction
from tests.keras_parity.verdicts import REQUEST, finding

DENSE = Reproducer("keras.layers.Dense", {"units": 1}, (Slot(0),), {}, (np.ones((1, 2)),), ("float",), (), ())


def reduction(layer: str, quantity: Quantity, optimizer: NamedObject | None = None) -> TrainingReduction:
    """Return the work on a finding of training, with a worker that knows the optimiser."""
    made = optimizer or NamedObject("keras.optimizers.SGD", {"learning_rate": 0.1}, None)
    worker = types.SimpleNamespace(ask=lambda _: made)
    crew = dict.fromkeys(REQUEST.executions, worker)
    return TrainingReduction(REQUEST, finding(layer, quantity=quantity), crew, print)


def start(work: TrainingReduction, shows) -> str:
    """Return the text of the first script that shows the difference, in the eyes of `shows`."""
    tried = []

    def print_everywhere(text):
        tried.append(text)
        other = "1.5" if shows(text) else "1.0"
        return {name: f"{name} float32 ()\n{other if name == 'jax' else '1.0'}" for name in REQUEST.executions}

    work.print_everywhere = print_everywhere
    work._start()
    compile(tried[-1], "script.py", "exec")
    return tried[-1]


def test_the_optimizer_is_applied_to_one_variable():
    """Its numbers and gradients are drawn, exact in float32; steps are taken once, then as often as in the check."""
    work = reduction("(optimizer)", Quantity(Kind.UPDATE, "kernel"))

    once = start(work, lambda _: True)
    often = start(work, lambda text: "range(3)" in text)

    assert "optimizer = keras.optimizers.SGD(learning_rate=0.1)" in once
    assert "for step" not in once
    assert "for step in range(3):\n    optimizer.apply([x1], [variable])" in often
    [case] = work._cases()
    assert [tensor.shape for tensor in case.tensors] == [(GRADIENTS,)] * 2
    assert all((tensor.astype(np.float32) == tensor).all() for tensor in case.tensors)


@pytest.mark.parametrize(
    ("quantity", "line"),
    [
        (Quantity(Kind.LOG, "loss after step 1"), "value = np.asarray(loss)"),
        (Quantity(Kind.SLOT, "kernel_momentum", family="momentum"), 'endswith("momentum")]'),
        (Quantity(Kind.AFTER_TRAINING, "kernel"), "chosen = model.trainable_variables"),
    ],
)
def test_a_step_prints_what_the_finding_is_about(quantity, line):
    """The loss, slots of one kind, or the weights."""
    assert line in "\n".join(reduction("(training)", quantity)._training_lines(DENSE))


def test_a_metric_is_called_on_predictions_and_targets():
    """No optimiser is asked for."""
    work = reduction("(metric biased)", Quantity(Kind.METRIC, "result"))

    assert work._metric_lines(DENSE)[0] == "value = np.asarray(keras.layers.Dense(units=1)(x0, x1))"


def test_an_optimizer_of_the_users_own_has_no_script():
    """Its class may need more than Keras."""
    own = NamedObject("mine.Optimizer", {}, types.SimpleNamespace(name="Optimizer"))

    with pytest.raises(NoReproducer, match="Optimizer is an optimiser of the user's own"):
        reduction("(optimizer)", Quantity(Kind.UPDATE, "kernel"), own)._start()


def test_where_nothing_shows_it_that_is_said():
    """All ways were tried."""
    with pytest.raises(NoReproducer, match="no layer trained alone"):
        start(reduction("(optimizer)", Quantity(Kind.UPDATE, "kernel")), lambda _: False)
