"""Whole checks, on one worker per backend that all tests of a process share."""

import contextlib
import functools
import importlib.util

import numpy as np
import pytest

from keras_parity.comparison import check as comparison
from keras_parity.errors import UsageError
from keras_parity.verdict import Cause, Culprit, Outcome
from tests.keras_parity.planting import check

check = functools.partial(check, edge=False)


def build_network():
    """A small convolutional network with state, randomness and an operation that is no layer."""
    import keras
    from keras import layers

    image = keras.Input((6, 6, 2), name="image")
    x = layers.Conv2D(3, 3, name="conv")(image)
    x = layers.BatchNormalization(name="norm")(x)
    x = layers.ReLU(name="relu")(x)
    x = layers.Dropout(0.5, name="dropout")(x)
    x = layers.Flatten(name="flatten")(keras.ops.multiply(x, 2.0))
    return keras.Model(image, layers.Dense(3, name="logits")(x))


def build_by_calling():
    """A subclassed model, whose layers only a call builds, with an operation of its own between them."""
    import keras

    class TwoLayers(keras.Model):
        def __init__(self):
            super().__init__()
            self.first = keras.layers.Dense(4, name="first")
            self.second = keras.layers.Dense(2, name="second")

        def call(self, x):
            return self.second(keras.ops.tanh(self.first(x)))

    return TwoLayers()


def build_classifier():
    """The README's example: a token may occur several times in a batch."""
    import keras
    from keras import layers

    tokens = keras.Input((12,), dtype="int32", name="tokens")
    x = layers.GlobalAveragePooling1D(name="mean")(layers.Embedding(100, 8, name="embedding")(tokens))
    return keras.Model(tokens, layers.Dense(2, name="logits")(x))


def build_classifier_without_repetition():
    """A dense layer on ordinary numbers."""
    import keras

    image = keras.Input((5,), name="image")
    return keras.Model(image, keras.layers.Dense(3, name="logits")(image))


def build_channels_first():
    """Convolutions and pools that TensorFlow has no float64 kernels for on a CPU."""
    import keras
    from keras import layers

    image = keras.Input((2, 6, 6), name="image")
    x = layers.Conv2D(3, 3, data_format="channels_first", name="conv")(image)
    x = layers.MaxPooling2D(2, data_format="channels_first", name="pool")(x)
    return keras.Model(image, layers.Dense(2, name="logits")(layers.Flatten(name="flatten")(x)))


def build_with_names():
    """Two inputs and two outputs, known by names."""
    import keras
    from keras import layers

    inputs = {"left": keras.Input((4,), name="left"), "right": keras.Input((3,), name="right")}
    x = layers.Concatenate(name="both")([inputs["left"], inputs["right"]])
    outputs = {
        "slope": layers.Dense(2, name="slope")(x),
        "chance": layers.Dense(1, activation="sigmoid", name="chance")(x),
    }
    return keras.Model(inputs, outputs)


def build_hashing():
    """A layer that Keras does not compile on JAX, where whole numbers have 32 bits."""
    import keras
    from keras import layers

    numbers = keras.Input((4,), dtype="int32", name="numbers")
    x = layers.Embedding(7, 3, name="embedding")(layers.Hashing(7, name="hashing")(numbers))
    return keras.Model(numbers, layers.Dense(2, name="logits")(layers.Flatten(name="flatten")(x)))


def torch_optimiser():
    """The class of PyTorch's Adam within Keras."""
    from keras.src.backend.torch.optimizers.torch_adam import Adam

    return Adam


def build_what_raises():
    """A model that cannot be built."""
    raise ValueError("no such model today")


def patched(owner, name, replacement):
    """Return a context manager that puts `replacement(original)` in the place of a method for a while."""

    @contextlib.contextmanager
    def patch():
        original = getattr(owner(), name)
        # Keras reads a layer's signature: the replacement must show the original's.
        setattr(owner(), name, functools.wraps(original)(replacement(original)))
        try:
            yield
        finally:
            setattr(owner(), name, original)

    return patch


def layer_class(name):
    """Return a function that returns a class of `keras.layers` where keras is at hand."""

    def find():
        import keras

        return getattr(keras.layers, name)

    return find


def test_sound_backends_agree_in_training_and_inference():
    """Statistics, shared randomness, gradients, optimiser steps and reloading raise no alarm."""
    verdict = check(build_network, metrics=["mean_absolute_error"])

    assert verdict.outcome is Outcome.AGREE, verdict.reason
    assert {measurement.layer for measurement in verdict.measurements} >= {"conv", "norm", "logits", "(optimizer)"}
    assert {measurement.direction for measurement in verdict.measurements} == {"forward", "backward"}


def test_a_large_model_is_compared_with_one_backend_at_a_time(monkeypatch):
    """With half the batch the verdict is the same: sound where it is sound, and the stranger is named."""
    monkeypatch.setattr(comparison, "LARGE", 0)

    sound, faulty = check(build_network), check(build_odd_on_jax)

    assert sound.outcome is Outcome.AGREE, sound.reason
    assert sound.used["batch_size"] == 2
    assert {measurement.layer for measurement in sound.measurements} >= {"conv", "norm", "logits", "(optimizer)"}
    assert faulty.culprits == [Culprit("odd", "jax")]


def test_an_optimiser_in_float16_is_compared_in_float64_alone():
    """Its moments underflow there; with weights in float32 it is compared in that, too."""
    half, mixed = (check(build_network, ("jax", "torch"), dtype=dtype) for dtype in ("float16", "mixed_float16"))

    note = "(optimizer) was compared in float64 alone: in float16 an optimiser's moments underflow"
    assert note in half.notes
    assert note not in mixed.notes
    assert "(optimizer)" not in {finding.layer for finding in (*half.findings, *mixed.findings)}


def build_odd_on_jax():
    """Return a network with a layer that doubles on JAX alone."""
    import keras

    class Odd(keras.layers.Layer):
        def call(self, x):
            return x * (2.0 if keras.backend.backend() == "jax" else 1.0)

    point = keras.Input((4,))
    return keras.Model(point, keras.layers.Dense(2, name="logits")(Odd(name="odd")(point)))


def test_without_steps_only_a_given_loss_is_compared():
    """The loss that a check takes by itself is there for the steps."""
    options = {"steps": 0, "reload": False}

    without, given = (check(build_network, ("jax", "torch"), loss=loss, **options) for loss in (None, "huber"))

    assert "(loss)" not in {measurement.layer for measurement in without.measurements}
    assert "(loss)" in {measurement.layer for measurement in given.measurements}


@pytest.mark.parametrize("subclassed", [False, True])
def test_a_model_of_one_layer_is_compared_once(subclassed):
    """Unless code of its own may do more than call the layer."""

    def build():
        import keras

        class Doubling(keras.Model):
            def call(self, x):
                return 2 * super().call(x)

        inputs = keras.Input((3,))
        kind = Doubling if subclassed else keras.Model
        return kind(inputs, keras.layers.Dense(2, name="dense")(inputs))

    verdict = check(build, ("jax", "torch"), steps=0, reload=False)

    expected = {"dense", "(model)"} if subclassed else {"dense"}
    assert verdict.outcome is Outcome.AGREE, verdict.reason
    assert {measurement.layer for measurement in verdict.measurements} == expected


def test_the_same_seed_gives_the_same_numbers():
    """A verdict can be had again."""
    first, second = (check(build_network, ("jax", "torch"), steps=0, reload=False) for _ in range(2))

    assert [m.rounding_units for m in first.measurements] == [m.rounding_units for m in second.measurements]


def test_several_faults_are_found_in_one_run_and_each_at_its_place():
    """What a fault does downstream is not blamed on the layers there."""

    def shift(call):
        return lambda self, *args, **kwargs: call(self, *args, **kwargs) + 1e-3

    verdict = check(
        build_network,
        patches={
            "jax": patched(layer_class("Conv2D"), "call", shift),
            "torch": patched(layer_class("Dense"), "call", shift),
        },
    )

    assert verdict.outcome is Outcome.DISAGREE
    assert verdict.culprits == [Culprit("conv", "jax"), Culprit("logits", "torch")]
    assert {finding.cause for finding in verdict.findings} == {Cause.SEMANTIC}


def test_stale_statistics_are_found_in_training_mode():
    """A state that is written otherwise is a difference, though every output is right."""

    def keep(call):
        def call_without_writing(self, *args, **kwargs):
            mean = self.moving_mean.value
            result = call(self, *args, **kwargs)
            self.moving_mean.assign(mean)
            return result

        return call_without_writing

    verdict = check(build_network, patches={"torch": patched(layer_class("BatchNormalization"), "call", keep)})

    assert verdict.culprits == [Culprit("norm", "torch")]
    assert "moving_mean" in str(verdict.worst.quantity)


@pytest.mark.parametrize("backend", ["tensorflow", "torch"])
def test_an_optimisers_epsilon_is_found(backend):
    """Small gradients show it; the backend that is alone is blamed, whichever it is, and the steps after it are not."""

    def widen(update):
        def update_step(self, gradient, variable, learning_rate):
            self.epsilon = 1e-6
            return update(self, gradient, variable, learning_rate)

        return update_step

    def optimiser():
        import keras

        return keras.optimizers.Adam

    patch = patched(optimiser, "update_step", widen)
    if backend == "torch":  # whose optimisers move all variables at once
        patch = patched(torch_optimiser, "_parallel_update_step", widen)

    verdict = check(build_classifier_without_repetition, patches={backend: patch}, reload=False)

    assert verdict.culprits == [Culprit("(optimizer)", backend)]


def test_an_error_on_one_backend_names_the_layer():
    """A layer that raises on one backend is a finding, not a crash."""

    def refuse(call):
        def raise_an_error(self, *args, **kwargs):
            raise NotImplementedError("not on this backend")

        return raise_an_error

    verdict = check(build_network, patches={"tensorflow": patched(layer_class("ReLU"), "call", refuse)})

    assert verdict.culprits == [Culprit("relu", "tensorflow")]
    assert verdict.worst.cause is Cause.ERROR
    assert "not on this backend" in verdict.worst.message


def test_images_with_channels_first_are_compared_on_a_cpu():
    """Where TensorFlow has no float64 kernel, XLA computes the reference; a fault is still seen."""

    def shift(call):
        return lambda self, *args, **kwargs: call(self, *args, **kwargs) + 1e-3

    options = {"steps": 0, "reload": False}

    verdict = check(build_channels_first, **options)
    faulty = check(
        build_channels_first, patches={"tensorflow": patched(layer_class("Conv2D"), "call", shift)}, **options
    )

    assert verdict.outcome is Outcome.AGREE, verdict.reason
    assert not verdict.notes
    assert faulty.culprits == [Culprit("conv", "tensorflow")]


def test_a_backend_without_float64_is_judged_by_the_others_results():
    """A layer that works in float32 alone is no finding; what it computes wrongly there is one."""

    def refuse_float64(error):
        def replacement(call):
            def call_in_float32_alone(self, inputs, *args, **kwargs):
                if "float64" in str(inputs.dtype):
                    raise NotImplementedError("no float64 here")
                return call(self, inputs, *args, **kwargs) + error

            return call_in_float32_alone

        return replacement

    def check_with(error):
        patches = {"torch": patched(layer_class("Dense"), "call", refuse_float64(error))}
        return check(build_classifier_without_repetition, patches=patches, steps=0, reload=False)

    sound, faulty = check_with(0.0), check_with(1e-3)

    assert sound.outcome is Outcome.AGREE, sound.reason
    assert any("in float64 alone: torch raises" in note for note in sound.notes)
    assert faulty.culprits == [Culprit("logits", "torch")]


def test_names_of_inputs_and_outputs_hold_them_together():
    """Dictionaries come back in another order on another backend; losses and metrics belong to each output."""
    verdict = check(build_with_names, metrics=["mean_absolute_error"])

    assert verdict.outcome is Outcome.AGREE, verdict.reason
    assert {"slope", "chance", "(metric mean_absolute_error)"} <= {m.layer for m in verdict.measurements}


def test_what_keras_does_not_compile_is_not_compiled():
    """Hashing runs on JAX as Keras runs it; that its result has fewer bits there is true, and all."""
    verdict = check(build_hashing, steps=0, reload=False)

    assert [(finding.culprit, finding.cause) for finding in verdict.findings] == [
        (Culprit("hashing", "jax"), Cause.DTYPE)
    ]


@pytest.mark.skipif(importlib.util.find_spec("openvino") is None, reason="OpenVINO is not installed")
def test_openvino_takes_part_in_inference():
    """It has neither gradients nor float64; what it computes is judged, and a fault in it found."""

    def shift(call):
        return lambda self, *args, **kwargs: call(self, *args, **kwargs) + 1e-3

    def check_with(patches):
        return check(build_network, ("jax", "torch", "openvino"), patches=patches, steps=0, reload=False)

    sound, faulty = check_with({}), check_with({"openvino": patched(layer_class("Conv2D"), "call", shift)})

    assert sound.outcome is Outcome.AGREE, sound.reason
    assert {m.layer for m in sound.measurements if m.execution == "openvino"} >= {"conv", "norm", "logits"}
    assert faulty.culprits == [Culprit("conv", "openvino")]


def test_a_patch_is_off_after_its_check():
    """The next check of the same workers sees sound backends."""

    def shift(call):
        return lambda self, *args, **kwargs: call(self, *args, **kwargs) + 1e-3

    options = {"steps": 0, "reload": False}
    assert check(build_network, patches={"jax": patched(layer_class("Dense"), "call", shift)}, **options).culprits

    assert check(build_network, **options).outcome is Outcome.AGREE


def test_a_model_that_is_built_by_calling_takes_the_users_inputs():
    """A subclassed model without a build of its own is checked on given inputs, and refused without them."""
    verdict = check(build_by_calling, inputs=np.ones((2, 3)), reload=False)

    assert verdict.outcome is Outcome.AGREE, verdict.reason
    with pytest.raises(UsageError, match="give inputs="):
        check(build_by_calling)


def test_a_model_that_no_backend_can_build_is_inconclusive():
    """Nothing was compared, so nothing is said to agree."""
    verdict = check(build_what_raises)

    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "no such model today" in verdict.reason


def test_one_backend_is_not_enough():
    """Agreement of one with itself is no agreement."""
    assert check(build_network, ("jax",)).outcome is Outcome.INCONCLUSIVE


@pytest.mark.parametrize(
    ("arguments", "message"), [({"backends": ("jaxx",)}, "jaxx"), ({"dtype": "int8"}, "int8"), ({"steps": -1}, "-1")]
)
def test_wrong_arguments_are_refused_in_one_line(arguments, message):
    """A mistake costs no process."""
    with pytest.raises(UsageError, match=message) as error:
        check(build_network, **arguments)

    assert "\n" not in str(error.value)


def test_mixed_precision_has_its_own_unit():
    """A sound mixed_bfloat16 model agrees with itself across backends."""
    verdict = check(build_network, dtype="mixed_bfloat16")

    assert verdict.outcome is Outcome.AGREE, verdict.reason


def test_keras_own_fault_with_repeated_tokens_is_found():
    """On TensorFlow, Keras 3.15's Adam squares each gradient of a repeated token by itself; SGD needs no squares."""
    verdict = check(build_classifier, reload=False)

    assert verdict.culprits == [Culprit("(training)", "tensorflow")]
    assert "velocity" in str(verdict.worst.quantity)
    assert check(build_classifier, optimizer="sgd", reload=False).outcome is Outcome.AGREE


def build_forgetful():
    """A layer with a `get_config` of its own, which leaves its factor out, so that it is lost in a file."""
    import keras

    @keras.saving.register_keras_serializable("tests")
    class Scale(keras.layers.Layer):
        def __init__(self, by=1.0, **kwargs):
            super().__init__(**kwargs)
            self.by = by

        def call(self, x):
            return x * self.by

        def get_config(self):
            return super().get_config()

    inputs = keras.Input((3,))
    return keras.Model(inputs, Scale(2.0, name="scale")(inputs))


def test_what_every_file_loses_is_a_note_and_no_difference():
    """The layer is wrong, but no backend is."""
    verdict = check(build_forgetful, ("jax", "torch"), steps=0)

    assert verdict.outcome is Outcome.AGREE, verdict.reason
    assert "the saved model comes back otherwise, or not at all, on every backend" in " ".join(verdict.notes)


@pytest.mark.parametrize(
    ("reader", "method", "blamed"), [(True, "load_own_variables", "torch"), (False, "save_own_variables", "jax")]
)
def test_a_file_that_does_not_come_back_is_blamed_on_the_writer_or_the_reader(reader, method, blamed):
    """Who writes zeros reads zeros in its own file, too."""

    def wrong(right):
        def save(layer, store):
            right(layer, store)
            store["1"] = np.zeros_like(store["1"])

        def load(layer, store):
            right(layer, store)
            layer.bias.assign(layer.bias * 0)

        return load if reader else save

    patches = {blamed: patched(layer_class("Dense"), method, wrong)}
    verdict = check(build_classifier_without_repetition, ("jax", "torch"), patches=patches, steps=0, training=False)

    assert verdict.culprits == [Culprit("(reload)", blamed)]


def build_magnifying():
    """Two normalisations, each of which magnifies what is left of nearly constant channels."""
    import keras
    from keras import layers

    image = x = keras.Input((28, 28, 1))
    for i in (1, 2):
        x = layers.Conv2D(4, 3, padding="same", name=f"conv{i}")(x)
        x = layers.BatchNormalization(epsilon=1e-5, name=f"norm{i}")(x)
    return keras.Model(image, layers.Dense(3, name="logits")(layers.Flatten()(x)))


def test_what_layers_round_may_be_magnified_by_those_behind():
    """Each layer is accurate; the whole is no worse than that allows."""
    inputs = np.random.default_rng(1).standard_normal((4, 28, 28, 1)) * 1e-6
    options = {"inputs": inputs, "steps": 0, "reload": False}

    verdict = check(build_magnifying, ("tensorflow", "jax"), **options)

    assert verdict.outcome is Outcome.AGREE, verdict.reason


def build_probabilities():
    """A layer whose outputs are probabilities, nowhere near 0 or 1."""
    import keras

    inputs = keras.Input((4,))
    return keras.Model(inputs, keras.layers.Dense(3, activation="sigmoid", name="probabilities")(inputs))


def binary_crossentropy():
    """The class of the loss."""
    import keras

    return keras.losses.BinaryCrossentropy


@pytest.mark.parametrize("edge", [True, False])
def test_an_entropy_is_asked_about_certain_predictions(edge):
    """Of a probability of exactly 0 a plain logarithm is infinite; with other probabilities nobody would see that."""

    def unclipped(right):
        def call(self, target, prediction):
            from keras import ops

            return -ops.mean(target * ops.log(prediction) + (1 - target) * ops.log(1 - prediction), axis=-1)

        return call

    patches = {"torch": patched(binary_crossentropy, "call", unclipped)}
    loss = {"class_name": "BinaryCrossentropy", "config": {}}
    verdict = check(build_probabilities, ("jax", "torch"), loss=loss, patches=patches, steps=0, reload=False, edge=edge)

    assert {finding.draw for finding in verdict.findings} == ({"certain predictions"} if edge else set())
    assert {finding.layer for finding in verdict.findings} <= {"(loss)"}


def build_whole_numbers():
    """A model whose output no loss is taken of."""
    import keras

    inputs = keras.Input((3,))
    return keras.Model(inputs, keras.ops.cast(keras.layers.Dense(2, name="dense")(inputs), "int32"))


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"loss": "mse"},
        {"optimizer": "sgd"},
        {"metrics": ["mae"]},
        {"targets": np.zeros((4, 2))},
        {"loss_weights": [1.0]},
        {"weighted_metrics": ["mae"]},
        {"sample_weight": np.ones(4)},
    ],
    ids=lambda asked: next(iter(asked), "nothing"),
)
def test_training_that_was_asked_for_and_not_compared_is_no_agreement(asked):
    """Whichever argument asked for it; where nobody did, a note is enough."""
    verdict = check(build_whole_numbers, ("jax", "torch"), steps=1, reload=False, **asked)

    assert verdict.outcome is (Outcome.INCONCLUSIVE if asked else Outcome.AGREE)
    assert "no loss or training step was compared" in " ".join(verdict.notes)


def model_class():
    """The class whose methods train a model and run it."""
    import keras

    return keras.Model


@pytest.mark.parametrize("backends", [("jax", "torch"), ("tensorflow", "jax", "torch")], ids=len)
def test_a_layers_fault_is_not_told_again_as_one_of_predict_or_fit(backends):
    """Whether it can be said which of two is wrong or not; a fault of `predict` itself is told as such."""

    def shift(right):
        return lambda self, *args, **kwargs: right(self, *args, **kwargs) + 1e-2

    alone = "torch" if len(backends) > 2 else None
    for target, name, layer in ((layer_class("Dense"), "call", "logits"), (model_class, "predict", "(predict)")):
        patches = {"torch": patched(target, name, shift)}
        verdict = check(build_classifier_without_repetition, backends, patches=patches, steps=1, reload=False)

        assert verdict.culprits == [Culprit(layer, alone)], verdict
