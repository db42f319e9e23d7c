"""The catalogue: every divergence that a script in docs/divergences verifies, by subject and name."""

from keras_parity.known.catalogue import (
    gradients,
    kinks,
    not_finite,
    precision,
    refusals,
    results,
    training,
    types,
)
from keras_parity.known.divergence import KnownDivergence

# What the files are about, in the order of the document.
SUBJECTS: dict[str, tuple[KnownDivergence, ...]] = {
    "Training": training.DIVERGENCES,
    "Gradients at kinks, ties and zeros": kinks.DIVERGENCES,
    "Other gradients": gradients.DIVERGENCES,
    "Other values": results.DIVERGENCES,
    "NaN and infinity": not_finite.DIVERGENCES,
    "Precision": precision.DIVERGENCES,
    "Dtypes": types.DIVERGENCES,
    "Calls that raise": refusals.DIVERGENCES,
}
CATALOGUE: dict[str, KnownDivergence] = {known.name: known for part in SUBJECTS.values() for known in part}
