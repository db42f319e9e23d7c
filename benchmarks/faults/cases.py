"""How each architecture is trained in a check: its loss, optimiser and metrics, chosen so that many kinds are met.

Those with an Embedding are trained with SGD: on TensorFlow Adam and its kin square the gradients of a token that occurs
twice one by one and not their sum (keras 3.15.1), so that they would not be clean.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Case:
    """One architecture and how it is trained.

    Attributes:
        loss: A Keras loss as class and configuration; None for what the check takes by itself.
        optimizer: The same for the optimiser.
        metrics: Names of metrics.
    """

    loss: dict | None = None
    optimizer: dict | None = None
    metrics: tuple[str, ...] = field(default=())

    def arguments(self) -> dict:
        """Return what `keras_parity.check` takes."""
        return {"loss": self.loss, "optimizer": self.optimizer, "metrics": self.metrics}


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
}
