"""The style sheet: each step of the scale has its colours in both themes, and nothing is loaded from elsewhere."""

import re

import pytest

from keras_parity.report.style import SCALE, style_sheet


@pytest.mark.parametrize("step", SCALE)
def test_each_step_has_a_rule_and_its_colours_light_and_dark(step):
    """The light ones first."""
    sheet = style_sheet()

    colours = re.findall(rf"--{step}:(#[0-9a-f]{{6}});--{step}-ink:(#[0-9a-f]{{6}});", sheet)
    assert colours[0] == SCALE[step][0]
    assert SCALE[step][1] in colours[1:]
    assert f".{step}{{background:var(--{step})" in sheet


def test_no_colour_is_used_that_is_not_defined():
    """A misspelt variable would leave its text black on black."""
    sheet = style_sheet()

    assert set(re.findall(r"var\(--([\w-]+)\)", sheet)) <= set(re.findall(r"--([\w-]+):", sheet))


def test_the_sheet_is_complete_and_loads_nothing():
    """It is put into a page as it is."""
    sheet = style_sheet()

    assert sheet.count("{") == sheet.count("}")
    assert not re.search(r"url\(|@import|</style", sheet)
