"""All planted faults, by name. Importing it imports no keras, so that the bench's own process can read the list."""

import importlib

from benchmarks.faults.planting import FAULTS

__all__ = ["FAULTS"]

# In this order, which says on which backend each one is planted; those that others may hide come last.
for _module in ("convolution", "normalization", "pointwise", "sequence", "training"):
    importlib.import_module(f"benchmarks.faults.{_module}")
for _module in ("choices", "fitting", "narrow", "optimizing", "masked"):
    importlib.import_module(f"benchmarks.faults.{_module}")
