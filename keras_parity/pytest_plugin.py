"""The pytest fixture `parity`: a test that fails where backends disagree about a model.

    def test_unet_is_portable(parity):
        parity.check(build_unet)

The backends' processes start with the first check and serve the whole session (under pytest-xdist, one of each per
worker). Options, in `pytest.ini` or `[tool.pytest.ini_options]`:

    parity_backends = tensorflow jax torch    # default: those installed
    parity_accepted = parity.toml             # default: that file beside the configuration, where it exists
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from keras_parity.accepted import Accepted, read_accepted
from keras_parity.errors import UsageError
from keras_parity.names import DEFAULT_FILE
from keras_parity.verdict import Outcome, Verdict

if TYPE_CHECKING:
    from keras_parity.crew import Crew


def pytest_addoption(parser: pytest.Parser) -> None:
    """Register the options."""
    parser.addini("parity_backends", "backends that the fixture `parity` compares; default: those installed", "args")
    parser.addini("parity_accepted", f"file of accepted divergences; default: {DEFAULT_FILE}, where it exists")


class Parity:
    """Checks of one pytest session: they share the backends' processes and the accepted divergences."""

    def __init__(self, crew: "Crew", backends: tuple[str, ...] | None, accepted: list[Accepted] | None):
        self._defaults: dict[str, Any] = {"crew": crew, "backends": backends, "accepted": accepted}

    def check(self, model: Any, **kwargs: Any) -> Verdict:
        """Return the verdict on a model that the backends agree on.

        Args:
            model: A function that builds a model, `"module:function"`, or a `.keras` file.
            kwargs: As for `keras_parity.check`.

        Raises:
            AssertionError: If they disagree, or if that cannot be said; its text names layer, backend and size.
            UsageError: If the model or an argument makes no sense.
        """
        __tracebackhide__ = True  # the test's own line and the verdict are what matters
        from keras_parity.checking import check

        verdict = check(model, **{**self._defaults, **kwargs})
        if verdict.outcome is not Outcome.AGREE:
            raise AssertionError(str(verdict))
        return verdict


@pytest.fixture(scope="session")
def _parity_session(pytestconfig: pytest.Config) -> Iterator[Parity]:
    """What all tests of a session share."""
    from keras_parity.crew import Crew

    try:
        backends = _read_backends(pytestconfig)
        accepted = _read_accepted(pytestconfig)
    except UsageError as error:
        pytest.fail(str(error), pytrace=False)
    with Crew() as crew:
        yield Parity(crew, backends, accepted)


@pytest.fixture
def parity(_parity_session: Parity) -> Parity:
    """`parity.check(model)` fails the test where backends disagree about a model, or where that cannot be said."""
    return _parity_session


def _read_backends(config: pytest.Config) -> tuple[str, ...] | None:
    from keras_parity.executions import refuse_unknown

    names = [name for text in config.getini("parity_backends") for name in text.split(",") if name]
    try:
        return tuple(refuse_unknown(name) for name in names) or None
    except UsageError as error:
        raise UsageError(f"parity_backends: {error}") from None


def _read_accepted(config: pytest.Config) -> list[Accepted] | None:
    folder = config.inipath.parent if config.inipath else config.rootpath
    named = config.getini("parity_accepted")
    path = Path(folder, named or DEFAULT_FILE)
    return read_accepted(path) if named or path.is_file() else None
