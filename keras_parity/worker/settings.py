"""Keras's global settings. The code that builds a model may change them; the change must end with its check.

`floatx` and the dtype policy are the check's own; see `keras_parity.worker.precision`.
"""

from typing import Any

import keras

# By name, in whatever version of Keras has them.
Settings = dict[str, Any]
_VALUES = ("image_data_format", "epsilon", "max_epochs", "max_steps_per_epoch")
_SWITCHES = ("flash_attention", "interactive_logging", "traceback_filtering")


def read_settings() -> Settings:
    """Return the settings as they are."""
    readers = {name: name for name in _VALUES} | {name: f"is_{name}_enabled" for name in _SWITCHES}
    return {name: getattr(keras.config, reader)() for name, reader in readers.items() if hasattr(keras.config, reader)}


def apply_settings(settings: Settings) -> None:
    """Set what is not as it is in `settings`."""
    now = read_settings()
    for name, value in settings.items():
        if value != now.get(name):
            if name in _VALUES:
                getattr(keras.config, f"set_{name}")(value)
            else:  # a switch that nobody has touched may be None, which is on
                getattr(keras.config, f"{'disable' if value is False else 'enable'}_{name}")()


def changed_settings(before: Settings) -> Settings:
    """Return what is set otherwise than before."""
    return {name: value for name, value in read_settings().items() if value != before.get(name)}
