"""One cause, one finding: what findings have in common, and what they make of a check.

The rule: a known divergence that shows on edge draws alone, or in a gradient of data alone, is a warning, and the check
passes. A known one on ordinary data fails, with its name, until the project accepts that name. What is not known fails.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from keras_parity.known.divergence import KnownDivergence, operation_of
from keras_parity.known.matching import find_known
from keras_parity.verdict import Finding, Outcome


@dataclass(frozen=True)
class FindingGroup:
    """Findings of one cause: one class of layer on one backend differs in one kind of quantity on one kind of draw.

    Attributes:
        findings: In the order they were found.
        known: The divergence of Keras that all of them are; None where they are none.
    """

    findings: tuple[Finding, ...]
    known: KnownDivergence | None

    @property
    def places(self) -> tuple[str, ...]:
        """The layers, each once."""
        return tuple(dict.fromkeys(finding.layer for finding in self.findings))

    @property
    def worst(self) -> Finding:
        """The largest difference; one without a number comes first."""
        return max(self.findings, key=lambda finding: finding.size)

    @property
    def ordinary(self) -> bool:
        """Whether ordinary data shows it."""
        return self.findings[0].ordinary

    @property
    def matters(self) -> bool:
        """Whether ordinary data shows it, in what some training needs."""
        return self.findings[0].matters


@dataclass(frozen=True)
class Decision:
    """What findings make of a check.

    Attributes:
        outcome: *disagree* if something fails, else *agree*.
        failing: What nobody has accepted, and no edge case excuses.
        warnings: Known divergences on edge draws alone, or in gradients of data.
        accepted: What the project accepts, by place or by name.
    """

    outcome: Outcome
    failing: tuple[FindingGroup, ...]
    warnings: tuple[FindingGroup, ...]
    accepted: tuple[FindingGroup, ...]

    @property
    def reason(self) -> str:
        """Why, in a sentence; empty where there is nothing to say."""
        parts = []
        if self.failing:
            named = [group for group in self.failing if group.known is not None]
            text = _count(len(self.failing), "cause")
            if named:
                text += (
                    f", of which {_count(len(named), 'is a', 'are')} known divergence{'s' * (len(named) > 1)} of Keras"
                )
                text += f" on ordinary data ({_names(named)})"
            parts.append(f"the backends differ for {text}")
        if self.warnings:
            only = "" if self.failing or self.accepted else "the only differences are "
            what = _count(len(self.warnings), "known divergence")
            where = "on edge inputs alone"
            if any(group.ordinary for group in self.warnings):
                where = "on edge inputs, or in gradients of data, alone"
            parts.append(f"{only}{what} of Keras {where} ({_names(self.warnings)}), and that passes")
        if self.accepted:
            parts.append(f"the project accepts {_count(len(self.accepted), 'cause')}")
        return "; ".join(parts)


def group_causes(
    findings: Sequence[Finding],
    versions: Mapping[str, str],
    dtype: str | None = None,
    configurations: Mapping[str, Mapping[str, object]] | None = None,
    functions: Mapping[str, Collection[str]] | None = None,
) -> list[FindingGroup]:
    """Return findings by their causes, in the order of each one's first finding.

    Args:
        findings: Of one check.
        versions: The installed versions of Keras and the backends.
        dtype: The dtype policy under test.
        configurations: The arguments of layers and operations, by path.
        functions: The backend's functions that each runs itself, by path.
    """
    groups: dict[tuple[object, ...], list[Finding]] = {}
    causes: dict[tuple[object, ...], KnownDivergence | None] = {}
    for finding in findings:
        made = (configurations or {}).get(finding.layer)
        known = find_known(finding, versions, dtype, made, (functions or {}).get(finding.layer, ()))
        quantity = finding.quantity
        # A class tells what is alike; where there is none, only the same place is.
        where = operation_of(finding) or finding.layer
        accepted = finding.accepted is not None
        key = where, finding.execution, quantity.kind, quantity.aspect, finding.matters, known and known.name, accepted
        groups.setdefault(key, []).append(finding)
        causes[key] = known
    return [FindingGroup(tuple(found), causes[key]) for key, found in groups.items()]


def decide(
    findings: Sequence[Finding],
    versions: Mapping[str, str],
    dtype: str | None = None,
    configurations: Mapping[str, Mapping[str, object]] | None = None,
    accepted_names: Collection[str] = (),
    functions: Mapping[str, Collection[str]] | None = None,
) -> Decision:
    """Return what findings make of a check.

    Args:
        findings: Of one check; those accepted by place carry the reason.
        versions: The installed versions of Keras and the backends.
        dtype: The dtype policy under test.
        configurations: The arguments of layers and operations, by path.
        accepted_names: The names of known divergences that the project accepts.
        functions: The backend's functions that each runs itself, by path.
    """
    failing, warnings, accepted = [], [], []
    for group in group_causes(findings, versions, dtype, configurations, functions):
        if group.findings[0].accepted is not None or (group.known is not None and group.known.name in accepted_names):
            accepted.append(group)
        elif group.known is not None and not group.matters:
            warnings.append(group)
        else:
            failing.append(group)
    outcome = Outcome.DISAGREE if failing else Outcome.AGREE
    return Decision(outcome, tuple(failing), tuple(warnings), tuple(accepted))


def describe_known(group: FindingGroup, versions: Mapping[str, str]) -> str:
    """Return what a report says of a known divergence.

    Args:
        group: Findings of it.
        versions: The installed versions.

    Raises:
        ValueError: If the group's cause is not known.
    """
    known = group.known
    if known is None:
        raise ValueError("the cause is not known")
    return (
        f"known as {known.name} (Keras {versions.get('keras', 'of an unknown version')}): {known.title} "
        f"It matters when {known.matters_when} What to do: {known.what_to_do}"
    )


def _names(groups: Sequence[FindingGroup]) -> str:
    return ", ".join(dict.fromkeys(group.known.name for group in groups if group.known is not None))


def _count(number: int, one: str, several: str = "") -> str:
    return f"{number} {one}" if number == 1 else f"{number} {several or one + 's'}"
