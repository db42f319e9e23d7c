"""The package as it is imported."""

import subprocess
import sys

import pytest

import keras_parity


def test_the_package_imports_nothing_heavy():
    """`check` is imported when it is asked for; NumPy and the frameworks are not needed for the rest."""
    program = "import sys, keras_parity; print(sorted({'numpy', 'keras', 'jax', 'torch'} & set(sys.modules)))"

    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout

    assert printed == "[]\n"


def test_what_the_package_has():
    """`check`, and nothing of another name."""
    assert keras_parity.check.__module__ == "keras_parity.checking"
    with pytest.raises(AttributeError, match="has no attribute 'chek'"):
        keras_parity.chek  # noqa: B018
