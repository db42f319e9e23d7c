"""Reading a run's weights, and nothing else, into a model built from the registry."""

import zipfile
from pathlib import Path

import keras
import numpy as np

from foundation.errors import UserError

# What keras writes around the arrays: HDF5's groups and the two JSON files. Measured: 40 kB for mnist_cnn.
_OVERHEAD_BYTES = 4 << 20


def load_weights(model: keras.Model, path: Path) -> None:
    """Put the weights of the `.keras` file `path` into `model`, bit for bit; its configuration is not looked at.

    Args:
        model: A built model.
        path: A file that `save_model` wrote.

    Raises:
        UserError: If the file is missing, damaged, another model's, or holds weights that are not finite.
    """
    if not path.is_file():
        raise UserError(f"{path} is not there: that run was stopped before it was saved; go on with train.py --resume")
    weights_bytes = sum(weight.nbytes for weight in model.get_weights())
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(member.file_size for member in archive.infolist())
        if size > 2 * weights_bytes + _OVERHEAD_BYTES:
            raise UserError(f"{path} unpacks to {size:,} bytes, too many for {model.name}; train that run again")
        model.load_weights(path)
    except UserError:
        raise
    # What keras, h5py and zipfile raise for damaged files has no common class narrower than this.
    except Exception as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise UserError(f"{path} does not hold the weights of {model.name} ({reason}); train that run again") from error
    if not all(np.isfinite(weight).all() for weight in model.get_weights()):
        raise UserError(f"{path} holds weights that are not finite; train that run again")
