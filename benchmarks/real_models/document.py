"""The bench's results as counts and as a Markdown document."""

from collections.abc import Sequence
from typing import Any

from benchmarks.real_models.bench import SKIPPED, Result
from benchmarks.real_models.catalogue import MODELS
from benchmarks.real_models.entry import Model
from benchmarks.real_models.truth import Truth


def summarise(results: list[Result]) -> dict[str, int]:
    """Return the counts that the targets are about."""
    run = [result for result in results if result.outcome != SKIPPED]
    mistakes = [result.mistake for result in run if result.mistake]
    kinds: dict[str, str | tuple[str, ...]] = {
        "false_alarms": "false alarm",
        "silent_passes": "silent pass",
        "no_answer": ("no answer", "the check failed"),
    }
    counts = {kind: sum(text.startswith(start) for text in mistakes) for kind, start in kinds.items()}
    return {
        "models": len({result.trial.model for result in run}),
        "checks": len(run),
        "right": len(run) - len(mistakes),
        **counts,
        "wrong_blame": len(mistakes) - sum(counts.values()),
        "skipped": len(results) - len(run),
    }


def render_document(
    results: list[Result],
    truths: dict[str, Truth],
    environment: dict[str, Any],
    earlier: frozenset[str] = frozenset(),
    absent: Sequence[str] = (),
) -> str:
    """Return the document: counts, what is wrong, each model, the divergences that are expected.

    Args:
        results: Of all checks.
        truths: What plain Keras computes, by model.
        environment: What a verdict says it ran on; `command` is the bench's.
        earlier: The names of results that an earlier state of the engine gave.
        absent: The names of checks that were not made.
    """
    count = summarise(results)
    versions = ", ".join(f"{name} {version}" for name, version in environment["versions"].items())
    by_model: dict[str, list[Result]] = {}
    for result in results:
        by_model.setdefault(result.trial.model, []).append(result)
    dtypes = list(dict.fromkeys(result.trial.dtype for result in results))
    seeds = sorted({result.trial.seed for result in results})
    parts = [
        "# Real models",
        "",
        f"Written by `{environment['command']}` on {environment['date'][:10]}: {environment['processor']}, "
        f"{environment['cores']} cores, {versions}.",
        "",
        f"{count['models']} models, checked as a user would, in {', '.join(dtypes)}, seeds "
        f"{', '.join(map(str, seeds))}. What is right was measured without the engine, by plain Keras, each backend in "
        "a process of its own (`python -m benchmarks.real_models.truth`). A verdict is right when its outcome is, and "
        "when a disagreement names each layer and backend that differs and no other. Seconds and memory (of the "
        "program and all its processes together, shared pages counted in each) are the largest of a model's checks.",
        "",
        "| | |",
        "| --- | ---: |",
        f"| checks | {count['checks']} |",
        f"| right | {count['right']} |",
        f"| false alarms | {count['false_alarms']} |",
        f"| silent passes | {count['silent_passes']} |",
        f"| no answer | {count['no_answer']} |",
        f"| wrong layer or backend | {count['wrong_blame']} |",
        f"| skipped | {count['skipped']} |",
        "",
    ]
    if earlier:
        parts += [
            f"{len(earlier)} of the checks were made with earlier states of the engine, which was worked on while the "
            "bench ran. A run without `--recorded` and `--earlier` makes all of them anew.",
            "",
        ]
    if absent:
        parts += [f"{len(absent)} checks of the catalogue were not made: {', '.join(absent)}.", ""]
    wrong = [result for result in results if result.mistake]
    if wrong:
        parts += ["## Wrong", ""] + [f"- {result.name}: {result.mistake}" for result in wrong] + [""]
    for family in dict.fromkeys(MODELS[name].family for name in by_model):
        parts += [
            f"## {family[0].upper()}{family[1:]}" if "." not in family else f"## {family}",
            "",
            "| model | layers | parameters | expected | verdict | | seconds | peak MiB |",
            "| --- | ---: | ---: | --- | --- | --- | ---: | ---: |",
        ]
        for name, some in by_model.items():
            if MODELS[name].family == family:
                parts.append(render_row(MODELS[name], some, truths.get(name)))
        parts.append("")
    reasons = [(name, MODELS[name].expected) for name in by_model if MODELS[name].expected.reason]
    if reasons:
        parts += ["## What is expected to differ", ""]
        parts += [f"- {name}: {expected.reason}" for name, expected in reasons]
    return "\n".join(parts).rstrip() + "\n"


def render_row(model: Model, results: list[Result], truth: Truth | None) -> str:
    """Return a model's row of the table."""
    outcomes = list(dict.fromkeys(result.outcome for result in results))
    run = [result for result in results if result.outcome != SKIPPED]
    wrong = sum(result.mistake is not None for result in run)
    mark = results[0].reason if not run else "right" if not wrong else f"**wrong in {wrong} of {len(run)}**"
    parameters = f"{truth.parameters:,}" if truth and truth.parameters is not None else ""
    layers = str(truth.layers) if truth and truth.layers is not None else ""
    seconds = f"{max(result.seconds for result in run):.1f}" if run else ""
    peak = f"{max(result.peak_mib for result in run):,}" if run else ""
    cells = [model.name, layers, parameters, model.expected.outcome, ", ".join(outcomes), mark, seconds, peak]
    return f"| {' | '.join(cells)} |"
