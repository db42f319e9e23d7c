"""What a check says of models that people really have: no false alarm, no silent pass, and nothing hides anything."""

import numpy as np
import pytest

from keras_parity.protocol.quantity import Kind
from keras_parity.verdict import Outcome
from tests.keras_parity.planting import check

TWO = ("jax", "torch")
QUICK = {"edge": False, "reload": False}


def build_crashing(signal_name="SIGFPE"):
    """A layer that ends JAX's process by a signal."""
    import os
    import signal

    import keras

    class Fragile(keras.layers.Layer):
        def call(self, x):
            if keras.backend.backend() == "jax" and not keras.backend.is_keras_tensor(x) and self.built_once:
                os.kill(os.getpid(), getattr(signal, signal_name))
            return x * 2.0

    given = keras.Input((3,))
    layer = Fragile(name="fragile")
    layer.built_once = False
    model = keras.Model(given, keras.layers.Dense(2)(layer(given)))
    layer.built_once = True
    return model


def test_a_crash_of_one_backend_is_a_finding_at_its_layer():
    """The other one computes; a second try in a fresh process crashes, too."""
    verdict = check(build_crashing, TWO, steps=0, training=False, **QUICK)

    assert verdict.outcome is Outcome.DISAGREE
    assert [(finding.layer, finding.execution) for finding in verdict.findings] == [("fragile", "jax")]
    assert "crashed (SIGFPE)" in verdict.worst.detail


def build_compiled():
    """A classifier that comes compiled, with a training step of its own."""
    import keras

    class Own(keras.Model):
        def train_step(self, *args, **kwargs):
            return super().train_step(*args, **kwargs)

    given = keras.Input((4,))
    model = Own(given, keras.layers.Dense(3, activation="softmax")(given))
    model.compile("rmsprop", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def test_a_model_that_comes_compiled_is_trained_as_it_says():
    """With its own loss, for which targets are drawn, and its own metrics."""
    verdict = check(build_compiled, TWO, **QUICK)

    assert verdict.outcome is Outcome.AGREE, verdict
    assert not any("raise" in note for note in verdict.notes)


def build_dense(units=2):
    """A single layer."""
    import keras

    return keras.Sequential([keras.Input((3,)), keras.layers.Dense(units, name="dense")])


def test_a_loss_that_raises_on_every_backend_is_no_agreement():
    """The user asked for it, and it was not compared."""
    loss = {"class_name": "SparseCategoricalCrossentropy", "config": {}}
    verdict = check(build_dense, TWO, loss=loss, targets=np.zeros((4, 7)), inputs=np.ones((4, 3)), **QUICK)

    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "raise" in verdict.reason


def test_targets_may_be_one_array():
    """As `fit` takes them; each of its rows belongs to an example."""
    generator = np.random.default_rng(0)
    inputs, targets = generator.standard_normal((6, 3)), generator.standard_normal((6, 2))
    verdict = check(build_dense, TWO, inputs=inputs, targets=targets, loss="mse", **QUICK)

    assert verdict.outcome is Outcome.AGREE, verdict


def build_sampling():
    """A layer that draws as many numbers as there are examples, which a graph does not know when it is built."""
    import keras
    from keras import layers, ops

    class Sampling(layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.generator = keras.random.SeedGenerator(7)

        def call(self, x):
            return x + keras.random.normal((ops.shape(x)[0], ops.shape(x)[1]), seed=self.generator)

    given = keras.Input((3,))
    return keras.Model(given, layers.Dropout(0.3)(layers.Dense(2)(Sampling(name="sampling")(given))))


def test_random_layers_of_unknown_batch_size_agree_in_graphs_too():
    """On TensorFlow the numbers are drawn when the graph of `fit` runs."""
    verdict = check(build_sampling, ("tensorflow", "jax"), steps=1, **QUICK)

    assert verdict.outcome is Outcome.AGREE, verdict


def build_adapted():
    """A normalisation that was adapted to data."""
    import keras

    layer = keras.layers.Normalization()
    layer.adapt(np.random.default_rng(0).normal(5, 3, (50, 3)).astype("float32"))
    return keras.Sequential([keras.Input((3,)), layer, keras.layers.Dense(2)])


def test_adapted_state_is_the_users_and_a_wider_counter_a_note():
    """TensorFlow counts in int64, the others in int32."""
    verdict = check(build_adapted, ("tensorflow", "jax"), steps=1, **QUICK)

    assert verdict.outcome is Outcome.AGREE, verdict
    assert any("count is int64 on tensorflow" in note for note in verdict.notes)


def build_embedding():
    """Tokens, some of which occur more than once."""
    import keras

    given = keras.Input((6,), dtype="int32")
    return keras.Model(given, keras.layers.Dense(2)(keras.layers.Flatten()(keras.layers.Embedding(5, 3)(given))))


def build_embedding_compiled():
    """The same, as a text model of the Keras examples comes."""
    model = build_embedding()
    model.compile("adam", "mse")
    return model


@pytest.mark.parametrize(
    ("build", "optimizer", "names"),
    [
        (build_embedding, "adam", {"adam-sparse-gradients"}),
        (build_embedding_compiled, None, {"adam-sparse-gradients"}),
        (build_embedding, "sgd", set()),
    ],
)
def test_kerass_adam_of_sparse_gradients_is_told_by_its_name(build, optimizer, names):
    """All that differs in the steps comes from it; with SGD nothing does."""
    verdict = check(build, ("tensorflow", "jax", "torch"), optimizer=optimizer, **QUICK)

    assert {finding.known for finding in verdict.findings} == names, verdict


def shift_dense():
    """Return a context in which the layer `dense` gives a little too much."""
    import contextlib

    import keras

    @contextlib.contextmanager
    def shifted():
        own = keras.layers.Dense.call
        keras.layers.Dense.call = lambda self, x, **_: own(self, x) * 1.001
        try:
            yield
        finally:
            keras.layers.Dense.call = own

    return shifted()


def shift_dense_and_triple_the_loss():
    """Return a context with the same fault, and training steps on three times the loss."""
    import contextlib

    import keras

    @contextlib.contextmanager
    def tripled():
        own = keras.Model.compute_loss
        keras.Model.compute_loss = lambda self, *args, **kwargs: 3.0 * own(self, *args, **kwargs)
        try:
            with shift_dense():
                yield
        finally:
            keras.Model.compute_loss = own

    return tripled()


@pytest.mark.parametrize("second", [False, True])
def test_a_layers_fault_does_not_hide_one_of_the_training_step(second):
    """Steps that differ because of the layer are explained by it; steps on another loss are not."""
    patch = shift_dense_and_triple_the_loss if second else shift_dense
    verdict = check(build_dense, ("tensorflow", "jax", "torch"), patches={"torch": patch}, optimizer="sgd", **QUICK)

    assert ("dense", "torch") in {(finding.layer, finding.execution) for finding in verdict.findings}
    in_steps = [finding for finding in verdict.findings if finding.layer == "(training)"]
    assert bool(in_steps) is second, verdict
    assert all(finding.execution == "torch" for finding in in_steps)
    assert not second or any(finding.quantity.kind is Kind.AFTER_TRAINING for finding in in_steps)


def test_metrics_asked_for_are_compared_on_a_model_that_comes_compiled():
    """Beside those that it came with."""
    verdict = check(build_compiled, TWO, metrics=["sparse_categorical_accuracy"], **QUICK)

    assert verdict.outcome is Outcome.AGREE, verdict
    assert "(metric sparse_categorical_accuracy)" in {measured.layer for measured in verdict.measurements}


@pytest.mark.parametrize(
    "asked", [{"loss_weights": [2.0]}, {"weighted_metrics": ["mae"]}, {"metrics": {"dense": "mae"}}]
)
def test_what_a_compiled_model_cannot_be_given_is_said(asked):
    """It is trained as it came; what was asked for beside that was not compared."""
    verdict = check(build_compiled, TWO, **asked, **QUICK)

    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "came compiled" in verdict.reason


def build_scaled_by_history():
    """A layer that divides by a moving average, which it reads again after it has written it."""
    import keras

    class Scale(keras.layers.Layer):
        def build(self, shape):
            self.average = self.add_weight(name="average", shape=(shape[-1],), initializer="ones", trainable=False)

        def call(self, x, training=False):
            if training:
                self.average.assign(0.9 * self.average + 0.1 * keras.ops.mean(keras.ops.abs(x), axis=0))
            return x / self.average

    given = keras.Input((4,))
    return keras.Model(given, keras.layers.Dense(1)(Scale(name="scale")(keras.layers.Dense(4)(given))))


def test_gradients_through_what_a_layer_assigned_are_compared_as_training_has_them():
    """JAX passes them on, and TensorFlow and PyTorch do not: the layer is named, once."""
    verdict = check(build_scaled_by_history, edge=False, reload=False)

    assert {(finding.layer, finding.execution) for finding in verdict.findings} == {("scale", "jax")}
    assert {finding.quantity.kind for finding in verdict.findings} == {Kind.GRADIENT}


def build_marked_padding(factor=1.0):
    """A model that masks steps of -1, with a loss of its own that is `factor` as large on PyTorch."""
    import keras

    class Own(keras.Model):
        def compute_loss(self, *args, **kwargs):
            loss = super().compute_loss(*args, **kwargs)
            return factor * loss if keras.backend.backend() == "torch" else loss

    given = keras.Input((4, 3))
    hidden = keras.layers.SimpleRNN(3)(keras.layers.Masking(-1.0)(given))
    return Own(given, keras.layers.Dense(1)(hidden))


@pytest.mark.parametrize("factor", [1.0, 2.0])
def test_values_that_mark_padding_are_exact_and_hide_nothing(factor):
    """Moved by a rounding they would no longer mark it, and the move would pass for one of rounding."""
    generator = np.random.default_rng(0)
    inputs = generator.standard_normal((6, 4, 3)).astype("float32")
    inputs[::2, 2:] = -1.0
    options = {"inputs": inputs, "targets": generator.standard_normal((6, 1)), "loss": "mse", "optimizer": "sgd"}
    verdict = check(build_marked_padding, TWO, kwargs={"factor": factor}, **options, **QUICK)

    assert verdict.outcome is (Outcome.AGREE if factor == 1.0 else Outcome.DISAGREE), verdict
    assert not any("cannot be judged" in note for note in verdict.notes)


def build_lookup_of_floats(factor=1.0):
    """A layer that looks up whole numbers of a float32 input, with a row that is `factor` as large on JAX."""
    import keras
    from keras import ops

    class Lookup(keras.layers.Layer):
        def build(self, shape):
            self.table = self.add_weight(name="table", shape=(5, 3), initializer="random_normal")

        def call(self, x):
            rows = ops.take(self.table, ops.cast(x, "int32"), axis=0)
            return rows * factor if keras.backend.backend() == "jax" else rows

    given = keras.Input((4,))
    return keras.Model(given, keras.layers.Dense(1)(keras.layers.Flatten()(Lookup(name="lookup")(given))))


@pytest.mark.parametrize("factor", [1.0, 1.5])
def test_whole_numbers_that_are_looked_up_are_exact_and_hide_nothing(factor):
    """The next smaller float belongs to another row: no rounding is behind such a move."""
    inputs = np.random.default_rng(0).integers(0, 5, (6, 4)).astype("float32")
    verdict = check(build_lookup_of_floats, TWO, kwargs={"factor": factor}, inputs=inputs, training=False, **QUICK)

    assert verdict.outcome is (Outcome.AGREE if factor == 1.0 else Outcome.DISAGREE), verdict
    assert {finding.layer for finding in verdict.findings} == (set() if factor == 1.0 else {"lookup"})


def build_of_text(unbuilt=True):
    """A classifier of text; its first layer is built by a call alone, unless `unbuilt` is False."""
    import keras

    given = keras.Input((1,), dtype="string", name="text")
    split = keras.layers.TextVectorization(vocabulary=["the", "cat"], output_sequence_length=4, name="split")
    split.built = not unbuilt
    return keras.Model(given, keras.layers.Flatten()(keras.layers.Embedding(4, 2)(split(given))))


@pytest.mark.parametrize("inputs", [None, np.array([["the cat"], ["a dog"]])])
@pytest.mark.parametrize("unbuilt", [True, False])
def test_text_is_refused_by_name_where_keras_has_none(unbuilt, inputs):
    """Both of them say what they lack, at the layer that takes text, and nothing else is said of them."""
    verdict = check(build_of_text, kwargs={"unbuilt": unbuilt}, inputs=inputs, **QUICK)

    assert verdict.outcome is Outcome.DISAGREE
    assert [(finding.layer, finding.execution) for finding in verdict.findings] == [
        ("split", "jax"),
        ("split", "torch"),
    ]
    assert all("the input 'text' takes text" in finding.detail for finding in verdict.findings)


def test_text_agrees_where_keras_has_it():
    """The twin of the test above: one backend that takes text is too few to compare, and no disagreement."""
    verdict = check(build_of_text, ("tensorflow",), **QUICK)

    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert not verdict.findings


def build_masked_tagger(wrong=False):
    """A tagger behind a mask, with a layer whose gradient PyTorch takes too large where `wrong` says so."""
    import keras
    from keras import Input, Sequential, layers, ops

    class Passed(layers.Layer):
        def call(self, x):
            factor = 1.01 if wrong and keras.backend.backend() == "torch" else 1.0
            return factor * x + ops.stop_gradient((1.0 - factor) * x)

    recurrent = layers.SimpleRNN(4, return_sequences=True)
    embedding = layers.Embedding(20, 4, mask_zero=True)
    return Sequential([Input((5,), dtype="int32"), embedding, recurrent, Passed(name="passed"), layers.Dense(3)])


@pytest.mark.parametrize("wrong", [False, True])
def test_a_layers_fault_is_not_told_again_of_steps_with_masks_and_sample_weights(wrong):
    """Steps composed of their parts heed both, too, and so prove what explains Keras's own steps."""
    generator = np.random.default_rng(0)
    inputs = generator.integers(1, 20, (6, 5)).astype("int32")
    inputs[::2, 3:] = 0
    weights = generator.random((6, 5)).astype("float32")
    options = {"targets": generator.standard_normal((6, 5, 3)), "loss": "mse", "sample_weight": weights}
    verdict = check(
        build_masked_tagger, TWO, kwargs={"wrong": wrong}, inputs=inputs, optimizer="sgd", **options, **QUICK
    )

    assert {finding.layer for finding in verdict.findings} == ({"passed"} if wrong else set()), verdict


def test_sparse_gradients_are_named_behind_masks_too():
    """The steps that show it are composed with the same masks."""
    verdict = check(build_masked_tagger, ("tensorflow", "jax"), optimizer="adam", **QUICK)

    assert {finding.known for finding in verdict.findings} == {"adam-sparse-gradients"}, verdict


def test_sparse_gradients_are_named_beside_another_backends_fault():
    """PyTorch's layer is at fault, and of the other two TensorFlow trains the embedding otherwise."""
    verdict = check(build_masked_tagger, kwargs={"wrong": True}, optimizer="adam", **QUICK)

    told = {(finding.layer, finding.execution, finding.known) for finding in verdict.findings}
    assert told == {("passed", "torch", None), ("(training)", "tensorflow", "adam-sparse-gradients")}, verdict


def build_lone_features(factor=1.0):
    """Normalisations of single features, and one that gives `factor` times as much on PyTorch."""
    import keras
    from keras import Input, Sequential, layers

    class Scaled(layers.LayerNormalization):
        def call(self, x):
            return super().call(x) * (factor if keras.backend.backend() == "torch" else 1.0)

    groups = layers.GroupNormalization(3, epsilon=1e-6)
    return Sequential(
        [Input((4, 1)), Scaled(name="scaled"), layers.Flatten(), layers.Dense(3), groups, layers.Dense(1)]
    )


@pytest.mark.parametrize("factor", [1.0, 1.01])
def test_normalisations_of_a_single_feature_are_judged_by_what_their_mean_rounds(factor):
    """A value less its own mean is zero, or a rounding error that the root of epsilon magnifies."""
    verdict = check(build_lone_features, kwargs={"factor": factor}, edge=False, reload=False)

    told = {(finding.layer, finding.execution) for finding in verdict.findings}
    assert told == (set() if factor == 1.0 else {("scaled", "torch")}), verdict


def build_two_headed(scale=1.0):
    """A model of two outputs, behind a layer that does not hand on its mask on PyTorch where `scale` is not 1."""
    import keras
    from keras import layers

    class Scale(layers.Layer):
        supports_masking = True

        def compute_mask(self, x, previous_mask=None):
            dropped = scale != 1.0 and keras.backend.backend() == "torch"
            return None if dropped else previous_mask

        def call(self, x):
            return scale * x

    given = keras.Input((4,), dtype="int32")
    hidden = Scale(name="scale")(layers.Embedding(9, 3, mask_zero=True)(given))
    hidden = layers.SimpleRNN(3, name="rnn")(hidden)
    return keras.Model(given, [layers.Dense(2, activation="softmax")(hidden), layers.Dense(1)(hidden)])


def test_metrics_may_be_a_list_for_each_output():
    """As `compile` takes them; those of single outputs are compared in whole steps."""
    generator = np.random.default_rng(0)
    verdict = check(
        build_two_headed,
        TWO,
        inputs=generator.integers(1, 9, (6, 4)).astype("int32"),
        targets=[generator.integers(0, 2, 6).astype("int32"), generator.standard_normal((6, 1))],
        loss=["sparse_categorical_crossentropy", "mse"],
        metrics=[["accuracy", "sparse_categorical_crossentropy"], ["mae"]],
        optimizer="sgd",
        **QUICK,
    )

    assert verdict.outcome is Outcome.AGREE, verdict


def test_a_mask_that_is_dropped_is_told_at_its_layer_alone():
    """The layers behind it are called without it, which is no fault of the model's own code."""
    inputs = np.array([[1, 2, 0, 0], [3, 4, 5, 0], [1, 1, 1, 1]], "int32")
    verdict = check(build_two_headed, TWO, kwargs={"scale": 0.5}, inputs=inputs, steps=0, **QUICK)

    assert {finding.layer for finding in verdict.findings} == {"scale"}, verdict


def build_penalised(slope=0.0, factor=1.0):
    """A layer with a penalty of its own on its bias: on PyTorch its slope at zero is another one, or all of it."""
    import keras
    from keras import Input, Sequential, layers, ops

    class Size(keras.regularizers.Regularizer):
        def __call__(self, x):
            x, wrong = ops.convert_to_tensor(x), keras.backend.backend() == "torch"
            size = ops.where(x > 0, x, ops.where(x < 0, -x, (slope if wrong else 0.0) * x))
            return (0.1 * factor if wrong else 0.1) * ops.sum(size)

    return Sequential([Input((3,)), layers.Dense(2, bias_regularizer=Size(), name="dense")])


@pytest.mark.parametrize("wrong", [{}, {"slope": 1.0}, {"factor": 1.01}])
def test_what_penalises_a_weight_is_compared_alone_and_at_zero_too(wrong):
    """Biases begin at zero, where many penalties kink; whole steps do not tell the fault again."""
    verdict = check(build_penalised, TWO, kwargs=wrong, reload=False)

    told = {finding.layer for finding in verdict.findings}
    assert told == ({"(regularizer of sequential/dense/bias)"} if wrong else set()), verdict


def build_with_l1():
    """A layer whose bias is penalised by its size."""
    from keras import Input, Sequential, layers

    return Sequential([Input((3,)), layers.Dense(2, bias_regularizer="l1", kernel_regularizer="l2")])


def test_the_slope_of_l1_at_zero_is_known():
    """On JAX it is not zero, as of every absolute value; on edge draws alone that passes."""
    verdict = check(build_with_l1, reload=False)

    assert verdict.outcome is Outcome.AGREE, verdict
    assert {(finding.execution, finding.known) for finding in verdict.findings} == {("jax", "abs-gradient-at-zero")}


def build_sure(factor=1.0):
    """A classifier that ends in a sigmoid; on JAX its loss is `factor` as large."""
    import keras

    class Own(keras.Model):
        def compute_loss(self, *args, **kwargs):
            loss = super().compute_loss(*args, **kwargs)
            return factor * loss if keras.backend.backend() == "jax" else loss

    given = keras.Input((4,))
    return Own(given, keras.layers.Dense(1, activation="sigmoid", name="dense")(given))


def build_sure_as_keras_has_it(activation="sigmoid", units=1):
    """The same one without a loss of its own."""
    import keras

    return keras.Sequential([keras.Input((4,)), keras.layers.Dense(units, activation=activation)])


@pytest.mark.parametrize(
    ("activation", "loss"), [("sigmoid", "binary_crossentropy"), ("softmax", "sparse_categorical_crossentropy")]
)
def test_a_loss_that_goes_back_to_the_logits_is_named_where_it_matters(activation, loss):
    """Behind a saturated activation TensorFlow alone is exact; in the middle of it all three are."""
    generator = np.random.default_rng(0)
    inputs = generator.standard_normal((8, 4)).astype("float32")
    options = {"targets": generator.integers(0, 2, (8, 1)), "loss": loss, "optimizer": "sgd", **QUICK}
    kwargs = {"activation": activation, "units": 1 if activation == "sigmoid" else 3}
    calm, sure = (
        check(build_sure_as_keras_has_it, kwargs=kwargs, inputs=scale * inputs, **options) for scale in (1, 100)
    )

    assert calm.outcome is Outcome.AGREE, calm
    told = {(finding.execution, finding.known) for finding in sure.findings if finding.layer != "(loss)"}
    assert told == {("tensorflow", "crossentropy-behind-its-activation")}, sure
    assert all(finding.known for finding in sure.findings), sure


def test_a_loss_of_the_models_own_is_not_called_by_that_name():
    """The twin of the test above: what is wrong is unknown, and with JAX."""
    generator = np.random.default_rng(0)
    options = {"targets": generator.integers(0, 2, (8, 1)), "loss": "binary_crossentropy", "optimizer": "sgd", **QUICK}
    inputs = generator.standard_normal((8, 4)).astype("float32")
    verdict = check(build_sure, kwargs={"factor": 1.5}, inputs=inputs, **options)

    assert {(finding.execution, finding.known) for finding in verdict.findings} == {("jax", None)}, verdict


def build_with_lora(factor=1.0):
    """An int8 layer with LoRA's kernels, and one that gives `factor` as much on PyTorch."""
    import keras

    class Scaled(keras.layers.Layer):
        def call(self, x):
            return x * (factor if keras.backend.backend() == "torch" else 1.0)

    quantised = keras.layers.Dense(5, activation="relu", name="quantised")
    model = keras.Sequential([keras.Input((8,)), quantised, Scaled(name="scaled"), keras.layers.Dense(2)])
    quantised.quantize("int8")
    quantised.enable_lora(2)
    return model


@pytest.mark.parametrize("factor", [1.0, 1.001])
def test_weights_that_ask_for_float32_are_judged_by_float64_ones(factor):
    """As LoRA's kernels: of float32 weights the reference would be as coarse as what it judges."""
    verdict = check(build_with_lora, kwargs={"factor": factor}, edge=False, reload=False)

    told = {(finding.layer, finding.execution) for finding in verdict.findings}
    assert told == (set() if factor == 1.0 else {("scaled", "torch")}), verdict


@pytest.mark.parametrize("factor", [1.0, 1.5])
def test_the_gradient_behind_a_spectral_normalization_is_known(factor):
    """What else is wrong with such a layer is not called by that name."""
    verdict = check(build_spectral, kwargs={"factor": factor}, edge=False, reload=False)

    told = {(finding.layer, finding.execution, finding.known) for finding in verdict.findings}
    known = ("spectral", "jax", "spectral-normalization-gradient")
    assert told == {known} if factor == 1.0 else ("spectral", "torch", None) in told, verdict


def build_spectral(factor=1.0):
    """A dense layer with a normalised kernel, which gives `factor` times as much on PyTorch."""
    import keras

    class Scaled(keras.layers.SpectralNormalization):
        def call(self, x, training=False):
            return super().call(x, training=training) * (factor if keras.backend.backend() == "torch" else 1.0)

    kind = keras.layers.SpectralNormalization if factor == 1.0 else Scaled
    return keras.Sequential([keras.Input((3,)), kind(keras.layers.Dense(2), name="spectral"), keras.layers.Dense(1)])


def build_resized_pixels(shift=None):
    """Pixels of a resized picture; `shift` names a backend on which all are one too high."""
    import keras

    class Resize(keras.layers.Resizing):
        def call(self, images):
            pixels = super().call(images)
            if keras.backend.backend() != shift:
                return pixels
            return keras.ops.cast(keras.ops.minimum(keras.ops.cast(pixels, "int32") + 1, 255), "uint8")

    pixels = keras.Input((9, 7, 3), dtype="uint8")
    x = Resize(6, 11, dtype="uint8", name="resize")(pixels)
    return keras.Model(pixels, keras.layers.Dense(2)(keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(x))))


def test_pixels_on_the_boundary_between_two_may_be_either():
    """Half of 255 rounds up on one backend, down on another: neither is wrong, nor what is computed from it."""
    verdict = check(build_resized_pixels, edge=False, reload=False)

    assert verdict.outcome is Outcome.AGREE, verdict
    assert any("either" in note for note in verdict.notes)


def test_pixels_that_are_one_too_high_everywhere_are_found():
    """No boundary excuses that, and the others, which round otherwise on it, are not blamed."""
    verdict = check(build_resized_pixels, kwargs={"shift": "jax"}, edge=False, reload=False)

    assert {(finding.layer, finding.execution) for finding in verdict.findings} == {("resize", "jax")}


def build_saturated(wrong=None):
    """Activations that large inputs saturate; `wrong` names a backend on which a derivative is lost."""
    import keras
    from keras import ops

    class Gate(keras.layers.Layer):
        def call(self, x):
            y = ops.sigmoid(x)
            return ops.stop_gradient(y) if keras.backend.backend() == wrong else y

    x = keras.Input((6, 6, 2))
    y = keras.layers.Conv2D(3, 3, name="conv")(x)
    return keras.Model(x, [Gate(name="gate")(y), keras.layers.Activation("tanh", name="tanh")(y)])


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_gradients_behind_saturated_activations_are_as_good_as_zero(seed):
    """One less a sigmoid of 20 has no digits left in float32: that is nobody's fault."""
    verdict = check(build_saturated, seed=seed, steps=0, reload=False)

    assert verdict.outcome is Outcome.AGREE, verdict
    assert not verdict.findings


def test_a_lost_derivative_of_a_saturated_activation_is_found():
    """It is lost on ordinary inputs, too."""
    verdict = check(build_saturated, kwargs={"wrong": "jax"}, steps=0, reload=False)

    assert {(finding.layer, finding.execution) for finding in verdict.findings} == {("gate", "jax")}


def build_augmented(trained_before=False):
    """A classifier that augments its pictures, at first or behind a layer that is trained."""
    from keras import Input, Sequential, layers

    front = [layers.Conv2D(3, 3, padding="same")] if trained_before else []
    augmented = layers.RandomTranslation(0.1, 0.1, name="augment")
    return Sequential([Input((8, 8, 3)), *front, augmented, layers.Conv2D(2, 3), layers.GlobalAveragePooling2D()])


@pytest.mark.parametrize("trained_before", [False, True])
def test_a_known_divergence_in_a_gradient_of_data_is_a_warning(trained_before):
    """No training needs the gradient of what augments the pictures at first; behind a trained layer it does."""
    options = {"edge": False, "reload": False, "steps": 0}
    verdict = check(build_augmented, kwargs={"trained_before": trained_before}, **options)

    (finding,) = verdict.findings
    assert (finding.layer, finding.execution, finding.known) == ("augment", "tensorflow", "affine-transform-gradient")
    assert verdict.outcome is (Outcome.DISAGREE if trained_before else Outcome.AGREE)
    assert finding.ordinary


def build_attention_by_backend(uniform=False):
    """Attention under a mask, fused on some backends: of a row without any key each makes what it likes."""
    import keras
    from keras import layers, ops

    class Attention(layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.softmax = layers.Softmax(name="softmax")

        def call(self, x, mask):
            keys = ops.cast(mask, "bool")[:, None, :]
            scores = ops.matmul(x, ops.transpose(x, (0, 2, 1)))
            if keras.backend.backend() == "tensorflow":
                return ops.matmul(self.softmax(scores, mask=keys), x) * (1.01 if uniform else 1.0)
            shares = ops.where(keys, ops.exp(scores - ops.max(scores, axis=-1, keepdims=True)), 0.0)
            return ops.matmul(shares / ops.maximum(ops.sum(shares, axis=-1, keepdims=True), 1e-30), x)

    x, mask = keras.Input((5, 4), name="x"), keras.Input((5,), dtype="int32", name="padding_mask")
    return keras.Model([x, mask], layers.Dense(2)(Attention(name="attention")(x, mask)))


@pytest.mark.parametrize("wrong", [False, True])
def test_code_that_chooses_by_the_backend_is_compared_by_what_it_gives(wrong):
    """Other calls are a note; no row is drawn without a mark in its mask. What is wrong by a hundredth is found."""
    verdict = check(build_attention_by_backend, kwargs={"uniform": wrong}, reload=False, steps=0)

    assert {(finding.layer, finding.execution) for finding in verdict.findings} == (
        {("attention", "tensorflow")} if wrong else set()
    )
    assert any("not every backend makes the same calls: attention/softmax#0" in note for note in verdict.notes)
