"""How each architecture is trained in a check: its loss, optimiser and metrics, chosen so that many kinds are met.

Those with an Embedding are trained with SGD: on TensorFlow Adam and its kin square the gradients of a token that occurs
twice one by one and not their sum (keras 3.15.1), so that they would not be clean.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Case:
    """One architecture and how it is trained.

    Attributes:
        loss: A Keras loss as class and configuration; None for what the check takes by itself.
        optimizer: The same for the optimiser.
        metrics: Names of metrics, or metrics as class and configuration.
        loss_weights: As in `compile`.
        weighted_metrics: As in `compile`.
        sample_weight: A weight for each example of a batch of four.
    """

    loss: dict | None = None
    optimizer: dict | None = None
    metrics: tuple[Any, ...] = field(default=())
    loss_weights: dict | None = None
    weighted_metrics: tuple[str, ...] | None = None
    sample_weight: tuple[float, ...] | None = None

    def arguments(self) -> dict:
        """Return what `keras_parity.check` takes."""
        return {
            "loss": self.loss,
            "optimizer": self.optimizer,
            "metrics": self.metrics,
            "loss_weights": self.loss_weights,
            "weighted_metrics": self.weighted_metrics and list(self.weighted_metrics),
            "sample_weight": self.weights(),
        }

    def weights(self, count: int = 4) -> np.ndarray | None:
        """Return the weights of so many examples, float32 `(count,)`; None where they weigh alike."""
        return None if self.sample_weight is None else np.resize(np.asarray(self.sample_weight, np.float32), count)


def configured(class_name: str, **config) -> dict:
    """Return a class and its configuration, as Keras deserialises them."""
    return {"class_name": class_name, "config": config}


ADAM = configured("Adam", learning_rate=0.01)
NESTEROV = configured("SGD", learning_rate=0.05, momentum=0.9, nesterov=True)
DECAYING = configured("AdamW", learning_rate=0.01, weight_decay=0.05)
CLIPPED = configured("Adam", learning_rate=0.01, clipnorm=0.05)
# A class within a configuration is found by its module alone.
HALVING = {
    "module": "keras.optimizers.schedules",
    "registered_name": None,
    **configured("ExponentialDecay", initial_learning_rate=0.1, decay_steps=2, decay_rate=0.5),
}
SCHEDULED = configured("SGD", learning_rate=HALVING, momentum=0.9, nesterov=True)
BINARY = configured("BinaryCrossentropy")
SPARSE_LOGITS = configured("SparseCategoricalCrossentropy", from_logits=True)

CASES = {
    "dense_net": Case(configured("CategoricalCrossentropy", label_smoothing=0.1), ADAM, ("categorical_accuracy",)),
    "lenet": Case(SPARSE_LOGITS, NESTEROV, ("sparse_categorical_accuracy",)),
    "resnet": Case(configured("CategoricalCrossentropy"), configured("SGD", learning_rate=0.05, momentum=0.9)),
    "mobilenet": Case(configured("CategoricalCrossentropy"), configured("RMSprop", learning_rate=0.01, momentum=0.9)),
    "unet": Case(BINARY, DECAYING, ("binary_accuracy",)),
    "lstm": Case(configured("Huber"), CLIPPED, ("mean_absolute_error",)),
    "gru": Case(BINARY, NESTEROV),
    "bidirectional": Case(configured("MeanSquaredError"), CLIPPED),
    "transformer": Case(SPARSE_LOGITS, NESTEROV),
    "text_cnn": Case(configured("BinaryFocalCrossentropy"), configured("SGD", learning_rate=0.05)),
    "autoencoder": Case(configured("MeanSquaredError"), configured("SGD", learning_rate=0.05)),
    "two_headed": Case(None, DECAYING),
    "subclassed": Case(configured("LogCosh"), configured("Lion", learning_rate=0.01)),
    "sequential": Case(SPARSE_LOGITS, configured("Adagrad", learning_rate=0.05)),
    "ops_net": Case(configured("MeanAbsoluteError"), configured("Adamax", learning_rate=0.01)),
    "group_norm_net": Case(configured("MeanSquaredError"), ADAM),
    "siamese": Case(BINARY, SCHEDULED),
    "channels_first": Case(configured("CategoricalCrossentropy"), ADAM),
    "video": Case(configured("MeanSquaredError"), configured("Nadam", learning_rate=0.01)),
    "time_net": Case(configured("CosineSimilarity"), ADAM),
    "variational": Case(configured("MeanSquaredError"), configured("SGD", learning_rate=0.05)),
    "own_step": Case(),  # it comes compiled
    "weighted_heads": Case(
        {"label": configured("SparseCategoricalCrossentropy"), "value": configured("MeanSquaredError")},
        configured("SGD", learning_rate=0.05),
        loss_weights={"label": 0.3, "value": 2.0},
    ),
    "frozen": Case(
        configured("MeanSquaredError"),
        configured("SGD", learning_rate=0.05, momentum=0.9, use_ema=True, ema_momentum=0.9),
        weighted_metrics=("mean_absolute_error",),
        sample_weight=(0.5, 2.0, 1.0, 0.25),
    ),
    "running": Case(
        configured("MeanSquaredError"), configured("SGD", learning_rate=0.05, gradient_accumulation_steps=2)
    ),
    "tabular": Case(configured("MeanSquaredError"), configured("SGD", learning_rate=0.05)),
    "photos": Case(configured("MeanSquaredError"), configured("RMSprop", learning_rate=0.01)),
    "mixed": Case(configured("MeanSquaredError"), configured("SGD", learning_rate=0.01)),
    "quantised": Case(configured("MeanSquaredError"), configured("SGD", learning_rate=0.05)),
    "search": Case(configured("MeanSquaredError"), configured("SGD", learning_rate=0.05)),
    "kinks": Case(
        configured("SparseCategoricalCrossentropy"),
        configured("SGD", learning_rate=0.05),
        (configured("SparseTopKCategoricalAccuracy", k=4),),
    ),
    "conv_norm": Case(SPARSE_LOGITS, configured("SGD", learning_rate=0.05)),
}
