"""Public names of keras.layers and keras.ops that the catalogue leaves out, each with its reason."""

_LAYER_ALIASES = {
    "AvgPool1D": "AveragePooling1D",
    "AvgPool2D": "AveragePooling2D",
    "AvgPool3D": "AveragePooling3D",
    "Convolution1D": "Conv1D",
    "Convolution1DTranspose": "Conv1DTranspose",
    "Convolution2D": "Conv2D",
    "Convolution2DTranspose": "Conv2DTranspose",
    "Convolution3D": "Conv3D",
    "Convolution3DTranspose": "Conv3DTranspose",
    "GlobalAvgPool1D": "GlobalAveragePooling1D",
    "GlobalAvgPool2D": "GlobalAveragePooling2D",
    "GlobalAvgPool3D": "GlobalAveragePooling3D",
    "GlobalMaxPool1D": "GlobalMaxPooling1D",
    "GlobalMaxPool2D": "GlobalMaxPooling2D",
    "GlobalMaxPool3D": "GlobalMaxPooling3D",
    "MaxPool1D": "MaxPooling1D",
    "MaxPool2D": "MaxPooling2D",
    "MaxPool3D": "MaxPooling3D",
    "SeparableConvolution1D": "SeparableConv1D",
    "SeparableConvolution2D": "SeparableConv2D",
    "add": "Add",
    "average": "Average",
    "concatenate": "Concatenate",
    "dot": "Dot",
    "maximum": "Maximum",
    "minimum": "Minimum",
    "multiply": "Multiply",
    "subtract": "Subtract",
}

_ONE_BACKEND = "wraps another library's code, which one backend alone can run"
_TEXT = "takes or gives text, which TensorFlow alone holds in a model"
_FUNCTION = "takes a Python function, so what it computes is the function's"
_VALUE = "gives a Python value, not a tensor"

EXCLUSIONS = {
    **{f"layers.{alias}": f"another name of {name}" for alias, name in _LAYER_ALIASES.items()},
    "layers.Layer": "a base class",
    "layers.Wrapper": "a base class",
    "layers.InputSpec": "describes a layer's inputs; no layer",
    "layers.Input": "every configuration begins with it",
    "layers.InputLayer": "every configuration begins with it",
    "layers.deserialize": "builds layers; no layer",
    "layers.serialize": "describes layers; no layer",
    "layers.Lambda": _FUNCTION,
    "layers.FlaxLayer": _ONE_BACKEND,
    "layers.JaxLayer": _ONE_BACKEND,
    "layers.TFSMLayer": _ONE_BACKEND,
    "layers.TorchModuleWrapper": _ONE_BACKEND,
    "layers.StringLookup": _TEXT,
    "layers.TextVectorization": _TEXT,
    "layers.MaxNumBoundingBoxes": "takes a dictionary of boxes outside a model",
    **dict.fromkeys(
        (
            f"ops.{name}"
            for name in [
                "associative_scan",
                "cond",
                "custom_gradient",
                "fori_loop",
                "jvp",
                "map",
                "scan",
                "switch",
                "vectorize",
                "vectorized_map",
                "while_loop",
            ]
        ),
        _FUNCTION,
    ),
    "ops.argpartition": "gives the members of each part in any order",
    "ops.convert_to_numpy": "leaves the model",
    "ops.dtype": _VALUE,
    "ops.empty_like": "holds whatever lay in memory",
    "ops.is_tensor": _VALUE,
    "ops.shape": _VALUE,
}
