"""The losses of the recipes, among them those that Keras has not got, or has not got alike on every backend."""

import keras
from keras import ops

from foundation.recipe import Recipe


class TorchBinaryCrossentropy(keras.losses.Loss):
    """PyTorch's BCELoss between sigmoids `(batch, k)` and the one-hot form of integer labels `(batch,)`.

    Where an output is exactly 0 or 1, its logarithm counts as −100, as in PyTorch. (Keras's own loss goes back to the
    logits on TensorFlow and clips the outputs at 1e-7 elsewhere, so that a sure but wrong output learns nothing.)
    """

    def __init__(self, name: str = "torch_binary_crossentropy", **kwargs):
        super().__init__(name=name, **kwargs)

    def call(self, y_true, y_pred):
        """Return the mean over the k outputs, for each example."""
        targets = ops.one_hot(ops.cast(y_true, "int32"), y_pred.shape[-1], dtype=y_pred.dtype)
        logarithms = targets * _bounded_log(y_pred) + (1 - targets) * _bounded_log(1 - y_pred)
        return -ops.mean(logarithms, axis=-1)


class CategoricalCrossentropy(keras.losses.CategoricalCrossentropy):
    """Keras's own, for integer labels `(batch,)`: their one-hot form is made here."""

    def call(self, y_true, y_pred):
        """Return the cross-entropy of each example."""
        return super().call(ops.one_hot(ops.cast(y_true, "int32"), y_pred.shape[-1], dtype=y_pred.dtype), y_pred)


class SummedCrossentropyOfSoftmax(keras.losses.Loss):
    """PyTorch's CrossEntropyLoss(reduction="sum"), which takes a softmax, of outputs that have been through one.

    Keras's own loss on TensorFlow notices the softmax before it, and leaves one out.
    """

    def __init__(self, name: str = "summed_crossentropy_of_softmax", reduction: str = "sum", **kwargs):
        super().__init__(name=name, reduction=reduction, **kwargs)

    def call(self, y_true, y_pred):
        """Return the cross-entropy of each example."""
        targets = ops.one_hot(ops.cast(y_true, "int32"), y_pred.shape[-1], dtype=y_pred.dtype)
        return -ops.sum(targets * ops.log_softmax(y_pred, axis=-1), axis=-1)


def make_loss(recipe: Recipe) -> keras.losses.Loss:
    """Return the recipe's loss of integer labels; only the summed one is not a batch's mean."""
    return {
        "sparse_categorical_crossentropy_from_logits": lambda: keras.losses.SparseCategoricalCrossentropy(True),
        "sparse_categorical_crossentropy": keras.losses.SparseCategoricalCrossentropy,
        "categorical_crossentropy_from_logits": lambda: CategoricalCrossentropy(True),
        "categorical_crossentropy": CategoricalCrossentropy,
        "summed_crossentropy_of_softmax": SummedCrossentropyOfSoftmax,
        "binary_crossentropy": keras.losses.BinaryCrossentropy,
        "torch_binary_crossentropy": TorchBinaryCrossentropy,
    }[recipe.loss]()


def _bounded_log(x):
    """Return log(x), or −100 where x is 0; the inner `where` keeps infinity out of the gradient."""
    positive = x > 0
    return ops.where(positive, ops.log(ops.where(positive, x, ops.ones_like(x))), -100.0 * ops.ones_like(x))
