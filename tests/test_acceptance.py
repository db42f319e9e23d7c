"""The headline system learns what its original says, on every backend, from its recipe alone."""

import json

from tests.commands import run_main


def test_one_epoch_of_mnist_cnn_reaches_the_originals_accuracy(worker, tmp_path):
    """At least 0.975 of all 10,000 test images after the original's one epoch; a perfect score would be as suspect."""
    arguments = ["--model", "mnist_cnn", "--backend", worker.backend, "--out", "run", "--no-figures"]

    code, stdout, stderr = worker.run(run_main, "train", arguments, str(tmp_path))

    assert code == 0, stderr
    result = json.loads((tmp_path / "run" / "result.json").read_text())
    assert result["test_examples"] == 10_000
    assert 0.975 <= result["test_accuracy"] < 1.0
    assert sum(line.startswith("Epoch: 0 | train loss: ") for line in stdout.splitlines()) == 24
    right = sum(map(int.__eq__, result["first_predictions"], result["first_labels"]))
    assert right >= 9
