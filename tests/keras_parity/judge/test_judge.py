"""The judge decides from numbers alone; here they are made by hand."""

import numpy as np
import pytest

from keras_parity import judge
from keras_parity.judge.meaning import SMOOTH
from keras_parity.protocol.quantity import Kind, Quantity
from keras_parity.protocol.results import Value
from keras_parity.verdict import Cause

OUTPUT = Quantity(Kind.OUTPUT)
EXACT = np.linspace(-1, 1, 50)


def everywhere(array, **others):
    """Results of three backends: `array`, but where `others` says so."""
    arrays = dict.fromkeys(("tensorflow", "jax", "torch"), np.asarray(array)) | others
    return {backend: {OUTPUT: Value(np.asarray(values), "float32")} for backend, values in arrays.items()}


def test_float64_rounding_means_the_same():
    """Results some 1e-16 apart are in one group, whose first is the reference."""
    found, references = judge.compare_meaning(everywhere(EXACT, jax=EXACT * (1 + 1e-15)), {})

    assert found == []
    assert references == {OUTPUT: "tensorflow"}


def test_the_backend_that_is_alone_is_blamed():
    """Two that agree outvote the third, whatever the order."""
    found, references = judge.compare_meaning(everywhere(EXACT, tensorflow=EXACT + 1e-3), {})

    assert [difference.execution for difference in found] == ["tensorflow"]
    assert references == {OUTPUT: "jax"}


def test_no_backend_is_blamed_where_no_two_agree():
    """With three different results there is no majority."""
    found, references = judge.compare_meaning(everywhere(EXACT, jax=EXACT + 1, torch=EXACT - 1), {})

    assert [difference.execution for difference in found] == [None]
    assert references == {}


def test_an_ill_conditioned_result_is_allowed_its_moves():
    """The same difference is nothing where one rounding unit moves the result by far more."""
    results = everywhere(EXACT, jax=EXACT + 1e-9)

    assert judge.compare_meaning(results, {})[0] != []
    assert judge.compare_meaning(results, {OUTPUT: 1e-4})[0] == []


def test_float64s_own_roundings_mean_nothing_where_the_truth_is_zero():
    """A truly zero gradient is made of them; a hundred times as much is a difference."""
    results = everywhere(0 * EXACT, jax=1e-14 * EXACT)

    assert judge.compare_meaning(results, {}, {OUTPUT: 1e-16})[0] == []
    assert len(judge.compare_meaning(results, {}, {OUTPUT: 1e-18})[0]) == 1
    assert len(judge.compare_meaning(results, {})[0]) == 1


def test_a_nan_on_one_backend_is_its_own_cause():
    """A NaN is named as such, and the other backends are still compared."""
    spoilt = EXACT.copy()
    spoilt[3] = np.nan

    found, references = judge.compare_meaning(everywhere(EXACT, torch=spoilt), {})

    assert [(difference.execution, difference.cause) for difference in found] == [("torch", Cause.NAN)]
    assert references == {OUTPUT: "tensorflow"}


def test_the_same_nan_everywhere_is_no_difference():
    """Backends that give NaN in the same places agree there."""
    spoilt = EXACT.copy()
    spoilt[3] = np.nan

    assert judge.compare_meaning(everywhere(spoilt), {})[0] == []


def test_whole_numbers_must_be_the_same():
    """An index that is off by one is a difference of meaning, at once."""
    found, _ = judge.compare_meaning(everywhere([1, 2, 3], jax=[1, 2, 4]), {})

    assert [(difference.execution, difference.cause) for difference in found] == [("jax", Cause.SEMANTIC)]


@pytest.mark.parametrize(("roundings", "sound"), [(20, True), (8000, False)])
def test_accuracy_is_counted_in_rounding_units(roundings, sound):
    """Twenty units are a slower algorithm, eight thousand a detour through float16."""
    results = everywhere(EXACT, torch=EXACT + roundings * 2.0**-25)

    found, errors = judge.compare_accuracy(results, {OUTPUT: EXACT}, {}, "float32")

    assert [difference.execution for difference in found] == ([] if sound else ["torch"])
    assert max(error.units for error in errors) == pytest.approx(roundings, rel=0.01)


def test_another_dtype_has_another_unit():
    """What is a fault in float32 is rounding in bfloat16."""
    results = everywhere(EXACT, torch=EXACT + 8000 * 2.0**-25)

    assert judge.compare_accuracy(results, {OUTPUT: EXACT}, {}, "bfloat16")[0] == []


def test_a_difference_of_meaning_is_smooth_and_rounding_is_not():
    """Neighbouring inputs tell another function from another rounding."""
    generator = np.random.default_rng(0)
    neighbours = [EXACT + 1e-6 * i for i in range(6)]

    other_function = [1.001 * values for values in neighbours]
    other_rounding = [values + 1e-7 * generator.standard_normal(50) for values in neighbours]

    assert judge.smoothness(neighbours, other_function) > SMOOTH
    assert judge.smoothness(neighbours, other_rounding) < SMOOTH


def test_a_difference_of_float64_alone_is_not_meant():
    """A constant written with float32's digits differs in float64 and in nothing that the check is about."""
    difference = 1e-6 * EXACT
    rounding = 1e-7 * np.random.default_rng(0).standard_normal(50)

    assert not judge.is_meant(100, 1.0, judge.presence(difference, rounding), "float32")
    assert judge.is_meant(100, 1.0, judge.presence(difference, difference + rounding), "float32")


def test_shapes_and_dtypes_come_before_values():
    """Another dtype on one backend is found without a look at the numbers."""
    results = everywhere(EXACT)
    results["jax"] = {OUTPUT: Value(EXACT, "float64")}
    results["torch"] = {OUTPUT: Value(EXACT[:-1], "float32")}

    found = {(difference.execution, difference.cause) for difference in judge.compare_structure(results)}

    assert found == {("jax", Cause.DTYPE), ("torch", Cause.SHAPE)}
