"""A foreign `.keras` file is predicted with as Keras itself would, or refused in one line; nothing is left behind.

Starting a child costs a few seconds, so what the inspection refuses is tested in tests/keras_parity/test_archive.py
without one, and what the child checks of a model's signature in a worker.
"""

import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

import numpy as np
import psutil
import pytest

from foundation.errors import UserError
from keras_parity.names import TRAINING_BACKENDS
from tests.training.archives import calling_set_floatx, classifier, layer, sequential, write_archive
from training import foreign
from training.foreign import predict_foreign
from training.foreign_child import RefusalError, check_signature

INPUTS = np.random.default_rng(0).random((7, 28, 28, 1), np.float32)


@pytest.fixture(autouse=True)
def working_folder(tmp_path, monkeypatch):
    """The folder in which all temporary files land; checks afterwards that it is empty and no child is alive."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield folder
    assert list(folder.iterdir()) == []
    assert children() == []


def children(parent: int | None = None) -> list[psutil.Process]:
    """Return the processes that run the child's module and descend from `parent`, by default this process."""
    found = psutil.Process(parent).children(recursive=True)
    return [child for child in found if child.is_running() and "foreign_child.py" in " ".join(child.cmdline())]


def refusal(path: Path, inputs: np.ndarray = INPUTS, backend: str = "jax", **limits) -> str:
    """Return the message with which `path` is refused, after checking that it is one printable line."""
    with pytest.raises(UserError) as refused:
        predict_foreign(path, inputs, backend, **limits)
    message = str(refused.value)
    assert message.isprintable()
    assert len(message) < 500
    return message


def save_functional(path: str, inputs: np.ndarray, compiled: bool, poison: float | None = None) -> np.ndarray:
    """Save a small functional network with two paths to `path`, and return its logits.

    Args:
        path: A `.keras` file.
        inputs: float32 `(n, 28, 28, 1)`.
        compiled: Whether it carries an optimiser, a loss and a metric.
        poison: A number to put into its last weight.
    """
    import keras
    from keras import layers

    keras.utils.set_random_seed(0)
    image = keras.Input((28, 28, 1))
    left = layers.Conv2D(3, 5, padding="same", activation="relu", kernel_regularizer="l2")(image)
    right = layers.Conv2D(3, 3, padding="same", activation="gelu", bias_initializer="ones")(image)
    x = layers.MaxPooling2D()(layers.Add()([left, right]))
    model = keras.Model(image, layers.Dense(10)(layers.Flatten()(x)))
    if compiled:
        model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    outputs = np.asarray(model.predict_on_batch(inputs))
    if poison is not None:
        model.weights[-1].assign(np.full(10, poison))
    model.save(path)
    return outputs


def save_sequential(path: str, inputs: np.ndarray) -> np.ndarray:
    """Save a network whose layers behave otherwise in training, and whose statistics are not the first ones."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(0)
    scaling = [keras.Input((28, 28, 1)), layers.Rescaling(2.0, -1.0), layers.Conv2D(3, 3), layers.BatchNormalization()]
    model = keras.Sequential([*scaling, layers.LeakyReLU(), layers.Flatten(), layers.Dropout(0.5), layers.Dense(10)])
    model(inputs, training=True)
    model.save(path)
    return np.asarray(model.predict_on_batch(inputs))


def save_flat_softmax(path: str, inputs: np.ndarray) -> np.ndarray:
    """Save a softmax network on rows of 784 pixels; return its probabilities."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((784,)), layers.Dense(8, "tanh"), layers.Dense(10, "softmax")])
    model.save(path)
    return np.asarray(model.predict_on_batch(inputs.reshape(-1, 784)))


@pytest.mark.parametrize("backend", TRAINING_BACKENDS)
def test_a_functional_network_of_each_backend_is_predicted_as_in_process(backend, workers, tmp_path):
    """The logits are those that Keras gives without any precaution, compiled or not, to float32 rounding."""
    path = tmp_path / "model.keras"
    expected = workers[backend].run(save_functional, str(path), INPUTS, compiled=backend == "torch")

    outputs = predict_foreign(path, INPUTS, backend)

    assert outputs.dtype == np.float32
    assert outputs.shape == (7, 10)
    np.testing.assert_allclose(outputs, expected, rtol=1e-4, atol=1e-5)
    with pytest.raises(AssertionError):  # the twin: another row's outputs are told apart
        np.testing.assert_allclose(outputs[1:], expected[:-1], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("save", [save_sequential, save_flat_softmax])
def test_other_kinds_of_classifiers_are_predicted_as_in_process(save, workers, tmp_path):
    """Rescaling, statistics and dropout act as in inference; pictures are flattened for a network that wants rows.

    There are 503 of them, so that the last chunk is a partial one: it must be there, in its place.
    """
    path = tmp_path / "model.keras"
    many = np.random.default_rng(1).random((503, 28, 28, 1), np.float32)
    expected = workers["jax"].run(save, str(path), many)

    outputs = predict_foreign(path, many, "jax")

    np.testing.assert_allclose(outputs, expected, rtol=1e-4, atol=1e-5)
    assert abs(outputs[0] - outputs[1]).max() > 1e-3


def test_a_refused_file_starts_no_process(tmp_path, monkeypatch):
    """What the inspection refuses never meets Keras."""
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: pytest.fail("a child was started"))
    path = write_archive(tmp_path / "evil.keras", calling_set_floatx())

    assert "Lambda" in refusal(path)


def test_a_kilobyte_that_asks_for_gigabytes_is_stopped_by_the_memory_limit(tmp_path):
    """Each dimension of this network is in bounds, its 16 GB of weights are not."""
    layers = [layer("Conv2D", filters=8, kernel_size=[1, 1]), layer("Flatten"), layer("Dense", units=650_000)]
    path = write_archive(tmp_path / "bomb.keras", sequential(*layers, layer("Dense", units=10)))

    message = refusal(path, backend="torch", memory_gib=1.5)

    assert path.stat().st_size < 2000
    assert "needs more than 1.5 GiB of memory" in message


def allocate(mebibytes: int, limit_mebibytes: int) -> str:
    """Return how many MiB the backend allocated, or its exception, under the child's kind of limit for so many more."""
    import keras

    in_use = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmData"))
    before = resource.getrlimit(resource.RLIMIT_DATA)
    limit = 1024 * int(in_use.split()[1]) + limit_mebibytes * 2**20
    resource.setrlimit(resource.RLIMIT_DATA, (limit, before[1]))
    try:
        return str(keras.ops.convert_to_numpy(keras.ops.ones((mebibytes, 2**18)) + 1).nbytes // 2**20)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, before)


@pytest.mark.parametrize("backend", ["jax", "torch"])  # by hand on TensorFlow, which tries again for ten seconds
def test_the_kind_of_limit_holds_on_other_backends(backend, workers):
    """RLIMIT_DATA stops an allocation, with words that the child recognises, and lets a smaller one pass."""
    refused = workers[backend].run(allocate, 2048, limit_mebibytes=512)

    assert "allocat" in refused or "out of memory" in refused.lower()
    assert workers[backend].run(allocate, 64, limit_mebibytes=512) == "64"


def test_weights_that_are_not_finite_are_refused(workers, tmp_path):
    """Keras loads NaN without a word; here the weight is named."""
    path = tmp_path / "model.keras"
    workers["jax"].run(save_functional, str(path), INPUTS, compiled=False, poison=np.nan)

    assert "NaN or infinite numbers in its weight dense" in refusal(path)


def test_damaged_weights_with_a_right_checksum_are_refused(workers, tmp_path):
    """The inspection cannot see damage inside the HDF5 file: Keras's exception becomes one line."""
    path = tmp_path / "model.keras"
    workers["jax"].run(save_functional, str(path), INPUTS, compiled=False)
    with zipfile.ZipFile(path) as archive:
        config, weights = archive.read("config.json"), archive.read("model.weights.h5")
    write_archive(path, config, weights=weights[:-200])

    message = refusal(path)

    assert "cannot be loaded and run on jax" in message
    assert "check it, or try another backend" in message


def test_a_file_that_takes_too_long_is_stopped(tmp_path):
    """The time limit ends the child, wherever it is: here in its imports."""
    path = write_archive(tmp_path / "slow.keras", classifier())
    start = time.perf_counter()

    message = refusal(path, seconds=0.5)

    assert "longer than 0.5 seconds" in message
    assert time.perf_counter() - start < 10  # a limit that is not kept lets it run for a minute and more


def test_a_full_or_missing_temporary_folder_is_named(tmp_path, monkeypatch):
    """Nothing can be opened without a place to work in."""
    path = write_archive(tmp_path / "model.keras", classifier())
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "absent"))

    assert "set TMPDIR elsewhere" in refusal(path)


WAITING = (
    "import sys, numpy, training.foreign as f; f.predict_foreign(sys.argv[1], numpy.zeros((1, 28, 28, 1), 'f4'), 'jax')"
)


def heed_interrupts():
    """Undo what a shell does for programs in the background: they ignore Ctrl-C, and their children with them."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGKILL])
def test_no_process_outlives_its_parent(stop, tmp_path, working_folder):
    """Ctrl-C ends the child and removes its folder at once; after a kill of the parent the child ends itself."""
    path = write_archive(tmp_path / "model.keras", classifier())
    command, environment = [sys.executable, "-c", WAITING, str(path)], os.environ | {"TMPDIR": str(working_folder)}
    parent = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, preexec_fn=heed_interrupts)
    while not (alive := children(parent.pid)):
        time.sleep(0.01)
    time.sleep(0.3)  # into the child's imports

    parent.send_signal(stop)
    _, shown = parent.communicate(timeout=10)
    gone, remaining = psutil.wait_procs(alive, timeout=10)

    assert remaining == []
    assert len(gone) == 1
    if stop == signal.SIGINT:
        assert b"KeyboardInterrupt" in shown
    else:
        for left in working_folder.iterdir():  # nobody can tidy up after SIGKILL but the system
            for file in left.iterdir():
                file.unlink()
            left.rmdir()


def run_child_writing(monkeypatch, tmp_path, code: str):
    """Put a script of one's own in the place of the child's module, as a model that broke through would."""
    script = tmp_path / "foreign_child.py"
    script.write_text(f"import os, sys, json, time\n{code}\n")
    monkeypatch.setattr(foreign, "__file__", str(tmp_path / "foreign.py"))
    return write_archive(tmp_path / "model.keras", classifier())


GOOD_ANSWER = "open('outputs', 'wb').write(bytes(7 * 10 * 4))"


def test_what_the_child_prints_does_not_matter(monkeypatch, tmp_path, capfd):
    """Megabytes of noise on both streams neither block it nor reach the screen nor disturb the answer."""
    noise = "for stream in (1, 2): os.write(stream, b'x' * 3_000_000)"
    path = run_child_writing(monkeypatch, tmp_path, f"{noise}\n{GOOD_ANSWER}")

    outputs = predict_foreign(path, INPUTS, "jax")

    assert outputs.shape == (7, 10)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("os.abort()", "SIGABRT"),
        ("sys.exit(5)", "exit status 5"),
        ("pass", "exit status 0"),
        ("open('outputs', 'wb').write(bytes(7 * 9 * 4))", "exit status 0"),
        ("open('outputs', 'wb').write(b'\\xff' * (7 * 10 * 4))", "exit status 0"),
        ("open('refusal', 'wb').write(b'\\x1b[2J\\xff\\nis ' + b'evil ' * 10**6)", "evil"),
        ("os.mkdir('refusal')", "exit status 0"),
    ],
)
def test_a_child_that_misbehaves_is_reported_in_one_line(code, said, monkeypatch, tmp_path):
    """A crash, a missing or wrong answer, NaN outputs and a forged message are all refusals."""
    path = run_child_writing(monkeypatch, tmp_path, code)

    assert said in refusal(path)


def test_the_child_inherits_no_secret_and_no_setting(monkeypatch, tmp_path):
    """The environment's tokens and Keras settings stay here; its folder is where it may write."""
    monkeypatch.setenv("MY_TOKEN", "secret")
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    check = "assert 'MY_TOKEN' not in os.environ and os.environ['KERAS_BACKEND'] == 'jax'"
    place = "assert os.environ['KERAS_HOME'] == os.environ['TMPDIR'] == os.getcwd() and os.getsid(0) == os.getpid()"
    path = run_child_writing(monkeypatch, tmp_path, f"{check}\n{place}\n{GOOD_ANSWER}")

    assert predict_foreign(path, INPUTS, "jax").shape == (7, 10)
    assert "exit status 1" in refusal(run_child_writing(monkeypatch, tmp_path, "assert 'PATH' not in os.environ"))


def test_helpers_of_the_child_end_with_it(monkeypatch, tmp_path):
    """A process that a model might have started dies with the group."""
    sleeper = "import subprocess; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(61)'])"
    path = run_child_writing(monkeypatch, tmp_path, f"{sleeper}\n{GOOD_ANSWER}")

    predict_foreign(path, INPUTS, "jax")

    # SIGKILL has been sent when this returns; on a busy machine the system takes a moment to carry it out.
    patience = time.monotonic() + 20
    while sleepers_of_61_seconds() and time.monotonic() < patience:
        time.sleep(0.05)
    assert sleepers_of_61_seconds() == []


def sleepers_of_61_seconds() -> list[psutil.Process]:
    """Return the processes of `test_helpers_of_the_child_end_with_it`: no other test sleeps for 61 seconds.

    A zombie has ended; only whoever adopted it has not asked yet.
    """
    found = psutil.process_iter(["cmdline", "status"])
    alive = [process for process in found if process.info["status"] != psutil.STATUS_ZOMBIE]
    return [process for process in alive if "time.sleep(61)" in str(process.info["cmdline"])]


def signature(
    shapes: list[tuple], outputs: int = 1, classes: int = 10, dtype: str = "float32", batch: int | None = None
):
    """Return what `check_signature` says of a model with inputs of `shapes`: the form, or the refusal's text."""
    import keras
    from keras import layers

    inputs = [keras.Input(shape, batch_size=batch, dtype=dtype) for shape in shapes]
    flat = [layers.GlobalAveragePooling2D()(x) if None in x.shape[1:] else layers.Flatten()(x) for x in inputs]
    x = flat[0] if len(flat) == 1 else layers.Concatenate()(flat)
    results = [layers.Dense(classes)(layers.Rescaling(1.0)(x)) for _ in range(outputs)]
    model = keras.Model(inputs if len(inputs) > 1 else inputs[0], results if outputs > 1 else results[0])
    try:
        return check_signature(model, 10)
    except RefusalError as refused:
        return str(refused)


def test_the_four_forms_of_a_picture_are_taken(workers):
    """A model may want pixels with a channel, without one, in a row, or channels first; open sizes fit too."""
    worker = workers["jax"]

    for shape in ((28, 28, 1), (28, 28), (784,), (1, 28, 28)):
        assert worker.run(signature, [shape]) == shape
    assert worker.run(signature, [(None, None, 1)]) == (28, 28, 1)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"shapes": [(32, 32, 3)]}, "expects inputs of shape (None, 32, 32, 3)"),
        ({"shapes": [(28, 28, 1)], "batch": 16}, "expects inputs of shape (16, 28, 28, 1)"),
        ({"shapes": [(784,), (784,)]}, "2 inputs and 1 outputs"),
        ({"shapes": [(784,)], "outputs": 2}, "1 inputs and 2 outputs"),
        ({"shapes": [(784,)], "classes": 7}, "gives outputs of shape (None, 7); (None, 10) is wanted"),
        ({"shapes": [(784,)], "dtype": "int32"}, "has int32 inputs"),
    ],
)
def test_a_model_of_other_inputs_or_outputs_is_refused(arguments, said, workers):
    """The refusal says what the model expects or gives."""
    assert said in workers["jax"].run(signature, **arguments)
