"""`check`: run a model on every backend, compare what each layer computes, and say who is wrong."""

import time
from collections.abc import Callable, Iterator, Sequence

from keras_parity import judge
from keras_parity.comparison import Comparison, Pass, TooFewBackends, usual_batch_size
from keras_parity.draws import Draw
from keras_parity.environment import describe_environment
from keras_parity.errors import UsageError
from keras_parity.source import describe_source
from keras_parity.verdict import Outcome, Verdict
from keras_parity.workers import Workers, installed_backends, shared_workers

DTYPES = ("float32", "float64", "bfloat16", "float16", "mixed_bfloat16", "mixed_float16")

# The draws on which inference mode is compared beside training mode.
INFERENCE_DRAWS = ("given", "ordinary 1", "blank", "large")


def check(
    model,
    backends: Sequence[str] | None = None,
    *,
    kwargs: dict | None = None,
    custom: str | None = None,
    inputs=None,
    targets=None,
    loss=None,
    optimizer=None,
    metrics: Sequence = (),
    steps: int = 3,
    dtype: str = "float32",
    seed: int = 1,
    batch_size: int | None = None,
    training: bool = True,
    edge: bool = True,
    special: bool = False,
    reload: bool = True,
    accepted: Sequence = (),
    workers: Workers | None = None,
    patches: dict | None = None,
    time_limit: float = 300.0,
    say: Callable[[str], None] | None = None,
) -> Verdict:
    """Return whether backends agree on a model, and which layer of which backend is wrong if not.

    Args:
        model: A `.keras` file, `"module:function"`, or a function that builds the model.
        backends: Two or more of those installed; None for all.
        kwargs: Arguments of the function.
        custom: A module to import first, whose custom classes the file needs.
        inputs: Arrays in the structure that the model takes; None draws them from its specification.
        targets: Arrays, one for each output; None draws what fits the loss.
        loss: As in `compile`, or `"module:function"`; None takes the mean squared error.
        optimizer: As in `compile`, or `"module:function"`; None takes Adam.
        metrics: As in `compile`.
        steps: Training steps; 0 for none, and then no loss is compared that is not given.
        dtype: The dtype policy to ask about, one of `DTYPES`.
        seed: Draws weights, inputs, targets and random layers' numbers.
        batch_size: Examples in a draw; None takes 4, or 2 of a model whose activations or weights are large.
        training: Whether to check gradients, training mode, loss, optimiser and metrics too.
        edge: Whether to add edge draws: blank, constant and tied inputs, large and tiny ones, a batch of one.
        special: Whether to add NaN, infinities and subnormal numbers.
        reload: Whether to save on each backend and load on another one.
        accepted: Accepted divergences, from `keras_parity.accepted`.
        workers: Processes to use; None takes those that this process shares.
        patches: For tests of the engine: by backend, a function that returns a context manager to enter in its worker.
        time_limit: Seconds that a backend may take for one stage.
        say: Gets a line on each stage.

    Raises:
        UsageError: If the arguments make no sense.
    """
    started = time.perf_counter()
    source = describe_source(model, kwargs, custom)
    names = _check_arguments(backends, dtype, steps, batch_size)
    settings = {
        "backends": list(names),
        "dtype": dtype,
        "seed": seed,
        "batch_size": batch_size,
        "steps": steps if training else 0,
        "loss": str(loss or "mean_squared_error"),
        "optimizer": str(optimizer or "adam"),
        "metrics": [str(metric) for metric in metrics],
        "threshold": judge.ACCURATE,
        "kwargs": kwargs or {},
        "custom": custom,
        "training": training,
        "edge": edge,
        "special": special,
    }
    if len(names) < 2:
        reason = (
            f"only one backend is here to compare ({names[0]}); install a second one"
            if names
            else "no backend is installed"
        )
        return Verdict(Outcome.INCONCLUSIVE, reason, source.label, settings=settings)
    run = Comparison(names, workers or shared_workers(), dtype, seed, time_limit, say or _say_nothing)
    try:
        run.open(source, patches or {}, inputs)
        settings["batch_size"] = batch_size or usual_batch_size(run.large)
        draws = run.make_draws(inputs, settings["batch_size"], edge, special)
        training = training and len(run.trainers) > 1
        run.compare_calls(_passes(run, draws, training))
        if training and (steps or loss is not None or metrics):
            run.compare_learning(draws[0], targets, loss, optimizer, metrics, steps, edge)
        if reload:
            run.compare_reloading(draws[0])
    except TooFewBackends:
        pass
    finally:
        run.close()
    outcome, reason = _conclude(run)
    verdict = Verdict(
        outcome,
        reason,
        source.label,
        findings=run.ordered_findings(),
        notes=run.all_notes(),
        measurements=run.ordered_measurements(),
        failures=run.failures,
        settings=settings,
        environment=describe_environment(run.versions),
        seconds=time.perf_counter() - started,
    )
    if accepted:
        from keras_parity.accepted import apply_accepted

        verdict = apply_accepted(verdict, accepted, verdict.environment.get("versions", {}))
    return verdict


def _passes(run: Comparison, draws: list[Draw], training: bool) -> Iterator[Pass]:
    """Yield the runs of the model to compare."""
    guests = len(run.trainers) < len(run.active)  # who see inference alone, so there all layers are compared
    for draw in draws:
        measure = draw is draws[0]
        if training:
            everything = draw.name != "batch of one"  # another shape alone: each layer would be compiled anew
            yield Pass(draw, training=True, backward=True, everything=everything, measure=measure)
        # Most layers compute the same in both modes: an ordinary draw and the blank one find those that do not.
        # Large inputs are still large behind a BatchNormalization in inference alone.
        if not training or (draw.name in INFERENCE_DRAWS and (guests or run.depends_on_mode)):
            everything, backward = guests or not training, training and not guests
            yield Pass(draw, training=False, backward=backward, everything=everything, measure=measure)


def _say_nothing(line: str) -> None:
    pass


def _check_arguments(backends, dtype: str, steps: int, batch_size: int | None) -> tuple[str, ...]:
    installed = installed_backends()
    for backend in backends or ():
        if backend not in installed:
            raise UsageError(f"the backend {backend!r} is not installed; there are {', '.join(installed) or 'none'}")
    if dtype not in DTYPES:
        raise UsageError(f"no dtype {dtype!r} to check; choose one of {', '.join(DTYPES)}")
    if steps < 0 or (batch_size is not None and batch_size < 1):
        raise UsageError(f"steps is {steps} and batch_size {batch_size}; they must be at least 0 and 1")
    return tuple(dict.fromkeys(backends or installed))


def _conclude(run: Comparison) -> tuple[Outcome, str]:
    """Return the outcome and the sentence that gives its reason."""
    findings = run.ordered_findings()
    if findings:
        culprits = list(dict.fromkeys(finding.culprit for finding in findings))
        first = culprits[0]
        alone = f"{first.backend} is alone" if first.backend else "no two backends agree"
        more = f", and {len(culprits) - 1} more" if len(culprits) > 1 else ""
        edge = "" if any(finding.ordinary for finding in findings) else " (on edge inputs only)"
        return Outcome.DISAGREE, f"the backends disagree at {first.layer}: {alone}{more}{edge}"
    if run.raised_everywhere:
        return Outcome.INCONCLUSIVE, f"the model raises on every backend: {run.raised_everywhere}"
    if run.failures:
        backend, text = next(iter(run.failures.items()))
        return Outcome.INCONCLUSIVE, f"{backend} did not finish: {text}"
    if run.unjudged:
        return Outcome.INCONCLUSIVE, f"not all could be compared: {run.unjudged}"
    if not run.compared:
        return Outcome.INCONCLUSIVE, "nothing could be compared: no result was finite on ordinary inputs"
    return Outcome.AGREE, f"{', '.join(run.backends)} agree on all {run.compared} quantities compared"
