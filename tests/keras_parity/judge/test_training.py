"""Parts of training and whole steps are judged from studies; here they are made by hand."""

from dataclasses import replace

import numpy as np
import pytest

from keras_parity.judge import agree_closely, judge_fit, judge_own_loop, judge_part, judge_steps, same_steps
from keras_parity.judge.training import shared_moves
from keras_parity.protocol.quantity import Kind, Quantity
from keras_parity.protocol.results import Raised, Study, Value
from keras_parity.verdict import Cause
from tests.keras_parity.judge.test_judgement import EXACT, NAMES, OUTPUT, blamed, no_neighbours, study

LOSS = Quantity(Kind.LOG, "loss after step 1", family="loss")
SHARE = Quantity(Kind.LOG, "share after step 1", family="share")
KERNEL = Quantity(Kind.AFTER_TRAINING, "kernel", family="trained kernel")
VARIANCE = Quantity(Kind.AFTER_TRAINING, "variance", family="fixed variance")
NONE = Raised("no float64")


def test_an_optimisers_moments_underflow_in_float16():
    """What is right for nobody is compared in float64 alone, and that is said."""
    slot = Quantity(Kind.SLOT, "kernel_m", family="m")
    half = {name: study(quantity=slot, dtype="float16") for name in NAMES}
    half["jax"] = study(checked=EXACT + 1, quantity=slot, dtype="float16")

    said = judge_part(half, Kind.STEP, no_neighbours, underflows=True)

    assert said.differences == []
    assert len(said.notes) == 1
    assert blamed(judge_part(half, Kind.STEP, no_neighbours)) == [("jax", Cause.PRECISION)]


def test_steps_are_blamed_for_what_no_rounding_makes():
    """Weights that went elsewhere after training, in float64 as in float32."""
    weight = Quantity(Kind.AFTER_TRAINING, "kernel")
    trained = {name: study(quantity=weight) for name in NAMES}
    elsewhere = trained | {"torch": study(EXACT + 1, EXACT + 1, quantity=weight)}

    assert judge_steps(trained).differences == []
    assert blamed(judge_steps(elsewhere)) == [("torch", Cause.SEMANTIC)]


def test_runs_that_are_close_need_no_float64():
    """A few units apart they are left in peace; as far as training amplifies, too; farther, a study decides."""
    weight = Quantity(Kind.AFTER_TRAINING, "kernel")
    close = {name: study(quantity=weight) for name in NAMES} | {"jax": study(EXACT, EXACT + 5e-7, weight)}
    far = close | {"torch": study(EXACT, EXACT + 1e-5, weight)}
    amplified = {name: replace(study(quantity=weight), dtype_moves={weight: 1e-6}) for name in NAMES}

    assert agree_closely(close, {})
    assert not agree_closely(far, {})
    assert agree_closely(far, amplified)
    assert not agree_closely(close | {"torch": study(EXACT, Raised("cannot"), weight)}, {})
    assert not agree_closely(close | {"torch": study(EXACT, np.full(50, np.nan), weight)}, {})


def test_a_loop_that_is_not_its_batches_one_by_one_is_wrong_by_itself():
    """Whatever its parts do wrong is in both; rounding is nobody's fault."""
    batchwise = study(EXACT, EXACT)

    def differing(values) -> list[tuple]:
        return [(d.execution, d.quantity, d.cause) for d in judge_own_loop("jax", study(values, values), batchwise)]

    assert differing(EXACT + 1e-3) == [("jax", OUTPUT, Cause.SEMANTIC)]
    assert differing(EXACT + 1e-13) == []
    assert judge_own_loop("jax", study(EXACT + 1e-3), study(Raised("no"))) == []


def several(values: dict[Quantity, float], noise: float = 0.0) -> Study:
    """Return what one execution computed of several quantities, the same in both precisions."""
    results = {quantity: Value(np.asarray([value, value / 3]), "float32") for quantity, value in values.items()}
    return Study("float32", results, results, {}, dict.fromkeys(values, 1e-7), dict.fromkeys(values, noise))


@pytest.mark.parametrize(("huge", "small"), [(LOSS, SHARE), (VARIANCE, KERNEL)])
def test_a_result_is_not_judged_by_larger_ones_of_another_name(huge, small):
    """A share from 0 to 1 beside a loss of 1e10, or a weight beside a variance, is off by a hundredth all the same."""
    trained = {name: several({huge: 1e10, small: 0.5}) for name in NAMES}
    off = trained | {"torch": several({huge: 1e10, small: 0.505})}

    assert judge_steps(trained).differences == []
    assert [(d.execution, d.quantity) for d in judge_steps(off).differences] == [("torch", small)]
    assert not agree_closely(off, trained)
    assert judge_steps(trained).beyond_judging == ""


def test_roundings_may_come_out_in_any_trained_weight():
    """Of a bias before a normalisation no perturbation of the data shows how far its rounding is amplified."""
    bias = Quantity(Kind.AFTER_TRAINING, "bias", family="trained bias")
    moves = {KERNEL: 1e-5, bias: 0.0, VARIANCE: 0.0}

    assert shared_moves([moves]) == {KERNEL: 1e-5, bias: 1e-5, VARIANCE: 0.0}


@pytest.mark.parametrize(("large", "zero"), [(LOSS, SHARE), (VARIANCE, KERNEL)])
def test_what_is_truly_zero_is_rounding(large, zero):
    """A float64 rounding of what it may be the difference of is nobody's fault, and no loss to judging."""
    trained = {name: several({large: 1.0, zero: i * 1e-16}, 1e-16) for i, name in enumerate(NAMES)}

    said = judge_steps(trained)
    assert said.differences == []
    assert said.notes == []


def test_training_that_float64_cannot_run_on_one_is_held_against_the_others():
    """Whose steps, or `fit`, are off by more than rounding, as in the dtype asked about they are."""
    trained = {name: study(quantity=KERNEL) for name in NAMES}

    def judged(shift):
        found = trained | {"torch": study(NONE, EXACT + shift, KERNEL)}
        return judge_steps(found), judge_fit(found, set(), 1)

    assert [blamed(said) for said in judged(1e-7)] == [[], []]
    assert [blamed(said) for said in judged(1e-2)] == [[("torch", Cause.PRECISION)]] * 2
    assert blamed(judge_fit(trained | {"torch": study(NONE, EXACT + 1, KERNEL)}, {"torch"}, 1)) == []


@pytest.mark.parametrize(
    "judge",
    [judge_steps, lambda found: judge_fit(found, set(), 1), lambda found: judge_part(found, Kind.LOSS, no_neighbours)],
)
def test_training_that_nobody_runs_in_float64_is_compared_with_each_other(judge):
    """Whole steps, `fit` and a part such as the loss."""
    trained = {name: study(NONE, EXACT, KERNEL) for name in NAMES}

    assert blamed(judge(trained)) == []
    assert judge(trained).compared > 0
    assert blamed(judge(trained | {"jax": study(NONE, EXACT + 1e-2, KERNEL)})) == [("jax", Cause.PRECISION)]


def test_steps_are_composed_of_their_parts_without_float64_too():
    """Then in the dtype asked about."""
    steps = study(NONE, EXACT, KERNEL)

    assert same_steps(steps, study(NONE, EXACT + 1e-7, KERNEL))
    assert not same_steps(steps, study(NONE, EXACT + 1e-2, KERNEL))
    assert not same_steps(steps, study(EXACT, EXACT, KERNEL))
