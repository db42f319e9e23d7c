"""What no backend can compute with is drawn otherwise, with a note; what one alone refuses is left to the check."""

import numpy as np
import pytest

from keras_parity.comparison.check import KnownWeights
from keras_parity.comparison.suiting import keep_accepted, suit_draws
from keras_parity.draws import draw_inputs, draws_around
from keras_parity.protocol.results import InputSpec, LearnedInputs, Tried, WeightSpec
from keras_parity.protocol.tasks import SetWeights, TryInputs
from tests.keras_parity.comparison.checks import make_check, tasks_of

TOKENS, REALS = InputSpec("tokens", (None, 3), "int32", tokens=100), InputSpec("x", (None, 3), "float32")
SPREAD = KnownWeights([WeightSpec("m/spread", (4, 2), "float32", True)], [np.ones((4, 2))], "jax", {"jax": [0]}, True)
FINE, NAN = Tried(None, None, True), Tried(None, None, False)
INDEX = Tried("40 is out of the range from 0 to 39 at a table", None, True)
RAISED = Tried(None, "IndexError: index 40 is out of bounds for dimension 0 with size 40", False)


def suit(spec: InputSpec, tried, doubtful: bool = False, **state):
    """Return a check and its draws, where an execution makes `tried(name, watched, array)` of a draw."""

    def answers(name, task):
        return [tried(name, task.watched, inputs[0]) for inputs in task.draws]

    check = make_check({TryInputs: answers})
    for name, value in state.items():
        setattr(check, name, value)
    learned = LearnedInputs([spec], doubtful)
    return check, suit_draws(check, learned, lambda specs: draw_inputs(specs, 1, 4))


def test_draws_that_all_can_take_are_left_as_they_are():
    """JAX, which would compile each operation, is not asked."""
    check, draws = suit(REALS, lambda *_: FINE)

    assert (check.inputs, check.ledger.notes, len(draws)) == ([REALS], [], 8)
    assert {name for name, _ in tasks_of(check, TryInputs)} == {"tensorflow", "torch"}


@pytest.mark.parametrize("doubtful", [True, False])
def test_a_range_that_all_can_take_is_found_and_noted(doubtful):
    """PyTorch raises on an index that the others bring into the table without a word: only watching tells."""

    def tried(name, watched, array):
        if array.max() < 40:
            return FINE
        return INDEX if watched else RAISED if name == "torch" else FINE

    check, draws = suit(TOKENS, tried, doubtful)

    assert [spec.tokens for spec in check.inputs] == [40]
    assert max(draw.inputs[0].max() for draw in draws) == 39
    assert check.ledger.notes[0].startswith(
        "the input 'tokens' is drawn as whole numbers from 0 to 39: beyond, the model"
    )


def test_what_one_backend_alone_refuses_is_left_to_the_check():
    """The twin: its table is too small, or its own code raises, and a narrower range would hide it."""
    check, _ = suit(TOKENS, lambda name, _, array: RAISED if name == "torch" and array.max() >= 40 else FINE)

    assert (check.inputs, check.ledger.notes) == ([TOKENS], [])


def test_numbers_that_give_nan_everywhere_are_left_out_with_a_note():
    """A power of a negative number; where one backend alone gives NaN, nothing is left out."""
    check, draws = suit(REALS, lambda _, __, array: NAN if array.min() < 0 else FINE)
    alone, _ = suit(REALS, lambda name, _, array: NAN if name == "torch" and array.min() < 0 else FINE)

    assert [(spec.low, spec.high) for spec in check.inputs] == [(0.0, 1.0)]
    assert min(draw.inputs[0].min() for draw in draws) == 0
    assert check.ledger.notes[0].endswith("beyond, what the model gives is NaN")
    assert (alone.inputs, alone.ledger.notes) == ([REALS], [])


def test_weights_are_drawn_near_their_initial_values_where_others_give_nan():
    """As a scale that must be positive; where that does not help, they are drawn as usual."""
    given: list[np.ndarray] = []

    def tried(*_):
        return FINE if given and (given[-1] > 0).all() else NAN

    answers = {
        TryInputs: lambda _, task: [tried() for _ in task.draws],
        SetWeights: lambda _, t: given.extend(t.values),
    }
    check = make_check(answers)
    check.weights = KnownWeights(
        SPREAD.specs, SPREAD.initial, "jax", {name: [0] for name in check.participants.names}, True
    )
    suit_draws(check, LearnedInputs([REALS]), lambda specs: draw_inputs(specs, 1, 4))

    assert (given[-1] > 0).all()
    assert len(np.unique(given[-1])) > 1
    assert check.ledger.notes == [
        "weights are drawn near their initial values: with others, the model raises or gives NaN"
    ]


def test_draws_around_given_inputs_that_no_backend_can_take_are_left_out():
    """With a note; the inputs given always stay, and so does what one backend alone refuses."""

    def answers(name, task):
        none = [RAISED if not inputs.any() else FINE for inputs in task.draws]
        return [RAISED if name == "torch" and len(x) == 1 else one for x, one in zip(task.draws, none, strict=True)]

    check = make_check({TryInputs: answers})
    given = np.random.default_rng(0).standard_normal((4, 3))
    kept = keep_accepted(check, draws_around(given, 1, 4))

    names = {draw.name for draw in kept}
    assert kept[0].inputs is given
    assert "blank" not in names
    assert {"constant", "batch of one"} <= names
    assert [note for note in check.ledger.notes if "'blank'" in note]
    assert len(check.ledger.notes) == 1
