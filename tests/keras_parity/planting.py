"""A check with a fault planted in one execution's worker."""

from keras_parity.comparison import Patches, run_check
from keras_parity.crew import Crew, shared_crew
from keras_parity.request import make_request
from keras_parity.verdict import Verdict


def check(model, backends=None, *, patches: Patches | None = None, crew: Crew | None = None, **options) -> Verdict:
    """Return a verdict as `keras_parity.check` does.

    Args:
        model: As for `keras_parity.check`.
        backends: Likewise.
        patches: By execution, a function that returns a context manager to enter in its worker.
        crew: The workers; None for those that are shared.
        options: As for `keras_parity.check`.
    """
    return run_check(make_request(model, backends, **options), crew or shared_crew(), lambda _: None, patches)
