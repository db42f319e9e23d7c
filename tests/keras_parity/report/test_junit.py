"""JUnit's XML: red where backends disagree, an error where nothing could be decided, green only where all agree."""

from xml.etree import ElementTree

import pytest

from keras_parity.report.junit import render_junit
from keras_parity.verdict import Verdict
from tests.keras_parity.verdicts import agreeing, disagreeing, finding, inconclusive


def suite(verdict: Verdict) -> ElementTree.Element:
    """Return the one suite of a verdict's XML."""
    [found] = ElementTree.fromstring(render_junit(verdict)).findall("testsuite")
    return found


@pytest.mark.parametrize(
    ("verdict", "failures", "errors"),
    [(agreeing(), 0, 0), (disagreeing(), 2, 0), (inconclusive(), 0, 2)],
    ids=["agree", "disagree", "inconclusive"],
)
def test_the_suite_counts_its_cases(verdict, failures, errors):
    """What it says and what it holds is the same."""
    found = suite(verdict)

    assert (int(found.get("failures")), int(found.get("errors"))) == (failures, errors)
    assert int(found.get("tests")) == len(found.findall("testcase"))
    assert len(found.findall("testcase/failure")) == failures
    assert len(found.findall("testcase/error")) == errors


def test_each_layer_is_a_case_and_the_one_that_differs_fails():
    """Measured or not."""
    found = suite(disagreeing(finding("not_measured"), layers=2))

    cases = {case.get("name"): case for case in found.findall("testcase")}
    assert list(cases) == ["verdict", "conv_0", "conv_1", "not_measured"]
    assert cases["not_measured"].find("failure").get("type") == "semantic"
    assert cases["conv_0"].find("failure") is None


def test_an_accepted_difference_is_output_and_no_failure():
    """With its reason."""
    found = suite(agreeing(findings=[finding("conv_1", accepted="it is meant so")]))

    [case] = [case for case in found.findall("testcase") if case.get("name") == "conv_1"]
    assert case.find("failure") is None
    assert case.findtext("system-out").startswith("accepted: it is meant so")


def test_a_backend_that_gave_up_is_an_error_with_its_last_line():
    """The whole text is within."""
    found = suite(inconclusive())

    [error] = found.findall("testcase[@name='backend torch']/error")
    assert error.get("message") == "MemoryError: 12 GiB"
    assert "Traceback" in error.text


def test_control_codes_make_no_broken_xml():
    """XML has no place for most of them."""
    assert suite(disagreeing(finding("\x00\x1b[31m<layer>"))).find("testcase/failure") is not None
