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

import models
from keras_parity.arguments import read_backends, read_positive
from training.backend import BACKENDS, choose_backend
from training.errors import UserError

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
        type=functools.partial(read_backends, known=BACKENDS),
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
    options = parser.parse_args(arguments)
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


def main(arguments: list[str] | None = None, workers=None) -> int:
    """Run the command line and return the exit code.

    Args:
        arguments: After the program's name; None for those of this process.
        workers: Processes to use, which are then left running; None starts some.
    """
    options = parse_arguments(arguments)
    command = shlex.join(["compare.py", *(sys.argv[1:] if arguments is None else arguments)])
    try:
        return run(options, command, workers)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted; the same command goes on where it stopped", file=sys.stderr)
        return 130


def run(options: argparse.Namespace, command: str, workers=None) -> int:
    """Compare as `options` say, write the report, and return the verdict's exit code."""
    plan, given = (plan_existing(options), True) if options.runs else (plan_new(options), False)
    # What follows takes NumPy's and rich's time, which a typing error need not wait for.
    from comparing.baseline import check_comparable, find_regressions, read_baseline
    from comparing.comparison import Comparison
    from comparing.report import describe, write_report
    from comparing.runs import read_run
    from comparing.screen import Screen
    from keras_parity.verdict import Outcome
    from keras_parity.workers import Workers

    baseline = read_baseline(options.baseline) if options.baseline else None
    processes = contextlib.nullcontext(workers) if workers else Workers(plan.backends)
    with processes as workers, Screen() as screen:
        comparison = Comparison(plan, workers, screen, command)
        if baseline:
            check_comparable(baseline, plan.model, vars(comparison.recipe), plan.smoke, options.baseline)
        runs = [read_run(path)[1] for path in options.runs] if given else comparison.make_runs(options.overwrite)
        sweep = comparison.measure_sweep(options.sweep_batch) if options.sweep_batch else []
        report = comparison.compare(runs, sweep)
    if baseline:
        report["baseline"] = find_regressions(report, baseline)
        if count := len(report["baseline"]["worse"]):
            report["sentence"] += f" Worse than the baseline: {count} number{'' if count == 1 else 's'}."
    page = write_report(report, plan.out)
    if options.json:
        print((plan.out / "report.json").read_text(encoding="utf-8"), end="")
    else:
        print(describe(report))
    print(f"report: {page}", file=sys.stderr)
    return 1 if report.get("baseline", {}).get("worse") else Outcome(report["outcome"]).exit_code


def plan_new(options: argparse.Namespace):
    """Return the plan of a comparison that trains.

    Raises:
        UserError: If there is no such system, or a backend is not installed.
    """
    from comparing.plan import Plan

    models.check_name(options.model)
    backends = options.backends or tuple(name for name in BACKENDS if _is_installed(name))
    for backend in backends:
        choose_backend(backend)
    if len(backends) < 2:
        raise UserError("fewer than two backends are installed, so there is nothing to compare; see pyproject.toml")
    arguments = ["--model", options.model]
    arguments += [part for setting in options.set for part in ("--set", setting)]
    for flag in ("epochs", "batch_size", "data_dir"):
        value = getattr(options, flag)
        arguments += [] if value is None else [f"--{flag.replace('_', '-')}", str(value)]
    arguments += ["--smoke"] if options.smoke else []
    out = options.out or Path("reports") / f"{options.model}{'-smoke' if options.smoke else ''}"
    seeds = tuple(range(1, (options.seeds or 1) + 1))
    return Plan(options.model, backends, seeds, tuple(arguments), out, options.smoke, options.margin, options.steps)


def plan_existing(options: argparse.Namespace):
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
    backends = tuple(name for name in BACKENDS if any(backend == name for backend, _ in pairs))
    if len(backends) < 2:
        raise UserError(f"all these runs are of {backends[0]}; give runs of two backends or more")
    for backend in backends:
        choose_backend(backend)
    arguments = ["--model", first.model]
    for key, value in vars(first.recipe).items():
        arguments += ["--set", f"{key}={value}"]
    arguments += ["--data-dir", str(options.data_dir)] if options.data_dir else []
    arguments += ["--smoke"] if first.smoke else []
    seeds = tuple(sorted({seed for _, seed in pairs}))
    return Plan(first.model, backends, seeds, tuple(arguments), options.out, first.smoke, options.margin, options.steps)


def _is_installed(backend: str) -> bool:
    try:
        return bool(choose_backend(backend))
    except UserError:
        return False


def _interrupt(number, frame):
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
