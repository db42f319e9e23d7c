"""The probable classes of a difference."""

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
