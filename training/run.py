"""A whole run: the data read, the system trained, saved, scored and plotted, as `train.py` and `compare.py` ask."""

import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import data
import models
from data.split import Dataset, Split
from foundation.files import write_json
from training.backend import start_backend
from training.request import TrainingRequest
from training.run_folder import (
    CSV_LOG,
    ENVIRONMENT,
    FIGURES,
    MODEL,
    RESULT,
    SUBMISSION,
    TENSORBOARD,
    RunConfig,
    RunFolder,
)

if TYPE_CHECKING:
    import keras

    from training.features import FeatureRecorder
    from training.fit import Training
    from training.scoring import Score


def run(request: TrainingRequest) -> int:
    """Make the run that was asked for, or the rest of an interrupted one; return the exit code: 0, or 130 after Ctrl-C.

    Raises:
        UserError: If it cannot be trained: the data, the recipe, the folder or the disk do not allow it.
    """
    moments = {"started": process_start()}
    config = request.config
    start_backend(config.backend)
    moments["imported"] = time.time()
    from training.environment import describe_environment
    from training.fit import training_splits

    dataset = data.read(config.recipe.dataset, archives=request.data_dir)
    training_splits(dataset, config.recipe)  # refuses what cannot be trained before a folder is made
    moments["read"] = time.time()
    if request.resume and request.out is not None:
        folder = RunFolder.open(request.out)
    else:
        folder = RunFolder.create(config, request.out, request.overwrite)
    folder.write_config(config)
    write_json(folder.path / ENVIRONMENT, describe_environment(config.backend, request.command))
    print(f"{config.model} on {config.backend}, into {folder.path}", file=sys.stderr)
    return train_and_report(request, dataset, folder, moments)


def process_start() -> float:
    """Return when this process began, as `time.time()` counts."""
    import psutil

    started: float = psutil.Process().create_time()
    return started


def train_and_report(request: TrainingRequest, dataset: Dataset, folder: RunFolder, moments: dict[str, float]) -> int:
    """Train, save, score, plot; return the exit code.

    Args:
        request: What was asked for.
        dataset: What it trains on.
        folder: The run's.
        moments: `time.time()` when the process started, had imported keras, and had read the data.
    """
    from data.apparel import write_submission
    from figures.shapes import render_shapes
    from training.environment import device_name
    from training.features import FeatureRecorder
    from training.fit import save_model, train
    from training.log_lines import LOG_LINES
    from training.result import describe_result, make_result
    from training.scoring import predict, score

    config = request.config
    system, recipe = models.load(config.model), config.recipe
    plots = dataset.shows_images and request.figures
    recorder = FeatureRecorder(recipe.tsne_layer, dataset.test) if recipe.tsne_layer and plots else None
    model = system.build()
    model.summary(print_fn=print)
    if recipe.log == "summary":
        print(render_shapes(model))
    training = train(
        system,
        recipe,
        dataset,
        folder,
        resume=request.resume,
        checkpoint_seconds=request.checkpoint_seconds,
        features=recorder if request.tsne else None,
        watch=make_live_curves(config, dataset, folder) if plots else None,
        show_progress=True,
        callbacks=make_loggers(request, folder),
    )
    save_model(system, training.model, folder.path / MODEL)
    if not training.finished:
        print(
            f"stopped at step {training.step} of epoch {len(training.history) + 1} of {recipe.epochs}; "
            f"what it learnt is in {folder.path / MODEL}; go on with: python train.py --resume {folder.path}",
            file=sys.stderr,
        )
        return 130

    test = config.test_split(dataset)
    outputs = predict(training.model, test.inputs)
    scored = score(outputs, test.labels, recipe.outputs) if test.labelled else None
    result = make_result(config, training, test, scored, moments)
    write_json(folder.path / RESULT, result)
    lines = LOG_LINES[recipe.log].after_training(training.history, result, device_name(config.backend))
    if lines:
        print(lines)
    if scored:
        print(scored.predictions[:10], "prediction")
        print(test.labels[:10], "truth")
    print(describe_result(result, "images" if dataset.shows_images else "examples"))
    if dataset.test_ids:
        write_submission(folder.path / SUBMISSION, dataset.test_ids[: len(test)], outputs.argmax(axis=1))
        print(f"submission in {folder.path / SUBMISSION}", file=sys.stderr)
    if plots:
        save_figures(config, dataset, test, scored, training, folder, recorder)
    return 0


def make_live_curves(
    config: RunConfig, dataset: Dataset, folder: RunFolder
) -> Callable[[list[dict], list[dict]], None] | None:
    """Return what plots the curves while it trains, where the system's original does; else None."""
    if config.recipe.log != "summary":
        return None
    from figures.live import LiveFigure, find_screen
    from figures.progress import progress_curves

    steps = config.steps_per_epoch(dataset)
    live = LiveFigure(folder.path / FIGURES / "progress.png", find_screen())

    def show(log: list[dict], _: list[dict]) -> None:
        if log:
            live.show(progress_curves(log, steps, config.recipe.epochs))

    return show


def make_loggers(request: TrainingRequest, folder: RunFolder) -> "list[keras.callbacks.Callback]":
    """Return Keras's own logging callbacks that were asked for."""
    import keras

    loggers = []
    if request.tensorboard:
        loggers.append(keras.callbacks.TensorBoard(folder.path / TENSORBOARD, write_graph=False))
    if request.csv:
        loggers.append(keras.callbacks.CSVLogger(folder.path / CSV_LOG, append=True))
    return loggers


def save_figures(
    config: RunConfig,
    dataset: Dataset,
    test: Split,
    scored: "Score | None",
    training: "Training",
    folder: RunFolder,
    recorder: "FeatureRecorder | None",
) -> None:
    """Write the run's figures.

    Args:
        config: The run's.
        dataset: What it trained on.
        test: The examples that scored it.
        scored: Its score on them; None if nobody knows their labels.
        training: What training did.
        folder: The run's.
        recorder: Has kept what the t-SNE map shows; None for no map.
    """
    from figures.run import (
        save_curves,
        save_evaluation_figures,
        save_inside_figures,
        save_samples,
        save_tsne_figures,
    )
    from training.features import convolution_kernels, stage_outputs

    place, names = folder.path / FIGURES, dataset.class_names
    save_samples(place, dataset.train.inputs, dataset.train.labels, names)
    save_curves(place, training.log, training.history, training.steps_per_epoch, config.recipe.batch_size == 1)
    if scored:
        save_evaluation_figures(place, test.inputs, test.labels, scored.probabilities, names)
    image, label = dataset.train.inputs[0], names[dataset.train.labels[0]]
    stages = stage_outputs(training.model, image)
    save_inside_figures(place, convolution_kernels(training.model), image, stages, label)
    if recorder:
        count = len(recorder.labels)
        title = f"{config.model} on {config.backend}: layer {config.recipe.tsne_layer!r}, {count} test images"
        save_tsne_figures(place, recorder.features(training.model), recorder.labels, title, recorder.frames)
    print(f"figures in {place}", file=sys.stderr)
