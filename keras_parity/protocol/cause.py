"""The probable classes of a difference, and the parts of a training step that one may come from."""

import enum


class Cause(enum.Enum):
    """The probable class of a difference."""

    ERROR = "error raised"
    STRUCTURE = "structure"
    SHAPE = "shape"
    DTYPE = "dtype"
    NAN = "NaN"
    SEMANTIC = "semantic"
    PRECISION = "precision"


class StepCause(enum.Enum):
    """What in Keras's own training step a difference comes from; the value is how the detail of a finding ends."""

    SPARSE_GRADIENTS = "from sparse gradients"
    FUSED_ACTIVATION = "from what the last activation was taken of"
