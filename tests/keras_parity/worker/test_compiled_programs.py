"""What JAX has compiled is kept, up to a limit."""

import os

from keras_parity.crew import Crew
from keras_parity.worker.compiled_programs import forget_oldest
from tests.keras_parity import errands
from tests.keras_parity.errands import errand


def write_files(folder, sizes):
    """Write a file of each size, each a second younger than the one before."""
    for number, size in enumerate(sizes):
        path = folder / f"{number}"
        path.write_bytes(bytes(size))
        os.utime(path, (number, number))


def test_the_oldest_go_when_there_is_too_much(tmp_path):
    """Until half of the limit is left, so that it does not happen each time."""
    write_files(tmp_path, [40, 30, 20, 20])

    forget_oldest(tmp_path, 100)

    assert sorted(path.name for path in tmp_path.iterdir()) == ["2", "3"]


def test_what_fits_stays(tmp_path):
    """And a folder that is not there does no harm."""
    write_files(tmp_path, [40, 30, 20, 10])

    forget_oldest(tmp_path, 100)
    forget_oldest(tmp_path / "none", 100)

    assert len(list(tmp_path.iterdir())) == 4


def test_what_one_process_compiles_is_there_for_the_next(tmp_path, monkeypatch):
    """In the user's cache, where JAX has been given no folder."""
    for name in list(os.environ):
        if name.startswith("JAX_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("KERAS_PARITY_CACHE", str(tmp_path))
    with Crew(("jax",)) as crew:
        assert crew["jax"].ask(errand(errands.compile_on_jax)) == 2

    assert list(tmp_path.glob("jax-*/*-cache"))
