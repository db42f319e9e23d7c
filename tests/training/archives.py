"""`.keras` archives made by hand, so that a test can put into one what Keras would never write."""

import json
import zipfile
from pathlib import Path

METADATA = {"keras_version": "3.0.0", "date_saved": "2026-01-01@00:00:00"}
HDF5_START = b"\x89HDF\r\n\x1a\n"


def layer(class_name: str, module: str = "keras.layers", **config) -> dict:
    """Return the configuration of an object of Keras as it stores it."""
    return {"module": module, "class_name": class_name, "config": config, "registered_name": None}


def sequential(*layers: dict) -> dict:
    """Return the configuration of a `Sequential` model of 28x28 pictures."""
    first = layer("InputLayer", batch_shape=[None, 28, 28, 1], dtype="float32", name="image")
    return layer("Sequential", module="keras", name="forged", layers=[first, *layers])


def classifier(*layers: dict) -> dict:
    """Return the configuration of a `Sequential` classifier that ends with `layers`, Flatten and Dense."""
    return sequential(*layers, layer("Flatten", name="flatten"), layer("Dense", name="dense", units=10))


def calling_set_floatx() -> dict:
    """Return a model's configuration that calls `keras.config.set_floatx("float64")` when it is loaded."""
    function = {"module": "keras.config", "class_name": "function", "config": "set_floatx", "registered_name": None}
    image = layer("InputLayer", batch_shape=[None, 28, 28, 1], dtype="float32", name="image")
    caller = layer("Lambda", name="caller", function=function)
    nodes = {"image": [], "caller": [{"args": [], "kwargs": {"inputs": "float64"}}]}
    layers = [
        part | {"name": name, "inbound_nodes": nodes[name]} for part, name in ((image, "image"), (caller, "caller"))
    ]
    ends = {"input_layers": ["image", 0, 0], "output_layers": ["image", 0, 0]}
    return layer("Functional", module="keras.src.models.functional", name="forged", layers=layers, **ends)


def write_archive(
    path: Path, config: object, *, compression: int = zipfile.ZIP_STORED, **members: bytes | None
) -> Path:
    """Write an archive of the three members to `path`.

    Args:
        path: The file to create.
        config: The content of `config.json`; bytes are written as they are.
        compression: One of zipfile's.
        **members: `metadata` or `weights`: their bytes in place of harmless ones; None leaves the member out.
    """
    content = {
        "metadata.json": members.get("metadata", json.dumps(METADATA).encode()),
        "config.json": config if isinstance(config, bytes) else json.dumps(config).encode(),
        "model.weights.h5": members.get("weights", HDF5_START + bytes(100)),
    }
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in content.items():
            if data is not None:
                archive.writestr(name, data)
    return path
