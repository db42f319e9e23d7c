"""Rounding to the formats that a check asks about, against ml_dtypes and NumPy's own types."""

import ml_dtypes
import numpy as np
import pytest

from keras_parity.protocol.rounding import SMALLEST, UNIT_ROUNDOFF, round_to

VALUES = np.concatenate(
    [
        np.random.default_rng(0).standard_normal(1000) * 10.0 ** np.random.default_rng(1).integers(-30, 30, 1000),
        [0.0, -0.0, np.inf, -np.inf, 1e-40, 1e38, 1.00390625, 1.01171875],  # the last two are ties of bfloat16
    ]
)
TYPES = {"float32": np.float32, "float16": np.float16, "bfloat16": ml_dtypes.bfloat16}


@pytest.mark.parametrize("dtype", TYPES)
def test_values_are_rounded_to_the_nearest(dtype):
    """As the type itself does, which here goes by float32, as every backend's cast does."""
    with np.errstate(over="ignore"):
        expected = VALUES.astype(np.float32).astype(TYPES[dtype]).astype(np.float64)

    np.testing.assert_array_equal(round_to(VALUES.astype(np.float32), dtype), expected)


def test_nan_stays_nan_and_whole_numbers_stay_as_they_are():
    """bfloat16 is rounded by its bits, which would turn some NaN into an infinity."""
    whole = np.arange(3)

    assert np.isnan(round_to(np.array([np.nan, -np.nan]), "bfloat16")).all()
    assert round_to(whole, "bfloat16") is whole


@pytest.mark.parametrize("dtype", ["float64", *TYPES])
def test_the_unit_is_half_the_gap_after_one(dtype):
    """One unit above 1 is still 1, a little more is the next number."""
    precision = ml_dtypes.finfo(TYPES[dtype]) if dtype in TYPES else np.finfo(np.float64)

    assert UNIT_ROUNDOFF[dtype] == float(precision.eps) / 2
    assert SMALLEST[dtype] <= 1.1 * float(precision.tiny)
