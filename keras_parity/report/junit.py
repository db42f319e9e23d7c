"""A verdict as JUnit's XML: the verdict itself and every layer are test cases, so that a CI service can name them."""

import math
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from keras_parity.report.terminal import render_terminal
from keras_parity.report.wording import headline, visible, visible_lines
from keras_parity.verdict import Finding, Outcome, Verdict


def render_junit(verdict: Verdict) -> str:
    """Return the XML: a failure where backends disagree, an error where nothing could be decided or one gave up."""
    suite = ElementTree.Element("testsuite")
    _add_verdict(suite, verdict)
    findings: dict[str, list[Finding]] = {}
    for finding in verdict.findings:
        findings.setdefault(finding.layer, []).append(finding)
    for layer in dict.fromkeys([*(m.layer for m in verdict.measurements), *findings]):
        _add_layer(_add_case(suite, verdict, visible(layer)), findings.get(layer, []))
    for backend, words in verdict.failures.items():
        case = _add_case(suite, verdict, f"backend {visible(backend)}")
        _add_result(case, "error", "failed", _last_line(words), visible_lines(words))
    counts = {
        "tests": len(suite),
        "failures": len(suite.findall("testcase[failure]")),
        "errors": len(suite.findall("testcase[error]")),
        "skipped": 0,
        "time": _seconds(verdict),
    }
    suite.attrib = {"name": "keras-parity", **{name: str(value) for name, value in counts.items()}}
    root = ElementTree.Element("testsuites")
    root.append(suite)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=False) + "\n"


def _add_verdict(suite: Element, verdict: Verdict) -> None:
    """Add the one case that is there in every report, and green only where the outcome is *agree*."""
    case = _add_case(suite, verdict, "verdict")
    case.set("time", _seconds(verdict))
    if verdict.outcome is not Outcome.AGREE:
        tag = "failure" if verdict.outcome is Outcome.DISAGREE else "error"
        _add_result(case, tag, verdict.outcome.value, headline(verdict), render_terminal(verdict))


def _add_layer(case: Element, findings: list[Finding]) -> None:
    """Add a layer's differences to its case: one failure for all that nobody accepted, the accepted ones as output."""
    open_ones = [finding for finding in findings if finding.is_open]
    accepted = [finding for finding in findings if finding.accepted is not None]
    if open_ones:
        text = "\n".join(visible(finding.message) for finding in open_ones)
        _add_result(case, "failure", open_ones[0].cause.value, visible(open_ones[0].message), text)
    if accepted:
        lines = [f"accepted: {visible(f.accepted)}: {visible(f.message)}" for f in accepted]
        ElementTree.SubElement(case, "system-out").text = "\n".join(lines)


def _add_case(suite: Element, verdict: Verdict, name: str) -> Element:
    return ElementTree.SubElement(suite, "testcase", classname=visible(verdict.model), name=name, time="0")


def _add_result(case: Element, tag: str, kind: str, message: str, text: str) -> None:
    ElementTree.SubElement(case, tag, type=kind, message=message).text = text


def _last_line(words: str) -> str:
    return (visible_lines(words).strip().splitlines() or ["no last words"])[-1]


def _seconds(verdict: Verdict) -> str:
    return "0" if math.isnan(verdict.seconds) else f"{verdict.seconds:.3f}"
