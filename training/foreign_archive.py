"""A look at a `.keras` file that somebody else made, before any framework reads it.

Only zipfile and json touch the file here. What passes is written out afresh, so that Keras later reads what was
inspected and nothing else: the stored members, the configuration as we parsed it, no optimiser, loss or metric.

`load_model(safe_mode=True)` alone lets through configurations that call any public Keras function, files of a few
kilobytes that ask for gigabytes, and archives that fill the disk. Hence a list of what is allowed, not of what is not.
"""

import errno
import importlib.metadata
import json
import os
import re
import stat
import struct
import zipfile
import zlib
from pathlib import Path

from training.errors import UserError

# Limits, all ours. A classifier of 28x28 pictures needs a fraction of them: ResNet-152, made for larger ones, has about
# 500 layers and 60 M parameters.
MAX_WEIGHTS_BYTES = 256 * 2**20
MAX_CONFIG_BYTES = 4 * 2**20
MAX_METADATA_BYTES = 64 * 2**10
MAX_DIRECTORY_BYTES = 4 * 2**10  # Keras writes three entries in about 200 bytes
MAX_EXPANSION = 100  # Keras stores members uncompressed; its JSON deflates to a twentieth
MAX_LAYERS = 1000  # 20,000 take Keras 90 s to build
MAX_DEPTH = 64  # a layer in a model has depth 6, each model around it adds 4
MAX_INTEGER = 2**20  # no dimension of ours comes near; seeds and the ids of shared objects are exempt

_HDF5 = b"\x89HDF\r\n\x1a\n"
_METADATA, _CONFIG, _WEIGHTS = "metadata.json", "config.json", "model.weights.h5"
_MAX_BYTES = {_METADATA: MAX_METADATA_BYTES, _CONFIG: MAX_CONFIG_BYTES, _WEIGHTS: MAX_WEIGHTS_BYTES}

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
INITIALIZERS = frozenset(
    """
    Constant Identity Ones Zeros GlorotNormal GlorotUniform HeNormal HeUniform LecunNormal LecunUniform
    Orthogonal OrthogonalInitializer RandomNormal RandomUniform TruncatedNormal VarianceScaling
    """.split()  # noqa: SIM905  # as above
)
_PARTS = {
    "keras.layers": LAYERS,
    "keras.initializers": INITIALIZERS,
    "keras.regularizers": {"L1", "L2", "L1L2", "OrthogonalRegularizer"},
    "keras.constraints": {"MaxNorm", "MinMaxNorm", "NonNeg", "UnitNorm"},
    "keras": {"DTypePolicy"},
    "keras.dtype_policies": {"DTypePolicy"},
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


def write_inspected_copy(path: Path, copy: Path) -> None:
    """Write what Keras needs of a foreign `.keras` file, once it has passed inspection, to `copy`.

    Args:
        path: The user's file; read, never executed or changed.
        copy: The file to create, at most a little over `MAX_WEIGHTS_BYTES` long.

    Raises:
        UserError: If the file is not a `.keras` file of stock layers within the limits above.
        OSError: If `copy` cannot be written. In either case it is not there.
    """
    try:
        with _open_regular(path) as file:
            _check_directory(file, path)
            with zipfile.ZipFile(file) as archive:
                _check_members(archive, path)
                _check_version(_parse(archive, _METADATA, path), path)
                config = _Inspection(path).clean_model(_parse(archive, _CONFIG, path))
                _write_copy(archive, config, copy, path)
    except _DAMAGE as error:
        raise _refusal(path, f"is damaged ({quote(error)}); fetch or save it again") from error
    except OSError as error:
        if error.errno != errno.EINVAL:  # EINVAL: zipfile went to a place before the file's start, as the archive said
            raise
        raise _refusal(path, "is damaged (a member lies outside the file); fetch or save it again") from error


def quote(text: object, limit: int = 80) -> str:
    """Return text from a foreign file so that it is safe to print: one line, no control codes, at most `limit` long."""
    text = " ".join(re.sub(r"\x1b\[[0-9;]*m", "", str(text)[: 10 * limit]).split())  # Keras colours its messages
    shown = "".join(character if character.isprintable() else "?" for character in text)
    return shown if len(shown) <= limit else shown[: limit - 3] + "..."


def _refusal(path: Path, reason: str) -> UserError:
    return UserError(f"{path} {reason}")


def _open_regular(path: Path):
    """Open `path` for reading if it is an ordinary file that starts as an archive does."""
    save_again = "save the model with model.save('NAME.keras')"
    try:
        # Without O_NONBLOCK, opening a named pipe would wait for a writer for ever.
        file = open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK))  # noqa: SIM115
    except FileNotFoundError:
        raise UserError(f"there is no file {path}; give a run folder or a .keras file") from None
    except (OSError, ValueError) as error:
        reason = quote(getattr(error, "strerror", None) or error)
        raise UserError(f"cannot read {path}: {reason}; give a run folder or a .keras file") from error
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise _refusal(path, "is not an ordinary file; give a run folder or a .keras file")
    start = file.read(8)
    if start[:4] == b"PK\x03\x04":
        return file
    file.close()
    if not start:
        raise _refusal(path, f"is empty; {save_again}")
    if start == _HDF5:
        raise _refusal(path, f"is a bare HDF5 file, not a .keras archive; load it with Keras and {save_again}")
    raise _refusal(path, f"is not a .keras file (a ZIP archive); {save_again}")


def _check_directory(file, path: Path) -> None:
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


def _check_members(archive: zipfile.ZipFile, path: Path) -> None:
    members = archive.infolist()
    names = [member.filename for member in members]
    for member in members:
        name = member.filename
        if name not in _MAX_BYTES:
            hint = "such layers read files and are not opened here" if name.startswith("assets/") else "it must not"
            raise _refusal(path, f"holds {quote(repr(name))}; {hint}: only {', '.join(_MAX_BYTES)} may be in it")
        if names.count(name) > 1:
            raise _refusal(path, f"holds {name} twice; save it again with Keras")
        if member.is_dir() or stat.S_ISLNK(member.external_attr >> 16):
            raise _refusal(path, f"holds {name} as a link or folder; save it again with Keras")
        if member.flag_bits & 1 or member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise _refusal(path, f"holds {name} encrypted or in a rare compression; save it again with Keras")
        if member.file_size > _MAX_BYTES[name]:
            limit = _MAX_BYTES[name] / 2**20
            raise _refusal(path, f"has {member.file_size:,} bytes of {name}; at most {limit:g} MiB are opened here")
        if member.file_size > MAX_EXPANSION * max(member.compress_size, 1):
            raise _refusal(path, f"has {name} compressed over {MAX_EXPANSION}-fold; save it again with Keras")
    missing = sorted(_MAX_BYTES.keys() - set(names))
    if missing:
        raise _refusal(path, f"lacks {missing[0]}, so it is no whole .keras file; save it again with Keras 3")


def _parse(archive: zipfile.ZipFile, name: str, path: Path) -> object:
    with archive.open(name) as member:
        data = member.read(_MAX_BYTES[name])  # archive.read() would first inflate all of it, whatever the header says
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        reason = "is nested too deeply" if isinstance(error, RecursionError) else "is not JSON"
        raise _refusal(path, f"is damaged: its {name} {reason}; fetch or save it again") from error


def _check_version(metadata: object, path: Path) -> None:
    """Refuse a file of another major version of Keras, or of a newer one than is installed here."""
    text = metadata.get("keras_version") if isinstance(metadata, dict) else None
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
    """

    def __init__(self, path: Path):
        self.path = path
        self.layers = 0

    def clean_model(self, config: object) -> dict:
        """Return the configuration of a model without what it was compiled with.

        Raises:
            UserError: If it names anything but stock layers and their parts, or is out of bounds.
        """
        if not isinstance(config, dict) or (config.get("module"), config.get("class_name")) not in _MODELS:
            name = config.get("class_name") if isinstance(config, dict) else type(config).__name__
            raise self._refuse(f"holds {quote(repr(name))}, not a Functional or Sequential model of Keras")
        return self._clean(config, "", 0)

    def _clean(self, value: object, key: str, depth: int) -> object:
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
        if isinstance(value, int) and abs(value) > MAX_INTEGER and key not in _UNBOUNDED_INTEGERS:
            raise self._refuse(f"has {quote(key)} = {quote(value)}; the largest number opened here is {MAX_INTEGER:,}")
        if isinstance(value, str) and key.endswith("activation") and value not in ACTIVATIONS:
            raise self._refuse(f"has the activation {quote(repr(value))}, which is not one of Keras's own")
        return value

    def _check_class(self, value: dict) -> None:
        name, module = value["class_name"], value.get("module")
        if name == "__keras_tensor__" and module is None:
            return  # a connection between two layers
        if not (isinstance(name, str) and isinstance(module, str)):
            raise self._refuse(f"holds {quote(repr(name))}, which is not a layer of Keras 3")
        if (module, name) not in _MODELS and name not in _PARTS.get(module, ()):
            raise self._refuse(f"holds {quote(repr(f'{module}.{name}'))}, which is not among the layers opened here")
        if value.get("registered_name") not in (None, name):
            raise self._refuse(f"holds the custom class {quote(repr(value['registered_name']))}")
        if module == "keras.layers" or (module, name) in _MODELS:
            self.layers += 1
            if self.layers > MAX_LAYERS:
                raise self._refuse(f"has more than {MAX_LAYERS:,} layers")

    def _refuse(self, reason: str) -> UserError:
        return _refusal(self.path, f"{reason}; open it yourself with keras if you trust its author")


def _write_copy(archive: zipfile.ZipFile, config: dict, copy: Path, path: Path) -> None:
    try:
        with zipfile.ZipFile(copy, "x") as fresh:
            fresh.writestr(_METADATA, "{}")
            fresh.writestr(_CONFIG, json.dumps(config))
            with archive.open(_WEIGHTS) as weights, fresh.open(_WEIGHTS, "w") as target:
                if not weights.peek(len(_HDF5)).startswith(_HDF5):
                    raise _refusal(path, f"is damaged: its {_WEIGHTS} is not HDF5; fetch or save it again")
                while chunk := weights.read(2**20):  # ends at the declared size, which was checked; verifies the sum
                    target.write(chunk)
    except BaseException:
        copy.unlink(missing_ok=True)
        raise
