"""A look at a `.keras` file that somebody else made, before any framework reads it.

Only zipfile and json touch the file here. What passes is written out afresh, so that Keras later reads what was
inspected and nothing else: the stored members, the configuration as we parsed it, no optimiser, loss or metric.

`load_model(safe_mode=True)` alone lets through configurations that call any public Keras function, files of a few
kilobytes that ask for gigabytes, and archives that fill the disk. Hence a list of what is allowed, not of what is not.
"""

import contextlib
import errno
import importlib.metadata
import json
import os
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

from keras_parity.errors import UsageError, quote

# Limits on any file, all ours; `Allowance` holds those that depend on the purpose.
MAX_METADATA_BYTES = 64 * 2**10
MAX_DIRECTORY_BYTES = 4 * 2**10  # Keras writes three entries in about 200 bytes
MAX_EXPANSION = 100  # Keras stores members uncompressed; its JSON deflates to a twentieth
MAX_DEPTH = 64  # a layer in a model has depth 6, each model around it adds 4

_HDF5 = b"\x89HDF\r\n\x1a\n"
_METADATA, _CONFIG, _WEIGHTS = "metadata.json", "config.json", "model.weights.h5"
_MEMBERS = (_METADATA, _CONFIG, _WEIGHTS)

_MODELS = {
    ("keras", "Sequential"),
    ("keras", "Functional"),
    ("keras.models", "Sequential"),
    ("keras.models", "Functional"),
    ("keras.src.models.sequential", "Sequential"),
    ("keras.src.models.functional", "Functional"),
}
# Layers that compute something of one picture and read no file. Left out on purpose: Lambda, TFSMLayer, JaxLayer,
# FlaxLayer and TorchModuleWrapper (code), StringLookup, TextVectorization and their like (files), RNN (any cell).
LAYERS = frozenset(
    """
    InputLayer Dense EinsumDense Activation Identity Flatten Reshape Permute RepeatVector Masking
    Conv1D Conv2D Conv1DTranspose Conv2DTranspose SeparableConv1D SeparableConv2D DepthwiseConv1D DepthwiseConv2D
    MaxPooling1D MaxPooling2D AveragePooling1D AveragePooling2D GlobalMaxPooling1D GlobalMaxPooling2D
    GlobalAveragePooling1D GlobalAveragePooling2D
    BatchNormalization LayerNormalization GroupNormalization RMSNormalization UnitNormalization SpectralNormalization
    Dropout SpatialDropout1D SpatialDropout2D AlphaDropout GaussianDropout GaussianNoise ActivityRegularization
    ReLU LeakyReLU PReLU ELU Softmax
    Add Subtract Multiply Average Maximum Minimum Concatenate Dot
    ZeroPadding1D ZeroPadding2D Cropping1D Cropping2D UpSampling1D UpSampling2D
    Rescaling Normalization Resizing CenterCrop
    RandomFlip RandomRotation RandomTranslation RandomZoom RandomContrast RandomBrightness RandomCrop
    LSTM GRU SimpleRNN Bidirectional TimeDistributed
    Attention AdditiveAttention MultiHeadAttention GroupQueryAttention
    """.split()  # noqa: SIM905  # a table of names is easier to check than as many quoted strings
)
# What else computes and reads no file. A cell, a wrapped layer and each part of a pipeline must be allowed themselves.
FURTHER_LAYERS = frozenset(
    """
    Embedding ReversibleEmbedding RNN LSTMCell GRUCell SimpleRNNCell StackedRNNCells ConvLSTM1D ConvLSTM2D ConvLSTM3D
    Conv3D Conv3DTranspose MaxPooling3D AveragePooling3D GlobalMaxPooling3D GlobalAveragePooling3D
    AdaptiveAveragePooling1D AdaptiveAveragePooling2D AdaptiveAveragePooling3D
    AdaptiveMaxPooling1D AdaptiveMaxPooling2D AdaptiveMaxPooling3D
    SpatialDropout3D ZeroPadding3D Cropping3D UpSampling3D
    CategoryEncoding Discretization Hashing HashedCrossing MelSpectrogram STFTSpectrogram
    AugMix AutoContrast ContrastLimitedAdaptiveHistogramEqualization CutMix Equalization MaxNumBoundingBoxes MixUp
    Pipeline RandAugment RandomColorDegeneration RandomColorJitter RandomElasticTransform RandomErasing
    RandomGaussianBlur RandomGrayscale RandomHue RandomInvert RandomPerspective RandomPosterization RandomSaturation
    RandomSharpness RandomShear Solarization
    """.split()  # noqa: SIM905  # as above
)
INITIALIZERS = frozenset(
    """
    Constant Identity Ones Zeros GlorotNormal GlorotUniform HeNormal HeUniform LecunNormal LecunUniform
    Orthogonal OrthogonalInitializer RandomNormal RandomUniform STFT TruncatedNormal VarianceScaling
    """.split()  # noqa: SIM905  # as above
)
_PARTS = {
    "keras.initializers": INITIALIZERS,
    "keras.regularizers": {"L1", "L2", "L1L2", "OrthogonalRegularizer"},
    "keras.constraints": {"MaxNorm", "MinMaxNorm", "NonNeg", "UnitNorm"},
    "keras": {"DTypePolicy"},
    "keras.dtype_policies": {"DTypePolicy", "DTypePolicyMap"},
}
ACTIVATIONS = frozenset(
    """
    celu elu exponential gelu glu hard_shrink hard_sigmoid hard_silu hard_swish hard_tanh leaky_relu linear log_sigmoid
    log_softmax mish relu relu6 selu sigmoid silu soft_shrink softmax softplus softsign sparse_plus sparse_sigmoid
    sparsemax squareplus swish tanh tanh_shrink threshold
    """.split()  # noqa: SIM905  # a table of names is easier to check than as many quoted strings
)
# What zipfile raises for archives with impossible fields.
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, struct.error, NotImplementedError, ValueError)
_UNBOUNDED_INTEGERS = {"seed", "shared_object_id"}
# Operations that functional models hold bare, as `x + 1` and `keras.ops.relu(x)`. Keras itself takes from these modules
# nothing but classes of its own; those that call a function would need one, and functions are not let through.
_OPERATION_MODULE = re.compile(r"keras\.src\.ops\.[a-z]+")
_CONSTANTS = {"__numpy__", "__tensor__", "__slice__", "__ellipsis__"}  # arguments of operations


@dataclass(frozen=True)
class Allowance:
    """What a file may hold.

    Attributes:
        layers: Names of layers of Keras.
        operations: Whether bare operations and constants may be among the layers.
        custom: Names under which the user's own classes and functions are registered with Keras.
        max_weights_bytes: The size of its weights.
        max_config_bytes: The size of its configuration.
        max_layers: How many layers. 20,000 take Keras 90 s to build.
        max_integer: The largest number, in size; seeds and the ids of shared objects are exempt.
    """

    layers: frozenset[str]
    operations: bool
    custom: frozenset[str]
    max_weights_bytes: int
    max_config_bytes: int
    max_layers: int
    max_integer: int


# A classifier of 28x28 pictures needs a fraction of this: ResNet-152, made for larger ones, has about 500 layers and
# 60 M parameters.
CLASSIFIER = Allowance(
    layers=LAYERS,
    operations=False,
    custom=frozenset(),
    max_weights_bytes=256 * 2**20,
    max_config_bytes=4 * 2**20,
    max_layers=1000,
    max_integer=2**20,
)
# NASNetLarge, the longest of keras.applications, has 1,039 layers; VGG19 with its head, the heaviest, 575 MB.
ANY_MODEL = Allowance(
    layers=LAYERS | FURTHER_LAYERS,
    operations=True,
    custom=frozenset(),
    max_weights_bytes=2**32 - 1,
    max_config_bytes=64 * 2**20,
    max_layers=5000,
    max_integer=2**31 - 1,
)


def inspect_archive(path: Path, allowance: Allowance = ANY_MODEL) -> None:
    """Refuse a `.keras` file that is not one, is damaged, or holds what is not allowed; its weights are not read.

    Raises:
        UsageError: In one line.
    """
    with _opened(path, allowance):
        pass


def write_inspected_copy(path: Path, copy: Path | BinaryIO, allowance: Allowance) -> None:
    """Write what Keras needs of a foreign `.keras` file, once it has passed inspection, to `copy`.

    Args:
        path: The user's file; read, never executed or changed.
        copy: The file to create, or an open one. It gets a little more than the weights' size.
        allowance: What it may hold.

    Raises:
        UsageError: If the file is not a `.keras` file, is damaged, or holds what is not allowed.
        OSError: If `copy` cannot be written. In either case a file that was to be created is not there.
    """
    with _opened(path, allowance) as (archive, config):
        _write_copy(archive, config, copy, path)


@contextlib.contextmanager
def _opened(path: Path, allowance: Allowance) -> Iterator[tuple[zipfile.ZipFile, dict[str, Any]]]:
    """Open an archive and inspect it; what goes wrong until the block ends is put in one line."""
    try:
        with _open_regular(path) as file:
            _check_directory(file, path)
            with zipfile.ZipFile(file) as archive:
                max_bytes = _check_members(archive, path, allowance)
                _check_version(_parse(archive, _METADATA, max_bytes, path), path)
                yield archive, _Inspection(path, allowance).clean_model(_parse(archive, _CONFIG, max_bytes, path))
    except _DAMAGE as error:
        raise _refusal(path, f"is damaged ({quote(error)}); fetch or save it again") from error
    except OSError as error:
        if error.errno != errno.EINVAL:  # EINVAL: zipfile went to a place before the file's start, as the archive said
            raise
        raise _refusal(path, "is damaged (a member lies outside the file); fetch or save it again") from error


def _refusal(path: Path, reason: str) -> UsageError:
    return UsageError(f"{path} {reason}")


def _open_regular(path: Path) -> BinaryIO:
    """Open `path` for reading if it is an ordinary file that starts as an archive does."""
    save_again = "save the model with model.save('NAME.keras')"
    try:
        # Without O_NONBLOCK, opening a named pipe would wait for a writer for ever.
        file = open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK))  # noqa: SIM115
    except FileNotFoundError:
        raise UsageError(f"there is no file {path}; give a .keras file") from None
    except (OSError, ValueError) as error:
        reason = quote(getattr(error, "strerror", None) or error)
        raise UsageError(f"cannot read {path}: {reason}; give a .keras file") from error
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise _refusal(path, "is not an ordinary file; give a .keras file")
    start = file.read(8)
    if start[:4] == b"PK\x03\x04":
        return file
    file.close()
    if not start:
        raise _refusal(path, f"is empty; {save_again}")
    if start == _HDF5:
        raise _refusal(path, f"is a bare HDF5 file, not a .keras archive; load it with Keras and {save_again}")
    raise _refusal(path, f"is not a .keras file (a ZIP archive); {save_again}")


def _check_directory(file: BinaryIO, path: Path) -> None:
    """Refuse an archive whose directory is not a short one at the file's very end.

    zipfile reads the whole directory into memory, a kilobyte an entry, before anyone can count the entries.
    """
    end = 22  # the length of the closing record without a comment, and where zipfile looks for it first
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - end - 20))
    tail = file.read()
    record = tail[-end:]
    if len(record) < end or record[:4] != b"PK\x05\x06" or record[20:] != b"\0\0":
        raise _refusal(path, "is cut off or damaged (no archive directory at its end); fetch or save it again")
    (directory_bytes,) = struct.unpack("<L", record[12:16])
    if directory_bytes > MAX_DIRECTORY_BYTES or tail[:4] == b"PK\x06\x07":
        raise _refusal(path, "is not a .keras file: its archive directory is larger than Keras writes")


def _check_members(archive: zipfile.ZipFile, path: Path, allowance: Allowance) -> dict[str, int]:
    """Refuse members that Keras does not write; return the largest size of each that it does."""
    max_bytes = {
        _METADATA: MAX_METADATA_BYTES,
        _CONFIG: allowance.max_config_bytes,
        _WEIGHTS: allowance.max_weights_bytes,
    }
    members = archive.infolist()
    names = [member.filename for member in members]
    for member in members:
        name = member.filename
        if name not in max_bytes:
            hint = "such layers read files and are not opened here" if name.startswith("assets/") else "it must not"
            raise _refusal(path, f"holds {quote(repr(name))}; {hint}: only {', '.join(_MEMBERS)} may be in it")
        if names.count(name) > 1:
            raise _refusal(path, f"holds {name} twice; save it again with Keras")
        if member.is_dir() or stat.S_ISLNK(member.external_attr >> 16):
            raise _refusal(path, f"holds {name} as a link or folder; save it again with Keras")
        if member.flag_bits & 1 or member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise _refusal(path, f"holds {name} encrypted or in a rare compression; save it again with Keras")
        if member.file_size > max_bytes[name]:
            limit = max_bytes[name] / 2**20
            raise _refusal(path, f"has {member.file_size:,} bytes of {name}; at most {limit:g} MiB are opened here")
        if member.file_size > MAX_EXPANSION * max(member.compress_size, 1):
            raise _refusal(path, f"has {name} compressed over {MAX_EXPANSION}-fold; save it again with Keras")
    missing = sorted(max_bytes.keys() - set(names))
    if missing:
        raise _refusal(path, f"lacks {missing[0]}, so it is no whole .keras file; save it again with Keras 3")
    return max_bytes


def _parse(archive: zipfile.ZipFile, name: str, max_bytes: dict[str, int], path: Path) -> object:
    with archive.open(name) as member:
        data = member.read(max_bytes[name])  # archive.read() would first inflate all of it, whatever the header says
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        reason = "is nested too deeply" if isinstance(error, RecursionError) else "is not JSON"
        raise _refusal(path, f"is damaged: its {name} {reason}; fetch or save it again") from error


def _check_version(metadata: object, path: Path) -> None:
    """Refuse a file of another major version of Keras, or of a newer one than is installed here."""
    text: Any = metadata.get("keras_version") if isinstance(metadata, dict) else None
    try:
        version = tuple(int(number) for number in text.split(".")[:2])
        major, _ = version
    except (AttributeError, ValueError):
        raise _refusal(path, "does not say which Keras saved it; save it again with Keras 3") from None
    installed = importlib.metadata.version("keras")
    if version > tuple(int(number) for number in installed.split(".")[:2]):
        raise _refusal(path, f"was saved by Keras {quote(text)}, newer than {installed} here; upgrade keras to open it")
    if major < 3:
        raise _refusal(path, f"was saved by Keras {quote(text)}; load it there and save its layers with Keras 3")


class _Inspection:
    """One pass over a model's configuration.

    Args:
        path: The file it came from, for messages.
        allowance: What it may hold.
    """

    def __init__(self, path: Path, allowance: Allowance):
        self.path = path
        self.allowance = allowance
        self.layers = 0

    def clean_model(self, config: object) -> dict[str, Any]:
        """Return the configuration of a model without what it was compiled with.

        Raises:
            UsageError: If it names anything that is not allowed, or is out of bounds.
        """
        if not (isinstance(config, dict) and (_names(config) in _MODELS or self._is_custom(config))):
            name = config.get("class_name") if isinstance(config, dict) else type(config).__name__
            raise self._refuse(f"holds {quote(repr(name))}, not a Functional or Sequential model of Keras")
        cleaned: dict[str, Any] = self._clean(config, "", 0)
        return cleaned

    def _clean(self, value: Any, key: str, depth: int) -> Any:
        if depth > MAX_DEPTH:
            raise self._refuse(f"is nested more than {MAX_DEPTH} levels deep")
        if isinstance(value, dict):
            if "class_name" in value:
                self._check_class(value)
            return {
                name: self._clean(item, name, depth + 1) for name, item in value.items() if name != "compile_config"
            }
        if isinstance(value, list):
            return [self._clean(item, key, depth + 1) for item in value]
        largest = self.allowance.max_integer
        if isinstance(value, int) and abs(value) > largest and key not in _UNBOUNDED_INTEGERS:
            raise self._refuse(f"has {quote(key)} = {quote(value)}; the largest number opened here is {largest:,}")
        known = ACTIVATIONS | self.allowance.custom
        if isinstance(value, str) and key.endswith("activation") and value not in known:
            raise self._refuse(f"has the activation {quote(repr(value))}, which is not one of Keras's own")
        return value

    def _check_class(self, value: dict[str, Any]) -> None:
        module, name = _names(value)
        if module is None and (name == "__keras_tensor__" or (name in _CONSTANTS and self.allowance.operations)):
            return  # a connection between two layers, or an operation's argument
        if not self._is_custom(value):
            if not (name and module):
                raise self._refuse(f"holds {quote(repr(value['class_name']))}, which is not a layer of Keras 3")
            if not self._is_stock(module, name):
                raise self._refuse(
                    f"holds {quote(repr(f'{module}.{name}'))}, which is not among the layers opened here"
                )
            if value.get("registered_name") not in (None, name):
                raise self._refuse(f"holds the custom class {quote(repr(value['registered_name']))}")
        if module not in _PARTS:
            self.layers += 1
            if self.layers > self.allowance.max_layers:
                raise self._refuse(f"has more than {self.allowance.max_layers:,} layers")

    def _is_stock(self, module: str, name: str) -> bool:
        if (module, name) in _MODELS or name in _PARTS.get(module, ()):
            return True
        if module == "keras.layers":
            return name in self.allowance.layers
        return self.allowance.operations and _OPERATION_MODULE.fullmatch(module) is not None and name.isidentifier()

    def _is_custom(self, value: dict[str, Any]) -> bool:
        """Say whether Keras will take this for a class or function that the user's own module has registered."""
        registered = value.get("config") if value.get("class_name") == "function" else value.get("registered_name")
        return isinstance(registered, str) and registered in self.allowance.custom

    def _refuse(self, reason: str) -> UsageError:
        if self.allowance.operations:
            return _refusal(self.path, f"{reason}; name the module of your own classes with --custom (custom=)")
        return _refusal(self.path, f"{reason}; open it yourself with keras if you trust its author")


def _names(value: dict[str, Any]) -> tuple[str | None, str | None]:
    """Return the module and the name of a class; None for no module, an empty text for what is no text."""
    module, name = value.get("module"), value.get("class_name")
    return module if module is None or isinstance(module, str) else "", name if isinstance(name, str) else ""


def _write_copy(archive: zipfile.ZipFile, config: dict[str, Any], copy: Path | BinaryIO, path: Path) -> None:
    try:
        with zipfile.ZipFile(copy, "x") as fresh:
            fresh.writestr(_METADATA, "{}")
            fresh.writestr(_CONFIG, json.dumps(config))
            with archive.open(_WEIGHTS) as weights, fresh.open(_WEIGHTS, "w") as target:
                if not cast(zipfile.ZipExtFile, weights).peek(len(_HDF5)).startswith(_HDF5):
                    raise _refusal(path, f"is damaged: its {_WEIGHTS} is not HDF5; fetch or save it again")
                while chunk := weights.read(2**20):  # ends at the declared size, which was checked; verifies the sum
                    target.write(chunk)
    except BaseException:
        if isinstance(copy, Path):
            copy.unlink(missing_ok=True)
        raise
