"""What our systems tell of themselves in a backend's process, from an original's weights, and how accounts differ."""

import numpy as np

from tests.models.originals import Account, make_batches


def use_float64() -> None:
    """Turn this process to float64, for good, and close the detours through float32 that Keras leaves.

    Outside TensorFlow Keras's promotion table goes back to float32. On TensorFlow a Python number becomes float32 on
    its way to a tensor: Adam's decay rates (the first step then differs by 7e-6 of itself, and ten by up to a few per
    cent of a weight, where a kink amplifies) and the slope of LeakyReLU (1e-9 of a gradient).
    """
    import keras
    from keras.src.backend.common import dtypes

    keras.config.set_floatx("float64")
    dtypes.BIT64_TO_BIT32_DTYPE["float64"] = "float64"
    if keras.backend.backend() == "jax":
        import jax

        jax.config.update("jax_enable_x64", True)
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf
        from keras.src.backend.tensorflow import core, nn

        cast = core.cast
        core.cast = lambda x, dtype: cast(np.asarray(x) if isinstance(x, float) else x, dtype)
        nn.leaky_relu = lambda x, negative_slope=0.2: tf.where(x > 0, x, negative_slope * x)


def run_ours(name: str, dtype: str, weights: dict[str, list[np.ndarray]], **recipe_values) -> Account:
    """Return the account of our system `name`, by its own recipe, from given weights.

    Args:
        name: The system; `tf_cnn` runs without dropout.
        dtype: "float64" in a process after `use_float64`, or "float32".
        weights: By layer name, in the order of Keras's layers.
        **recipe_values: Overrides of the recipe.
    """
    import models
    from training.losses import make_loss
    from training.optimizers import make_optimizer

    system = models.load(name)
    model = system.build(dropout=0.0) if name == "tf_cnn" else system.build()
    for layer, arrays in weights.items():
        model.get_layer(layer).set_weights(arrays)
    recipe = system.recipe.override(**recipe_values)
    return describe_training(model, make_loss(recipe), make_optimizer(recipe), make_batches(name, dtype))


def describe_training(model, loss, optimizer, batches) -> Account:
    """Return a model's account.

    Args:
        model: A built model.
        loss: A Keras loss.
        optimizer: A Keras optimiser.
        batches: Inputs and targets, a pair a step.
    """
    inputs, targets = batches[0]
    weights = _weights_by_layer(model)
    outputs = np.array(model.predict_on_batch(inputs))
    value, gradients = _differentiate(model, loss, inputs, targets)
    statistics = [(layer, layer.get_weights()) for layer in model.layers]
    for layer, arrays in statistics:  # the pass in training mode has moved BatchNorm's
        layer.set_weights(_original(layer, arrays, weights))
    model.compile(optimizer, loss)
    for inputs, targets in batches:
        model.train_on_batch(inputs, targets)
    return Account(weights, outputs, value, gradients, _weights_by_layer(model))


def _original(layer, arrays, weights):
    return weights.get(layer.name, arrays)


def _weights_by_layer(model) -> dict[str, list[np.ndarray]]:
    return {layer.name: [np.array(array) for array in layer.get_weights()] for layer in model.layers if layer.weights}


def _differentiate(model, loss, inputs, targets) -> tuple[float, dict[str, list[np.ndarray]]]:
    """Return the loss in training mode and its gradients by layer, by the backend's own means."""
    import keras

    backend = keras.backend.backend()
    variables = model.trainable_variables
    if backend == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            value = loss(targets, model(inputs, training=True))
        gradients = tape.gradient(value, [variable.value for variable in variables])
        gradients = [tf.convert_to_tensor(gradient).numpy() for gradient in gradients]
    elif backend == "torch":
        model.zero_grad()
        value = loss(targets, model(inputs, training=True))
        value.backward()
        gradients = [variable.value.grad.numpy().copy() for variable in variables]
        model.zero_grad()
    else:
        import jax

        def loss_of(trainable):
            outputs, _ = model.stateless_call(
                trainable, [variable.value for variable in model.non_trainable_variables], inputs, training=True
            )
            return loss(targets, outputs)

        value, gradients = jax.jit(jax.value_and_grad(loss_of))([variable.value for variable in variables])
        gradients = [np.array(gradient) for gradient in gradients]
    found = {id(variable): gradient for variable, gradient in zip(variables, gradients, strict=True)}
    by_layer = {
        layer.name: [found[id(variable)] for variable in layer.trainable_variables]
        for layer in model.layers
        if layer.trainable_variables
    }
    return float(keras.ops.convert_to_numpy(value)), by_layer


def relative_errors(ours: Account, theirs: Account, without: tuple[str, ...] = ()) -> dict[str, float]:
    """Return the largest difference of each quantity over that quantity's largest magnitude.

    Gradients and weights are taken layer by layer, kernel and bias together: a bias before a BatchNorm has no gradient
    but roundings, which have no relative error worth the name.

    Args:
        ours: One account.
        theirs: The other one, which sets the scale.
        without: Entries that are left out, as "trained norm1 3", the fourth weight of that layer after training.
    """
    errors = {
        "outputs": _relative([ours.outputs], [theirs.outputs]),
        "loss": abs(ours.loss - theirs.loss) / abs(theirs.loss),
    }
    for kind in ("gradients", "trained"):
        for layer, arrays in getattr(theirs, kind).items():
            kept = [index for index in range(len(arrays)) if f"{kind} {layer} {index}" not in without]
            mine = getattr(ours, kind)[layer]
            errors[f"{kind} {layer}"] = _relative([mine[i] for i in kept], [arrays[i] for i in kept])
    return errors


def movement_error(ours: Account, theirs: Account, without: tuple[str, ...] = ()) -> float:
    """Return how far ten steps went astray: the difference of all weights after them, over the way that they have gone.

    Both as root sums of squares. (The largest difference of a single weight says little in float32: in a filter that
    is active in one place only, a rounding decides whether it is, and Adam makes a whole step of it.)

    Args:
        ours: One account.
        theirs: The other one, which sets the scale.
        without: As in `relative_errors`.
    """
    difference = way = 0.0
    for layer, arrays in theirs.trained.items():
        for index, array in enumerate(arrays):
            if f"trained {layer} {index}" not in without:
                difference += np.square(ours.trained[layer][index].astype(np.float64) - array).sum()
                way += np.square(array - theirs.weights[layer][index].astype(np.float64)).sum()
    return float((difference / way) ** 0.5)


def _relative(ours: list[np.ndarray], theirs: list[np.ndarray]) -> float:
    if any(a.shape != b.shape for a, b in zip(ours, theirs, strict=True)):
        return float("inf")
    scale = max(np.abs(array).max() for array in theirs)
    return float(max(np.abs(a.astype(np.float64) - b).max() for a, b in zip(ours, theirs, strict=True)) / scale)
