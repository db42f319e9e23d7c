"""How fast is each backend, and which is the fastest at which batch size?"""

import itertools
import math
import statistics
from collections.abc import Sequence

from comparing.runs import Run


def summarise_speed(runs: list[Run], backends: Sequence[str]) -> dict:
    """Return each backend's speed, start-up and memory, and the ratios of speeds between backends.

    Args:
        runs: Finished ones; those that had the machine to themselves count.
        backends: In the order to tell of them.

    Returns:
        `backends`: for each one, the median, least and greatest of each of `MEASURES`, and `turns`, how many runs they
        come from; `ratios`: for each pair of backends the quotients of their images per second, turn by turn.
    """
    timed = {backend: [run for run in runs if run.backend == backend and run.alone] for backend in backends}
    summary = {
        backend: {"turns": len(chosen)} | {name: spread([measure(run) for run in chosen]) for name, measure in MEASURES}
        for backend, chosen in timed.items()
        if chosen
    }
    speeds = {
        backend: {run.seed: run.result["images_per_second"] for run in chosen} for backend, chosen in timed.items()
    }
    ratios = []
    for pair in itertools.combinations(backends, 2):
        first, second = (speeds[backend] for backend in pair)
        turns = [first[seed] / second[seed] for seed in sorted(set(first) & set(second))]
        if turns:
            ratios.append({"backends": list(pair), "turns": turns, **spread(turns)})
    return {"backends": summary, "ratios": ratios}


def spread(values: Sequence[float]) -> dict[str, float]:
    """Return the median, least and greatest of some numbers."""
    return {"median": statistics.median(values), "least": min(values), "greatest": max(values)}


def _seconds_per_epoch(run: Run) -> float:
    return statistics.median(row["seconds"] for row in run.history) if run.history else math.nan


MEASURES = (
    ("images_per_second", lambda run: run.result["images_per_second"]),
    (
        "start_seconds",
        lambda run: run.result["seconds_to_first_step"]["imports"] + run.result["seconds_to_first_step"]["data"],
    ),
    ("compile_seconds", lambda run: run.result["seconds_to_first_step"]["model_and_first_step"]),
    ("epoch_seconds", _seconds_per_epoch),
    ("peak_memory_mib", lambda run: run.result["peak_memory_mib"]),
)
