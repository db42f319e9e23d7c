"""What public reports of Keras say, as small models of our own: the verdict is what plain Keras and NumPy show.

Others of these reports stand beside their kind: text, sparse gradients and sample weights in test_real_verdicts.py,
`while_loop` and stateful layers in reduce/test_whole.py, partial batches in test_known.py.
"""

import numpy as np
import pytest

from keras_parity import check
from keras_parity.executions import installed_executions
from keras_parity.verdict import Outcome

pytestmark = pytest.mark.skipif(len(installed_executions()) < 3, reason="the truth is that of three backends")


def draw(*shape, seed=0):
    """Return float32 numbers."""
    return np.random.default_rng(seed).standard_normal(shape).astype("float32")


def whole(most, *shape):
    """Return int32 numbers below `most`."""
    return np.random.default_rng(5).integers(0, most, shape).astype("int32")


def build_loss_read_from_a_sublayer():
    """A model's own `compute_loss` reads the loss that a sublayer has added: in `fit` JAX finds none (issue 19430)."""
    import keras
    from keras import layers, ops

    class Penalty(layers.Layer):
        def call(self, x):
            self.add_loss(0.1 * ops.sum(ops.square(x)))
            return x

    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.project, self.penalty = layers.Dense(2), Penalty()

        def call(self, x):
            return self.penalty(self.project(x))

        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            return ops.mean(ops.square(y - y_pred)) + sum(self.penalty.losses)

    model = Own()
    model.build((None, 3))
    return model


def build_normalised_behind_a_mask():
    """Statistics of the rows that are not padding (issue 20219)."""
    from keras import Input, Sequential, layers

    return Sequential([Input((5, 3)), layers.Masking(), layers.BatchNormalization(momentum=0.5), layers.Dense(1)])


def padded():
    """Return sequences whose last steps are padding, one of them nearly all."""
    x = draw(8, 5, 3) + 2
    x[:, 3:] = 0
    x[0, 1:] = 0
    return x


def build_sure_or_not():
    """Two classes, for the AUC (issue 21770)."""
    from keras import Input, Sequential, layers

    return Sequential([Input((4,)), layers.Dense(4, activation="relu"), layers.Dense(1, activation="sigmoid")])


def build_speech(masked=True):
    """CTC behind a mask raises on every backend; without it all agree (issue 23228)."""
    from keras import Input, Sequential, layers

    front = [layers.Masking()] if masked else []
    return Sequential([Input((10, 4)), *front, layers.LSTM(6, return_sequences=True), layers.Dense(5)])


def speech():
    """Return padded sequences."""
    x = draw(8, 10, 4)
    x[:, 7:] = 0
    return x


def build_causal_attention():
    """Attention with dropout and scores keeps its causal mask (issue 23038)."""
    import keras
    from keras import layers

    x = keras.Input((5, 4))
    return keras.Model(x, layers.MultiHeadAttention(2, 3, dropout=0.3)(x, x, use_causal_mask=True))


def build_lazily():
    """Layers that the first call builds (TensorFlow's issue 125391)."""
    import keras
    from keras import layers

    class Net(keras.Model):
        def __init__(self):
            super().__init__()
            self.first, self.second = layers.Dense(6, activation="tanh"), layers.Dense(2)

        def call(self, x):
            return self.second(self.first(x))

    return Net()


def build_two_heads():
    """A loss for each output, by name, in another order than the outputs' (issue 20596)."""
    import keras
    from keras import layers

    x = keras.Input((4,))
    small = layers.Dense(1, activation="sigmoid", name="small")(x)
    return keras.Model(x, [small, layers.Dense(6, activation="softmax", name="big")(x)])


def build_straight_through():
    """A rounding that lets gradients pass (issue 21105)."""
    from keras import Input, Sequential, layers, ops

    class Rounded(layers.Layer):
        def call(self, x):
            @ops.custom_gradient
            def rounded(z):
                return ops.round(z), lambda *args, upstream=None: args[0] if upstream is None else upstream

            return rounded(x)

    return Sequential([Input((4,)), layers.Dense(3), Rounded(), layers.Dense(1)])


def build_half_precision():
    """Under mixed_float16 with a loss that is scaled (issue 20878)."""
    from keras import Input, Sequential, layers

    return Sequential([Input((4,)), layers.Dense(4, activation="relu"), layers.Dense(1, dtype="float32")])


def build_noisy():
    """Random numbers of a layer's own, by a generator and by a plain seed (keras-core's issue 650)."""
    import keras
    from keras import Input, Sequential, layers

    class Noise(layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.generator = keras.random.SeedGenerator(7)

        def call(self, x, training=False):
            if not training:
                return x
            shape = keras.ops.shape(x)
            moving = keras.random.normal(shape, seed=self.generator)
            return x + 0.3 * moving + 0.1 * keras.random.uniform(shape, seed=11)

    return Sequential([Input((6,)), Noise(), layers.AlphaDropout(0.2, seed=3), layers.Dense(1)])


def build_timed_penalty():
    """A layer within TimeDistributed adds a loss at each step, once (issue 15332)."""
    from keras import Input, Sequential, layers, ops

    class Penalised(layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.inner = layers.Dense(2)

        def build(self, shape):
            self.inner.build(shape)

        def compute_output_shape(self, shape):
            return (*shape[:-1], 2)

        def call(self, x):
            self.add_loss(ops.mean(ops.square(x)))
            return self.inner(x)

    timed = layers.TimeDistributed(Penalised(), name="timed")
    return Sequential([Input((5, 3)), timed, layers.Flatten(), layers.Dense(1)])


def build_three_classes():
    """Weights of classes and a weighted metric (issue 21355)."""
    from keras import Input, Sequential, layers

    return Sequential([Input((4,)), layers.Dense(4, activation="relu"), layers.Dense(3, activation="softmax")])


def build_quantised_with_lora():
    """EinsumDense in int4 with adapters (pull request 21471)."""
    from keras import Input, Sequential, layers

    layer = layers.EinsumDense("abc,cd->abd", output_shape=(None, 5), bias_axes="d")
    model = Sequential([Input((3, 8)), layer])
    generator = np.random.default_rng(1)
    layer.set_weights([(0.4 * generator.standard_normal(w.shape)).astype("float32") for w in layer.get_weights()])
    model.quantize("int4")
    layer.enable_lora(2)
    return model


SCALED = {
    "class_name": "LossScaleOptimizer",
    "config": {
        "inner_optimizer": {
            "module": "keras.optimizers",
            "class_name": "SGD",
            "config": {"learning_rate": 1e-3},
            "registered_name": None,
        },
        "initial_scale": 2.0**15,
        "dynamic_growth_steps": 2,
    },
}
SPARSE = "sparse_categorical_crossentropy"
HEADS = {"small": "binary_crossentropy", "big": SPARSE}
BY_CLASS = {0: 1.0, 1: 5.0, 2: 0.5}
AGREE = [
    (build_normalised_behind_a_mask, {"inputs": padded(), "targets": np.ones((8, 5, 1), "float32")}),
    (build_sure_or_not, {"loss": "binary_crossentropy", "metrics": ["AUC"], "weighted_metrics": ["AUC"]}),
    (build_speech, {"kwargs": {"masked": False}, "inputs": speech(), "targets": whole(2, 8, 3) + 1, "loss": "ctc"}),
    (build_causal_attention, {}),
    (build_lazily, {"inputs": draw(8, 5)}),
    (build_two_heads, {"loss": HEADS, "metrics": {"big": ["accuracy"]}, "loss_weights": {"small": 1.0, "big": 0.3}}),
    (build_straight_through, {}),
    (build_half_precision, {"dtype": "mixed_float16", "optimizer": SCALED, "targets": 300 * draw(4, 1)}),
    (build_noisy, {}),
    (build_timed_penalty, {}),
    (build_three_classes, {"optimizer": {"class_name": "Muon", "config": {"learning_rate": 0.02}}, "loss": SPARSE}),
    (
        build_three_classes,
        {"inputs": draw(8, 4), "targets": whole(3, 8), "loss": SPARSE, "class_weight": BY_CLASS},
    ),
    (build_quantised_with_lora, {}),
]


@pytest.mark.parametrize(("build", "asked"), AGREE, ids=lambda value: getattr(value, "__name__", ""))
def test_what_agrees_raises_no_alarm(build, asked):
    """Reported once and mended since, or never Keras's fault; a known divergence of a partial batch is a warning."""
    verdict = check(build, reload=False, **{"optimizer": "sgd", **asked})

    assert verdict.outcome is Outcome.AGREE, verdict
    assert all(finding.known for finding in verdict.findings)


def test_a_loss_that_a_sublayer_adds_is_lost_on_jax():
    """In whole steps, where no part shows it."""
    verdict = check(
        build_loss_read_from_a_sublayer, inputs=draw(8, 3), targets=np.ones((8, 2)), optimizer="sgd", reload=False
    )

    assert {(finding.layer, finding.execution) for finding in verdict.findings} == {("(training)", "jax")}


def test_what_raises_everywhere_is_inconclusive_and_quotes_it():
    """The mask has one axis more than CTC's loss, on every backend."""
    targets = whole(2, 8, 3) + 1
    verdict = check(build_speech, inputs=speech(), targets=targets, loss="ctc", optimizer="sgd", reload=False)

    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "training steps raise on every backend" in verdict.reason


def build_cut(by_hand=False):
    """A layer cuts its input by a Python number that another input gives (issue 19639)."""
    import keras
    from keras import layers, ops

    class Cut(layers.Layer):
        def compute_output_shape(self, shapes):
            return (shapes[0][0], shapes[0][-1])

        def call(self, inputs):
            image, position = inputs
            if by_hand:
                kept = ops.cast(ops.arange(5) < position[0], image.dtype)
                return ops.sum(image * kept[None, :, None, None], axis=(1, 2))
            return ops.sum(image[:, : int(position[0])], axis=(1, 2))

    image, position = keras.Input((5, 4, 3)), keras.Input((), dtype="int32")
    return keras.Model([image, position], layers.Dense(2)(Cut(name="cut")([image, position])))


@pytest.mark.parametrize(("by_hand", "alone"), [(False, {"tensorflow", "jax"}), (True, set())])
def test_a_value_as_a_python_number_is_told_where_it_cannot_be_compiled(by_hand, alone):
    """In `predict` and `fit`, on those that compile; with a mask in its place all agree."""
    inputs = [draw(4, 5, 4, 3), np.full((4,), 2, "int32")]
    asked = {"targets": np.ones((4, 2)), "optimizer": "sgd", "reload": False}
    verdict = check(build_cut, kwargs={"by_hand": by_hand}, inputs=inputs, **asked)

    assert {finding.execution for finding in verdict.findings} == alone
    assert {finding.layer for finding in verdict.findings} <= {"cut"}
