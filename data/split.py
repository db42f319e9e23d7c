"""The arrays that a data set gives: a training split, a test split, the names of the classes."""

from dataclasses import dataclass

import numpy as np

from foundation.errors import UserError


@dataclass(frozen=True)
class Split:
    """Examples in a fixed order.

    Attributes:
        inputs: Images, uint8 `(n, height, width, channels)` in 0..255; or float32 or int32 `(n, ...)`, to be taken as
            they are.
        labels: int64 `(n,)`, indices into the data set's class names; all −1 where there are none.
    """

    inputs: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def labelled(self) -> bool:
        """Whether the labels are known."""
        return bool(self.labels.min() >= 0)

    def first(self, count: int) -> "Split":
        """Return the first `count` examples.

        Raises:
            UserError: If there are not so many, or fewer than one is asked for.
        """
        if not 1 <= count <= len(self):
            raise UserError(f"cannot take the first {count:,} examples; there are {len(self):,}")
        return Split(self.inputs[:count], self.labels[:count])

    def hold_out(self, fraction: float) -> tuple["Split", "Split"]:
        """Return the split without its last examples, and those, as Keras's `validation_split` divides them.

        Args:
            fraction: Share that is held out.

        Raises:
            UserError: If one of the two would be empty.
        """
        kept = int(len(self) * (1 - fraction)) if 0 < fraction < 1 else 0
        if not 0 < kept < len(self):
            raise UserError(
                f"validation_split {fraction} of {len(self):,} examples leaves one side empty; choose another"
            )
        return self.first(kept), Split(self.inputs[kept:], self.labels[kept:])


@dataclass(frozen=True)
class Dataset:
    """A data set.

    Attributes:
        name: Its module's name in `data/`.
        train: The training split.
        test: The test split.
        class_names: A name per class.
        test_ids: The test examples' own names, where it is a competition that asks for them; else empty.
    """

    name: str
    train: Split
    test: Split
    class_names: tuple[str, ...]
    test_ids: tuple[str, ...] = ()

    @property
    def shows_images(self) -> bool:
        """Whether the inputs are images, which can be plotted."""
        return self.train.inputs.ndim == 4
