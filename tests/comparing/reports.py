"""Made-up runs and reports."""

from pathlib import Path

import numpy as np

from comparing.answers import conclude, verdict_sentence
from comparing.destination import compare_destinations
from comparing.predictions import compare_predictions
from comparing.report.content import Curve, DisputedExample, Environment, Report, RunSummary, SweepRow
from comparing.runs import Run
from comparing.speed import summarise_speed
from comparing.steps import Recording, compare_steps
from keras_parity.names import TRAINING_BACKENDS

CLASS_NAMES = ("shirt", "<script>alert(1)</script>", "bag")


def make_run(backend="jax", seed=1, accuracy=0.98, speed=1000.0, examples=10_000) -> Run:
    """Return a finished run, with what the reports read of one."""
    result = {
        "test_accuracy": accuracy,
        "test_loss": 0.1,
        "test_examples": examples,
        "images_per_second": speed,
        "training_seconds": 10.0,
        "seconds_to_first_step": {"imports": 2.0, "data": 0.5, "model_and_first_step": 1.0},
        "peak_memory_mib": 800.0,
        "epochs": 1,
    }
    log = [{"epoch": 0, "step": s, "train_loss": 1 / s, "test_accuracy": 1 - 0.5 / s} for s in (50, 100, 150)]
    history = [{"epoch": 0.0, "loss": 0.3, "accuracy": 0.9, "seconds": 10.0, "images_per_second": speed}]
    return Run(backend, seed, Path("runs") / f"{backend}-seed{seed}", None, True, result, {}, log, history)


def make_runs(means, spread=0.1, seeds=5, speeds=(3000.0, 1000.0, 2000.0), examples=10_000) -> list[Run]:
    """Return runs whose accuracies in per cent lie evenly about each backend's mean."""
    offsets = np.linspace(-1, 1, seeds) * spread * np.sqrt(1.5) if seeds > 1 else [0.0]
    return [
        make_run(backend, seed, (mean + offset) / 100, speed * (1 + 0.01 * seed), examples)
        for backend, mean, speed in zip(TRAINING_BACKENDS, means, speeds, strict=True)
        for seed, offset in enumerate(offsets, 1)
    ]


def make_classes(seeds=4, examples=10_000, between=100, alone=None, extra=0, seed=0) -> dict:
    """Return predictions: any two runs differ on about `between` examples, and one backend's on `extra` more."""
    generator = np.random.default_rng(seed)
    truth = generator.integers(0, 3, examples)
    shifted = generator.choice(examples, extra, replace=False)
    classes = {}
    for backend in TRAINING_BACKENDS:
        for number in range(1, seeds + 1):
            own = truth.copy()
            wrong = generator.choice(examples, between // 2, replace=False)
            own[wrong] = (own[wrong] + 1) % 3
            if backend == alone:
                own[shifted] = (own[shifted] + 2) % 3
            classes[backend, number] = own
    return classes


def make_recording(drift=1e-9, steps=6, perturbed=2, loss_drift=1e-8, seed=0, batch="a") -> Recording:
    """Return what a backend records that comes apart from the exact training by `drift` a step; the band is 1e-8."""
    generator = np.random.default_rng(seed)

    def walk(size):
        return np.cumsum(generator.choice([-1.0, 1.0], (steps, 20)) * size, axis=0)

    own = np.linspace(1.0, 2.0, 20) + walk(drift)
    followed = np.stack([own, *(own + walk(1e-8) for _ in range(perturbed))])
    own_loss = 1.0 + loss_drift * generator.choice([-1.0, 1.0], steps)
    losses = np.stack([own_loss, *(own_loss + 1e-8 * generator.choice([-1.0, 1.0], steps) for _ in range(perturbed))])
    return Recording(["hidden/kernel"], [20], [f"{batch}{step}" for step in range(steps)], losses, [followed])


def make_report(means=(98.0, 98.0, 98.0), seeds=5, alone=None, extra=0, model="mnist_cnn") -> Report:
    """Return a whole report, but for the engine's verdicts."""
    runs = make_runs(means, seeds=seeds)
    classes = make_classes(seeds, alone=alone, extra=extra)
    steps = compare_steps({b: make_recording(seed=i) for i, b in enumerate(TRAINING_BACKENDS)}, TRAINING_BACKENDS)
    answers = (
        steps,
        compare_destinations(runs, TRAINING_BACKENDS, 0.3, False),
        compare_predictions(classes, TRAINING_BACKENDS, False),
    )
    outcome = conclude(answers, {})
    return Report(
        outcome=outcome.value,
        sentence=verdict_sentence(model, TRAINING_BACKENDS, answers, outcome, {}),
        model=model,
        title="A <b>network</b>",
        source="ours",
        parameters=100,
        test_examples=10_000,
        class_names=CLASS_NAMES,
        smoke=False,
        backends=TRAINING_BACKENDS,
        seeds=tuple(range(1, seeds + 1)),
        margin=0.3,
        recipe={"epochs": 1, "dataset": "mnist"},
        answers=answers,
        failures={},
        runs=tuple(
            RunSummary(
                run.backend,
                run.seed,
                run.path.as_posix(),
                True,
                run.accuracy,
                0.1,
                run.result["images_per_second"],
                training_seconds=10.0,
                peak_memory_mib=800.0,
                epochs=1,
            )
            for run in runs
        ),
        curves=tuple(
            Curve(
                run.backend,
                run.seed,
                "log",
                step=tuple(row["step"] for row in run.log),
                loss=tuple(row["train_loss"] for row in run.log),
                accuracy=tuple(row["test_accuracy"] for row in run.log),
            )
            for run in runs
        ),
        twins=tuple(
            Curve(
                "tensorflow",
                1,
                "log",
                step=(50, 100, 150),
                loss=(0.02, 0.01, 0.006),
                accuracy=(accuracy, accuracy + 0.001, accuracy + 0.002),
            )
            for accuracy in (0.991, 0.989)
        ),
        speed=summarise_speed(runs, TRAINING_BACKENDS),
        sweep=tuple(
            SweepRow(size, backend, 10.0 * size, 9.0 * size, 11.0 * size)
            for size in (10, 50)
            for backend in TRAINING_BACKENDS
        ),
        confusions={backend: ((10, i, 0), (0, 10, 0), (0, 0, 10)) for i, backend in enumerate(TRAINING_BACKENDS)},
        disputed=(
            DisputedExample(
                index=7,
                truth=1,
                predicted={"tensorflow": 1, "jax": 0, "torch": 2},
                pixels=np.arange(784).reshape(28, 28).astype(np.uint8).tolist(),
            ),
        ),
        disputed_seed=1,
        engine={},
        environment=Environment(
            git_commit="abc",
            versions={"python": "3.11", "keras": "3.15.1", "tensorflow": "2.21", "jax": "0.10", "torch": "2.13"},
            system="Linux",
            processor="a processor",
            cores=2,
            memory_gib=8.0,
            settings={},
            devices=dict.fromkeys(TRAINING_BACKENDS, ("CPU",)),
            threads={backend: {} for backend in TRAINING_BACKENDS},
        ),
        command=f"compare.py --model {model}",
        date="2026-01-01T00:00:00+00:00",
        seconds=1.0,
    )
