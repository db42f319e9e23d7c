"""What the code that builds a model sets in Keras holds for its own check alone."""

import pytest

from keras_parity.crew import shared_crew
from keras_parity.names import TRAINING_BACKENDS
from keras_parity.protocol.source import ModelSource
from keras_parity.protocol.tasks import CloseCase, OpenCase
from keras_parity.source import describe_source
from tests.keras_parity.worker.asking import ask

BEFORE = {"image_data_format": "channels_last", "epsilon": 1e-7, "interactive_logging": True}
MODULE = """
import keras
keras.config.set_image_data_format("channels_first")

def build():
    return keras.Sequential([keras.Input((3, 8, 9)), keras.layers.Conv2D(2, 3)])
"""


def build_with_settings():
    """A model whose builder changes what it can."""
    import keras

    keras.config.set_image_data_format("channels_first")
    keras.config.set_epsilon(1e-3)
    keras.config.disable_interactive_logging()
    return keras.Sequential([keras.Input((3, 8, 9)), keras.layers.Conv2D(2, 3)])


def settings() -> dict:
    """Return some settings. Runs in a worker."""
    from keras_parity.worker.settings import read_settings

    return {name: value for name, value in read_settings().items() if name in BEFORE}


def opened(backend: str, source: ModelSource) -> list[tuple]:
    """Return the shapes of the weights of a model that is built."""
    return [weight.shape for weight in shared_crew()[backend].ask(OpenCase(source, "float32", 1)).weights]


@pytest.mark.parametrize("backend", TRAINING_BACKENDS)
def test_what_a_builder_sets_is_set_back_when_its_case_is_closed(backend):
    """It holds as long as the model is checked."""
    shapes = opened(backend, describe_source(build_with_settings))

    during = ask(backend, settings)
    shared_crew()[backend].ask(CloseCase())

    assert shapes[0] == (3, 3, 3, 2)
    assert during == {"image_data_format": "channels_first", "epsilon": 1e-3, "interactive_logging": False}
    assert ask(backend, settings) == BEFORE


def test_what_a_module_sets_as_it_is_imported_holds_for_each_of_its_models(tmp_path, monkeypatch):
    """A worker imports it once, and other models are built in between."""
    (tmp_path / "channels_first_models.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    source = describe_source("channels_first_models:build")

    for _ in range(2):
        assert opened("torch", source)[0] == (3, 3, 3, 2)
        shared_crew()["torch"].ask(CloseCase())
        assert ask("torch", settings) == BEFORE
