"""Systems are found by file name, and are what their sources say."""

import pytest

import models
from training.errors import UserError


def describe(name):
    """Return what a worker can say of a system."""
    import keras

    model = models.load(name).build()
    weights = {weight.path: keras.ops.convert_to_numpy(weight) for weight in model.weights}
    return {
        "parameters": {layer.name: layer.count_params() for layer in model.layers if layer.count_params()},
        "shapes": [tuple(layer.output.shape[1:]) for layer in model.layers],
        "layers": [layer.name for layer in model.layers],
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


def test_mnist_cnn_has_the_sources_layers(worker):
    """Layer by layer, parameter counts and shapes are the source's, on every backend."""
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
