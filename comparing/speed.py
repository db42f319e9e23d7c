"""How fast is each backend, and which is the fastest at which batch size?"""

import itertools
import math
import statistics
from collections.abc import Callable, Sequence

from comparing.report.content import BackendSpeed, Speed, SpeedRatio, Spread
from comparing.runs import Run


def summarise_speed(runs: Sequence[Run], backends: Sequence[str]) -> Speed:
    """Return each backend's speed, start-up and memory, and the ratios of speeds between backends.

    Args:
        runs: Finished ones; those that had the machine to themselves count.
        backends: In the order to tell of them.
    """
    timed = {backend: [run for run in runs if run.backend == backend and run.alone] for backend in backends}
    summary = {backend: _summarise(chosen) for backend, chosen in timed.items() if chosen}
    speeds = {
        backend: {run.seed: run.result["images_per_second"] for run in chosen} for backend, chosen in timed.items()
    }
    ratios = []
    for pair in itertools.combinations(backends, 2):
        first, second = (speeds[backend] for backend in pair)
        turns = tuple(first[seed] / second[seed] for seed in sorted(set(first) & set(second)))
        if turns:
            ratios.append(SpeedRatio(pair, turns, **vars(Spread.of(turns))))
    return Speed(summary, tuple(ratios))


def _summarise(runs: Sequence[Run]) -> BackendSpeed:
    spreads = {name: Spread.of([measure(run) for run in runs]) for name, measure in MEASURES.items()}
    return BackendSpeed(turns=len(runs), **spreads)


def _seconds_per_epoch(run: Run) -> float:
    return statistics.median(row["seconds"] for row in run.history) if run.history else math.nan


# What each field of `BackendSpeed` is of a run.
MEASURES: dict[str, Callable[[Run], float]] = {
    "images_per_second": lambda run: run.result["images_per_second"],
    "start_seconds": lambda run: (
        run.result["seconds_to_first_step"]["imports"] + run.result["seconds_to_first_step"]["data"]
    ),
    "compile_seconds": lambda run: run.result["seconds_to_first_step"]["model_and_first_step"],
    "epoch_seconds": _seconds_per_epoch,
    "peak_memory_mib": lambda run: run.result["peak_memory_mib"],
}
