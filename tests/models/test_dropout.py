"""A network with dropout goes on after a stop with the very masks that it would have had."""

import numpy as np
import pytest

from tests.training.runs import same_bits, train_briefly

BRIEF = {"model": "tf_cnn", "epochs": 1, "batch_size": 20}


def predict_twice(dropout):
    """Return two outputs of `tf_cnn` in training mode for the same images."""
    import keras

    import models

    model = models.load("tf_cnn").build(dropout=dropout)
    images = np.random.default_rng(0).random((4, 28, 28, 1), np.float32)
    return [keras.ops.convert_to_numpy(model(images, training=True)) for _ in range(2)]


@pytest.fixture(scope="module")
def uninterrupted(workers, tmp_path_factory):
    """What an uninterrupted run gives, per backend; each is trained once."""
    runs = {}

    def get(backend):
        if backend not in runs:
            runs[backend] = workers[backend].run(train_briefly, str(tmp_path_factory.mktemp(backend)), **BRIEF)
        return runs[backend]

    return get


def test_a_killed_run_with_dropout_goes_on_bit_for_bit(worker, uninterrupted, tmp_path):
    """Weights and optimiser slots of a killed and resumed run are those of one never stopped."""
    killed = worker.run(train_briefly, str(tmp_path), stop_after=2, **BRIEF)
    resumed = worker.run(train_briefly, str(tmp_path), resume=True, **BRIEF)

    first = uninterrupted(worker.backend)
    assert killed is None
    assert 0 < resumed["images"] < first["images"]
    assert same_bits(resumed["weights"], first["weights"])
    assert same_bits(resumed["optimizer"], first["optimizer"])


def test_without_the_generators_state_the_bits_would_differ(worker, uninterrupted, tmp_path):
    """The comparison above can fail: a resumed run whose seed generator starts anew ends elsewhere."""
    worker.run(train_briefly, str(tmp_path), stop_after=2, **BRIEF)
    worker.run(reset_generators, str(tmp_path / "checkpoint.npz"))

    other = worker.run(train_briefly, str(tmp_path), resume=True, **BRIEF)

    assert not same_bits(other["weights"], uninterrupted(worker.backend)["weights"])


def reset_generators(checkpoint):
    """Set the seed generators' states in a checkpoint back by ten calls."""
    import json

    with np.load(checkpoint) as content:
        arrays = dict(content)
    names = json.loads(arrays["about"].tobytes())["names"]
    states = [f"{index:04d}" for index, name in enumerate(names) if "seed_generator" in name]
    assert states
    for key in states:
        arrays[key] = arrays[key] + np.array([0, 10], arrays[key].dtype)
    np.savez(checkpoint, **arrays)


def test_dropout_leaves_out_others_at_each_step(worker):
    """Two passes in training mode differ, and do not without dropout."""
    first, second = worker.run(predict_twice, 0.5)
    same, again = worker.run(predict_twice, 0.0)

    assert not np.array_equal(first, second)
    assert np.array_equal(same, again)
