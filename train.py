#!/usr/bin/env python
"""Train one classic system on one backend; the command's help says how.

Nothing heavy is imported before the arguments are known to make sense.
"""

import argparse
import functools
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import models
from foundation.command_line import parse, print_anywhere, run_command
from foundation.errors import UserError
from foundation.recipe import Recipe
from keras_parity.names import TRAINING_BACKENDS
from training.backend import choose_backend

if TYPE_CHECKING:
    from training.request import TrainingRequest

EXAMPLE = """\
example:
  KERAS_BACKEND=jax python train.py --model mnist_cnn --smoke
"""


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """Return the parsed command line; ends the process on a wrong one."""
    parser = argparse.ArgumentParser(
        prog="train.py",
        description="Train one classic system on one backend, into a run folder.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "--model",
        metavar="NAME",
        help="the system to train, as lenet, or a variant of it, as lenet-long; --list shows them",
    )
    what.add_argument("--resume", metavar="RUN", type=Path, help="go on with an interrupted run, or with more --epochs")
    what.add_argument("--list", action="store_true", help="show all systems and exit")
    parser.add_argument("--backend", choices=TRAINING_BACKENDS, help="overrides KERAS_BACKEND")
    recipe = parser.add_argument_group("the recipe")
    recipe.add_argument("--epochs", type=int, metavar="N")
    recipe.add_argument("--batch-size", type=int, metavar="N")
    recipe.add_argument("--seed", type=int, metavar="N")
    recipe.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="override any of its values")
    recipe.add_argument("--smoke", action="store_true", help="a trial: two steps on few images, in seconds")
    output = parser.add_argument_group("data and output")
    output.add_argument("--data-dir", type=Path, metavar="DIR", help="folder of the data set's files")
    output.add_argument("--out", type=Path, metavar="DIR", help="run folder; default runs/<model>-<backend>-seed<n>")
    output.add_argument("--overwrite", action="store_true", help="replace the run that is there")
    output.add_argument("--no-figures", action="store_true", help="make no figures")
    output.add_argument("--tsne", action="store_true", help="also animate the t-SNE map over the training (GIF)")
    output.add_argument(
        "--tensorboard", action="store_true", help="also write TensorBoard files, with Keras's callback"
    )
    output.add_argument("--csv", action="store_true", help="also write Keras's own CSVLogger file")
    output.add_argument("--checkpoint-every", type=float, default=10.0, metavar="SECONDS", help="default 10")
    options = parse(parser, arguments)
    if options.resume and (options.set or options.smoke or options.out or options.overwrite):
        parser.error(
            "--resume goes on with the run's own recipe and folder; it takes no --set, --smoke, --out, --overwrite"
        )
    if options.resume and (options.batch_size or options.seed is not None):
        parser.error("--resume goes on with the run's own recipe; of the recipe it takes only --epochs")
    if options.no_figures and options.tsne:
        parser.error("--tsne makes a figure; leave out --no-figures")
    return options


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return the exit code."""
    print_anywhere()
    options = parse_arguments(arguments)
    command = shlex.join(["train.py", *(sys.argv[1:] if arguments is None else arguments)])
    return run_command(
        functools.partial(run, options, command), "interrupted; go on with --resume RUN if the run had begun"
    )


def run(options: argparse.Namespace, command: str) -> int:
    """Do what `options` say, and return the exit code."""
    if options.list:
        return list_systems()
    request = make_request(options, command)
    from training.run import run as train

    return train(request)


def list_systems() -> int:
    """Print every system and variant with its parameters, data set and origin."""
    from rich.console import Console
    from rich.table import Table

    table = Table("model", "parameters", "data set", "what it is", "origin")
    for name in models.names_with_variants():
        system = models.load(name)
        parameters = "?" if system.parameters is None else f"{system.parameters:,}"
        table.add_row(name, parameters, system.recipe.dataset, system.title, system.origin)
    Console().print(table)
    return 0


def make_request(options: argparse.Namespace, command: str) -> "TrainingRequest":
    """Return what the command line asks for.

    Args:
        options: From `parse_arguments`.
        command: What the user typed.

    Raises:
        UserError: If there is no such system, value, run or backend.
    """
    if options.model:
        models.check_name(options.model)
    from training.request import TrainingRequest
    from training.run_folder import RunConfig, RunFolder

    if options.resume:
        config = RunFolder.open(options.resume).read_config()
        models.load(config.model)
        if options.backend not in (None, config.backend):
            raise UserError(f"{options.resume} was trained on {config.backend}; --resume goes on with that backend")
        choose_backend(config.backend)
        recipe = config.recipe.override(epochs=options.epochs)
        config = RunConfig(config.model, config.backend, recipe, config.smoke)
    else:
        backend = choose_backend(options.backend)
        recipe = make_recipe(options, models.load(options.model).recipe)
        config = RunConfig(options.model, backend, recipe, options.smoke)
    return TrainingRequest(
        config,
        command,
        out=options.resume or options.out,
        data_dir=options.data_dir,
        resume=options.resume is not None,
        overwrite=options.overwrite,
        figures=not options.no_figures,
        tsne=options.tsne,
        tensorboard=options.tensorboard,
        csv=options.csv,
        checkpoint_seconds=options.checkpoint_every,
    )


def make_recipe(options: argparse.Namespace, recipe: Recipe) -> Recipe:
    """Return `recipe` with the command line's overrides; explicit ones win over those of `--smoke`."""
    if options.smoke:
        recipe = recipe.shrink()
    recipe = recipe.override_from_text(options.set)
    return recipe.override(epochs=options.epochs, batch_size=options.batch_size, seed=options.seed)


if __name__ == "__main__":
    sys.exit(main())
