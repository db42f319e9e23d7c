"""Windows is refused in one line, and nothing else is."""

import subprocess
import sys

import pytest

from foundation.errors import UserError
from keras_parity import cli
from keras_parity.crew import Crew
from keras_parity.errors import UsageError
from keras_parity.platform_support import refuse_windows
from training.backend import choose_backend


def test_windows_is_refused_in_one_line_that_says_why_and_what_to_do(monkeypatch):
    """A user of Windows learns at once what is missing there and where the package runs."""
    monkeypatch.setattr(sys, "platform", "win32")

    with pytest.raises(UsageError) as caught:
        refuse_windows()

    assert "\n" not in str(caught.value)
    for word in ("Windows", "file descriptors", "resource", "process groups", "Linux", "macOS", "WSL"):
        assert word in str(caught.value)


def test_whatever_is_tried_on_windows_is_refused(monkeypatch, capsys):
    """The command, `check` and the scripts, before any of them starts a process or imports a framework."""
    monkeypatch.setattr(sys, "platform", "win32")

    assert cli.main(["check", "my_models:build"]) == 2
    assert capsys.readouterr().err.startswith("error: keras-parity does not run on Windows")
    with pytest.raises(UsageError, match="does not run on Windows"):
        Crew(("jax",))
    with pytest.raises(UserError, match="does not run on Windows"):
        choose_backend("jax")


@pytest.mark.parametrize("platform", ["linux", "darwin"])
def test_linux_and_macos_are_supported(monkeypatch, platform):
    """The refusal names Windows alone."""
    monkeypatch.setattr(sys, "platform", platform)

    refuse_windows()


def test_the_refusal_itself_imports_nothing_that_windows_lacks():
    """A module that Windows does not have must not be missed before the refusal is said."""
    program = """
import sys
for name in ("fcntl", "grp", "pwd", "resource", "termios"):
    sys.modules[name] = None  # an import of it raises
sys.platform = "win32"
from keras_parity.errors import UsageError
from keras_parity.platform_support import refuse_windows
try:
    refuse_windows()
except UsageError as error:
    print(error)
"""

    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert result.stdout.startswith("keras-parity does not run on Windows")
