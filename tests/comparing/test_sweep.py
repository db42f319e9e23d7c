"""The speed against the batch size: short trainings, backends taking turns, the first epoch left out."""

from comparing import sweep
from comparing.report.content import SweepRow
from comparing.screen import Screen
from tests.comparing.test_trainings import plan


class Trainer:
    """Stands in for the processes: leaves a history, or fails."""

    calls, stopping = [], False

    def __init__(self, screen):
        pass

    def train(self, name, request, steps):
        """Leave epochs of 10, 100, 110 and 120 examples a second."""
        self.calls.append((name, request))
        if name == "torch batch 200":
            return "error: planted"
        request.out.mkdir(parents=True)
        (request.out / "history.csv").write_text("epoch,images_per_second\n0,10\n1,100\n2,110\n3,120\n")
        return None


def test_each_backend_is_measured_at_each_size(tmp_path, monkeypatch):
    """Another backend first at each size; a failure costs one number; nothing is left on the disk."""
    monkeypatch.setattr(sweep, "Processes", Trainer)

    rows, failures = sweep.measure_sweep(plan(tmp_path), [10, 200], 5000, Screen(quiet=True))

    names = [name for name, _ in Trainer.calls]
    assert names == ["jax batch 10", "torch batch 10", "torch batch 200", "jax batch 200"]
    assert rows[0] == SweepRow(10, "jax", median=110.0, least=100.0, greatest=120.0)
    assert failures == {"torch batch 200": "error: planted"}
    assert len(rows) == 3
    recipes = [request.config.recipe for _, request in Trainer.calls]
    assert [recipe.batch_size for recipe in recipes] == [10, 10, 200, 200]
    assert recipes[0].training_examples == 2000
    assert recipes[3].training_examples == 5000  # all there are
    assert not (tmp_path / "sweep").exists()
