"""Which backend is fastest at which batch size: short trainings, each alone on the machine, backends alternating."""

import csv
import shutil
from pathlib import Path

from comparing.plan import Plan
from comparing.processes import Processes
from comparing.screen import Screen
from comparing.speed import spread
from training.run_folder import HISTORY

# The first epoch compiles, and is left out; an epoch has so many steps, unless the data set is smaller.
EPOCHS, STEPS = 4, 50
LEAST_EXAMPLES = 2000


def measure_sweep(plan: Plan, sizes: list[int], examples: int, screen: Screen) -> tuple[list[dict], dict[str, str]]:
    """Return images per second of each backend at each batch size, and the last words of what failed.

    Args:
        plan: The comparison.
        sizes: Batch sizes.
        examples: Training examples that there are.
        screen: Shows the progress.

    Returns:
        Rows of `batch_size`, `backend` and the `median`, `least` and `greatest` speed over the epochs; and by name of a
        run why it failed.
    """
    rows, failures = [], {}
    processes = Processes(screen)
    try:
        for turn, size in enumerate(sizes):
            count = min(examples, max(LEAST_EXAMPLES, STEPS * size))
            for i in range(len(plan.backends)):
                backend = plan.backends[(i + turn) % len(plan.backends)]
                name, path = f"{backend} batch {size}", plan.out / "sweep" / f"{backend}-batch{size}"
                settings = {"training_examples": count, "log_every": 0}
                arguments = [*plan.arguments, "--out", str(path), "--overwrite", "--no-figures"]
                # Of two flags or settings alike the last one counts: these, whatever the comparison was asked for.
                arguments += ["--epochs", str(EPOCHS), "--batch-size", str(size)]
                arguments += [part for key, value in settings.items() for part in ("--set", f"{key}={value}")]
                words = processes.train(name, path, backend, arguments, EPOCHS * -(-count // size), EPOCHS)
                if words is not None:
                    failures[name] = words
                    screen.end(name, words.splitlines()[-1])
                    continue
                speeds = _read_speeds(path)
                rows.append({"batch_size": size, "backend": backend, **spread(speeds)})
                screen.end(name, f"{rows[-1]['median']:,.0f} examples/s")
    except KeyboardInterrupt:
        processes.stop()
        raise
    shutil.rmtree(plan.out / "sweep", ignore_errors=True)
    return rows, failures


def _read_speeds(path: Path) -> list[float]:
    with (path / HISTORY).open(encoding="utf-8", newline="") as file:
        return [float(row["images_per_second"]) for row in csv.DictReader(file)][1:]
