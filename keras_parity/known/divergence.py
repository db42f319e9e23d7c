"""A known divergence of Keras, and the signs by which a finding is recognised as one.

A sign is narrow on purpose: a divergence that is known must never hide a fault that is not. What a finding does not
carry no sign can ask for; where that would be needed, there is no sign, as for kinks on ordinary data: only at the
point itself could they be told from another wrong derivative. A layer's configuration comes beside the finding; without
it, signs that need it do not fit.
"""

import enum
import fnmatch
import math
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from keras_parity.draws import BATCH_OF_ONE, BLANK, CERTAIN, PARTIAL
from keras_parity.protocol.cause import Cause
from keras_parity.protocol.quantity import Aspect, Kind, Quantity
from keras_parity.verdict import Finding

# In a sign's `alone`: no two backends agree.
NOBODY = "nobody"
# What gradients are drawn for is standard normal: none of the entries is larger than this.
NORMAL = 8.0


class DrawKind(enum.Enum):
    """On what data a finding shows; the value is the draw's name but for ordinary ones, which are numbered or given."""

    ORDINARY = "ordinary"
    BLANK = BLANK
    CONSTANT = "constant"
    TIES = "ties"
    BATCH_OF_ONE = BATCH_OF_ONE
    LARGE = "large"
    TINY = "tiny"
    CERTAIN = CERTAIN
    PARTIAL = PARTIAL
    NAN = "NaN"
    INFINITY = "infinity"
    SUBNORMAL = "subnormal"


Draws = frozenset[DrawKind]
ORDINARY: Draws = frozenset({DrawKind.ORDINARY})
# Where values are equal to each other or zero: one row, one channel, padding.
EQUAL: Draws = frozenset({DrawKind.BLANK, DrawKind.CONSTANT, DrawKind.TIES})
ONE_OR_EQUAL: Draws = EQUAL | {DrawKind.BATCH_OF_ONE}
SATURATED: Draws = frozenset({DrawKind.LARGE})
SPECIAL: Draws = frozenset({DrawKind.NAN, DrawKind.INFINITY})
EVERY: Draws = frozenset(DrawKind) - SPECIAL - {DrawKind.SUBNORMAL}
_NUMBER = frozenset({Cause.SEMANTIC, Cause.PRECISION})
# What a layer computes from an output of an operation within it.
_FROM_OUTPUTS = frozenset({Kind.OUTPUT, Kind.STATE, Kind.ADDED_LOSS, Kind.GRADIENT})


@dataclass(frozen=True, kw_only=True)
class Sign:
    """One way in which a divergence shows.

    Attributes:
        operations: Classes of layers and operations; of what is no layer, the identifiers of a loss or an optimiser, or
            `train_on_batch`.
        alone: The backends that may be alone; with `NOBODY`, no two may agree.
        kinds: Kinds of quantity.
        causes: Causes.
        draws: On which data.
        aspect: Which property of the quantity.
        names: Patterns, as of a shell, of the quantity's own name; one must fit.
        dtypes: The dtype policies that it shows under; None for all.
        says: A regular expression that the finding's detail must hold.
        largest: The largest absolute difference that it explains; None for any.
        most_units: The largest difference in rounding units that it explains; None for any.
        configuration: What the layer's or operation's configuration must hold, each value as text.
    """

    operations: frozenset[str]
    alone: frozenset[str]
    kinds: frozenset[Kind]
    causes: frozenset[Cause]
    draws: Draws
    aspect: Aspect = Aspect.VALUE
    names: tuple[str, ...] = ("*",)
    dtypes: frozenset[str] | None = None
    says: str = ""
    largest: float | None = None
    most_units: float | None = None
    configuration: tuple[tuple[str, str], ...] = ()

    def where(self, **configuration: str) -> "Sign":
        """Return this sign, for layers of a configuration alone, as `padding="same"`."""
        return replace(self, configuration=tuple(configuration.items()))

    def fits(
        self,
        finding: Finding,
        dtype: str | None,
        configuration: Mapping[str, object] | None,
        functions: Collection[str] = (),
    ) -> bool:
        """Return whether a finding shows this sign; arguments as in `KnownDivergence.matches`."""
        return (
            _fits_backend(finding, self.alone)
            and finding.cause in self.causes
            and draw_kind_of(finding) in self.draws
            and (self.dtypes is None or dtype in self.dtypes)
            and _lies_within(finding.max_abs_error, self.largest, finding.cause)
            and _lies_within(finding.rounding_units, self.most_units, finding.cause)
            and (self._fits_call(finding, configuration) or self._fits_within(finding, functions))
        )

    def _fits_call(self, finding: Finding, configuration: Mapping[str, object] | None) -> bool:
        """Return whether a finding is one at the operation itself."""
        return (
            operation_of(finding) in self.operations
            and _fits_quantity(finding.quantity, self)
            and all(str((configuration or {}).get(key)) == value for key, value in self.configuration)
            and re.search(self.says, finding.detail) is not None
        )

    def _fits_within(self, finding: Finding, functions: Collection[str]) -> bool:
        """Return whether a finding may come from the operation within a layer, which runs it as a function.

        That is one of edge draws alone, or an error, which its text tells apart. Names, and words on numbers, are of
        the operation and not of the layer.
        """
        kinds = self.kinds | (_FROM_OUTPUTS if Kind.OUTPUT in self.kinds else set())
        says = self.says if finding.cause in (Cause.ERROR, Cause.NAN) else ""
        return (
            (not finding.ordinary or finding.cause is Cause.ERROR)
            and not self.configuration
            and not {_function_of(operation) for operation in self.operations}.isdisjoint(functions)
            and finding.quantity.kind in kinds
            and finding.quantity.aspect is self.aspect is Aspect.VALUE
            and re.search(says, finding.detail) is not None
        )


@dataclass(frozen=True)
class Since:
    """The versions of a package that have a divergence.

    Attributes:
        package: `keras` or a backend.
        first: The first version that it was verified on.
        fixed_in: The first version that does not have it; None while no release is known to be without.
    """

    package: str = "keras"
    first: str = "3.15"
    fixed_in: str | None = None

    def holds(self, versions: Mapping[str, str]) -> bool:
        """Return whether the installed version is one of them; one that is not known is not."""
        installed = versions.get(self.package)
        if installed is None or _release(installed) < _release(self.first):
            return False
        return self.fixed_in is None or _release(installed) < _release(self.fixed_in)


@dataclass(frozen=True, kw_only=True)
class KnownDivergence:
    """One divergence of Keras that a script has verified.

    Attributes:
        name: What a project writes in `parity.toml`; it does not change.
        title: One sentence.
        signs: How a check may show it; none where the default check cannot, or where no sign would be narrow enough.
        matters_when: When a user should care.
        what_to_do: What a user can do.
        since: The versions that have it.
    """

    name: str
    title: str
    signs: tuple[Sign, ...]
    matters_when: str
    what_to_do: str
    since: tuple[Since, ...] = field(default=(Since(),))

    @property
    def script(self) -> str:
        """The script that shows it, relative to the repository's root."""
        return f"docs/divergences/{self.name.replace('-', '_')}.py"

    @property
    def operations(self) -> frozenset[str]:
        """All operations that it shows at."""
        return frozenset().union(*(sign.operations for sign in self.signs))

    @property
    def backends(self) -> frozenset[str]:
        """All backends that may be alone, and `NOBODY` where no two may agree."""
        return frozenset().union(*(sign.alone for sign in self.signs))

    @property
    def causes(self) -> frozenset[Cause]:
        """All causes."""
        return frozenset().union(*(sign.causes for sign in self.signs))

    @property
    def on_edge_draws_alone(self) -> bool:
        """Whether ordinary data never shows it."""
        return all(DrawKind.ORDINARY not in sign.draws for sign in self.signs)

    def matches(
        self,
        finding: Finding,
        versions: Mapping[str, str],
        dtype: str | None = None,
        configuration: Mapping[str, object] | None = None,
        functions: Collection[str] = (),
    ) -> bool:
        """Return whether a finding is this divergence, and nothing else.

        Args:
            finding: What a check found.
            versions: The installed versions of Keras and the backends.
            dtype: The dtype policy under test; None where it is not known, and then signs of some dtypes do not fit.
            configuration: The arguments of the layer or operation; None where they are not known.
            functions: The backend's functions that the layer's own code runs.
        """
        shown = any(sign.fits(finding, dtype, configuration, functions) for sign in self.signs)
        return shown and all(since.holds(versions) for since in self.since)


def gradient(
    alone: str,
    operations: str,
    draws: Iterable[DrawKind],
    *causes: Cause,
    names: tuple[str, ...] = ("*",),
    says: str = "",
    largest: float | None = None,
    most_units: float | None = None,
    dtypes: Iterable[str] | None = None,
) -> Sign:
    """Return the sign of a gradient that differs; backends and operations in one string each, between spaces."""
    return Sign(
        operations=frozenset(operations.split()),
        alone=frozenset(alone.split()),
        kinds=frozenset({Kind.GRADIENT}),
        causes=frozenset(causes or _NUMBER),
        draws=frozenset(draws),
        names=names,
        says=says,
        largest=largest,
        most_units=most_units,
        dtypes=None if dtypes is None else frozenset(dtypes),
    )


def output(
    alone: str,
    operations: str,
    draws: Iterable[DrawKind],
    *causes: Cause,
    aspect: Aspect = Aspect.VALUE,
    names: tuple[str, ...] = ("*",),
    says: str = "",
    largest: float | None = None,
    dtypes: Iterable[str] | None = None,
) -> Sign:
    """Return the sign of an output that differs, in its values, its shape or its dtype."""
    default = {Aspect.VALUE: _NUMBER, Aspect.SHAPE: {Cause.SHAPE}, Aspect.DTYPE: {Cause.DTYPE}}[aspect]
    return Sign(
        operations=frozenset(operations.split()),
        alone=frozenset(alone.split()),
        kinds=frozenset({Kind.OUTPUT}),
        causes=frozenset(causes or default),
        draws=frozenset(draws),
        aspect=aspect,
        names=names,
        says=says,
        largest=largest,
        dtypes=None if dtypes is None else frozenset(dtypes),
    )


def raises(alone: str, operations: str, says: str, draws: Iterable[DrawKind] = EVERY) -> Sign:
    """Return the sign of an error that one backend or another raises, there or on the way back, told by its text."""
    return Sign(
        operations=frozenset(operations.split()),
        alone=frozenset(alone.split()),
        kinds=frozenset({Kind.OUTPUT, Kind.GRADIENT}),
        causes=frozenset({Cause.ERROR}),
        draws=frozenset(draws),
        says=says,
    )


def draw_kind_of(finding: Finding) -> DrawKind | None:
    """Return on what data a finding shows; None for an edge draw that no kind is made for."""
    if finding.ordinary:
        return DrawKind.ORDINARY
    return next((kind for kind in DrawKind if kind.value == finding.draw), None)


def operation_of(finding: Finding) -> str:
    """Return the class of what was called; where the model's run ended in it, Keras's message tells."""
    told = re.search(r"Exception encountered when calling (\w+)\.call\(\)", finding.detail)
    return finding.layer_type or (told[1] if told else "")


def _function_of(operation: str) -> str:
    """Return the backend's function for the class of an operation: `top_k` for `TopK`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", operation).lower()


def _fits_backend(finding: Finding, alone: frozenset[str]) -> bool:
    if finding.execution is not None:
        return finding.execution in alone
    if len(finding.executions) == 2:  # of two that differ, either may be the one
        return bool(alone & set(finding.executions)) or NOBODY in alone
    return NOBODY in alone


def _fits_quantity(quantity: Quantity, sign: Sign) -> bool:
    return (
        quantity.kind in sign.kinds
        and quantity.aspect is sign.aspect
        and any(fnmatch.fnmatchcase(quantity.name, re.sub(r"\[", "[[]", pattern)) for pattern in sign.names)
    )


def _lies_within(size: float, most: float | None, cause: Cause) -> bool:
    """Return whether a size lies within a bound; NaN on one side has no size."""
    return most is None or size <= most or (cause is Cause.NAN and math.isnan(size))


def _release(version: str) -> tuple[int, ...]:
    numbers = re.match(r"\d+(?:\.\d+)*", version)
    return tuple(int(part) for part in numbers[0].split(".")) if numbers else ()
