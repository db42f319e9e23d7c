"""A system's recipe: the short list of values that it trains with."""

import dataclasses
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from foundation.errors import UserError
from foundation.spelling import find_near

OPTIMIZERS = ("adam", "torch_adam", "tensorflow_adam", "rmsprop", "sgd")
LOGITS, PROBABILITIES, SIGMOIDS = "logits", "probabilities", "sigmoids"
# What the outputs are that a loss is made for.
LOSSES = {
    "sparse_categorical_crossentropy_from_logits": LOGITS,
    "sparse_categorical_crossentropy": PROBABILITIES,
    "categorical_crossentropy_from_logits": LOGITS,
    "categorical_crossentropy": PROBABILITIES,
    "summed_crossentropy_of_softmax": PROBABILITIES,
    "binary_crossentropy": SIGMOIDS,
    "torch_binary_crossentropy": SIGMOIDS,
}
# What is printed while it trains: `training/log_lines.py` has the lines of each.
LOGS = ("accuracy", "epochs", "summary", "keras", "validation")


@dataclass(frozen=True)
class Recipe:
    """The values of a training run; each may be overridden with `--set key=value`.

    Attributes:
        dataset: Name of a module in `data/`.
        batch_size: Images per step.
        epochs: Passes over the training images.
        optimizer: One of `OPTIMIZERS`; PyTorch's Adam, TensorFlow 1's and Keras's differ in their epsilon.
        learning_rate: The optimiser's step size.
        loss: One of `LOSSES`.
        learning_rate_decay: What the learning rate is multiplied by for each further epoch after the constant ones.
        constant_epochs: So many epochs take the learning rate as it is.
        seed: Fixes the initial weights and the order of the images.
        shuffle: Whether each epoch takes the images in an order of its own, fixed by (seed, epoch).
        validation_split: Share of the training images, the last ones, held out and scored after each epoch.
        training_examples: Train on the first so many images only; 0 takes all.
        log: What is printed while it trains, one of `LOGS`.
        log_every: Steps between two rows of the log, which scores the test images at each; 0 for no such rows.
        log_examples: Each row's accuracy is that on the first so many test images.
        perturbation: Moves each initial weight to a neighbouring floating-point number, up or down by coins of this
            seed, so that one sees what rounding alone makes of a training; 0 leaves them as they are.
        tsne_layer: The layer whose flattened output the t-SNE map shows; empty for none.
    """

    dataset: str
    batch_size: int
    epochs: int
    optimizer: str
    learning_rate: float
    loss: str
    learning_rate_decay: float = 1.0
    constant_epochs: int = 1
    seed: int = 1
    shuffle: bool = True
    validation_split: float = 0.0
    training_examples: int = 0
    log: str = "accuracy"
    log_every: int = 50
    log_examples: int = 2000
    perturbation: int = 0
    tsne_layer: str = ""

    def __post_init__(self) -> None:
        """Refuse values that cannot be trained with.

        Raises:
            UserError: Naming the key, its value and what it may be.
        """
        for key in ("batch_size", "epochs", "log_examples", "constant_epochs"):
            _require(getattr(self, key) >= 1, key, getattr(self, key), "1 or more")
        for key in ("seed", "training_examples", "log_every", "perturbation"):
            _require(0 <= getattr(self, key) < 2**31, key, getattr(self, key), "from 0 to 2147483647")
        _require(0 < self.learning_rate < float("inf"), "learning_rate", self.learning_rate, "a finite number above 0")
        decay = self.learning_rate_decay
        _require(0 < decay <= 1, "learning_rate_decay", decay, "above 0 and at most 1")
        _require(0 <= self.validation_split < 1, "validation_split", self.validation_split, "at least 0 and below 1")
        _require(self.optimizer in OPTIMIZERS, "optimizer", self.optimizer, f"one of {', '.join(OPTIMIZERS)}")
        _require(self.loss in LOSSES, "loss", self.loss, f"one of {', '.join(LOSSES)}")
        _require(self.log in LOGS, "log", self.log, f"one of {', '.join(LOGS)}")

    @property
    def outputs(self) -> str:
        """What the system's outputs are: `LOGITS`, `PROBABILITIES` or `SIGMOIDS`."""
        return LOSSES[self.loss]

    def rate_of_epoch(self, epoch: int, _: float | None = None) -> float:
        """Return the learning rate of an epoch, counted from 0."""
        return self.learning_rate * self.learning_rate_decay ** max(0, epoch + 1 - self.constant_epochs)

    def override(self, **values: Any) -> "Recipe":
        """Return a copy with `values` replaced; those that are None stay as they are."""
        return dataclasses.replace(self, **{key: value for key, value in values.items() if value is not None})

    def override_from_text(self, settings: list[str]) -> "Recipe":
        """Return a copy with `key=value` settings applied.

        Args:
            settings: Each `"key=value"`, as given to `--set`.

        Raises:
            UserError: If a key is unknown, or a value is not of the key's type or range.
        """
        types_by_key = typing.get_type_hints(type(self))
        values: dict[str, Any] = {}
        for setting in settings:
            key, equals, text = setting.partition("=")
            if not equals:
                raise UserError(f"--set {setting!r} is not of the form key=value")
            if key not in types_by_key:
                near = find_near(key, types_by_key)
                hint = f"did you mean {near[0]!r}? " if near else ""
                raise UserError(f"--set: no value {key!r} in a recipe; {hint}there are {', '.join(types_by_key)}")
            values[key] = _parse(key, text, types_by_key[key])
        return dataclasses.replace(self, **values)

    def shrink(self) -> "Recipe":
        """Return the recipe of a trial: two steps on few images, a log row after each if it has any."""
        batch_size = min(self.batch_size, 50)
        examples = int(2 * batch_size / (1 - self.validation_split))
        return dataclasses.replace(
            self,
            batch_size=batch_size,
            epochs=1,
            training_examples=examples,
            log_every=min(self.log_every, 1),
            log_examples=100,
        )

    @classmethod
    def from_dict(cls, values: dict) -> "Recipe":
        """Return the recipe that a run folder's `config.json` holds.

        Raises:
            UserError: If keys are missing, unknown or of the wrong type.
        """
        types_by_key = typing.get_type_hints(cls)
        if not isinstance(values, dict) or set(values) != set(types_by_key):
            raise UserError("the recipe in config.json is not one of this version; train again, or with that version")
        for key, kind in types_by_key.items():
            if not isinstance(values[key], (int, float) if kind is float else kind):
                raise UserError(
                    f"the recipe in config.json has {key} = {values[key]!r}, which is not a {kind.__name__}"
                )
        return cls(**values)


@dataclass(frozen=True)
class Variant:
    """What a variant of a system has of its own.

    Attributes:
        recipe: The values that it trains with.
        arguments: Those of the system's `build`.
        parameters: How many the network then has; None where they are the system's.
    """

    recipe: Recipe
    arguments: Mapping[str, Any] = field(default_factory=dict)
    parameters: int | None = None


def _require(holds: bool, key: str, value: object, wanted: str) -> None:
    if not holds:
        raise UserError(f"{key} is {value!r}; it must be {wanted}")


def _parse(key: str, text: str, kind: type) -> bool | int | float | str:
    try:
        if kind is bool:
            return {"true": True, "false": False}[text.lower()]
        value: int | float | str = kind(text)
        return value
    except (ValueError, KeyError):
        wanted = {bool: "true or false", int: "a whole number", float: "a number"}[kind]
        raise UserError(f"--set {key}={text}: {key} takes {wanted}") from None
