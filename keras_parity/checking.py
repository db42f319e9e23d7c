"""`check`: run a model on every backend, compare what each layer computes, and say who is wrong."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from keras_parity.accepted import Accepted, apply_accepted
from keras_parity.comparison import run_check
from keras_parity.crew import Crew, shared_crew
from keras_parity.request import make_request
from keras_parity.verdict import Verdict


def check(
    model: object,
    backends: Sequence[str] | None = None,
    *,
    kwargs: Mapping[str, Any] | None = None,
    custom: str | None = None,
    inputs: Any = None,
    targets: Any = None,
    loss: Any = None,
    optimizer: Any = None,
    metrics: Any = (),
    loss_weights: Any = None,
    weighted_metrics: Any = None,
    sample_weight: Any = None,
    class_weight: Mapping[int, float] | None = None,
    steps: int = 3,
    dtype: str = "float32",
    seed: int = 1,
    batch_size: int | None = None,
    training: bool = True,
    edge: bool = True,
    special: bool = False,
    reload: bool = True,
    accepted: Sequence[Accepted] = (),
    crew: Crew | None = None,
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
        targets: An array for one output, a list or a dictionary for several; None draws what fits the loss.
        loss: As in `compile`, or `"module:function"`; None takes what the model came compiled with, else the mean
            squared error.
        optimizer: As in `compile`, or `"module:function"`; None takes what the model came compiled with, else Adam.
        metrics: As in `compile`.
        loss_weights: As in `compile`.
        weighted_metrics: As in `compile`.
        sample_weight: As in `fit`: an array, a number for each example.
        class_weight: As in `fit`: a number for each class, by its own number; not beside `sample_weight`.
        steps: Training steps; 0 for none, and then no loss is compared that is not given.
        dtype: The dtype policy to ask about, one of `keras_parity.names.DTYPES`.
        seed: Draws weights, inputs, targets and random layers' numbers.
        batch_size: Examples in a draw; None takes 4, or 2 of a model whose activations or weights are large.
        training: Whether to check gradients, training mode, loss, optimiser and metrics too.
        edge: Whether to add edge draws: blank, constant and tied inputs, large and tiny ones, a batch of one.
        special: Whether to add NaN, infinities and subnormal numbers.
        reload: Whether to save on each backend and load on another one.
        accepted: Accepted divergences, from `keras_parity.accepted`.
        crew: Processes to use; None takes those that this process shares.
        time_limit: Seconds that a backend may take for one stage.
        say: Gets a line on each stage.

    Raises:
        UsageError: If the arguments make no sense.
    """
    request = make_request(
        model,
        backends,
        kwargs=kwargs,
        custom=custom,
        inputs=inputs,
        targets=targets,
        loss=loss,
        optimizer=optimizer,
        metrics=metrics,
        loss_weights=loss_weights,
        weighted_metrics=weighted_metrics,
        sample_weight=sample_weight,
        class_weight=class_weight,
        steps=steps,
        dtype=dtype,
        seed=seed,
        batch_size=batch_size,
        training=training,
        edge=edge,
        special=special,
        reload=reload,
        time_limit=time_limit,
    )
    verdict = run_check(request, crew or shared_crew(), say or _say_nothing)
    return apply_accepted(verdict, accepted) if accepted else verdict


def _say_nothing(line: str) -> None:
    pass
