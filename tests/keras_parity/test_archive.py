"""The inspection refuses what a hostile or broken `.keras` file holds, in one line, before any framework reads it."""

import contextlib
import dataclasses
import json
import os
import re
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from keras_parity.archive import (
    ACTIVATIONS,
    ANY_MODEL,
    CLASSIFIER,
    FURTHER_LAYERS,
    LAYERS,
    inspect_archive,
    write_inspected_copy,
)
from keras_parity.errors import UsageError, quote
from tests.training.archives import HDF5_START, calling_set_floatx, classifier, layer, sequential, write_archive

MAX_INTEGER, MAX_LAYERS = CLASSIFIER.max_integer, CLASSIFIER.max_layers


def refusal(path: Path, allowance=CLASSIFIER) -> str:
    """Return the message with which `path` is refused, after checking that it is one line and leaves no copy."""
    copy = path.with_name("copy")
    with pytest.raises(UsageError) as refused:
        write_inspected_copy(path, copy, allowance)
    assert not copy.exists()
    message = str(refused.value)
    assert message.isprintable()
    assert len(message) < 400
    return message


def test_a_model_of_stock_layers_passes_and_its_copy_holds_the_same(tmp_path):
    """The twin of every refusal below: the same hand-made archive without the attack is let through."""
    config = classifier(layer("Dropout", rate=0.5), layer("Conv2D", filters=4, kernel_size=[3, 3], activation="relu"))
    path = write_archive(tmp_path / "good.keras", config, compression=zipfile.ZIP_DEFLATED)

    write_inspected_copy(path, tmp_path / "copy.keras", CLASSIFIER)

    with zipfile.ZipFile(tmp_path / "copy.keras") as copy:
        assert copy.testzip() is None
        assert json.loads(copy.read("config.json")) == config
        assert copy.read("model.weights.h5") == HDF5_START + bytes(100)


def test_what_a_model_was_compiled_with_is_left_out_of_the_copy(tmp_path):
    """A loss or metric can name any class and is not needed for a prediction, in a nested model neither."""
    inner = sequential(layer("Flatten", name="f")) | {"compile_config": {"loss": {"class_name": "evil"}}}
    config = classifier(inner) | {"compile_config": {"optimizer": {"module": "evil", "class_name": "Evil"}}}
    path = write_archive(tmp_path / "compiled.keras", config)

    write_inspected_copy(path, tmp_path / "copy.keras", CLASSIFIER)

    with zipfile.ZipFile(tmp_path / "copy.keras") as copy:
        assert b"compile_config" not in copy.read("config.json")
        assert b"Dropout" not in copy.read("config.json")


HOSTILE_CONFIGS = {
    "lambda": (
        classifier(layer("Lambda", function={"class_name": "__lambda__", "config": {"code": "4wE="}})),
        "Lambda",
    ),
    "public function": (calling_set_floatx(), "Lambda"),
    "function as activation": (
        classifier(
            layer("Activation", activation={"module": "keras.config", "class_name": "function", "config": "set_floatx"})
        ),
        "keras.config.function",
    ),
    "lambda object": (
        classifier(layer("Dense", units=3, bias={"class_name": "__lambda__", "config": {}})),
        "__lambda__",
    ),
    "constant": (classifier(layer("Dense", units={"class_name": "__numpy__", "config": {}})), "__numpy__"),
    "custom class": (classifier(layer("Dense", module="my_package", units=3)), "my_package.Dense"),
    "registered name": (classifier(layer("Dense", units=3) | {"registered_name": "mine>Dense"}), "mine>Dense"),
    "own activation": (classifier(layer("Dense", units=3, activation="my_activation")), "my_activation"),
    "recurrent activation": (classifier(layer("LSTM", units=3, recurrent_activation="os.system")), "os.system"),
    "operation": (classifier(layer("Add", module="keras.src.ops.numpy")), "keras.src.ops.numpy.Add"),
    "code from a file": (classifier(layer("TFSMLayer", filepath="/tmp/evil")), "TFSMLayer"),
    "words from a file": (classifier(layer("StringLookup", vocabulary="/etc/passwd")), "StringLookup"),
    "old form": (classifier({"class_name": "Dense", "config": {"units": 3}}), "not a layer of Keras 3"),
    "name is no text": (classifier(layer("Dense") | {"class_name": ["Dense"]}), "not a layer"),
    "huge dimension": (classifier(layer("Dense", units=MAX_INTEGER + 1)), "units = 1048577"),
    "huge shape": (classifier(layer("Reshape", target_shape=[-1, 2**40])), "target_shape"),
    "20,000 layers": (classifier(*[layer("Identity")] * 20_000), f"more than {MAX_LAYERS:,} layers"),
    "no model": (layer("Dense", units=10), "'Dense', not a Functional or Sequential model"),
    "an optimiser": (layer("Adam", module="keras.optimizers"), "'Adam', not a"),
    "a subclass": (layer("MyModel", module="my_package.models"), "'MyModel', not a"),
    "a nameless model": (layer(["Sequential"], module="keras"), "['Sequential'], not a"),
    "a list": ([], "list"),
    "a number": (b"7", "int"),
    "nothing": (b"null", "NoneType"),
    "not JSON": (b"{'module': 'keras'}", "config.json is not JSON"),
    "not UTF-8": (b"\xff\xfe\x00", "config.json is not JSON"),
    "too many digits": (b'{"units": ' + b"9" * 5000 + b"}", "config.json is not JSON"),
    "endless nesting": (b"[" * 1_000_000, "nested too deeply"),
    "deep nesting": (b'{"module":"keras","class_name":"Sequential","a":' + b"[" * 99 + b"]" * 99 + b"}", "64 levels"),
    "bad characters": (classifier(layer("\x1b[2J\nDense\u202e")), "among the layers"),
}


@pytest.mark.parametrize("attack", HOSTILE_CONFIGS)
def test_a_hostile_configuration_is_refused(attack, tmp_path):
    """Whatever a configuration holds beyond stock layers in bounds is named in the refusal."""
    config, said = HOSTILE_CONFIGS[attack]
    path = write_archive(tmp_path / "model.keras", config)

    message = refusal(path)

    assert said in message


@pytest.mark.parametrize("attack", [name for name in HOSTILE_CONFIGS if name not in ("constant", "operation")])
def test_the_wider_allowance_refuses_the_same_attacks(attack, tmp_path):
    """More layers, bare operations and a user's own names open no door to functions, code or files."""
    config, said = HOSTILE_CONFIGS[attack]
    path = write_archive(tmp_path / "model.keras", config)
    allowance = dataclasses.replace(
        ANY_MODEL, max_layers=MAX_LAYERS, max_integer=MAX_INTEGER, custom=frozenset({"m>L"})
    )

    message = refusal(path, allowance)

    assert said in message
    with pytest.raises(UsageError, match=re.escape(message)):
        inspect_archive(path, allowance)


def operation(module: str, name: str, *args) -> dict:
    """Return a bare operation as Keras stores it in a functional model."""
    nodes = [{"args": list(args), "kwargs": {}}]
    return layer(name, module=module) | {"registered_name": name, "name": name.lower(), "inbound_nodes": nodes}


WIDER = {
    "operation": operation("keras.src.ops.numpy", "Add", {"class_name": "__keras_tensor__", "config": {}}, 1.0),
    "constant": operation("keras.src.ops.nn", "Relu", {"class_name": "__numpy__", "config": {"value": [1.0]}}),
    "slice": operation("keras.src.ops.numpy", "GetItem", {"class_name": "__slice__", "config": {"start": 1}}),
    "embedding": layer("Embedding", input_dim=7, output_dim=3),
    "cell": layer("RNN", cell=layer("LSTMCell", units=3)),
    "three dimensions": layer("Conv3D", filters=2, kernel_size=[1, 1, 1]),
}


@pytest.mark.parametrize("part", WIDER)
def test_what_a_check_may_open_a_classifier_of_pictures_may_not_hold(part, tmp_path):
    """Operations, constants and sequences pass the wider allowance; the twin refuses each."""
    path = write_archive(tmp_path / "model.keras", classifier(WIDER[part]))

    inspect_archive(path)

    assert "holds" in refusal(path)


@pytest.mark.parametrize(
    "part",
    [
        operation("keras.src.ops.numpy.x", "Add"),
        operation("keras.src.utils.file_utils", "Add"),
        operation("os", "Add"),
        operation("keras.src.ops.core", "Map", {"class_name": "function", "config": "system", "module": "os"}),
        layer("RNN", cell=layer("Evil", module="my_package")),
        layer("TimeDistributed", layer=layer("Lambda", function="x")),
    ],
)
def test_an_operation_or_wrapper_carries_nothing_in(part, tmp_path):
    """The module must be one of Keras's operations, and what an operation or a wrapper holds is inspected too."""
    path = write_archive(tmp_path / "model.keras", classifier(part))

    assert "holds" in refusal(path, ANY_MODEL)


def test_a_class_of_the_user_passes_under_its_registered_name_alone(tmp_path):
    """A custom class is let through when the user's own module has registered it, as a layer and as the whole model."""
    own = layer("Scale", module="my_package.layers") | {"registered_name": "mine>Scale"}
    path = write_archive(tmp_path / "layer.keras", classifier(own))
    whole = write_archive(tmp_path / "model.keras", own)
    allowance = dataclasses.replace(ANY_MODEL, custom=frozenset({"mine>Scale"}))

    inspect_archive(path, allowance)
    inspect_archive(whole, allowance)

    assert "my_package.layers.Scale" in refusal(path, ANY_MODEL)
    assert "'Scale', not a" in refusal(whole, ANY_MODEL)
    assert "my_package.layers.Scale" in refusal(path, dataclasses.replace(allowance, custom=frozenset({"Scale"})))


@pytest.mark.parametrize("value", [MAX_INTEGER, -MAX_INTEGER, 0.5, 1e30, True, None])
def test_a_number_within_bounds_passes(value, tmp_path):
    """The twin: the largest whole number and any fraction are let through, and so is a seed of any size."""
    path = write_archive(tmp_path / "model.keras", classifier(layer("Dropout", rate=value, seed=2**60)))

    write_inspected_copy(path, tmp_path / "copy.keras", CLASSIFIER)

    assert (tmp_path / "copy.keras").exists()


def load_in_keras(path: str) -> str:
    """Return `floatx` after an unguarded `load_model` of `path`, in safe mode; put it back."""
    import keras

    before = keras.config.floatx()
    with contextlib.suppress(Exception):
        keras.saving.load_model(path, compile=False, safe_mode=True)
    after = keras.config.floatx()
    keras.config.set_floatx(before)
    return after


def test_safe_mode_alone_lets_a_configuration_call_functions(workers, tmp_path):
    """The attack that the inspection refuses is a real one: Keras itself runs it and the process's floatx changes."""
    path = write_archive(tmp_path / "model.keras", calling_set_floatx())

    assert workers["jax"].run(load_in_keras, str(path)) == "float64"


def stock_names() -> tuple[set[str], set[str]]:
    """Return the names of Keras's layers and of its activations."""
    import keras

    return set(dir(keras.layers)), set(dir(keras.activations))


def test_the_allowed_names_are_names_of_keras(workers):
    """A misspelt name in the lists of what is allowed would refuse good files for ever."""
    layers, activations = workers["jax"].run(stock_names)

    assert layers >= LAYERS | FURTHER_LAYERS
    assert activations >= ACTIVATIONS
    assert not layers >= LAYERS | {"Conv7D"}


def link() -> zipfile.ZipInfo:
    """Return an archive's entry for a symbolic link in the place of the weights."""
    info = zipfile.ZipInfo("model.weights.h5")
    info.create_system = 3
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


@pytest.mark.filterwarnings("ignore:Duplicate name:UserWarning")  # zipfile's, when the test makes the attack
@pytest.mark.parametrize(
    ("extra", "said"),
    [
        ([("../../evil.py", b"x")], "'../../evil.py'"),
        ([("/etc/passwd", b"x")], "'/etc/passwd'"),
        ([("assets/vocabulary.txt", b"x")], "read files"),
        ([("model.weights.npz", b"x")], "'model.weights.npz'"),
        ([("config.json", b"{}")], "config.json twice"),
        ([("evil\x1b[2J\n.py", b"x")], "holds 'evil"),
        ([(f"{number}", b"") for number in range(50_000)], "directory is larger"),
    ],
)
def test_a_member_too_many_is_refused(extra, said, tmp_path):
    """Only the three members that Keras writes may be there, once; a directory of thousands is not even read."""
    path = tmp_path / "model.keras"

    with zipfile.ZipFile(write_archive(path, classifier()), "a") as archive:
        for name, data in extra:
            archive.writestr(name, data)

    assert said in refusal(path)


@pytest.mark.parametrize("missing", ["metadata", "weights"])
def test_a_missing_member_is_named(missing, tmp_path):
    """A ZIP file of something else is no model."""
    path = write_archive(tmp_path / "model.keras", classifier(), **{missing: None})

    assert "lacks m" in refusal(path)


def test_a_link_in_the_archive_is_refused(tmp_path):
    """A member that would become a link could point anywhere."""
    path = write_archive(tmp_path / "model.keras", classifier(), weights=None)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(link(), "/etc/passwd")

    assert "as a link" in refusal(path)


def test_a_small_archive_that_expands_is_refused(tmp_path):
    """100 MB of zeros in 100 kB: refused for its ratio, and within a ratio for its size."""
    zeros = HDF5_START + bytes(100 * 2**20)
    bomb = write_archive(tmp_path / "a.keras", classifier(), weights=zeros, compression=zipfile.ZIP_DEFLATED)
    plain = write_archive(tmp_path / "b.keras", b" " * (5 * 2**20))

    assert bomb.stat().st_size < 200_000
    assert "compressed over 100-fold" in refusal(bomb)
    assert "5,242,880 bytes of config.json" in refusal(plain)


def test_a_false_size_in_the_directory_does_not_let_a_bomb_out(tmp_path):
    """The declared size is a claim of the attacker's: no more than that is ever inflated, and the sum must be right."""
    path = write_archive(
        tmp_path / "a.keras", classifier(), weights=HDF5_START + bytes(2**26), compression=zipfile.ZIP_DEFLATED
    )
    true_size = (2**26 + len(HDF5_START)).to_bytes(4, "little")
    path.write_bytes(path.read_bytes().replace(true_size, (2**16).to_bytes(4, "little")))

    assert "is damaged (Bad CRC-32" in refusal(path)


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_rare_compressions_are_refused(compression, tmp_path):
    """An LZMA stream may ask its reader for 4 GB."""
    path = write_archive(tmp_path / "model.keras", classifier(), compression=compression)

    assert "rare compression" in refusal(path)


def test_every_truncation_and_every_flipped_byte_is_refused_or_harmless(tmp_path):
    """Damage anywhere gives one line, or, in a byte without meaning such as a date, the same copy as before."""
    path = write_archive(tmp_path / "model.keras", classifier())
    whole = path.read_bytes()
    write_inspected_copy(path, tmp_path / "reference", CLASSIFIER)
    with zipfile.ZipFile(tmp_path / "reference") as reference:
        expected = [reference.read(name) for name in reference.namelist()]
    refused = 0

    for position in range(0, len(whole), 7):
        for damaged in (whole[:position], whole[:position] + bytes([whole[position] ^ 255]) + whole[position + 1 :]):
            path.write_bytes(damaged)
            copy = tmp_path / "copy"
            copy.unlink(missing_ok=True)
            try:
                write_inspected_copy(path, copy, CLASSIFIER)
            except UsageError:
                refused += 1
            else:
                with zipfile.ZipFile(copy) as archive:
                    assert [archive.read(name) for name in archive.namelist()] == expected

    assert refused > 0.9 * 2 * len(whole) / 7


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "not a .keras file"),
        (b"just some text\n", "not a .keras file"),
        (HDF5_START + bytes(1000), "bare HDF5 file"),
        (b"PK\x03\x04", "cut off"),
        (b"PK\x03\x04" + bytes(2000), "cut off"),
    ],
)
def test_a_file_of_another_kind_is_called_by_its_name(content, said, tmp_path):
    """A picture, a text, a legacy HDF5 model and half an archive each get their own sentence."""
    path = tmp_path / "model.keras"
    path.write_bytes(content)

    assert said in refusal(path)


def test_what_is_no_file_is_refused_at_once(tmp_path):
    """A missing file, a folder, a pipe that nobody writes to and an impossible name do not hang or raise."""
    os.mkfifo(tmp_path / "pipe")

    assert "there is no file" in refusal(tmp_path / "missing.keras")
    assert "Is a directory" in refusal(tmp_path)
    assert "not an ordinary file" in refusal(tmp_path / "pipe")
    assert "cannot read" in refusal(tmp_path / "pipe" / "below")


@pytest.mark.parametrize(
    ("version", "said"),
    [
        ('"99.0.0"', "newer than"),
        ('"2.15.0"', "saved by Keras 2.15.0"),
        ("null", "which Keras"),
        ('"x.y"', "which Keras"),
    ],
)
def test_another_version_of_keras_is_named(version, said, tmp_path):
    """A file from the future or from Keras 2 says so, where Keras would fail in the middle of a layer."""
    path = write_archive(tmp_path / "m.keras", classifier(), metadata=f'{{"keras_version": {version}}}'.encode())

    assert said in refusal(path)


def test_a_member_that_is_not_hdf5_is_refused(tmp_path):
    """The weights are looked at as far as their first eight bytes; the rest is the child's work."""
    path = write_archive(tmp_path / "model.keras", classifier(), weights=b"not weights")

    assert "model.weights.h5 is not HDF5" in refusal(path)


def test_quoted_text_is_one_short_printable_line():
    """Names from a file could clear the screen or forge a second line."""
    assert quote("a\x1b[31mb\x1b[0m\nc\td\x07") == "ab c d?"
    assert len(quote("x" * 10**6)) == 80


def test_the_inspection_imports_no_framework():
    """A refusal costs no start of TensorFlow, and a hostile file meets no parser but zipfile's and json's."""
    imports = "import sys, keras_parity.archive, training.foreign"
    code = f"{imports}; print([m for m in ('keras', 'h5py', 'tensorflow', 'torch') if m in sys.modules])"

    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert shown.stdout.strip() == "[]"
