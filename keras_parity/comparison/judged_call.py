"""One call while it is judged: what its helpers share."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from keras_parity.comparison.check import Check
from keras_parity.protocol.results import CallOutline, Study


@dataclass
class JudgedCall:
    """A call of a layer or an operation, with the results of every execution.

    Attributes:
        check: The check.
        call: The call.
        studies: What each execution computed, by its name.
        arrays: The call's tensors.
        training: Whether the call was made in training mode.
        backward: Whether gradients are compared.
        return_to: Makes the workers hold the calls of this pass again, for further questions.
    """

    check: Check
    call: CallOutline
    studies: Mapping[str, Study]
    arrays: list[np.ndarray]
    training: bool
    backward: bool
    return_to: Callable[[], None]
