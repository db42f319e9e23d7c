#!/usr/bin/env python
"""Train one classic system on one backend; the command's help says how.

Nothing heavy is imported before the arguments are known to make sense.
"""

import argparse
import sys
import time
from pathlib import Path

import models
from training.backend import BACKENDS, choose_backend, start_backend
from training.errors import UserError

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
    parser.add_argument("--backend", choices=BACKENDS, help="overrides KERAS_BACKEND")
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
    output.add_argument("--no-figures", action="store_true", help="draw nothing")
    output.add_argument("--tsne", action="store_true", help="also animate the t-SNE map over the training (GIF)")
    output.add_argument(
        "--tensorboard", action="store_true", help="also write TensorBoard files, with Keras's callback"
    )
    output.add_argument("--csv", action="store_true", help="also write Keras's own CSVLogger file")
    output.add_argument("--checkpoint-every", type=float, default=10.0, metavar="SECONDS", help="default 10")
    options = parser.parse_args(arguments)
    if options.resume and (options.set or options.smoke or options.out or options.overwrite):
        parser.error(
            "--resume goes on with the run's own recipe and folder; it takes no --set, --smoke, --out, --overwrite"
        )
    if options.resume and (options.batch_size or options.seed is not None):
        parser.error("--resume goes on with the run's own recipe; of the recipe it takes only --epochs")
    if options.no_figures and options.tsne:
        parser.error("--tsne draws a figure; leave out --no-figures")
    return options


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return the exit code."""
    options = parse_arguments(arguments)
    try:
        if options.list:
            return list_systems(choose_backend(options.backend))
        return run(options)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted; go on with --resume RUN if the run had begun", file=sys.stderr)
        return 130


def list_systems(backend: str) -> int:
    """Print every system and variant with its parameters, data set and source."""
    start_backend(backend)
    from rich.console import Console
    from rich.table import Table

    table = Table("model", "parameters", "data set", "what it is", "source")
    for name in models.names_with_variants():
        system = models.load(name)
        table.add_row(name, f"{system.build().count_params():,}", system.recipe.dataset, system.title, system.source)
    Console().print(table)
    return 0


def run(options: argparse.Namespace) -> int:
    """Train as `options` say: a new run, or the rest of an interrupted one."""
    from training.run_folder import ENVIRONMENT, RunConfig, RunFolder

    moments = {"started": process_start()}
    folder = config = None
    if options.resume:
        folder = RunFolder.open(options.resume)
        config = folder.read_config()
        models.check_name(config.model)
        if options.backend not in (None, config.backend):
            raise UserError(f"{options.resume} was trained on {config.backend}; --resume goes on with that backend")
        backend = choose_backend(config.backend)
    else:
        models.check_name(options.model)
        backend = choose_backend(options.backend)

    start_backend(backend)
    moments["imported"] = time.time()
    import data
    from training.environment import describe_environment
    from training.files import write_json
    from training.fit import training_splits

    system = models.load(config.model if config else options.model)
    recipe = make_recipe(options, config.recipe if config else system.recipe)
    source = data.read(recipe.dataset, archives=options.data_dir)
    training_splits(source, recipe)  # refuses what cannot be trained before a folder is made
    moments["read"] = time.time()
    config = RunConfig(system.name, backend, recipe, config.smoke if config else options.smoke)
    folder = folder or RunFolder.create(config, options.out, options.overwrite)
    folder.write_config(config)
    write_json(folder.path / ENVIRONMENT, describe_environment(backend))
    print(f"{system.name} on {backend}, into {folder.path}", file=sys.stderr)
    return train_and_report(options, system, config, source, folder, moments)


def process_start() -> float:
    """Return when this process began, as `time.time()` counts."""
    import psutil

    return psutil.Process().create_time()


def make_recipe(options: argparse.Namespace, recipe):
    """Return `recipe` with the command line's overrides; explicit ones win over those of `--smoke`."""
    if options.smoke:
        recipe = recipe.shrink()
    recipe = recipe.override_from_text(options.set)
    return recipe.override(epochs=options.epochs, batch_size=options.batch_size, seed=options.seed)


def train_and_report(options, system, config, source, folder, moments: dict[str, float]) -> int:
    """Train, save, score, draw; return the exit code."""
    from data.apparel import write_submission
    from figures.shapes import render_shapes
    from training.environment import device_name
    from training.features import FeatureRecorder
    from training.files import write_json
    from training.fit import save_model, train
    from training.log_lines import LOG_LINES
    from training.result import describe_result, make_result
    from training.run_folder import MODEL, RESULT, SUBMISSION
    from training.scoring import predict, score

    draws = source.shows_images and not options.no_figures
    recorder = FeatureRecorder(config.recipe.tsne_layer, source.test) if config.recipe.tsne_layer and draws else None
    model = system.build()
    model.summary(print_fn=print)
    if config.recipe.log == "summary":
        print(render_shapes(model))
    training = train(
        system,
        config.recipe,
        source,
        folder,
        resume=options.resume is not None,
        checkpoint_seconds=options.checkpoint_every,
        features=recorder if options.tsne else None,
        watch=make_live_curves(config, source, folder, options) if draws else None,
        show_progress=True,
        callbacks=make_loggers(options, folder),
    )
    save_model(system, training.model, folder.path / MODEL)
    if not training.finished:
        print(
            f"stopped at step {training.step} of epoch {len(training.history) + 1} of {config.recipe.epochs}; "
            f"what it learnt is in {folder.path / MODEL}; go on with: python train.py --resume {folder.path}",
            file=sys.stderr,
        )
        return 130

    test = config.test_split(source)
    outputs = predict(training.model, test.inputs)
    scored = score(outputs, test.labels, config.recipe.outputs) if test.labelled else None
    result = make_result(config, training, test, scored, moments)
    write_json(folder.path / RESULT, result)
    lines = LOG_LINES[config.recipe.log].after_training(training.history, result, device_name(config.backend))
    if lines:
        print(lines)
    if scored:
        print(scored.predictions[:10], "prediction")
        print(test.labels[:10], "truth")
    print(describe_result(result, "images" if source.shows_images else "examples"))
    if source.test_ids:
        write_submission(folder.path / SUBMISSION, source.test_ids[: len(test)], outputs.argmax(axis=1))
        print(f"submission in {folder.path / SUBMISSION}", file=sys.stderr)
    if draws:
        draw(config, source, test, scored, training, folder, recorder)
    return 0


def make_live_curves(config, source, folder, options):
    """Return what draws the curves while it trains, where the recipe's source does; else None."""
    if config.recipe.log != "summary":
        return None
    from figures.live import LiveFigure, find_screen
    from figures.progress import progress_curves
    from training.fit import training_splits
    from training.run_folder import FIGURES

    steps = -(-len(training_splits(source, config.recipe)[0]) // config.recipe.batch_size)
    live = LiveFigure(folder.path / FIGURES / "progress.png", find_screen())

    def show(log, _):
        if log:
            live.show(progress_curves(log, steps, config.recipe.epochs))

    return show


def make_loggers(options: argparse.Namespace, folder) -> list:
    """Return Keras's own logging callbacks that the flags ask for."""
    import keras

    from training.run_folder import CSV_LOG, TENSORBOARD

    loggers = []
    if options.tensorboard:
        loggers.append(keras.callbacks.TensorBoard(folder.path / TENSORBOARD, write_graph=False))
    if options.csv:
        loggers.append(keras.callbacks.CSVLogger(folder.path / CSV_LOG, append=True))
    return loggers


def draw(config, source, test, scored, training, folder, recorder) -> None:
    """Write the run's figures."""
    from figures.run import (
        save_curves,
        save_evaluation_figures,
        save_inside_figures,
        save_samples,
        save_tsne_figures,
    )
    from training.features import convolution_kernels, stage_outputs
    from training.run_folder import FIGURES

    place, names = folder.path / FIGURES, source.class_names
    save_samples(place, source.train.inputs, source.train.labels, names)
    save_curves(place, training.log, training.history, training.steps_per_epoch, config.recipe.batch_size == 1)
    if scored:
        save_evaluation_figures(place, test.inputs, test.labels, scored.probabilities, names)
    image, label = source.train.inputs[0], names[source.train.labels[0]]
    stages = stage_outputs(training.model, image)
    save_inside_figures(place, convolution_kernels(training.model), image, stages, label)
    if recorder:
        count = len(recorder.labels)
        title = f"{config.model} on {config.backend}: layer {config.recipe.tsne_layer!r}, {count} test images"
        save_tsne_figures(place, recorder.features(training.model), recorder.labels, title, recorder.frames)
    print(f"figures in {place}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
