"""The originals' own programs, written in the originals' frameworks from the specification and from nothing of ours.

Each runs in a process of its framework and tells, in NumPy arrays and in Keras's layouts: its initial weights, its
outputs, its loss, every gradient, and its weights after ten steps of its optimiser. Frameworks are imported inside the
functions.
"""

from dataclasses import dataclass

import numpy as np

STEPS = 10
# Examples of a batch: the original's, or few of a large one.
BATCHES = {
    "mnist_cnn": 50,
    "strided_cnn": 1,
    "bp_mlp": 1,
    "lenet": 32,
    "mlp": 32,
    "conv3_softmax": 50,
    "apparel_cnn": 64,
    "keras_cnn": 32,
    "tf_cnn": 10,
    "iris_mlp": 10,
    "text_lstm": 2,
}
TORCH_ORIGINALS = ("mnist_cnn", "strided_cnn", "bp_mlp", "lenet", "mlp", "conv3_softmax", "apparel_cnn")
KERAS_ORIGINALS = ("keras_cnn", "iris_mlp", "text_lstm")


@dataclass
class Account:
    """What a program tells of itself; each dictionary is by layer name, its arrays in the order of Keras's layers.

    Attributes:
        weights: The initial weights.
        outputs: `(n, k)`, of the first batch, in inference mode.
        loss: Of the first batch, in training mode.
        gradients: Of that loss.
        trained: The weights after ten steps, a batch each.
    """

    weights: dict[str, list[np.ndarray]]
    outputs: np.ndarray
    loss: float
    gradients: dict[str, list[np.ndarray]]
    trained: dict[str, list[np.ndarray]]


def make_batches(name: str, dtype: str) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return ten batches of inputs, of `dtype` or int32, and of labels, int64."""
    generator = np.random.default_rng(7)
    size = (STEPS, BATCHES[name])
    if name == "text_lstm":
        return list(zip(generator.integers(0, 8, (*size, 10), np.int32), generator.integers(1, 8, size), strict=True))
    if name == "iris_mlp":
        return list(zip(generator.uniform(0, 8, (*size, 4)).astype(dtype), generator.integers(0, 2, size), strict=True))
    # As in real images, a third of the pixels is black.
    images = np.maximum(generator.integers(-127, 256, (*size, 28, 28, 1)), 0) / 255
    return list(zip(images.astype(dtype), generator.integers(0, 10, size), strict=True))


def run_torch_original(name: str, dtype: str) -> Account:
    """Return the account of a PyTorch original, in plain `torch.nn`."""
    import torch

    torch.manual_seed(3)
    network, layers = _torch_network(name)
    network.to(getattr(torch, dtype))
    loss_of, optimizer = _torch_recipe(name, network)
    batches = [
        (torch.tensor(images).permute(0, 3, 1, 2).contiguous(), torch.tensor(labels))
        for images, labels in make_batches(name, dtype)
    ]
    weights = {layer: _keras_weights(network[place], shape) for layer, (place, shape) in layers.items()}
    images, labels = batches[0]
    network.eval()
    with torch.no_grad():
        outputs = network(images).numpy().copy()
    network.train()
    gradients, first_loss = None, None
    for images, labels in batches:
        optimizer.zero_grad()
        loss = loss_of(network(images), labels)
        loss.backward()
        if gradients is None:
            first_loss = loss.item()
            gradients = {
                layer: _keras_weights(network[place], shape, gradients=True) for layer, (place, shape) in layers.items()
            }
        optimizer.step()
    trained = {layer: _keras_weights(network[place], shape) for layer, (place, shape) in layers.items()}
    return Account(weights, outputs, first_loss, gradients, trained)


def _torch_network(name: str):
    """Return the original's `nn.Sequential`, and for each of our layers with weights its place there.

    A place is (index, shape): for the first dense layer after a flatten, `shape` is what is flattened, (channels,
    height, width); elsewhere None.
    """
    from torch import nn

    if name == "mnist_cnn":
        modules = [
            nn.Conv2d(1, 16, 5, 1, 2), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 5, 1, 2), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(), nn.Linear(32 * 7 * 7, 10),
        ]  # fmt: skip
        layers = {"conv1": (0, None), "conv2": (3, None), "logits": (7, (32, 7, 7))}
    elif name == "strided_cnn":
        modules = [
            nn.Conv2d(1, 10, 5, stride=2), nn.LeakyReLU(0.02), nn.BatchNorm2d(10),
            nn.Conv2d(10, 10, 3, stride=2), nn.LeakyReLU(0.02), nn.BatchNorm2d(10),
            nn.Flatten(), nn.Linear(250, 10), nn.Sigmoid(),
        ]  # fmt: skip
        layers = {
            "conv1": (0, None), "norm1": (2, None), "conv2": (3, None), "norm2": (5, None), "output": (7, (10, 5, 5)),
        }  # fmt: skip
    elif name == "bp_mlp":
        modules = [
            nn.Flatten(), nn.Linear(784, 200), nn.LeakyReLU(0.02), nn.LayerNorm(200), nn.Linear(200, 10), nn.Sigmoid(),
        ]  # fmt: skip
        layers = {"hidden": (1, (1, 28, 28)), "norm": (3, None), "output": (4, None)}
    elif name == "lenet":
        modules = [
            nn.Conv2d(1, 6, 5, padding=2), nn.Sigmoid(), nn.AvgPool2d(2, 2),
            nn.Conv2d(6, 16, 5), nn.Sigmoid(), nn.AvgPool2d(2, 2),
            nn.Flatten(), nn.Linear(400, 120), nn.Sigmoid(), nn.Linear(120, 84), nn.Sigmoid(), nn.Linear(84, 10),
        ]  # fmt: skip
        layers = {"c1": (0, None), "c3": (3, None), "f5": (7, (16, 5, 5)), "f6": (9, None), "logits": (11, None)}
        for module in modules:
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.xavier_uniform_(module.weight)
    elif name == "mlp":
        modules = [nn.Flatten(), nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 10)]
        layers = {"hidden": (1, (1, 28, 28)), "logits": (3, None)}
        for module in (modules[1], modules[3]):
            nn.init.normal_(module.weight, std=0.01)
    elif name == "conv3_softmax":
        modules = [
            nn.Conv2d(1, 4, 3, padding=2), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(4, 8, 3), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(8, 16, 3), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(), nn.Linear(64, 10), nn.Softmax(dim=1),
        ]  # fmt: skip
        layers = {"conv1": (0, None), "conv2": (3, None), "conv3": (6, None), "output": (10, (16, 2, 2))}
    elif name == "apparel_cnn":
        modules = [
            nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(4, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(), nn.Linear(4 * 7 * 7, 10),
        ]  # fmt: skip
        layers = {
            "conv1": (0, None), "norm1": (1, None), "conv2": (4, None), "norm2": (5, None), "logits": (9, (4, 7, 7)),
        }  # fmt: skip
    return nn.Sequential(*modules), layers


def _torch_recipe(name: str, network):
    """Return the original's loss function of outputs and labels, and its optimiser."""
    import torch
    from torch import nn

    rates = {"lenet": 0.9, "mlp": 0.1, "apparel_cnn": 0.07}
    if name in ("lenet", "mlp"):
        optimizer = torch.optim.SGD(network.parameters(), lr=rates[name])
    else:
        optimizer = torch.optim.Adam(network.parameters(), lr=rates.get(name, 0.001))
    if name in ("strided_cnn", "bp_mlp"):

        def loss_of(outputs, labels):
            return nn.functional.binary_cross_entropy(outputs, nn.functional.one_hot(labels, 10).to(outputs.dtype))

        return loss_of, optimizer
    return nn.CrossEntropyLoss(reduction="sum" if name == "conv3_softmax" else "mean"), optimizer


def _keras_weights(module, flattened: tuple[int, int, int] | None, gradients: bool = False) -> list[np.ndarray]:
    """Return a module's weights, or their gradients, in Keras's layouts and order.

    PyTorch flattens (channels, height, width), Keras (height, width, channels): the rows of the next dense layer change
    their order accordingly.
    """
    from torch import nn

    def array(parameter):
        return (parameter.grad if gradients else parameter.detach()).numpy().copy()

    if isinstance(module, nn.Conv2d):
        return [array(module.weight).transpose(2, 3, 1, 0), array(module.bias)]
    if isinstance(module, nn.BatchNorm2d):
        statistics = [] if gradients else [module.running_mean.numpy().copy(), module.running_var.numpy().copy()]
        return [array(module.weight), array(module.bias), *statistics]
    if isinstance(module, nn.LayerNorm):
        return [array(module.weight), array(module.bias)]
    kernel = array(module.weight).T
    if flattened:
        kernel = kernel.reshape(*flattened, -1).transpose(1, 2, 0, 3).reshape(kernel.shape)
    return [kernel, array(module.bias)]


def run_keras_original(name: str, dtype: str) -> Account:
    """Return the account of a Keras original, as its own `Sequential` with Keras's own loss and one-hot targets."""
    import keras
    from keras import layers

    from tests.models.accounts import describe_training

    keras.utils.set_random_seed(3)
    if name == "keras_cnn":
        stack = [
            keras.Input((28, 28, 1)),
            layers.Conv2D(32, (3, 3), padding="same", activation="relu", name="conv"),
            layers.MaxPooling2D((2, 2)),
            layers.Flatten(),
            layers.Dense(10, activation="softmax", name="output"),
        ]
        optimizer, loss = "rmsprop", keras.losses.CategoricalCrossentropy()
    elif name == "iris_mlp":
        stack = [
            keras.Input((4,)),
            layers.Dense(8, activation="relu", name="hidden"),
            layers.Dense(1, activation="sigmoid", name="output"),
        ]
        optimizer, loss = "adam", keras.losses.BinaryCrossentropy()
    else:
        stack = [
            keras.Input((10,)),
            layers.Embedding(8, 50, name="embedding"),
            layers.LSTM(64, name="lstm"),
            layers.Dense(8, activation="softmax", name="output"),
        ]
        optimizer, loss = "adam", keras.losses.CategoricalCrossentropy()
    model = keras.Sequential(stack)
    batches = make_batches(name, dtype)
    if name != "iris_mlp":
        classes = model.outputs[0].shape[-1]
        batches = [(inputs, keras.utils.to_categorical(labels, classes)) for inputs, labels in batches]
    return describe_training(model, loss, keras.optimizers.get(optimizer), batches)


def run_tensorflow_original(name: str, dtype: str) -> Account:
    """Return the account of `tf_cnn` in TensorFlow's own operations, from flat rows, with TensorFlow 1's Adam.

    Without dropout, whose random numbers no two programs share.
    """
    import tensorflow as tf

    generator = np.random.default_rng(5)
    shapes = {"conv1": (5, 5, 1, 32), "conv2": (5, 5, 32, 64), "hidden": (3136, 1024), "logits": (1024, 10)}
    weights = {
        layer: [generator.uniform(-1, 1, shape) * (6 / (np.prod(shape[:-1]) + shape[-1])) ** 0.5, np.zeros(shape[-1])]
        for layer, shape in shapes.items()
    }
    weights = {layer: [array.astype(dtype) for array in arrays] for layer, arrays in weights.items()}
    variables = {layer: [tf.Variable(array) for array in arrays] for layer, arrays in weights.items()}

    def network(rows):
        def apply(x, layer, operation):
            kernel, bias = variables[layer]
            return operation(x, kernel) + bias

        def convolve(x, kernel):
            return tf.nn.conv2d(x, kernel, strides=1, padding="SAME")

        x = tf.reshape(rows, (-1, 28, 28, 1))
        x = tf.nn.max_pool2d(tf.nn.relu(apply(x, "conv1", convolve)), 2, 2, "SAME")
        x = tf.nn.max_pool2d(tf.nn.relu(apply(x, "conv2", convolve)), 2, 2, "SAME")
        x = tf.nn.relu(apply(tf.reshape(x, (-1, 3136)), "hidden", tf.matmul))
        return apply(x, "logits", tf.matmul)

    flat = [variable for pair in variables.values() for variable in pair]
    moments = [(tf.Variable(tf.zeros_like(variable)), tf.Variable(tf.zeros_like(variable))) for variable in flat]
    batches = [
        (tf.constant(inputs.reshape(len(inputs), 784)), tf.one_hot(labels, 10, dtype=dtype))
        for inputs, labels in make_batches(name, dtype)
    ]
    outputs = network(batches[0][0]).numpy()
    first_loss = first_gradients = None
    for step, (rows, targets) in enumerate(batches, start=1):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels=targets, logits=network(rows)))
        gradients = tape.gradient(loss, flat)
        if first_gradients is None:
            first_loss, first_gradients = float(loss), [gradient.numpy() for gradient in gradients]
        rate = 0.001 * (1 - 0.999**step) ** 0.5 / (1 - 0.9**step)
        for variable, gradient, (mean, square) in zip(flat, gradients, moments, strict=True):
            mean.assign(0.9 * mean + 0.1 * gradient)
            square.assign(0.999 * square + 0.001 * gradient**2)
            variable.assign_sub(rate * mean / (tf.sqrt(square) + 1e-8))
    pairs = iter(first_gradients)
    by_layer = {layer: [next(pairs), next(pairs)] for layer in variables}
    trained = {layer: [variable.numpy() for variable in pair] for layer, pair in variables.items()}
    return Account(weights, outputs, first_loss, by_layer, trained)


def run_original(name: str, dtype: str) -> Account:
    """Return the account of any original; it must run in a process of its framework."""
    if name in TORCH_ORIGINALS:
        return run_torch_original(name, dtype)
    return (run_keras_original if name in KERAS_ORIGINALS else run_tensorflow_original)(name, dtype)
