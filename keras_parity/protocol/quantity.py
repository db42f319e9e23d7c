"""What is compared: one result of a call, of a part of training or of a saved file, by its kind and its own name."""

import enum
from dataclasses import dataclass


class Kind(enum.Enum):
    """What a quantity is; the value is how `Quantity` spells it, with `{}` for the quantity's own name."""

    OUTPUT = "output{}"
    MASK = "mask of output{}"
    ADDED_LOSS = "added loss"
    STATE = "state {}"
    GRADIENT = "gradient of {}"
    LOSS = "value{}"
    METRIC = "{}"
    UPDATE = "update of {}"
    AFTER_UPDATES = "{} after updates"
    LOG = "reported {}"
    PREDICTION = "prediction{}"
    AFTER_TRAINING = "{} after training"
    SLOT = "slot {}"
    WEIGHT = "weight {}"
    WEIGHTS = "weights"
    CALLS = "calls"  # in reports of version 0.1 alone
    BUILDING = "building"
    STEP = "training step"
    SAVING = "saving"
    LOADING = "loading"


class Aspect(enum.Enum):
    """Which property of a quantity differs; the value is how `Quantity` spells it."""

    VALUE = ""
    DTYPE = "dtype of "
    SHAPE = "shape of "


# How the names of what Keras reports after the first training step end.
AFTER_FIRST_STEP = " after step 1"


@dataclass(frozen=True)
class Quantity:
    """One result that is compared.

    Attributes:
        kind: What it is.
        name: Its own name: a weight's, as `kernel`; an output's place in its structure, as `[0]`; a metric's; or what
            Keras reports after which step, as `loss after step 1`. Empty where the kind says it all.
        aspect: Which of its properties is meant.
        family: What weights and slots of one sort share, as the slots of all weights that hold momenta; empty for none.
    """

    kind: Kind
    name: str = ""
    aspect: Aspect = Aspect.VALUE
    family: str = ""

    def __str__(self) -> str:
        return self.aspect.value + self.kind.value.format(self.name)

    def __lt__(self, other: "Quantity") -> bool:
        """Order them, as JAX does with the keys of what it compiles."""
        return str(self) < str(other)

    @property
    def backward(self) -> bool:
        """Whether it comes from going backward: a gradient, or what an optimiser makes of gradients."""
        return self.kind in (Kind.GRADIENT, Kind.UPDATE)

    @property
    def is_of_input(self) -> bool:
        """Whether it is the gradient of an input."""
        return self.kind is Kind.GRADIENT and (self.name == "input" or self.name.startswith("input["))

    @property
    def is_after_first_step(self) -> bool:
        """Whether Keras reports it after the first training step."""
        return self.kind is Kind.LOG and self.name.endswith(AFTER_FIRST_STEP)

    def to_dict(self) -> dict[str, str]:
        """Return it in JSON's types."""
        return {"kind": self.kind.name.lower(), "name": self.name, "aspect": self.aspect.name.lower()}

    @classmethod
    def from_dict(cls, values: dict[str, str]) -> "Quantity":
        """Return the quantity that `to_dict` gave.

        Raises:
            KeyError: If its kind or aspect is unknown.
        """
        return cls(Kind[values["kind"].upper()], values["name"], Aspect[values["aspect"].upper()])
