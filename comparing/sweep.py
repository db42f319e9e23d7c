"""Which backend is fastest at which batch size: short trainings, each alone on the machine, backends alternating."""

import csv
import shutil
from pathlib import Path

from comparing.plan import Plan
from comparing.processes import Processes
from comparing.report.content import Spread, SweepRow
from comparing.screen import Screen
from training.request import TrainingRequest
from training.run_folder import HISTORY, RunConfig

# The first epoch compiles, and is left out; an epoch has so many steps, unless the data set is smaller.
EPOCHS, STEPS = 4, 50
LEAST_EXAMPLES = 2000


def measure_sweep(plan: Plan, sizes: list[int], examples: int, screen: Screen) -> tuple[list[SweepRow], dict[str, str]]:
    """Return images per second of each backend at each batch size, and the last words of what failed.

    Args:
        plan: The comparison.
        sizes: Batch sizes.
        examples: Training examples that there are.
        screen: Shows the progress.

    Returns:
        The speeds over the epochs; and by name of a run why it failed.
    """
    rows: list[SweepRow] = []
    failures: dict[str, str] = {}
    processes = Processes(screen)
    try:
        for turn, size in enumerate(sizes):
            count = min(examples, max(LEAST_EXAMPLES, STEPS * size))
            recipe = plan.recipe.override(epochs=EPOCHS, batch_size=size, training_examples=count, log_every=0)
            for i in range(len(plan.backends)):
                backend = plan.backends[(i + turn) % len(plan.backends)]
                name, path = f"{backend} batch {size}", plan.out / "sweep" / f"{backend}-batch{size}"
                request = TrainingRequest(
                    RunConfig(plan.model, backend, recipe, plan.smoke),
                    plan.command,
                    out=path,
                    data_dir=plan.data_dir,
                    overwrite=True,
                    figures=False,
                )
                words = processes.train(name, request, EPOCHS * -(-count // size))
                if words is not None:
                    failures[name] = words
                    screen.end(name, words.splitlines()[-1])
                    continue
                rows.append(SweepRow(size, backend, **vars(Spread.of(_read_speeds(path)))))
                screen.end(name, f"{rows[-1].median:,.0f} examples/s")
    except KeyboardInterrupt:
        processes.stop()
        raise
    shutil.rmtree(plan.out / "sweep", ignore_errors=True)
    return rows, failures


def _read_speeds(path: Path) -> list[float]:
    with (path / HISTORY).open(encoding="utf-8", newline="") as file:
        return [float(row["images_per_second"]) for row in csv.DictReader(file)][1:]
