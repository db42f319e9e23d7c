"""A jitted JAX step, its state donated."""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.data import BATCH_SIZE, Data

_LAYOUT = ("NHWC", "HWIO", "NHWC")


def forward(parameters, x):
    """Return logits `(batch, 10)` of images `(batch, 28, 28, 1)`."""
    for kernel, bias in parameters[:2]:
        x = jax.lax.conv_general_dilated(x, kernel, (1, 1), "SAME", dimension_numbers=_LAYOUT)
        x = jax.nn.relu(x + bias)
        x = jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")
    kernel, bias = parameters[2]
    return x.reshape(x.shape[0], -1) @ kernel + bias


def mean_loss(parameters, x, y):
    """Return the mean cross-entropy."""
    log_probabilities = jax.nn.log_softmax(forward(parameters, x))
    return -jnp.take_along_axis(log_probabilities, y[:, None], 1).mean()


@functools.partial(jax.jit, donate_argnums=0)
def train_step(state, x, y):
    """Return the state after one step of Adam, and the loss before it."""
    parameters, first, second, count = state
    loss, gradients = jax.value_and_grad(mean_loss)(parameters, x, y)
    count = count + 1
    first = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, first, gradients)
    second = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, second, gradients)
    rate = 0.001 * jnp.sqrt(1 - 0.999**count) / (1 - 0.9**count)
    parameters = jax.tree.map(lambda p, m, v: p - rate * m / (jnp.sqrt(v) + 1e-8), parameters, first, second)
    return (parameters, first, second, count), loss


@jax.jit
def predict(parameters, x):
    """Return the predicted classes."""
    return forward(parameters, x).argmax(1)


class Loop:
    """The training loop.

    Args:
        data: What to train and test on.
        log_every: Steps between two log lines; 0 for none.
    """

    def __init__(self, data: Data, log_every: int):
        self.data, self.log_every = data, log_every
        generator = np.random.default_rng(1)
        parameters = []
        for shape in ((5, 5, 1, 16), (5, 5, 16, 32), (1568, 10)):
            limit = 1 / np.sqrt(np.prod(shape[:-1]))
            parameters.append(
                tuple(generator.uniform(-limit, limit, size).astype(np.float32) for size in (shape, shape[-1:]))
            )
        zeros = [jax.tree.map(jnp.zeros_like, parameters) for _ in range(2)]
        self.state = (parameters, *zeros, jnp.zeros((), jnp.int32))

    def run_epoch(self, order: np.ndarray) -> list[tuple[float, float]]:
        """Train on the examples in `order` and return the log."""
        log = []
        for step in range(len(order) // BATCH_SIZE):
            batch = order[step * BATCH_SIZE : (step + 1) * BATCH_SIZE]
            self.state, loss = train_step(self.state, self.data.images[batch], self.data.labels[batch])
            if self.log_every and (step + 1) % self.log_every == 0:
                predicted = np.asarray(predict(self.state[0], self.data.test_images))
                log.append((float(loss), float((predicted == self.data.test_labels).mean())))
        jax.block_until_ready(self.state)
        return log
