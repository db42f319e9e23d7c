"""Training is reproducible, and a stopped run goes on as if it had never stopped."""

import csv
import json

import numpy as np
import pytest

from foundation.errors import UserError
from tests.training.runs import same_bits, train_briefly


@pytest.fixture(scope="module")
def uninterrupted(workers, tmp_path_factory):
    """What an uninterrupted run gives, per backend; each is trained once."""
    runs = {}

    def get(backend):
        if backend not in runs:
            folder = tmp_path_factory.mktemp(f"uninterrupted-{backend}")
            runs[backend] = workers[backend].run(train_briefly, str(folder), validation_split=0.1) | {"folder": folder}
        return runs[backend]

    return get


def test_the_same_seed_gives_the_same_bits(worker, uninterrupted, tmp_path):
    """Two runs with one seed on one backend end with identical weights and optimiser slots."""
    again = worker.run(train_briefly, str(tmp_path), validation_split=0.1)

    first = uninterrupted(worker.backend)
    assert same_bits(again["weights"], first["weights"])
    assert same_bits(again["optimizer"], first["optimizer"])
    assert again["history"] == first["history"]
    assert again["log"] == first["log"]


def test_another_seed_gives_other_bits(worker, uninterrupted, tmp_path):
    """The comparison above can fail."""
    other = worker.run(train_briefly, str(tmp_path), seed=2, validation_split=0.1)

    assert not same_bits(other["weights"], uninterrupted(worker.backend)["weights"])


def test_weights_a_rounding_away_give_other_bits_and_nearly_the_same_weights(worker, uninterrupted, tmp_path):
    """What is seen between them is what rounding does."""
    twin = worker.run(train_briefly, str(tmp_path), perturbation=1, validation_split=0.1)

    first = uninterrupted(worker.backend)
    assert not same_bits(twin["weights"], first["weights"])
    for weight, own in zip(twin["weights"], first["weights"], strict=True):
        np.testing.assert_allclose(weight, own, atol=0.01)


def test_steps_take_the_learning_rate_of_their_epoch(worker, tmp_path):
    """A second epoch at next to no learning rate leaves the weights of the first."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()

    one = worker.run(train_briefly, str(tmp_path / "one"), epochs=1)
    two = worker.run(train_briefly, str(tmp_path / "two"), learning_rate_decay=1e-12)

    assert [row["learning_rate"] for row in two["history"]] == pytest.approx([1e-3, 1e-15])
    assert same_bits(one["weights"], two["weights"])


@pytest.mark.parametrize("executions", [2, 5])
def test_a_run_killed_in_mid_epoch_goes_on_bit_for_bit(worker, uninterrupted, tmp_path, executions):
    """Weights, optimiser, history and log of a killed and resumed run are those of one never stopped."""
    killed = worker.run(train_briefly, str(tmp_path), stop_after=executions, validation_split=0.1)
    resumed = worker.run(train_briefly, str(tmp_path), resume=True, validation_split=0.1)

    first = uninterrupted(worker.backend)
    assert killed is None
    assert same_bits(resumed["weights"], first["weights"])
    assert same_bits(resumed["optimizer"], first["optimizer"])
    assert resumed["history"] == first["history"]
    assert resumed["log"] == first["log"]
    assert 0 < resumed["images"] < first["images"]
    log = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert log == first["log"]


@pytest.mark.parametrize("earlier_seconds", [0.0, 1000.0])
def test_a_resumed_epoch_counts_the_seconds_before_the_stop(workers, tmp_path, earlier_seconds):
    """The epoch's seconds, and its images per second, are those of both processes together."""
    workers["jax"].run(train_briefly, str(tmp_path), stop_after=3, epochs=1)
    checkpoint = tmp_path / "checkpoint.npz"
    with np.load(checkpoint) as content:
        arrays = dict(content)
    about = json.loads(arrays["about"].tobytes())
    seconds_before = about["seconds"]
    about["seconds"] += earlier_seconds
    arrays["about"] = np.frombuffer(json.dumps(about).encode(), np.uint8)
    np.savez(checkpoint, **arrays)

    workers["jax"].run(train_briefly, str(tmp_path), resume=True, epochs=1)

    (row,) = csv.DictReader((tmp_path / "history.csv").read_text().splitlines())
    assert seconds_before > 0
    assert float(row["seconds"]) > seconds_before + earlier_seconds
    assert float(row["images_per_second"]) == pytest.approx(130 / float(row["seconds"]), rel=1e-3)


def images_per_second(**values):
    """Return the speed of a training with these values; keras is imported here, in a worker."""
    from training.fit import Training

    return Training(model=None, **values).images_per_second


def test_the_speed_is_that_after_compilation(workers):
    """The first execution, which compiles, is left out, unless there is no other."""
    run = workers["jax"].run

    assert run(images_per_second, seconds=12.0, images=1050, first_seconds=2.0, first_images=50) == 100
    assert run(images_per_second, seconds=12.0, images=60, first_seconds=2.0, first_images=60) == 5


def test_resuming_with_another_order_gives_other_bits(worker, uninterrupted, tmp_path):
    """The comparison above can fail: the data's order after the stop matters."""
    worker.run(train_briefly, str(tmp_path), stop_after=2, validation_split=0.1)

    other = worker.run(train_briefly, str(tmp_path), resume=True, shuffle=False, validation_split=0.1)

    assert not same_bits(other["weights"], uninterrupted(worker.backend)["weights"])


def test_a_finished_run_goes_on_with_more_epochs(workers, uninterrupted, tmp_path):
    """Two epochs, and then a third, are three epochs."""
    whole = workers["jax"].run(train_briefly, str(tmp_path / "."), epochs=2)
    more = workers["jax"].run(train_briefly, str(tmp_path), resume=True, epochs=3)
    (tmp_path / "three").mkdir()
    three = workers["jax"].run(train_briefly, str(tmp_path / "three"), epochs=3)

    assert same_bits(more["weights"], three["weights"])
    assert not same_bits(more["weights"], whole["weights"])


def test_a_finished_run_is_not_trained_again(workers, tmp_path):
    """Resuming what is finished says so."""
    workers["jax"].run(train_briefly, str(tmp_path))

    with pytest.raises(UserError, match="has finished its 2 epochs; give --epochs"):
        workers["jax"].run(train_briefly, str(tmp_path), resume=True)


def test_a_run_learns(worker, uninterrupted):
    """The loss falls, on every backend."""
    history = uninterrupted(worker.backend)["history"]

    assert history[1]["loss"] < history[0]["loss"]
    assert set(history[0]) == {"epoch", "loss", "accuracy", "val_loss", "val_accuracy"}


def test_the_backends_log_the_same_losses(workers, uninterrupted, tmp_path):
    """From different initial weights the losses differ; the steps at which they are logged do not."""
    logs = {backend: uninterrupted(backend)["log"] for backend in ("tensorflow", "jax", "torch")}

    # 117 images in batches of 20 are 6 steps, two epochs of them are 12.
    for log in logs.values():
        assert [row["step"] for row in log] == [2, 4, 6, 8, 10, 12]


def test_the_logged_loss_is_that_of_its_own_step(worker, tmp_path):
    """Logged at every step, the losses' mean is the epoch's; logged at the seventh, it is the seventh of those."""
    folders = [tmp_path / "every", tmp_path / "seventh"]
    for folder in folders:
        folder.mkdir()

    every = worker.run(train_briefly, str(folders[0]), epochs=1, log_every=1)
    seventh = worker.run(train_briefly, str(folders[1]), epochs=1, log_every=7)

    losses = [row["train_loss"] for row in every["log"]]
    # 130 images: six batches of 20 and one of 10.
    mean = (20 * sum(losses[:6]) + 10 * losses[6]) / 130
    assert every["history"][0]["loss"] == pytest.approx(mean, rel=1e-5)
    assert [row["train_loss"] for row in seventh["log"]] == [pytest.approx(losses[6], rel=1e-5)]
    assert len({round(loss, 6) for loss in losses}) == 7


def test_a_loss_that_is_not_finite_stops_the_run(worker, tmp_path):
    """A rate far too high ends in one line that names the step, and the last good checkpoint stays."""
    with pytest.raises(UserError, match=r"no longer finite \(epoch \d+, by step \d+\).*learning_rate"):
        worker.run(train_briefly, str(tmp_path), learning_rate=1e30, epochs=20)


def test_the_history_file_has_a_row_per_epoch(uninterrupted):
    """`history.csv` can be read by any CSV reader."""
    folder = uninterrupted("jax")["folder"]

    rows = list(csv.DictReader((folder / "history.csv").read_text().splitlines()))

    assert [row["epoch"] for row in rows] == ["0", "1"]
    assert float(rows[1]["images_per_second"]) > 0


def test_a_damaged_checkpoint_is_refused(workers, tmp_path):
    """A checkpoint cut short is never trusted."""
    workers["jax"].run(train_briefly, str(tmp_path), stop_after=2)
    checkpoint = tmp_path / "checkpoint.npz"
    checkpoint.write_bytes(checkpoint.read_bytes()[:5000])

    with pytest.raises(UserError, match="checkpoint.npz is damaged"):
        workers["jax"].run(train_briefly, str(tmp_path), resume=True)


def test_a_missing_checkpoint_is_named(workers, tmp_path):
    """A run killed before its first checkpoint cannot go on, and says so."""
    with pytest.raises(UserError, match="never reached its first checkpoint"):
        workers["jax"].run(train_briefly, str(tmp_path), resume=True)
