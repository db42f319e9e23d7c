"""The floating-point formats that a check may ask about; NumPy alone."""

import numpy as np

# The largest relative error of one rounding to nearest.
UNIT_ROUNDOFF = {"float64": 2.0**-53, "float32": 2.0**-24, "float16": 2.0**-11, "bfloat16": 2.0**-8}
# Below these, results lose relative accuracy: float16 by gradual underflow, the wider types because some backends flush
# subnormal numbers to zero.
SMALLEST = {"float64": 2.3e-308, "float32": 1.2e-38, "float16": 2.0**-24, "bfloat16": 1.2e-38}


def round_to(array: np.ndarray, dtype: str) -> np.ndarray:
    """Return float values rounded to what `dtype` holds, as float64; other arrays as they are."""
    if array.dtype.kind != "f":
        return array
    if dtype == "bfloat16":
        # Round to nearest even on the upper half of float32's bits.
        single = array.astype(np.float32)
        bits = single.view(np.uint32).astype(np.uint64)
        upper = (bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000
        rounded = upper.astype(np.uint32).view(np.float32)
        return np.where(np.isfinite(single), rounded, single).astype(np.float64)
    with np.errstate(over="ignore"):
        return array.astype(dtype if dtype in UNIT_ROUNDOFF else np.float32).astype(np.float64)
