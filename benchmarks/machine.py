"""What every table carries: the machine, the versions and the day that its numbers are from."""

from keras_parity.names import TRAINING_BACKENDS
from training.environment import describe_environment


def describe_machine(environment: dict | None = None) -> str:
    """Return them as `AMD EPYC, 2 cores; keras 3.15.1, …; 2026-11-23`.

    Args:
        environment: As a measurement kept it; None for here and now.
    """
    environment = environment or describe_environment(None)
    versions = ", ".join(f"{name} {environment['versions'][name]}" for name in ("keras", *TRAINING_BACKENDS))
    return f"{environment['processor']}, {environment['cores']} cores; {versions}; {environment['date'][:10]}"
