"""A `tf.function` step in a Python loop."""

import numpy as np
import tensorflow as tf

from benchmarks.data import BATCH_SIZE, Data


class Loop:
    """The training loop.

    Args:
        data: What to train and test on.
        log_every: Steps between two log lines; 0 for none.
    """

    def __init__(self, data: Data, log_every: int):
        self.images, self.labels = tf.constant(data.images), tf.constant(data.labels)
        self.test_images, self.test_labels = tf.constant(data.test_images), data.test_labels
        self.log_every = log_every
        generator = np.random.default_rng(1)
        self.parameters = []
        for shape in ((5, 5, 1, 16), (5, 5, 16, 32), (1568, 10)):
            limit = 1 / np.sqrt(np.prod(shape[:-1]))
            for size in (shape, shape[-1:]):
                self.parameters.append(tf.Variable(generator.uniform(-limit, limit, size).astype(np.float32)))
        self.first = [tf.Variable(tf.zeros_like(value)) for value in self.parameters]
        self.second = [tf.Variable(tf.zeros_like(value)) for value in self.parameters]
        self.count = tf.Variable(0.0)

    def forward(self, x):
        """Return logits `(batch, 10)` of images `(batch, 28, 28, 1)`."""
        for index in (0, 2):
            x = tf.nn.relu(tf.nn.conv2d(x, self.parameters[index], 1, "SAME") + self.parameters[index + 1])
            x = tf.nn.max_pool2d(x, 2, 2, "VALID")
        return tf.reshape(x, (-1, 1568)) @ self.parameters[4] + self.parameters[5]

    @tf.function
    def predict(self):
        """Return the predicted classes of the test images."""
        return tf.argmax(self.forward(self.test_images), axis=1)

    @tf.function
    def train_step(self, batch):
        """Take one step of Adam and return the loss before it."""
        with tf.GradientTape() as tape:
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(
                labels=tf.gather(self.labels, batch), logits=self.forward(tf.gather(self.images, batch))
            )
            loss = tf.reduce_mean(losses)
        gradients = tape.gradient(loss, self.parameters)
        self.count.assign_add(1.0)
        rate = 0.001 * tf.sqrt(1 - 0.999**self.count) / (1 - 0.9**self.count)
        for parameter, m, v, gradient in zip(self.parameters, self.first, self.second, gradients, strict=True):
            m.assign(0.9 * m + 0.1 * gradient)
            v.assign(0.999 * v + 0.001 * gradient * gradient)
            parameter.assign_sub(rate * m / (tf.sqrt(v) + 1e-8))
        return loss

    def run_epoch(self, order: np.ndarray) -> list[tuple[float, float]]:
        """Train on the examples in `order` and return the log."""
        log = []
        for step in range(len(order) // BATCH_SIZE):
            loss = self.train_step(tf.constant(order[step * BATCH_SIZE : (step + 1) * BATCH_SIZE]))
            if self.log_every and (step + 1) % self.log_every == 0:
                log.append((float(loss), float((self.predict().numpy() == self.test_labels).mean())))
        loss.numpy()
        return log
