"""What workers do for a comparison: the same dropout everywhere, and perturbations of one unit in the last place."""

import numpy as np

from keras_parity.names import TRAINING_BACKENDS


def drop(seed: int = 1, examples: int = 8):
    """Return what a dropout layer makes of ones, in training, by a compiled step of unknown batch size."""
    import keras

    from comparing.in_worker import shared_dropout

    model = keras.Sequential([keras.Input((20,)), keras.layers.Dropout(0.25, seed=7)])
    found = []
    with shared_dropout(seed, examples):
        for count in (examples, 3):
            found.append(np.asarray(model(np.ones((count, 20), np.float32), training=True)))
    found.append(np.asarray(model(np.ones((examples, 20), np.float32), training=True)))
    return found


def move_weights():
    """Return weights, and the same perturbed."""
    from training.perturbation import move_to_neighbours

    values = np.array([0.0, 1.0, -1.0, 1e-20, 3.0e8] * 200, np.float32)
    return values, move_to_neighbours(values, np.random.default_rng(1))


def follow_variables():
    """Return which entries of a small and of a large variable are followed, twice."""
    from comparing.in_worker import follow

    small, large = np.arange(12.0).reshape(3, 4), np.arange(10_000.0)
    return follow(small), follow(large), follow(large)


def record(perturbed: int):
    """Return what is recorded of the first steps of a small system."""
    import models
    from comparing.in_worker import make_initial_weights, record_steps
    from comparing.tasks import MakeInitialWeights, RecordSteps
    from training.request import TrainingRequest
    from training.run_folder import RunConfig

    request = TrainingRequest(RunConfig("iris_mlp", "jax", models.load("iris_mlp").recipe), "compare.py")
    weights = [np.full_like(weight, 0.1) for weight in make_initial_weights(MakeInitialWeights(request))]
    return record_steps(RecordSteps(request, weights, 15, perturbed))  # 12 steps make an epoch


def test_dropout_leaves_out_the_same_units_on_every_backend(workers):
    """A quarter of them, the others scaled; a smaller batch takes the first rows; later it is the backend's own."""
    masks = workers.run_everywhere(drop)

    whole, part, _ = masks["jax"]
    assert set(np.unique(whole)) == {np.float32(0), np.float32(1 / 0.75)}
    assert (part == whole[:3]).all()
    for backend in TRAINING_BACKENDS:
        assert (masks[backend][0] == whole).all()
        assert (masks[backend][2] != whole).any()


def test_another_seed_leaves_out_others(workers):
    """The test above can fail."""
    first, second = (workers["jax"].run(drop, seed)[0] for seed in (1, 2))

    assert (first != second).any()


def test_a_perturbation_is_one_unit_in_the_last_place_up_or_down(workers):
    """Every number but nought moves to a neighbour, about half of them up."""
    values, perturbed = workers["jax"].run(move_weights)

    neighbours = [np.nextafter(values, np.float32(towards)) for towards in (-np.inf, np.inf)]
    assert (perturbed[values == 0] == 0).all()
    moved = values != 0
    assert ((perturbed == neighbours[0]) | (perturbed == neighbours[1]))[moved].all()
    assert 0.4 < (perturbed > values)[moved].mean() < 0.6


def test_a_large_variable_is_followed_by_the_same_random_entries(workers):
    """A small one in full."""
    small, large, again = workers["jax"].run(follow_variables)

    assert (small == np.arange(12)).all()
    assert len(np.unique(large)) == 4096
    assert (large == again).all()


def test_steps_are_recorded_over_epochs_and_the_unperturbed_ones_are_the_training_itself(workers):
    """Fifteen steps are an epoch and a part of the next; perturbed trainings come apart from it, by little."""
    found = workers["jax"].run(record, 2)

    assert found["losses"].shape == (3, 15)
    assert [kernel.shape[:2] for kernel in found["followed"]] == [(3, 15)] * len(found["names"])
    assert len(set(found["batches"])) == 15
    apart = np.abs(found["followed"][0][1:] - found["followed"][0][0]).max(axis=(1, 2))
    assert (apart > 0).all()
    assert (apart < 1e-3).all()
    assert (workers["jax"].run(record, 0)["losses"][0] == found["losses"][0]).all()
