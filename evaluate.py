#!/usr/bin/env python
"""Evaluate a run of ours, or any `.keras` file, on a data set's full test split; the command's help says how.

A run is rebuilt from `models/` and only its weights are read. A foreign file is inspected, then opened in a child
process with limits on memory and time.
"""

import argparse
import functools
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import models
from foundation.command_line import parse, print_anywhere, run_command
from foundation.errors import UserError
from keras_parity.names import TRAINING_BACKENDS
from training.backend import choose_backend, start_backend

if TYPE_CHECKING:
    import numpy as np

    from data.split import Dataset
    from training.scoring import Score

EXAMPLE = """\
example:
  python evaluate.py runs/mnist_cnn-jax-seed1 --backend torch
"""


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """Return the parsed command line; ends the process on a wrong one."""
    parser = argparse.ArgumentParser(
        prog="evaluate.py",
        description="Evaluate a run folder, or a .keras file, on a data set's full test split.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("path", type=Path, metavar="RUN", help="a run folder, or a .keras file")
    parser.add_argument("--backend", choices=TRAINING_BACKENDS, help="overrides KERAS_BACKEND; any will do for any run")
    parser.add_argument("--dataset", default="mnist", metavar="NAME", help="for a .keras file; default mnist")
    parser.add_argument("--data-dir", type=Path, metavar="DIR", help="folder of the data set's archives")
    parser.add_argument(
        "--image", type=Path, metavar="FILE", help="classify one picture of any size and polarity instead"
    )
    parser.add_argument(
        "--beside", type=Path, metavar="RUN2", help="plot this run's outputs and curves beside another's, and no more"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object on stdout and nothing else")
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="folder for the figures; default evaluation/ beside the file"
    )
    parser.add_argument("--no-figures", action="store_true", help="make no figures")
    parser.add_argument(
        "--memory", type=float, default=4.0, metavar="GIB", help="most memory for a foreign file; default 4"
    )
    parser.add_argument("--seconds", type=float, default=300.0, help="most time for a foreign file; default 300")
    return parse(parser, arguments)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return the exit code."""
    print_anywhere()
    options = parse_arguments(arguments)
    return run_command(functools.partial(evaluate, options), "interrupted")


def evaluate(options: argparse.Namespace) -> int:
    """Evaluate as `options` say, print or write what they ask for, and return the exit code."""
    backend = choose_backend(options.backend)
    if not options.path.exists():
        raise UserError(
            f"{options.path} is not there; give a run folder, as runs/mnist_cnn-jax-seed1, or a .keras file"
        )
    predictor = open_run(options.path, backend) if options.path.is_dir() else open_foreign(options, backend)
    if options.beside:
        plot_beside(options, predictor, backend)
    elif options.image:
        classify_picture(options, predictor, backend)
    else:
        score_test_split(options, predictor, backend)
    return 0


@dataclass(frozen=True)
class Predictor:
    """What gives a classifier's outputs.

    Attributes:
        name: What it is called in titles.
        dataset: The data set it classifies.
        predict: From inputs as a split has them, `(n, ...)`, to outputs `(n, k)`.
        folder: Where its figures go by default.
        outputs: What the outputs are, as a recipe says; None leaves it to be guessed from them.
    """

    name: str
    dataset: str
    predict: "Callable[[np.ndarray], np.ndarray]"
    folder: Path
    outputs: str | None = None

    def kind_of(self, outputs: "np.ndarray") -> str:
        """Return what `outputs` are: logits, probabilities or sigmoids."""
        from foundation.recipe import LOGITS, PROBABILITIES
        from training.scoring import looks_like_logits

        return self.outputs or (LOGITS if looks_like_logits(outputs) else PROBABILITIES)


def open_run(path: Path, backend: str) -> Predictor:
    """Return the predictor of a run folder: the registry's architecture with the run's weights.

    Raises:
        UserError: If the folder is no run, or its weights are damaged or do not fit.
    """
    from training.run_folder import MODEL, RunFolder

    config = RunFolder.open(path).read_config()
    models.check_name(config.model)
    start_backend(backend)
    from training.scoring import predict
    from training.weights import load_weights

    model = models.load(config.model).build()
    load_weights(model, path / MODEL)
    recipe = config.recipe
    return Predictor(
        path.name, recipe.dataset, lambda inputs: predict(model, inputs), path / "evaluation", recipe.outputs
    )


def open_foreign(options: argparse.Namespace, backend: str) -> Predictor:
    """Return the predictor of a `.keras` file, which is opened in a child process at each call.

    Raises:
        UserError: If the data set is unknown or has no images.
    """
    import data
    from data.pipeline import scale
    from training.foreign import predict_foreign

    classes = len(data.class_names(options.dataset))
    if options.dataset in data.WITHOUT_IMAGES:
        there = ", ".join(name for name in data.names() if name not in data.WITHOUT_IMAGES)
        raise UserError(
            f"{options.path} is evaluated on images, and {options.dataset} has none; --dataset takes {there}"
        )

    def predict(inputs: "np.ndarray") -> "np.ndarray":
        return predict_foreign(options.path, scale(inputs), backend, classes, options.memory, options.seconds)

    folder = options.path.with_name(f"{options.path.stem}-evaluation")
    return Predictor(options.path.name, options.dataset, predict, folder)


def score_test_split(options: argparse.Namespace, predictor: Predictor, backend: str) -> None:
    """Score the full test split; print a table or JSON, plot the figures."""
    import data
    from figures.confusion import count_confusions
    from training.scoring import score

    dataset = data.read(predictor.dataset, archives=options.data_dir)
    if not dataset.test.labelled:
        raise UserError(f"the test images in {options.data_dir} have no labels, so there is no score")
    outputs = predictor.predict(dataset.test.inputs)
    kind = predictor.kind_of(outputs)
    scored = score(outputs, dataset.test.labels, kind)
    counts = count_confusions(scored.labels, scored.predictions, len(dataset.class_names))
    place = options.out or predictor.folder
    plots = dataset.shows_images and not options.no_figures
    if plots:
        from figures.run import save_evaluation_figures

        save_evaluation_figures(
            place, dataset.test.inputs, dataset.test.labels, scored.probabilities, dataset.class_names
        )
    if options.json:
        result = {
            "name": predictor.name,
            "backend": backend,
            "dataset": predictor.dataset,
            "examples": len(dataset.test),
            "accuracy": scored.accuracy,
            "loss": scored.loss,
            "outputs": kind,
            "accuracy_per_class": dict(zip(dataset.class_names, scored.accuracy_per_class, strict=True)),
            "confusion": counts.tolist(),
            "figures": str(place) if plots else None,
        }
        print(json.dumps(result))
        return
    print_score(predictor, backend, dataset, scored, counts)
    if plots:
        print(f"figures in {place}", file=sys.stderr)


def plot_beside(options: argparse.Namespace, predictor: Predictor, backend: str) -> None:
    """Plot two runs beside each other: their outputs for a 0 and a 6, and how far they over-fit."""
    import data
    from figures.run import save_figures_beside
    from training.run_folder import RunFolder
    from training.scoring import score

    other = open_run(options.beside, backend)
    dataset = data.read(predictor.dataset, archives=options.data_dir)
    if other.dataset != predictor.dataset or not dataset.shows_images or not options.path.is_dir():
        raise UserError(f"{options.path} and {options.beside} must be two runs on the same images")
    chosen = [int((dataset.test.labels == label).argmax()) for label in (0, 6)]  # the original's digits
    images, truths = dataset.test.inputs[chosen], dataset.test.labels[chosen]
    outputs, logs, steps = {}, {}, []
    for run, path in ((predictor, options.path), (other, options.beside)):
        values = run.predict(images)
        config = RunFolder.open(path).read_config()
        outputs[config.model] = score(values, truths, run.kind_of(values)).probabilities
        logs[config.model] = RunFolder.open(path).read_log()
        steps.append(config.steps_per_epoch(dataset))
    place = options.out or predictor.folder
    save_figures_beside(place, images, truths, outputs, dataset.class_names, logs, steps)
    print(f"figures in {place}", file=sys.stderr)


def print_score(predictor: Predictor, backend: str, dataset: "Dataset", scored: "Score", counts: "np.ndarray") -> None:
    """Print accuracy, loss and the table of classes, with the confusion matrix."""
    from rich.console import Console
    from rich.table import Table

    print(
        f"{predictor.name} on {backend}: accuracy {scored.accuracy:.4f}, loss {scored.loss:.4f} "
        f"on {len(dataset.test):,} {predictor.dataset} test {'images' if dataset.shows_images else 'examples'}"
    )
    table = Table(title="rows: the true class; columns: what its images were taken for", box=None, padding=(0, 2, 0, 0))
    table.add_column("class")
    table.add_column("accuracy", justify="right", no_wrap=True)
    for name in dataset.class_names:
        table.add_column(name, justify="right")
    for name, accuracy, row in zip(dataset.class_names, scored.accuracy_per_class, counts, strict=True):
        table.add_row(name, "no images" if accuracy is None else f"{accuracy:.4f}", *map(str, row))
    Console().print(table)


def classify_picture(options: argparse.Namespace, predictor: Predictor, backend: str) -> None:
    """Classify one picture; print the ten outputs, plot them as bars beside what the network saw."""
    import numpy as np

    import data
    from data.picture import read_picture
    from training.scoring import score

    if predictor.dataset in data.WITHOUT_IMAGES:
        raise UserError(f"{predictor.name} does not take pictures; leave out --image")
    picture = read_picture(options.image)
    class_names = data.class_names(predictor.dataset)
    outputs = predictor.predict(picture[None])
    probabilities = score(outputs, np.zeros(1, int), predictor.kind_of(outputs)).probabilities[0]
    place = options.out or predictor.folder
    chart = place / f"{options.image.stem}-outputs.png"
    if not options.no_figures:
        from figures.predictions import output_bars
        from figures.saving import save

        save(output_bars(picture, probabilities, class_names), chart)
    best = int(probabilities.argmax())
    if options.json:
        result = {
            "name": predictor.name,
            "backend": backend,
            "image": str(options.image),
            "prediction": class_names[best],
            "probabilities": dict(zip(class_names, probabilities.tolist(), strict=True)),
            "figure": None if options.no_figures else str(chart),
        }
        print(json.dumps(result))
        return
    print(f"{options.image}: {class_names[best]} ({probabilities[best]:.1%})")
    for name, probability in zip(class_names, probabilities, strict=True):
        print(f"  {name:>12} {probability:7.2%} {'█' * round(40 * probability)}")
    if not options.no_figures:
        print(f"bar chart in {chart}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
