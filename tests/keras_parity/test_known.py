"""The catalogue of known divergences: complete, narrow, and told apart from planted faults of the same layers."""

import ast
import contextlib
import dataclasses
import functools
import math
import re
from pathlib import Path

import pytest

from keras_parity.comparison import run_check
from keras_parity.crew import shared_crew
from keras_parity.errors import UsageError
from keras_parity.known import CATALOGUE, NOBODY, decide, describe_known, find_known, group_causes, known_by_name
from keras_parity.known.document import render_document
from keras_parity.names import BACKENDS, DTYPES, TRAINING_BACKENDS
from keras_parity.protocol.cause import Cause
from keras_parity.protocol.quantity import Aspect, Kind, Quantity
from keras_parity.request import make_request
from keras_parity.verdict import Finding, Outcome
from tests.keras_parity.errands import errand

ROOT = Path(__file__).parents[2]
VERSIONS = {"keras": "3.15.1", "tensorflow": "2.21.0", "jax": "0.10.2", "torch": "2.13.0"}
# JAX's gradient of LeakyReLU on blank data, as a check finds it.
LEAKY = Finding(
    layer="leaky",
    layer_type="LeakyReLU",
    execution="jax",
    executions=TRAINING_BACKENDS,
    quantity=Quantity(Kind.GRADIENT, "input"),
    mode="training",
    cause=Cause.SEMANTIC,
    draw="blank",
    ordinary=False,
    max_abs_error=1.39,
    rounding_units=2.35e7,
    detail="2.35e+07 float32 rounding units apart in float64",
)
ADAM = dataclasses.replace(
    LEAKY,
    layer="(training)",
    layer_type="train_on_batch",
    execution="tensorflow",
    quantity=Quantity(Kind.SLOT, "embedding_embeddings_velocity"),
    draw="ordinary 1",
    ordinary=True,
    detail="2.35e+07 float32 rounding units apart in float64, from sparse gradients",
)


def build_kinks():
    """Operations whose derivative has a kink or a tie, side by side."""
    import keras
    from keras import layers, ops

    x, y = keras.Input((6,), name="x"), keras.Input((6,), name="y")
    outputs = [
        layers.LeakyReLU(name="leaky")(x),
        layers.Maximum(name="most")([x, y]),
        layers.UnitNormalization(name="unit")(x),
        layers.Activation("leaky_relu", name="leaky_activation")(x),
        ops.minimum(x, y),
        ops.clip(x, 0.0, 1.0),
        ops.abs(x),
        ops.celu(x, alpha=2.0),
        ops.selu(x),
        ops.sparse_sigmoid(x),
        layers.Activation("sparsemax", name="sparse_activation")(x),
        ops.std(x, axis=-1),
        ops.norm(x),
        ops.logaddexp(x, y),
        ops.top_k(x, 2)[1],
    ]
    return keras.Model([x, y], outputs)


def build_classifier():
    """Tokens, of which some occur more than once in a batch."""
    import keras
    from keras import layers

    tokens = keras.Input((12,), dtype="int32", name="tokens")
    x = layers.GlobalAveragePooling1D(name="mean")(layers.Embedding(50, 8, name="embedding")(tokens))
    return keras.Model(tokens, layers.Dense(2, name="logits")(x))


def build_normalization():
    """A mean a hundred times the deviation, and a layer that sees a single example in a batch of one."""
    import keras
    from keras import layers

    image = keras.Input((6,), name="image")
    far = layers.Rescaling(1.0, offset=100.0, name="far")(image)
    single = layers.Dense(5, name="dense")(image)
    outputs = [
        layers.BatchNormalization(name="far_norm")(far),
        layers.BatchNormalization(epsilon=1e-5, name="single_norm")(single),
    ]
    return keras.Model(image, outputs)


def build_attention():
    """Masked tokens, in rows that may be nothing but padding."""
    import keras
    from keras import layers

    tokens = keras.Input((5,), dtype="int32", name="tokens")
    x = layers.Embedding(7, 4, mask_zero=True, name="embedding")(tokens)
    return keras.Model(tokens, layers.MultiHeadAttention(2, 3, name="attention")(x, x))


def build_masked_attention():
    """The same, with the simplest attention."""
    import keras
    from keras import layers

    tokens = keras.Input((5,), dtype="int32", name="tokens")
    x = layers.Embedding(7, 4, mask_zero=True, name="embedding")(tokens)
    return keras.Model(tokens, layers.Attention(name="attention")([x, x]))


def build_division():
    """A division, and an activation that divides."""
    import keras
    from keras import layers, ops

    x, y = keras.Input((6,), name="x"), keras.Input((6,), name="y")
    return keras.Model([x, y], [ops.divide(x, y), layers.Dense(3, activation="softsign", name="soft")(x)])


def build_pooling():
    """Average pooling that pads one side more than the other, and pools that do not."""
    import keras
    from keras import layers

    image = keras.Input((8, 7, 3), name="image")
    outputs = [
        layers.AveragePooling2D(3, strides=2, padding="same", name="uneven")(image),
        layers.AveragePooling2D(2, name="even")(image),
        layers.GlobalMaxPooling2D(name="largest")(image),
    ]
    return keras.Model(image, outputs)


def build_exponentials():
    """Activations that are linear near zero, as operations, as layers, and within a layer of the user's own."""
    import keras
    from keras import layers, ops

    class Gate(layers.Layer):
        """Half of an activation, and a part that is overwritten."""

        def call(self, x):
            return 0.5 * ops.elu(x)

        def compute_output_shape(self, shape):
            return shape

    x = keras.Input((6,), name="x")
    outputs = [ops.elu(x), layers.ELU(name="layer")(x), layers.Activation("selu", name="activation")(x)]
    return keras.Model(x, [*outputs, Gate(name="gate")(x)])


def build_partitions():
    """Indices of a partition, of which none holds on TensorFlow and PyTorch."""
    import keras
    from keras import ops

    x = keras.Input((9,), name="x")
    return keras.Model(x, ops.argpartition(x, 3))


def build_overwritten():
    """A layer that overwrites a part of its input."""
    import keras
    from keras import layers, ops

    class Overwrite(layers.Layer):
        """Puts the sum of a row in the place of its first number."""

        def call(self, x):
            return ops.slice_update(x, (0, 0), ops.sum(x, axis=-1, keepdims=True))

        def compute_output_shape(self, shape):
            return shape

    x = keras.Input((6,), name="x")
    return keras.Model(x, Overwrite(name="overwrite")(x))


@contextlib.contextmanager
def patched(class_name: str, name: str, wrong):
    """Put `wrong(own, layer, ...)` in the place of a method of a class of `keras.layers`."""
    import keras

    owner = getattr(keras.layers, class_name)
    own = getattr(owner, name)
    setattr(owner, name, functools.wraps(own)(lambda self, *args, **kwargs: wrong(own, self, *args, **kwargs)))
    try:
        yield
    finally:
        setattr(owner, name, own)


def plant(class_name: str, wrong):
    """Return what plants a wrong `call`."""
    return functools.partial(patched, class_name, "call", wrong)


def steeper(own, layer, x, **kwargs):
    """A slope that is a little too large."""
    import keras

    return own(layer, x, **kwargs) - 0.01 * keras.ops.relu(-x)


def doubled_backward(own, layer, x, **kwargs):
    """Twice the gradient, and the right value."""
    import keras

    y = own(layer, x, **kwargs)
    return 2 * y - keras.ops.stop_gradient(y)


def wrong_epsilon(own, layer, x, **kwargs):
    """Another epsilon than the layer says."""
    layer.epsilon, kept = 0.02, layer.epsilon
    try:
        return own(layer, x, **kwargs)
    finally:
        layer.epsilon = kept


def doubled_slots():
    """An Adam whose steps are too large."""
    import keras

    @contextlib.contextmanager
    def patch():
        own = keras.optimizers.Adam.update_step
        keras.optimizers.Adam.update_step = lambda self, gradient, variable, rate: own(
            self, gradient, variable, 2 * rate
        )
        try:
            yield
        finally:
            keras.optimizers.Adam.update_step = own

    return patch()


def run(build, dtype: str = "float32", patches=None, **options) -> list[Finding]:
    """Return what a check of all three backends finds."""
    request = make_request(build, TRAINING_BACKENDS, dtype=dtype, reload=False, **{"steps": 0} | options)
    return run_check(request, shared_crew(), _say_nothing, patches).findings


def _say_nothing(line: str) -> None:
    pass


def names_of(findings: list[Finding], dtype: str = "float32", **configurations) -> set[tuple[str, str | None]]:
    """Return each finding's layer and the name of what it is known as."""
    found = set()
    for finding in findings:
        known = find_known(finding, VERSIONS, dtype, configurations.get(finding.layer))
        found.add((finding.layer, known.name if known else None))
    return found


def classes_and_identifiers() -> set[str]:
    """Return the names of all layers, operations, losses and regularizers of Keras. Runs in a worker."""
    import keras

    def below(owner):
        return {owner.__name__}.union(*(below(child) for child in owner.__subclasses__()))

    penalties = below(keras.regularizers.Regularizer)
    return below(keras.Operation) | penalties | {name for name in dir(keras.losses) if not name.startswith("_")}


def test_every_script_is_known_by_its_name_and_title():
    """Each script has one entry, each entry its script, and both say the same."""
    scripts = {path.relative_to(ROOT).as_posix(): path for path in (ROOT / "docs" / "divergences").glob("*.py")}

    titles = {
        script: ast.get_docstring(ast.parse(path.read_text())).splitlines()[0] for script, path in scripts.items()
    }

    assert {known.script: known.title for known in CATALOGUE.values()} == titles


def test_the_document_is_current():
    """After a change of the catalogue: `python -m keras_parity.known > docs/known-divergences.md`."""
    assert (ROOT / "docs" / "known-divergences.md").read_text() == render_document()


def test_names_are_stable_and_sentences_end():
    """Names are written in other projects' files; sentences are printed one behind the other."""
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name) for name in CATALOGUE)
    for known in CATALOGUE.values():
        assert all(text.endswith(".") for text in (known.title, known.matters_when, known.what_to_do)), known.name


def test_signs_name_what_there_is():
    """A misspelt class, backend or dtype would never be met."""
    there = shared_crew()["jax"].ask(errand(classes_and_identifiers)) | {"train_on_batch", "fit"}

    for known in CATALOGUE.values():
        assert known.operations <= there, known.name
        assert known.backends <= {*BACKENDS, NOBODY}, known.name
        assert all(sign.dtypes is None or sign.dtypes <= set(DTYPES) for sign in known.signs), known.name


def test_an_error_is_known_by_its_text_alone():
    """Otherwise any other error of the same layer would be taken for the known one."""
    signs = [(known.name, sign) for known in CATALOGUE.values() for sign in known.signs if Cause.ERROR in sign.causes]

    assert signs
    assert [name for name, sign in signs if not sign.says] == []


@pytest.mark.parametrize(
    "change",
    [
        {"execution": "torch"},
        {"execution": None},
        {"layer_type": "ReLU"},
        {"quantity": Quantity(Kind.OUTPUT)},
        {"quantity": Quantity(Kind.GRADIENT, "input", Aspect.SHAPE)},
        {"cause": Cause.NAN, "max_abs_error": math.nan, "rounding_units": math.nan},
        {"draw": "large"},
        {"draw": "ordinary 1", "ordinary": True},
        {"max_abs_error": 100.0},
        {"max_abs_error": math.nan},
    ],
)
def test_what_differs_in_one_respect_is_not_known(change):
    """Another backend, class, quantity, cause, draw or size is another fault."""
    assert find_known(LEAKY, VERSIONS).name == "leaky-relu-gradient-at-zero"
    assert find_known(dataclasses.replace(LEAKY, **change), VERSIONS) is None


def test_of_two_backends_either_may_be_the_one_that_is_alone():
    """Two that differ have no majority; one pair holds JAX, the other does not."""
    with_jax = dataclasses.replace(LEAKY, execution=None, executions=("jax", "torch"))
    without = dataclasses.replace(LEAKY, execution=None, executions=("tensorflow", "torch"))

    assert find_known(with_jax, VERSIONS).name == "leaky-relu-gradient-at-zero"
    assert find_known(without, VERSIONS) is None


@pytest.mark.parametrize("versions", [{}, {"keras": "3.11.2"}, {"jax": "0.10.2"}])
def test_versions_that_were_not_looked_at_have_no_known_divergence(versions):
    """What an older Keras does is not verified."""
    assert find_known(LEAKY, versions) is None


def test_a_version_with_the_fix_does_not_have_the_divergence():
    """There the finding would be something else."""
    known = CATALOGUE["leaky-relu-gradient-at-zero"]
    fixed = dataclasses.replace(known, since=(dataclasses.replace(known.since[0], fixed_in="3.15.1"),))

    assert known.matches(LEAKY, VERSIONS)
    assert not fixed.matches(LEAKY, VERSIONS)
    assert fixed.matches(LEAKY, {"keras": "3.15.0"})


def test_a_dtype_or_a_configuration_that_is_not_known_is_not_taken_for_granted():
    """An activation's divergence is not any activation's, and float16's not float32's."""
    activation = dataclasses.replace(LEAKY, layer_type="Activation")
    division = dataclasses.replace(
        LEAKY,
        layer_type="Divide",
        quantity=Quantity(Kind.GRADIENT, "input[1]"),
        cause=Cause.NAN,
        max_abs_error=math.nan,
        rounding_units=math.nan,
    )

    assert find_known(activation, VERSIONS) is None
    assert find_known(activation, VERSIONS, configuration={"activation": "relu"}) is None
    assert find_known(activation, VERSIONS, configuration={"activation": "leaky_relu"}) is not None
    assert find_known(division, VERSIONS) is find_known(division, VERSIONS, "float32") is None
    assert find_known(division, VERSIONS, "float16").name == "divide-gradient-in-float16"


def test_an_error_of_the_whole_run_tells_its_layer():
    """The run ends before the layer's class is recorded; Keras's message has it."""
    raised = dataclasses.replace(
        LEAKY,
        layer_type="",
        execution="torch",
        quantity=Quantity(Kind.OUTPUT),
        cause=Cause.ERROR,
        detail="ValueError: Exception encountered when calling UpSampling2D.call(). Resizing with Lanczos",
    )

    assert find_known(raised, VERSIONS).name == "resize-lanczos"
    assert find_known(dataclasses.replace(raised, detail="ValueError: Lanczos"), VERSIONS) is None


def test_findings_of_one_cause_are_one_with_its_places():
    """ResNet's normalisations are one cause; another backend, kind or draw is another one."""
    places = [dataclasses.replace(LEAKY, layer=f"leaky_{i}", rounding_units=float(i)) for i in range(5)]
    other = dataclasses.replace(LEAKY, execution="torch")
    output = dataclasses.replace(LEAKY, quantity=Quantity(Kind.OUTPUT), ordinary=True, draw="ordinary 1")

    first, *rest = group_causes([*places, other, output], VERSIONS)

    assert first.places == tuple(f"leaky_{i}" for i in range(5))
    assert first.worst is places[4]
    assert first.known.name == "leaky-relu-gradient-at-zero"
    assert [(group.known, group.findings) for group in rest] == [(None, (other,)), (None, (output,))]


def test_layers_without_a_class_are_not_taken_together():
    """Errors of two places have nothing in common but that they are errors."""
    raised = [dataclasses.replace(LEAKY, layer=name, layer_type="", cause=Cause.ERROR) for name in ("one", "two")]

    assert len(group_causes(raised, VERSIONS)) == 2


def test_a_known_divergence_on_edge_draws_alone_passes_with_a_warning():
    """The check says so plainly."""
    decision = decide([LEAKY, dataclasses.replace(LEAKY, layer="other")], VERSIONS)

    assert decision.outcome is Outcome.AGREE
    assert [group.places for group in decision.warnings] == [("leaky", "other")]
    assert decision.reason == (
        "the only differences are 1 known divergence of Keras on edge inputs alone (leaky-relu-gradient-at-zero), and "
        "that passes"
    )


def test_a_known_divergence_on_ordinary_data_fails_until_its_name_is_accepted():
    """Adam's is met by everyone who has an embedding."""
    open_decision = decide([ADAM], VERSIONS)
    accepted = decide([ADAM], VERSIONS, accepted_names=["adam-sparse-gradients"])
    other_name = decide([ADAM], VERSIONS, accepted_names=["leaky-relu-gradient-at-zero"])

    assert open_decision.outcome is other_name.outcome is Outcome.DISAGREE
    assert "adam-sparse-gradients" in open_decision.reason
    assert accepted.outcome is Outcome.AGREE
    assert accepted.accepted
    assert not accepted.failing


def test_what_is_not_known_fails_beside_what_is():
    """A known divergence hides nothing, not even at the same layer."""
    fault = dataclasses.replace(LEAKY, quantity=Quantity(Kind.OUTPUT))

    decision = decide([LEAKY, fault, ADAM], VERSIONS, accepted_names=["adam-sparse-gradients"])

    assert decision.outcome is Outcome.DISAGREE
    assert [group.findings for group in decision.failing] == [(fault,)]
    assert [group.findings for group in decision.warnings] == [(LEAKY,)]
    assert [group.findings for group in decision.accepted] == [(ADAM,)]


def test_a_finding_accepted_by_its_place_stays_accepted():
    """The project said so of this very layer."""
    decision = decide([dataclasses.replace(LEAKY, execution="torch", accepted="reported")], VERSIONS)

    assert decision.outcome is Outcome.AGREE
    assert decision.accepted
    assert not decision.warnings


def test_nothing_found_is_an_agreement_without_words():
    """There is nothing to decide."""
    assert decide([], VERSIONS).outcome is Outcome.AGREE
    assert decide([], VERSIONS).reason == ""


def test_a_report_says_what_is_known_when_it_matters_and_what_to_do():
    """The user's three questions."""
    [group] = group_causes([ADAM], VERSIONS)

    text = describe_known(group, VERSIONS)

    assert text.startswith("known as adam-sparse-gradients (Keras 3.15.1): An embedding is trained otherwise")
    assert "It matters when a token occurs" in text
    assert "What to do: " in text
    with pytest.raises(ValueError, match="not known"):
        describe_known(group_causes([dataclasses.replace(ADAM, execution="jax")], VERSIONS)[0], VERSIONS)


def test_a_misspelt_name_is_refused_with_the_right_one():
    """A name that means nothing would accept nothing, in silence."""
    assert known_by_name("adam-sparse-gradients") is CATALOGUE["adam-sparse-gradients"]
    with pytest.raises(UsageError, match="did you mean adam-sparse-gradients"):
        known_by_name("adam-sparse-gradient")


def test_kinks_and_ties_are_known_on_edge_draws():
    """A model full of them is found to have nothing that is not known."""
    findings = run(build_kinks)

    activations = {
        "leaky_activation": {"activation": "leaky_relu"},
        "sparse_activation": {"activation": "sparsemax"},
    }
    names = names_of(findings, **activations)

    assert {name for _, name in names} >= {
        "leaky-relu-gradient-at-zero",
        "maximum-gradient-at-ties",
        "normalize-gradient-at-zero",
        "clip-gradient-at-bounds",
        "abs-gradient-at-zero",
        "celu-gradient-at-zero",
        "selu-gradient-at-zero",
        "sparse-activation-gradient-at-bounds",
        "std-gradient-of-constants",
        "norm-gradient-at-zero",
        "logaddexp-gradient-of-equals",
        "top-k-of-ties",
    }
    assert {layer for layer, name in names if name is None} == set()
    assert ("leaky_activation", None) in names_of(findings)


def test_activations_that_lose_their_digits_near_zero_are_known_wherever_they_are():
    """On tiny inputs alone; a layer whose own code computes one is known by it."""
    findings = [finding for finding in run(build_exponentials) if finding.draw == "tiny"]

    assert {finding.execution for finding in findings} == {"tensorflow"}
    assert {finding.layer for finding in findings} >= {"elu", "layer", "activation", "gate"}
    assert {finding.known for finding in findings} == {"elu-near-zero"}


def test_partitions_of_floats_are_known():
    """On ordinary data, and as the error that a batch of one raises."""
    findings = run(build_partitions)

    assert {finding.cause for finding in findings} == {Cause.SEMANTIC, Cause.ERROR}
    assert {finding.known for finding in findings} == {"argpartition-of-floats"}


def test_a_gradient_that_raises_within_a_layer_is_known_by_its_error():
    """TensorFlow's own message names what has none; on ordinary data, which therefore fails."""
    findings = run(build_overwritten)

    assert {(finding.execution, finding.known) for finding in findings} == {("tensorflow", "gradients-that-raise")}


def test_adam_s_divergence_is_known_at_the_training_steps():
    """The first thing that most users of an embedding meet."""
    findings = run(build_classifier, steps=3, edge=False)

    assert names_of(findings) == {("(training)", "adam-sparse-gradients")}


def test_a_wrong_optimiser_is_not_taken_for_adam_s_divergence():
    """Larger steps show at the optimiser alone."""
    findings = run(build_classifier, patches={"tensorflow": doubled_slots}, steps=3, edge=False)

    assert ("(optimizer)", None) in names_of(findings)


def test_lost_variances_are_known_and_a_wrong_epsilon_is_not():
    """Both at the same layer of the same backend."""
    sound = names_of(run(build_normalization))
    faulty = names_of(run(build_normalization, patches={"torch": plant("BatchNormalization", wrong_epsilon)}))

    assert {name for _, name in sound} == {"variance-of-near-constants", "batch-normalization-of-equal-values"}
    assert {("far_norm", None), ("single_norm", None)} <= faulty


@pytest.mark.parametrize(("units", "known"), [(908.0, "variance-of-near-constants"), (1e5, None)])
def test_a_few_lost_digits_of_a_variance_are_known_of_large_inputs_too(units, known):
    """As with ordinary ones; what loses more has another cause."""
    lost = dataclasses.replace(
        LEAKY,
        layer="norm",
        layer_type="BatchNormalization",
        execution="torch",
        quantity=Quantity(Kind.GRADIENT, "input"),
        cause=Cause.PRECISION,
        draw="large",
        rounding_units=units,
    )

    assert names_of([lost]) == {("norm", known)}


def test_gradients_of_masked_rows_are_known():
    """A row of nothing but padding, on PyTorch."""
    findings = [finding for finding in run(build_attention) if finding.execution == "torch"]

    assert names_of(findings) == {("attention", "attention-gradient-of-masked-rows")}


def test_masked_attention_in_float16_is_known_in_float16_alone():
    """The same findings under another dtype would be another fault."""
    findings = [finding for finding in run(build_masked_attention, "float16") if finding.cause is Cause.NAN]

    assert findings
    assert names_of(findings, "float16") == {("attention", "attention-in-float16-of-masked-inputs")}
    assert names_of(findings, "float32") == {("attention", None)}


def test_divisions_in_float16_are_known_with_the_layer_s_activation():
    """Softsign divides; which activation a Dense layer has, its class does not tell."""
    findings = run(build_division, "float16")

    assert ("soft", "divide-gradient-in-float16") in names_of(findings, "float16", soft={"activation": "softsign"})
    assert ("soft", "divide-gradient-in-float16") not in names_of(findings, "float16", soft={"activation": "relu"})


def test_uneven_pooling_is_known_and_a_wrong_even_one_is_not():
    """Global pooling at ties agrees; only padding at one side more than the other is known."""
    configurations = {"uneven": {"padding": "same"}, "even": {"padding": "valid"}}
    sound = names_of(run(build_pooling, edge=False), **configurations)
    faulty = run(build_pooling, edge=False, patches={"torch": plant("AveragePooling2D", doubled_backward)})

    assert sound == {("uneven", "average-pooling-padded-unevenly")}
    assert ("even", None) in names_of(faulty, **configurations)


@pytest.mark.parametrize(("class_name", "wrong", "layer"), [("LeakyReLU", steeper, "leaky")])
def test_a_planted_fault_of_a_layer_with_a_known_divergence_is_not_known(class_name, wrong, layer):
    """A wrong slope on JAX shows on ordinary data, where the kink does not."""
    findings = run(build_kinks, patches={"jax": plant(class_name, wrong)})

    assert (layer, None) in names_of(findings)
    assert decide(findings, VERSIONS).outcome is Outcome.DISAGREE
