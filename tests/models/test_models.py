"""Systems are found by file name, and are what their originals say."""

import itertools
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import models
from foundation.errors import UserError
from keras_parity.names import TRAINING_BACKENDS
from tests.commands import ROOT, run_main


def describe(name):
    """Return what a worker can say of a system."""
    import keras

    model = models.load(name).build()
    weights = {weight.path: keras.ops.convert_to_numpy(weight) for weight in model.weights}
    return {
        "parameters": {layer.name: layer.count_params() for layer in model.layers if layer.count_params()},
        "shapes": [tuple(layer.output.shape[1:]) for layer in model.layers],
        "layers": [layer.name for layer in model.layers],
        "total": model.count_params(),
        "documented": models.load(name).parameters,
        "weights": {path: (abs(value).max(), value.std()) for path, value in weights.items()},
    }


def test_systems_are_found_by_file_name():
    """A file in `models/` is a system; nothing has to be registered."""
    assert "mnist_cnn" in models.names()
    assert not any(name.startswith("_") for name in models.names())


def test_an_unknown_name_gets_the_nearest_ones():
    """A typo is answered with what was probably meant."""
    with pytest.raises(UserError, match="did you mean mnist_cnn"):
        models.check_name("mnist_cn")


def test_a_name_far_from_all_gets_the_whole_list():
    """Where nothing is near, all names are shown."""
    with pytest.raises(UserError, match="there are .*mnist_cnn"):
        models.check_name("zzz")


def test_mnist_cnn_has_the_originals_layers(worker):
    """Layer by layer, parameter counts and shapes are the original's, on every backend."""
    described = worker.run(describe, "mnist_cnn")

    assert described["parameters"] == {"conv1": 416, "conv2": 12_832, "logits": 15_690}
    assert described["layers"] == ["image", "conv1", "pool1", "conv2", "pool2", "flatten", "logits"]
    assert described["shapes"] == [
        (28, 28, 1),
        (28, 28, 16),
        (14, 14, 16),
        (14, 14, 32),
        (7, 7, 32),
        (1568,),
        (10,),
    ]


def test_mnist_cnn_starts_from_pytorchs_distribution(worker):
    """Kernels and biases are uniform in ±1/√fan_in: they reach nearly to that limit and never past it."""
    limits = {"conv1": 25**-0.5, "conv2": 400**-0.5, "logits": 1568**-0.5}

    weights = worker.run(describe, "mnist_cnn")["weights"]

    for layer, limit in limits.items():
        largest, deviation = weights[next(path for path in weights if layer in path and "kernel" in path)]
        assert 0.95 * limit < largest <= limit
        assert deviation == pytest.approx(limit / 3**0.5, rel=0.1)
        assert 0.5 * limit < weights[next(path for path in weights if layer in path and "bias" in path)][0] <= limit


# As the originals have them, layer by layer; the sum is what each docstring begins with.
PARAMETERS = {
    "mnist_cnn": {"conv1": 416, "conv2": 12_832, "logits": 15_690},
    "strided_cnn": {"conv1": 260, "norm1": 40, "conv2": 910, "norm2": 40, "output": 2_510},
    "bp_mlp": {"hidden": 157_000, "norm": 400, "output": 2_010},
    "lenet": {"c1": 156, "c3": 2_416, "f5": 48_120, "f6": 10_164, "logits": 850},
    "mlp": {"hidden": 200_960, "logits": 2_570},
    "conv3_softmax": {"conv1": 40, "conv2": 296, "conv3": 1_168, "output": 650},
    "keras_cnn": {"conv": 320, "output": 62_730},
    "tf_cnn": {"conv1": 832, "conv2": 51_264, "hidden": 3_212_288, "logits": 10_250},
    "iris_mlp": {"hidden": 40, "output": 9},
    "text_lstm": {"embedding": 400, "lstm": 29_440, "output": 520},
    "apparel_cnn": {"conv1": 40, "norm1": 16, "conv2": 148, "norm2": 16, "logits": 1_970},
}
SHAPES = {
    "strided_cnn": [(12, 12, 10), (5, 5, 10), (250,), (10,)],
    "bp_mlp": [(784,), (200,), (10,)],
    "lenet": [(28, 28, 6), (14, 14, 6), (10, 10, 16), (5, 5, 16), (400,), (120,), (84,), (10,)],
    "mlp": [(784,), (256,), (10,)],
    "conv3_softmax": [(15, 15, 4), (6, 6, 8), (2, 2, 16), (64,), (10,)],
    "keras_cnn": [(28, 28, 32), (14, 14, 32), (6272,), (10,)],
    "tf_cnn": [(14, 14, 32), (7, 7, 64), (3136,), (1024,), (10,)],
    "iris_mlp": [(4,), (8,), (1,)],
    "text_lstm": [(10,), (10, 50), (64,), (8,)],
    "apparel_cnn": [(28, 28, 4), (14, 14, 4), (7, 7, 4), (196,), (10,)],
}


@pytest.mark.parametrize("name", PARAMETERS)
def test_every_system_has_the_originals_parameters_and_shapes(workers, name):
    """Counts by layer name, the stages' shapes in their order, and the docstring's total are the original's."""
    described = workers["jax"].run(describe, name)

    assert described["parameters"] == PARAMETERS[name]
    assert described["documented"] == described["total"]
    stages = iter(described["shapes"])
    assert all(shape in stages for shape in SHAPES.get(name, []))


def test_no_system_is_left_out():
    """A new system must be described here."""
    assert set(PARAMETERS) == set(models.names())


@pytest.mark.parametrize(
    ("name", "channels", "pools"), [("lenet-narrow", (5, 15), "Average"), ("lenet-max_pool", (6, 16), "Max")]
)
def test_variants_are_the_builders_options(workers, name, channels, pools):
    """`lenet-narrow` has 5 and 15 channels, `lenet-max_pool` another pool, and nothing else differs."""
    described = workers["jax"].run(describe_variant, name)

    assert described == (channels, {f"{pools}Pooling2D"}, 10, models.load(name).parameters)
    assert workers["jax"].run(describe_variant, "lenet-long") == ((6, 16), {"AveragePooling2D"}, 50, 61_706)


def describe_variant(name):
    """Return the channels and pools of a LeNet, and its epochs."""
    system = models.load(name)
    model = system.build()
    channels = tuple(model.get_layer(layer).filters for layer in ("c1", "c3"))
    return (
        channels,
        {type(model.get_layer(layer)).__name__ for layer in ("s2", "s4")},
        system.recipe.epochs,
        model.count_params(),
    )


def test_a_module_that_imports_keras_at_its_top_is_told_to_move_it(tmp_path):
    """Keras would fix its backend before one is chosen."""
    code = (
        "import sys, models\n"
        "models.__path__.append(sys.argv[1]); models.names = lambda: ['eager']\n"
        "try: models.load('eager')\n"
        "except Exception as error: print(type(error).__name__, error)"
    )
    (tmp_path / "eager.py").write_text("import keras\n")

    command = [sys.executable, "-c", code, str(tmp_path)]

    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)

    expected = "UserError models/eager.py imports keras before a backend is chosen; move the import into build()\n"
    assert result.stdout == expected, result.stderr


def test_an_unknown_variant_gets_the_list(workers):
    """A variant's typo is answered with those that there are."""
    with pytest.raises(UserError, match="no variant 'lang' of lenet; there are lenet-long, lenet-narrow"):
        workers["jax"].run(describe, "lenet-lang")
    with pytest.raises(UserError, match="no variant 'long' of mlp; it has none"):
        workers["jax"].run(describe, "mlp-long")


@pytest.mark.parametrize(
    ("name", "backend"), [*zip([*PARAMETERS, "lenet-max_pool"], itertools.cycle(TRAINING_BACKENDS))]
)
def test_every_system_trains_by_its_recipe_alone(workers, name, backend, tmp_path):
    """A smoke run of `train.py` prints its original's line and plots its pictures; `evaluate.py` reads it elsewhere.

    tests/parity trains every system on all backends.
    """
    arguments, folder = ["--model", name, "--backend", backend, "--smoke", "--out", "run"], []
    if name == "apparel_cnn":
        workers[backend].run(write_small_folder, str(tmp_path / "apparel"))
        folder = ["--data-dir", "apparel"]

    code, stdout, error = workers[backend].run(run_main, "train", arguments + folder, str(tmp_path))

    assert code == 0, error
    assert "test accuracy" in stdout
    assert (tmp_path / "run" / "model.keras").exists()
    assert any((tmp_path / "run").glob("figures/*.png")) == (name not in NO_IMAGES)
    assert (tmp_path / "run" / "submission.csv").exists() == (name == "apparel_cnn")
    expected = PRINTED[json.loads((tmp_path / "run" / "config.json").read_text())["recipe"]["log"]]
    assert re.search(expected, stdout), stdout

    other = TRAINING_BACKENDS[(TRAINING_BACKENDS.index(backend) + 1) % len(TRAINING_BACKENDS)]
    command = ["run", "--json", "--no-figures", "--backend", other, *folder]
    code, stdout, error = workers[other].run(run_main, "evaluate", command, str(tmp_path))
    assert code == 0, error
    assert 0 <= json.loads(stdout)["accuracy"] <= 1


NO_IMAGES = ("iris_mlp", "text_lstm")
PRINTED = {
    "accuracy": r"Epoch: 0 \| train loss: \d+\.\d{4} \| test accuracy: \d\.\d\d\n",
    "epochs": r"training epoch 1 of 1\n(.*\n)*training time: \d+\.\d seconds\n",
    "summary": r"loss \d\.\d{3}, train acc \d\.\d{3}, test acc \d\.\d{3}\n\d+\.\d examples/sec on \w+",
    "keras": r"Epoch 1/1\n\d+/\d+ - \d+s - \d+ms/step - accuracy: \d\.\d{4} - loss: \d+\.\d{4}",
    "validation": r"Epoch : 1 loss : \d+\.\d{4}\n",
}


def write_small_folder(folder):
    """Write an apparel folder of 120 training and 30 test images."""
    import data
    from data.apparel_folder import write_folder
    from data.split import Dataset

    whole = data.read("fashion_mnist")
    small = Dataset("apparel", whole.train.first(120), whole.test.first(30), whole.class_names)
    write_folder(Path(folder), small)
