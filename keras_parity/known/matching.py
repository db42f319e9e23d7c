"""Which known divergence a finding is."""

import difflib
from collections.abc import Collection, Mapping

from keras_parity.errors import UsageError
from keras_parity.known.catalogue import CATALOGUE
from keras_parity.known.divergence import KnownDivergence
from keras_parity.verdict import Finding


def find_known(
    finding: Finding,
    versions: Mapping[str, str],
    dtype: str | None = None,
    configuration: Mapping[str, object] | None = None,
    functions: Collection[str] = (),
) -> KnownDivergence | None:
    """Return the known divergence that a finding is, or None.

    Args:
        finding: What a check found.
        versions: The installed versions of Keras and the backends; without Keras's, nothing is known.
        dtype: The dtype policy under test; without it, divergences of some dtypes alone are not recognised.
        configuration: The arguments of the layer or operation; without them, divergences that depend on one, as on
            `padding`, are not recognised.
        functions: The backend's functions that the layer's own code runs; without them, divergences of an operation
            within it are not recognised.
    """
    every = CATALOGUE.values()
    return next((known for known in every if known.matches(finding, versions, dtype, configuration, functions)), None)


def known_by_name(name: str) -> KnownDivergence:
    """Return the known divergence of a name, as `parity.toml` gives it.

    Raises:
        UsageError: If there is none.
    """
    if name in CATALOGUE:
        return CATALOGUE[name]
    near = difflib.get_close_matches(name, CATALOGUE, 1)
    hint = f"did you mean {near[0]}?" if near else "docs/known-divergences.md lists all"
    raise UsageError(f"no divergence of Keras is known as {name!r}; {hint}")
