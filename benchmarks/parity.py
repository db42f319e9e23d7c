"""A table of docs/systems.md: whether the backends agree on each system, in inference and in training.

    python -m benchmarks.parity --docs docs/systems.md --readme README.md

Each system is checked as it trains: with its recipe's loss and optimiser, on all draws of `keras-parity check`.
"""

import argparse
from typing import Any

import numpy as np

from benchmarks.machine import describe_machine
from benchmarks.markers import add_table_options, write_table
from foundation.command_line import print_anywhere
from keras_parity import check
from keras_parity.report.wording import format_units
from keras_parity.verdict import Verdict
from models import load, names_with_variants
from training.losses import make_loss
from training.optimizers import make_optimizer

BATCH_SIZE = 4


def __getattr__(name: str) -> Any:
    """Return what `loss of NAME` and `optimizer of NAME` name for the engine, within a worker."""
    what, found, system = name.partition(" of ")
    if not found or what not in ("loss", "optimizer"):
        raise AttributeError(name)
    recipe = load(system).recipe
    return make_loss(recipe) if what == "loss" else lambda: make_optimizer(recipe)


def main() -> None:
    """Check every system, print the table, and write it into the documents that are named."""
    print_anywhere()
    parser = argparse.ArgumentParser(prog="python -m benchmarks.parity", description=__doc__.splitlines()[0])
    parser.add_argument("--models", help="names with commas between them; default all, variants too")
    add_table_options(parser)
    options = parser.parse_args()
    lines = [
        "| system | parameters | the backends | worst error, forward | worst error, backward | s |",
        "| --- | ---: | --- | --- | --- | ---: |",
    ]
    notes = []
    for name in options.models.split(",") if options.models else names_with_variants():
        verdict, parameters = check_system(name)
        lines.append(render_row(name, parameters, verdict))
        print(lines[-1], flush=True)
        worst = {f.culprit: f for f in sorted(verdict.findings, key=lambda finding: finding.rounding_units)}
        notes += [
            f"- `{name}`: {finding.message}{f'; known: {finding.known}' if finding.known else ''}"
            for finding in worst.values()
        ]
    below = [
        "",
        "Each system with its recipe's loss and optimiser: outputs, gradients, loss, three optimiser steps, saving "
        "and reloading, in training mode and in inference. Errors in rounding units, the worst of those measured; 500 "
        "agree. "
        f"{describe_machine()}. Written by `python -m benchmarks.parity --docs docs/systems.md --readme README.md`.",
        *(["", *notes] if notes else []),
    ]
    write_table(options, "benchmarks.parity", "\n".join([*lines, *below]))
    print("\n".join(below))


def check_system(name: str) -> tuple[Verdict, int]:
    """Return the engine's verdict on a system, and how many parameters that has."""
    system = load(name)
    model = system.build()
    verdict = check(
        f"models.{name.partition('-')[0]}:build",
        kwargs=dict(system.arguments),
        targets=[np.random.default_rng(1).integers(0, model.output_shape[-1], BATCH_SIZE)],
        loss=f"benchmarks.parity:loss of {name}",
        optimizer=f"benchmarks.parity:optimizer of {name}",
        batch_size=BATCH_SIZE,
    )
    return verdict, model.count_params()


def render_row(name: str, parameters: int, verdict: Verdict) -> str:
    """Return a system's row."""
    cells = [f"`{name}`", f"{parameters:,}", verdict.outcome.value]
    for direction in ("forward", "backward"):
        errors = [error for error in verdict.measurements if error.direction == direction]
        worst = max(errors, key=lambda error: error.rounding_units, default=None)
        cells.append(f"{format_units(worst.rounding_units)} (`{worst.layer}`, {worst.execution})" if worst else "")
    return f"| {' | '.join(cells)} | {verdict.seconds:.1f} |"


if __name__ == "__main__":
    main()
