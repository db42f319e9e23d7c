"""What a training run prints, in the words of each original."""


class LogLines:
    """The lines of one original; None where it prints nothing."""

    def before_epoch(self, epoch: int, epochs: int) -> str | None:
        """Return the line before epoch number `epoch` (from 0) of `epochs`."""

    def after_step(self, row: dict) -> str | None:
        """Return the line for a row of the log."""

    def after_epoch(self, row: dict, steps: int) -> str | None:
        """Return the line for a row of the history, of an epoch of `steps` steps."""

    def after_training(self, history: list[dict], result: dict, device: str) -> str | None:
        """Return the lines after the last epoch.

        Args:
            history: A row per epoch.
            result: What `result.json` holds.
            device: The name of what it was trained on.
        """


class Accuracy(LogLines):
    """`mnist_cnn`, `conv3_softmax` and `tf_cnn`: at an interval, the step's loss and the accuracy on test images."""

    def after_step(self, row: dict) -> str:
        """Return `Epoch: 0 | train loss: 0.0306 | test accuracy: 0.97`."""
        return (
            f"Epoch: {row['epoch']} | train loss: {row['train_loss']:.4f} | test accuracy: {row['test_accuracy']:.2f}"
        )


class Epochs(LogLines):
    """`strided_cnn` and `bp_mlp`: the epochs are counted and the time is taken."""

    def before_epoch(self, epoch: int, epochs: int) -> str:
        """Return `training epoch 1 of 3`."""
        return f"training epoch {epoch + 1} of {epochs}"

    def after_training(self, history: list[dict], result: dict, device: str) -> str:
        """Return the time of all epochs, also of those before a stop."""
        return f"training time: {sum(float(row['seconds']) for row in history):.1f} seconds"


class Summary(LogLines):
    """`lenet` and `mlp`: nothing but two lines at the end; the curves show the rest."""

    def after_training(self, history: list[dict], result: dict, device: str) -> str:
        """Return loss, accuracies and speed, with the device."""
        last = history[-1]
        return (
            f"loss {last['loss']:.3f}, train acc {last['accuracy']:.3f}, test acc {result['test_accuracy']:.3f}\n"
            f"{result['images_per_second']:.1f} examples/sec on {device}"
        )


class Keras(LogLines):
    """`keras_cnn`, `iris_mlp` and `text_lstm`: what `fit` itself prints with `verbose=2`."""

    def before_epoch(self, epoch: int, epochs: int) -> str:
        """Return `Epoch 1/5`."""
        return f"Epoch {epoch + 1}/{epochs}"

    def after_epoch(self, row: dict, steps: int) -> str:
        """Return steps, time, metrics and validation metrics, in the order of their names as Keras has them."""
        seconds = row["seconds"]
        per_step = 1e3 * seconds / steps
        metrics = {key: value for key, value in row.items() if key.removeprefix("val_") in ("loss", "accuracy")}
        ordered = sorted(metrics, key=lambda key: (key.startswith("val_"), key))
        values = " - ".join(f"{key}: {metrics[key]:.4f}" for key in ordered)
        return f"{steps}/{steps} - {seconds:.0f}s - {per_step:.0f}ms/step - {values}"


class Validation(LogLines):
    """`apparel_cnn`: the validation loss after every second epoch, the first one included."""

    def after_epoch(self, row: dict, steps: int) -> str | None:
        """Return `Epoch : 1 loss : 2.0713`."""
        return f"Epoch : {row['epoch'] + 1} loss : {row['val_loss']:.4f}" if row["epoch"] % 2 == 0 else None


LOG_LINES = {
    "accuracy": Accuracy(),
    "epochs": Epochs(),
    "summary": Summary(),
    "keras": Keras(),
    "validation": Validation(),
}
