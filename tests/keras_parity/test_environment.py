"""What a verdict's numbers were measured with, and where the cache lies."""

import datetime
import os
import platform
from pathlib import Path

from keras_parity import environment


def test_versions_machine_date_and_command_are_told(monkeypatch):
    """The command without the folder it lies in; the date with its time zone."""
    monkeypatch.setattr("sys.argv", ["/usr/bin/keras-parity", "check", "model.keras"])

    found = environment.describe_environment({"keras": "3.15.1"})

    assert found["versions"] == {"python": platform.python_version(), "keras": "3.15.1"}
    assert found["command"] == "keras-parity check model.keras"
    assert found["cores"] == os.cpu_count()
    assert datetime.datetime.fromisoformat(found["date"]).tzinfo is not None


def test_the_cache_lies_where_the_user_says(monkeypatch):
    """Our own variable first, then the system's, then the home folder."""
    monkeypatch.setenv("KERAS_PARITY_CACHE", "/own")
    monkeypatch.setenv("XDG_CACHE_HOME", "/xdg")
    assert environment.default_cache() == Path("/own")

    monkeypatch.delenv("KERAS_PARITY_CACHE")
    assert environment.default_cache() == Path("/xdg/keras-parity")

    monkeypatch.delenv("XDG_CACHE_HOME")
    assert environment.default_cache() == Path.home() / ".cache" / "keras-parity"


def test_a_system_that_does_not_tell_its_processor_is_no_error(monkeypatch):
    """As one without `/proc`."""

    def refuse(*_, **__):
        raise FileNotFoundError

    monkeypatch.setattr("builtins.open", refuse)
    monkeypatch.setattr(platform, "processor", lambda: "")

    assert environment.processor_name() == "unknown"
