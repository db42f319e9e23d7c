"""All planted faults, by name. Importing it imports no keras, so that the bench's own process can read the list."""

from benchmarks.faults import convolution, normalization, pointwise, sequence, training  # noqa: F401  they register theirs
from benchmarks.faults.planting import FAULTS

__all__ = ["FAULTS"]
