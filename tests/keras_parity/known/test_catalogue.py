"""The catalogue as data: every entry is complete, has its script, and its signs are narrow."""

import re

import pytest

from keras_parity.known.catalogue import CATALOGUE, SUBJECTS
from keras_parity.known.divergence import NOBODY
from keras_parity.names import BACKENDS
from keras_parity.protocol.cause import Cause
from tests.commands import ROOT


def test_names_are_unique():
    """A second entry of one name would hide the first."""
    assert len(CATALOGUE) == sum(len(part) for part in SUBJECTS.values())


@pytest.mark.parametrize("known", CATALOGUE.values(), ids=list(CATALOGUE))
def test_an_entry_is_complete(known):
    """It has a name as `parity.toml` writes it, a script that shows it, and says when it matters and what to do."""
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", known.name)
    assert (ROOT / known.script).is_file()
    assert all(text.endswith(".") for text in (known.title, known.matters_when, known.what_to_do))
    assert known.since


@pytest.mark.parametrize("known", CATALOGUE.values(), ids=list(CATALOGUE))
def test_a_sign_is_narrow(known):
    """It names operations and backends that there are; an error is known by its text, which must be a right pattern."""
    for sign in known.signs:
        assert sign.operations
        assert sign.kinds
        assert sign.draws
        assert sign.alone <= {*BACKENDS, NOBODY}
        assert sign.alone
        assert sign.says or Cause.ERROR not in sign.causes
        re.compile(sign.says)
