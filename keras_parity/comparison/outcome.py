"""The end of a check: its outcome, the sentence that gives the reason, and the verdict."""

from dataclasses import replace

from keras_parity.comparison.check import Check
from keras_parity.environment import describe_environment
from keras_parity.judge import ACCURATE, raised
from keras_parity.known import Decision, decide, describe_known
from keras_parity.ledger import Ledger, Place
from keras_parity.protocol.cause import Cause
from keras_parity.protocol.quantity import Kind, Quantity
from keras_parity.verdict import Culprit, Finding, Outcome, Verdict


def conclude(check: Check, seconds: float) -> Verdict:
    """Return the verdict of a check that has run.

    Args:
        check: The check.
        seconds: How long it took.
    """
    ledger, participants = check.ledger, check.participants
    for name, (path, text) in participants.crashes.items():
        if len(participants.crashes) < len(participants.names):  # others computed what this one crashed at
            ledger.add(Place(path), raised(Quantity(Kind.OUTPUT), name, text), "running", None)
    for name, text in participants.restarted.items():
        ledger.note(f"{name} crashed once and in a fresh process not again: {text}")
    versions = participants.versions
    findings = ledger.findings
    decision = decide(findings, versions, check.request.dtype, ledger.configurations, functions=ledger.functions)
    groups = (*decision.failing, *decision.warnings)
    explanations = [describe_known(group, versions) for group in groups if group.known is not None]
    outcome, reason = _decide(check, decision)
    return Verdict(
        outcome,
        reason,
        check.request.source.label,
        findings=_named(findings, decision),
        notes=[*dict.fromkeys(explanations), *ledger.all_notes],
        measurements=ledger.measurements,
        failures=participants.failures,
        request=check.request,
        used={"batch_size": check.batch_size, "threshold": ACCURATE},
        raised_everywhere=ledger.raised_everywhere is not None,
        environment=describe_environment(versions),
        seconds=seconds,
    )


def _named(findings: list[Finding], decision: Decision) -> list[Finding]:
    """Return findings with the names of the known divergences that they are."""
    names = {
        id(finding): group.known.name
        for group in (*decision.failing, *decision.warnings, *decision.accepted)
        for finding in group.findings
        if group.known is not None
    }
    return [replace(finding, known=names.get(id(finding))) for finding in findings]


def _decide(check: Check, decision: Decision) -> tuple[Outcome, str]:
    ledger, participants = check.ledger, check.participants
    if len(participants.names) < 2:
        return Outcome.INCONCLUSIVE, _too_few(participants.names)
    if decision.failing:
        culprits = list(dict.fromkeys(f.culprit for group in decision.failing for f in group.findings))
        ordered = [finding.culprit for finding in ledger.findings if finding.culprit in culprits]
        first = ordered[0]
        alone = f"{first.execution} is alone" if first.execution else "no two backends agree"
        together = {first}
        for cause, what in ((Cause.PRECISION, "are inaccurate"), (Cause.ERROR, "raise an error")):
            same = [culprit for culprit in ordered if culprit.layer == first.layer and culprit in _who(ledger, cause)]
            if len(set(same)) > 1 and same[0] == first and first.execution is not None:
                together = set(same)
                alone = f"{' and '.join(sorted(str(culprit.execution) for culprit in together))} {what}"
        left = len(set(culprits) - together)
        more = f", and {left} more" if left else ""
        edge = "" if any(group.ordinary for group in decision.failing) else " (on edge inputs only)"
        named = dict.fromkeys(group.known.name for group in decision.failing if group.known is not None)
        known = f"; known divergences of Keras: {', '.join(named)}" if named else ""
        return Outcome.DISAGREE, f"the backends disagree at {first.layer}: {alone}{more}{edge}{known}"
    if ledger.raised_everywhere:
        return Outcome.INCONCLUSIVE, f"the model raises on every backend: {ledger.raised_everywhere}"
    if participants.failures:
        name, text = next(iter(participants.failures.items()))
        return Outcome.INCONCLUSIVE, f"{name} did not finish: {text}"
    if ledger.unjudged:
        return Outcome.INCONCLUSIVE, f"not all could be compared: {ledger.unjudged}"
    if not ledger.compared or not ledger.finite:
        return Outcome.INCONCLUSIVE, "nothing could be compared: no output of the model was finite on ordinary inputs"
    agree = f"{', '.join(participants.names)} agree on all {ledger.compared} quantities compared"
    return Outcome.AGREE, f"{agree}; {decision.reason}" if decision.reason else agree


def _who(ledger: Ledger, cause: Cause) -> set[Culprit]:
    return {finding.culprit for finding in ledger.findings if finding.cause is cause}


def _too_few(names: tuple[str, ...]) -> str:
    if not names:
        return "no backend is installed"
    return f"only one backend is here to compare ({names[0]}); install a second one"
