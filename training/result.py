"""The outcome of a finished run: `result.json`, and the lines that the terminal shows."""

from data.split import Split
from training.fit import Training, peak_memory_mib
from training.run_folder import RunConfig
from training.scoring import Score


def make_result(
    config: RunConfig, training: Training, test: Split, scored: Score | None, moments: dict[str, float]
) -> dict:
    """Return what `result.json` holds.

    Args:
        config: The run.
        training: What training did.
        test: The examples it was scored on.
        scored: Its score on them; None if nobody knows their labels.
        moments: `time.time()` when the process started, had imported keras, and had read the data.
    """
    return {
        "model": config.model,
        "backend": config.backend,
        "seed": config.recipe.seed,
        "parameters": training.model.count_params(),
        "epochs": len(training.history),
        "test_examples": len(test),
        "test_accuracy": scored.accuracy if scored else None,
        "test_loss": scored.loss if scored else None,
        "first_predictions": scored.predictions[:10].tolist() if scored else None,
        "first_labels": test.labels[:10].tolist() if scored else None,
        "training_seconds": training.seconds,
        "images_per_second": training.images_per_second,
        "logging_seconds": training.logging_seconds,
        "seconds_to_first_step": {
            "imports": moments["imported"] - moments["started"],
            "data": moments["read"] - moments["imported"],
            "model_and_first_step": (training.first_step_done or moments["read"]) - moments["read"],
        },
        "peak_memory_mib": peak_memory_mib(),
    }


def describe_result(result: dict, examples: str = "images") -> str:
    """Return the summary of a run, a few lines.

    Args:
        result: What `result.json` holds.
        examples: What the examples are called.
    """
    start = result["seconds_to_first_step"]
    share = result["logging_seconds"] / result["training_seconds"]
    if result["test_accuracy"] is None:
        score = f"the {result['test_examples']:,} test images have no labels, so there is no score"
    else:
        score = f"test accuracy {result['test_accuracy']:.4f}, loss {result['test_loss']:.4f} "
        score += f"on {result['test_examples']:,} test {examples}"
    return "\n".join(
        (
            score,
            f"training took {result['training_seconds']:.1f} s, {result['images_per_second']:,.0f} {examples}/s after "
            f"the first step; the accuracy log took {result['logging_seconds']:.1f} s of it ({share:.0%})",
            f"first step done after {sum(start.values()):.1f} s: imports {start['imports']:.1f}, "
            f"data {start['data']:.1f}, model and first step {start['model_and_first_step']:.1f}",
            f"peak memory {result['peak_memory_mib']:,.0f} MiB",
        )
    )
