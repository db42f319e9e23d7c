"""The document of all known divergences, generated from the catalogue."""

from collections.abc import Iterable

from keras_parity.known.catalogue import CATALOGUE, SUBJECTS
from keras_parity.known.divergence import NOBODY, DrawKind, KnownDivergence
from keras_parity.protocol.cause import Cause

_TITLES = {"tensorflow": "TensorFlow", "jax": "JAX", "torch": "PyTorch", NOBODY: "no two agree"}

_INTRODUCTION = """\
# Known divergences of Keras

Written by `python -m keras_parity.known > docs/known-divergences.md`; a test compares it with the catalogue in
`keras_parity/known`.

Each of these is a divergence of Keras itself, verified on Keras 3.15.1, TensorFlow 2.21, JAX 0.10.2 and PyTorch 2.13 by
a script in [docs/divergences](divergences) that states an independent calculation. A finding is called by its name
where the class of layer, the backend that is alone, the kind of quantity, the cause, the kind of draw, the dtype, the
size and, for errors, the text all fit.

The rule:

- A known divergence that shows **on edge draws alone** is a warning, and the check passes. So is one in a **gradient of
  data**, as of the augmentations that a model begins with: no training needs it.
- A known divergence **on ordinary data** fails, with its name, until the project accepts that name in `parity.toml`.
- What is **not known** fails.

Not recognised on purpose: kinks and ties on ordinary data, since a wrong derivative looks the same there; and what
depends on a layer's configuration, as on `padding`, where the configuration is not known."""


def render_document() -> str:
    """Return the document as Markdown."""
    parts = [_INTRODUCTION, _render_counts()]
    for subject, divergences in SUBJECTS.items():
        rows = "\n".join(_render_row(known) for known in divergences)
        parts.append(f"## {subject}\n\n{_HEADER}\n{rows}")
    return "\n\n".join(parts) + "\n"


_HEADER = "| name | what, when it matters, what to do | alone | cause | on |\n| --- | --- | --- | --- | --- |"


def _render_counts() -> str:
    every = list(CATALOGUE.values())
    silent = [known for known in every if not known.signs]
    edge = [known for known in every if known.signs and known.on_edge_draws_alone]
    rows = [
        ("all", every),
        ("recognised on edge draws alone: a warning", edge),
        ("recognised on ordinary data, too", [known for known in every if known not in edge and known.signs]),
        ("no check can show it", silent),
        *((f"cause: {cause.value}", [known for known in every if cause in known.causes]) for cause in Cause),
        *((f"alone: {_TITLES[name]}", [known for known in every if name in known.backends]) for name in _TITLES),
    ]
    lines = [f"| {label} | {len(found)} |" for label, found in rows]
    return "\n".join(
        ["| divergences | count |", "| --- | --- |", *lines, "", "One may have several causes, and several backends."]
    )


def _render_row(known: KnownDivergence) -> str:
    text = f"{known.title} **Matters when** {known.matters_when} **Do:** {known.what_to_do}"
    alone = ", ".join(_TITLES[name] for name in _TITLES if name in known.backends) or "–"
    causes = ", ".join(cause.value for cause in Cause if cause in known.causes) or "–"
    draws = _describe_draws(kind for sign in known.signs for kind in sign.draws)
    link = known.script.removeprefix("docs/")
    return f"| [{known.name}]({link}) | {text.replace('|', chr(92) + '|')} | {alone} | {causes} | {draws} |"


def _describe_draws(kinds: Iterable[DrawKind]) -> str:
    found = set(kinds)
    return ", ".join(kind.value for kind in DrawKind if kind in found) or "–"
