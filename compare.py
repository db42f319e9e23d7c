#!/usr/bin/env python
"""Train one classic system on every backend and say whether they agree; the command's help says how.

This process imports no framework: every training, and everything that is computed with keras, runs in others.
"""

import argparse
import contextlib
import dataclasses
import functools
import shlex
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import models
from foundation.command_line import parse, print_anywhere, run_command
from foundation.errors import UserError
from keras_parity.cli.arguments import read_backends, read_positive
from keras_parity.names import TRAINING_BACKENDS
from training.backend import choose_backend

if TYPE_CHECKING:
    from comparing.plan import Plan
    from keras_parity.crew import Crew

EXAMPLE = """\
exit codes: 0 the backends agree, 1 they disagree or something is worse than the baseline, 2 wrong usage, 3 inconclusive

example:
  python compare.py --model mnist_cnn --smoke
"""


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """Return the parsed command line; ends the process on a wrong one."""
    parser = argparse.ArgumentParser(
        prog="compare.py",
        description="Train one classic system on every backend and say whether they agree, and which is fastest.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--model", metavar="NAME", help="the system to compare, as lenet; train.py --list shows them")
    what.add_argument(
        "--from", dest="runs", metavar="RUN", type=Path, nargs="+", help="compare these finished runs; train nothing"
    )
    parser.add_argument(
        "--backends",
        type=functools.partial(read_backends, known=TRAINING_BACKENDS),
        metavar="NAMES",
        help="with commas between them; default: as installed",
    )
    parser.add_argument("--seeds", type=read_positive, metavar="N", help="train with the seeds 1 to N; default 1")
    recipe = parser.add_argument_group("the recipe")
    recipe.add_argument("--epochs", type=read_positive, metavar="N")
    recipe.add_argument("--batch-size", type=read_positive, metavar="N")
    recipe.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="override any of its values")
    recipe.add_argument("--smoke", action="store_true", help="a trial: few images, and only the first two questions")
    recipe.add_argument("--data-dir", type=Path, metavar="DIR", help="folder of the data set's files")
    verdict = parser.add_argument_group("the verdict")
    verdict.add_argument(
        "--margin",
        type=_margin,
        default=0.3,
        metavar="POINTS",
        help="accuracies closer than this are equal; default 0.3",
    )
    verdict.add_argument(
        "--steps", type=read_positive, metavar="K", help="compare the first K steps; default 20, of a trial 6"
    )
    verdict.add_argument(
        "--baseline",
        type=Path,
        metavar="FILE",
        help="an earlier report.json: fail also if something has got worse since",
    )
    speed = parser.add_argument_group("speed")
    speed.add_argument(
        "--sweep-batch", type=_sizes, metavar="N,N,…", help="also measure the speed at these batch sizes"
    )
    output = parser.add_argument_group("output")
    output.add_argument("--out", type=Path, metavar="DIR", help="folder of report and runs; default reports/NAME")
    output.add_argument("--overwrite", action="store_true", help="train again what is there already")
    output.add_argument("--json", action="store_true", help="print the whole report as JSON on stdout")
    options = parse(parser, arguments)
    if options.runs:
        given = [
            name for name in ("backends", "seeds", "epochs", "batch_size", "set", "smoke") if getattr(options, name)
        ]
        if given or options.overwrite:
            parser.error("--from compares runs as they are; it takes no --backends, --seeds, --overwrite, nor a recipe")
        if options.out is None:
            parser.error("--from needs --out, the folder for the report")
        if options.sweep_batch:
            parser.error("--from trains nothing, so it takes no --sweep-batch")
    return options


def main(arguments: list[str] | None = None, crew: "Crew | None" = None) -> int:
    """Run the command line and return the exit code.

    Args:
        arguments: After the program's name; None for those of this process.
        crew: Processes to use, which are then left running; None starts some.
    """
    print_anywhere()
    options = parse_arguments(arguments)
    command = shlex.join(["compare.py", *(sys.argv[1:] if arguments is None else arguments)])
    return run_command(
        functools.partial(run, options, command, crew), "interrupted; the same command goes on where it stopped"
    )


def run(options: argparse.Namespace, command: str, crew: "Crew | None" = None) -> int:
    """Compare as `options` say, write the report, and return the verdict's exit code."""
    plan = plan_existing(options, command) if options.runs else plan_new(options, command)
    # What follows takes NumPy's and rich's time, which a typing error need not wait for.
    from comparing.baseline import check_comparable, find_regressions, read_baseline
    from comparing.report import describe, write_report
    from comparing.report.content import render_json
    from comparing.runs import read_run
    from comparing.screen import Screen
    from comparing.training_comparison import TrainingComparison
    from keras_parity.crew import Crew
    from keras_parity.verdict import Outcome

    baseline = read_baseline(options.baseline) if options.baseline else None
    if baseline:
        check_comparable(baseline, plan.model, vars(plan.recipe), plan.smoke, options.baseline)
    processes = contextlib.nullcontext(crew) if crew else Crew(plan.backends)
    with processes as running, Screen() as screen:
        comparison = TrainingComparison(plan, running, screen)
        given = [read_run(path)[1] for path in options.runs or ()]
        runs = given or comparison.make_runs(options.overwrite)
        sweep = comparison.measure_sweep(options.sweep_batch) if options.sweep_batch else []
        report = comparison.compare(runs, sweep)
    worse: tuple[str, ...] = ()
    if baseline:
        regressions = find_regressions(report, baseline)
        worse, sentence = regressions.worse, report.sentence
        if worse:
            sentence += f" Worse than the baseline: {len(worse)} number{'' if len(worse) == 1 else 's'}."
        report = dataclasses.replace(report, baseline=regressions, sentence=sentence)
    page = write_report(report, plan.out)
    print(render_json(report) if options.json else f"{describe(report)}\n", end="")
    print(f"report: {page}", file=sys.stderr)
    return 1 if worse else Outcome(report.outcome).exit_code


def plan_new(options: argparse.Namespace, command: str) -> "Plan":
    """Return the plan of a comparison that trains.

    Raises:
        UserError: If there is no such system, or a backend is not installed.
    """
    from comparing.plan import Plan

    models.check_name(options.model)
    backends = options.backends or tuple(name for name in TRAINING_BACKENDS if _is_installed(name))
    for backend in backends:
        choose_backend(backend)
    if len(backends) < 2:
        raise UserError("fewer than two backends are installed, so there is nothing to compare; see pyproject.toml")
    recipe = models.load(options.model).recipe
    recipe = (recipe.shrink() if options.smoke else recipe).override_from_text(options.set)
    out = options.out or Path("reports") / f"{options.model}{'-smoke' if options.smoke else ''}"
    return Plan(
        model=options.model,
        backends=backends,
        seeds=tuple(range(1, (options.seeds or 1) + 1)),
        recipe=recipe.override(epochs=options.epochs, batch_size=options.batch_size),
        out=out,
        smoke=options.smoke,
        margin=options.margin,
        command=command,
        steps=options.steps,
        data_dir=options.data_dir,
    )


def plan_existing(options: argparse.Namespace, command: str) -> "Plan":
    """Return the plan of a comparison of finished runs.

    Raises:
        UserError: If they are not runs of one system and recipe on two backends, each seed once.
    """
    from comparing.plan import Plan
    from comparing.runs import describe_difference, read_run

    configs = [read_run(path)[0] for path in options.runs]
    first = min(configs, key=lambda config: config.recipe.perturbation)
    for path, config in zip(options.runs, configs, strict=True):
        models.check_name(config.model)
        recipe = config.recipe.override(seed=first.recipe.seed, perturbation=first.recipe.perturbation)
        same = dataclasses.replace(config, backend=first.backend, recipe=recipe)
        if difference := describe_difference(same, first):
            other = options.runs[configs.index(first)]
            raise UserError(f"{path} has {difference} as {other}; compare runs of one system and recipe")
    # The others show what rounding makes of one of these.
    configs = [config for config in configs if config.recipe.perturbation == first.recipe.perturbation]
    pairs = [(config.backend, config.recipe.seed) for config in configs]
    if len(set(pairs)) < len(pairs):
        raise UserError("two of these runs have the same backend and seed; give each once")
    backends = tuple(name for name in TRAINING_BACKENDS if any(backend == name for backend, _ in pairs))
    if len(backends) < 2:
        raise UserError(f"all these runs are of {backends[0]}; give runs of two backends or more")
    for backend in backends:
        choose_backend(backend)
    return Plan(
        model=first.model,
        backends=backends,
        seeds=tuple(sorted({seed for _, seed in pairs})),
        recipe=first.recipe,
        out=options.out,
        smoke=first.smoke,
        margin=options.margin,
        command=command,
        steps=options.steps,
        data_dir=options.data_dir,
    )


def _is_installed(backend: str) -> bool:
    try:
        return bool(choose_backend(backend))
    except UserError:
        return False


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _sizes(text: str) -> list[int]:
    sizes = [read_positive(part.strip()) for part in text.split(",")]
    if len(set(sizes)) < len(sizes):
        raise argparse.ArgumentTypeError(f"write each batch size once, with commas between them, not {text!r}")
    return sizes


def _margin(text: str) -> float:
    try:
        margin = float(text)
    except ValueError:
        margin = 0.0
    if not 0 < margin < 100:
        raise argparse.ArgumentTypeError(f"write a number of percentage points between 0 and 100, not {text!r}")
    return margin


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _interrupt)  # so that the runs under way write their checkpoints
    sys.exit(main())
