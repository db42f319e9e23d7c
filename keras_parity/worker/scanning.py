"""Worker side: a functional model that holds one configuration and nothing else."""

import inspect

import keras

from keras_parity.scan.catalogue import CATALOGUE
from keras_parity.scan.configuration import VARIABLES


def build(configuration: str) -> keras.Model:
    """Build the model of one configuration of the catalogue.

    Args:
        configuration: Its name. The expression is looked up, so no text from outside is ever evaluated.

    Returns:
        A functional model whose outputs are all tensors that the expression gives, as a list where there are several.

    Raises:
        ValueError: If the expression gives no tensor, as where an operation ran on constants alone.
    """
    chosen = CATALOGUE[configuration]
    inputs = [
        keras.Input(
            tensor.shape,
            batch_size=tensor.batch,
            dtype=None if tensor.dtype == "float" else tensor.dtype,
            name=variable,
        )
        for variable, tensor in zip(VARIABLES, chosen.inputs, strict=False)
    ]
    names = {"keras": keras, "layers": keras.layers, "ops": keras.ops}
    result = eval(chosen.expression, names, {tensor.name: tensor for tensor in inputs})
    outputs = [leaf for leaf in keras.tree.flatten(result) if keras.backend.is_keras_tensor(leaf)]
    if not outputs:
        raise ValueError(f"{chosen.expression} gives no tensor that depends on an input")
    return keras.Model(inputs, outputs[0] if len(outputs) == 1 else outputs, name="configuration")


def public_names() -> list[str]:
    """Return every public name of keras.layers, keras.ops and keras.ops.image, as `layers.Dense`."""
    modules = {"layers": keras.layers, "ops": keras.ops, "ops.image": keras.ops.image}
    return [
        f"{prefix}.{name}"
        for prefix, module in modules.items()
        for name in dir(module)
        if not name.startswith("_") and not inspect.ismodule(getattr(module, name))
    ]
