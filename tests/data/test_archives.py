"""MNIST is read whole and in its original order, or not at all."""

import gzip
import hashlib
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import numpy as np
import pytest

import data
import data.archives
from data.archives import EMBEDDED, check_archives
from data.mnist import ORIGINAL
from data.split import Split
from foundation.errors import UserError

ROOT = Path(__file__).parents[2]
MNIST = EMBEDDED / "mnist"
ARCHIVES = ORIGINAL.archive_sums


def read_raw(kind):
    """Return the images and labels as the archives have them."""
    images = gzip.decompress((MNIST / f"{kind}-images-idx3-ubyte.gz").read_bytes())[16:]
    labels = gzip.decompress((MNIST / f"{kind}-labels-idx1-ubyte.gz").read_bytes())[8:]
    return np.frombuffer(images, np.uint8).reshape(-1, 28, 28, 1), np.frombuffer(labels, np.uint8)


def registered_sums():
    """Return the sums that tensorflow_datasets has for MNIST, by file name."""
    import tensorflow_datasets as tfds

    infos = tfds.image_classification.MNIST.url_infos
    return {url.rsplit("/", 1)[-1]: info.checksum for url, info in infos.items()}


def read_by_download(cache, alter=None):
    """Read MNIST without embedded archives, the network replaced by the folder that they lie in.

    Args:
        cache: Where to prepare it.
        alter: Changes a delivered file, given its path.

    Returns:
        The addresses asked for, and the dataset, or the message of the UserError.
    """
    import requests
    from tensorflow_datasets.core.download import checksums, downloader

    asked = []

    def deliver(self, url, destination_path, verify=True):
        asked.append(url)
        path = destination_path / url.rsplit("/", 1)[-1]
        shutil.copy(MNIST / path.name, path)
        if alter:
            alter(Path(path))
        url_info = checksums.compute_url_info(path, checksum_cls=hashlib.sha256)
        return downloader.DownloadResult(path=path, url_info=url_info)

    with (
        mock.patch.object(data.archives, "EMBEDDED", Path(cache) / "absent"),
        mock.patch.object(downloader._Downloader, "_sync_download", deliver),
        mock.patch.object(requests, "head"),
    ):
        try:
            return asked, data.read("mnist", cache=Path(cache))
        except UserError as error:
            return asked, str(error)


def read_without_network(cache):
    """Read MNIST without embedded archives where each connection is refused; return the error and the seconds."""
    nobody = {"HTTPS_PROXY": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}
    start = time.monotonic()
    with (
        mock.patch.object(data.archives, "EMBEDDED", Path(cache) / "absent"),
        mock.patch.dict(os.environ, nobody),
        pytest.raises(UserError) as refusal,
    ):
        data.read("mnist", cache=Path(cache))
    return str(refusal.value), time.monotonic() - start


def read_with_small_files(cache, limit):
    """Read MNIST where no file can grow beyond `limit` bytes, which the system sees to; return the error."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        with pytest.raises(UserError) as refusal:
            data.read("mnist", cache=Path(cache))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    return str(refusal.value)


def explain_full_disk_in_a_writer():
    """Return what is said of the error that the library raised when a small disk was full while it wrote records."""
    import tensorflow as tf

    try:
        try:
            raise tf.errors.ResourceExhaustedError(None, None, "cache/mnist.tfrecord; No space left on device")
        except tf.errors.ResourceExhaustedError as error:
            raise RuntimeError("ResourceExhaustedError: Failed to finalize writing") from error
    except RuntimeError as error:
        wrapped = error
    return repr(data.archives._plain_error(wrapped, "MNIST")), data.archives._plain_error(RuntimeError("ours"), "MNIST")


def truncate(path):
    """Cut the file's last kilobyte."""
    path.write_bytes(path.read_bytes()[:-1000])


def flip(path):
    """Flip one bit in the middle."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def swap(path):
    """Put another valid archive in its place, as Fashion-MNIST's would be: same name, another content."""
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes())[::-1], 1))


@pytest.fixture(scope="module")
def mnist(workers):
    """MNIST, prepared by the builder in a worker."""
    return workers["jax"].run(data.read, "mnist")


@pytest.fixture
def copy(tmp_path):
    """A folder with copies of the four archives, to be damaged."""
    return Path(shutil.copytree(MNIST, tmp_path / "archives"))


@pytest.mark.parametrize(("split", "kind"), [("train", "train"), ("test", "t10k")])
def test_mnist_is_the_archives_content_in_their_order(mnist, split, kind):
    """All 70,000 images and labels are those of the files, in the order of the files."""
    images, labels = read_raw(kind)

    np.testing.assert_array_equal(getattr(mnist, split).inputs, images)
    np.testing.assert_array_equal(getattr(mnist, split).labels, labels)


def test_mnist_begins_with_the_known_labels(mnist):
    """The first labels are those that every tutorial shows."""
    assert mnist.train.labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert mnist.test.labels[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]


def test_a_second_read_needs_no_tensorflow_datasets(mnist, cache):
    """What is prepared is read back without the library, and is the same."""
    code = (
        "import sys, data; dataset = data.read('mnist'); print(int(dataset.train.inputs.sum()), "
        "'tensorflow_datasets' in sys.modules)"
    )

    output = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout

    assert output.split() == [str(int(mnist.train.inputs.sum())), "False"]


def test_the_sums_are_the_librarys_own(workers):
    """The SHA-256 sums in data/mnist.py are those that tensorflow_datasets has registered."""
    assert workers["jax"].run(registered_sums) == ARCHIVES


def test_a_download_that_was_changed_on_the_way_is_refused(workers, tmp_path):
    """The library's own checksums decide; nothing is left of what was delivered."""
    _, error = workers["jax"].run(read_by_download, str(tmp_path), flip)

    assert "cannot download MNIST (" in error
    assert "checksum" in error
    assert "\n" not in error
    assert [entry.name for entry in tmp_path.iterdir()] == ["mnist.lock"]


def test_without_a_network_one_line_says_so_at_once(workers, tmp_path):
    """The library's minutes of retries are spared to whoever is offline."""
    error, seconds = workers["jax"].run(read_without_network, str(tmp_path))

    assert error == (
        "cannot download MNIST (no connection); connect to the network, "
        "or give the folder of the official archives with --data-dir"
    )
    assert seconds < 60
    assert [entry.name for entry in tmp_path.iterdir()] == ["mnist.lock"]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (Path.unlink, "t10k-images-idx3-ubyte.gz is missing"),
        (truncate, "t10k-images-idx3-ubyte.gz is damaged or another data set's"),
        (flip, "t10k-images-idx3-ubyte.gz is damaged or another data set's"),
        (swap, "t10k-images-idx3-ubyte.gz is damaged or another data set's"),
    ],
)
def test_a_damaged_archive_is_named_and_leaves_nothing(copy, tmp_path, damage, message):
    """Each kind of damage gives one line with the file's name; nothing is prepared from it."""
    damage(copy / "t10k-images-idx3-ubyte.gz")

    with pytest.raises(UserError, match=re.escape(message)) as refusal:
        data.read("mnist", archives=copy, cache=tmp_path / "cache")

    assert "\n" not in str(refusal.value)
    assert not (tmp_path / "cache").exists()


def test_damage_is_noticed_though_the_cache_is_warm(mnist, copy):
    """A folder given by hand is checked every time."""
    flip(copy / "train-labels-idx1-ubyte.gz")

    with pytest.raises(UserError, match="train-labels"):
        data.read("mnist", archives=copy)


def test_whole_archives_pass(copy):
    """The check above can also succeed."""
    check_archives(copy, ARCHIVES)


def test_a_wrong_folder_is_named(tmp_path):
    """A folder that is not there, or holds no archives, is a one-line error."""
    with pytest.raises(UserError, match="is not a folder; --data-dir takes"):
        data.read("mnist", archives=tmp_path / "nowhere")
    with pytest.raises(UserError, match=r"train-images-idx3-ubyte\.gz is missing"):
        data.read("mnist", archives=tmp_path)


def test_damaged_embedded_archives_are_named(copy, tmp_path, monkeypatch):
    """What travels with the repository is checked too, when it is prepared."""
    monkeypatch.setattr("data.archives.EMBEDDED", copy.rename(tmp_path / "mnist").parent)
    flip(tmp_path / "mnist" / "t10k-labels-idx1-ubyte.gz")

    with pytest.raises(UserError, match=r"t10k-labels-idx1-ubyte\.gz is damaged"):
        data.read("mnist", cache=tmp_path / "cache")

    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("place", ["file", "file/cache"])
def test_an_unusable_cache_is_named(tmp_path, place):
    """A cache that is a regular file, or below one, cannot be made, for root either; the next good one works."""
    (tmp_path / "file").write_text("mine")

    with pytest.raises(UserError, match=r"^cannot prepare MNIST in .*KERAS_PARITY_CACHE.*$"):
        data.read("mnist", cache=tmp_path / place)

    assert (tmp_path / "file").read_text() == "mine"


def test_a_cache_without_write_permission_is_named(tmp_path, monkeypatch):
    """Permission is refused by a stand-in for the system call, since it never is to root."""
    monkeypatch.setattr(os, "open", mock.Mock(side_effect=PermissionError(13, "Permission denied")))

    with pytest.raises(UserError, match=r"cannot prepare MNIST in .*: Permission denied; .*KERAS_PARITY_CACHE"):
        data.read("mnist", cache=tmp_path)


def test_a_write_that_fails_is_named_and_leaves_nothing(workers, tmp_path):
    """Where the system refuses to write on while archives are unpacked (a limit on files' sizes), one line says so."""
    error = workers["jax"].run(read_with_small_files, str(tmp_path), 1_000_000)

    assert error.startswith(f"cannot prepare MNIST in {tmp_path}: File too large; free some space")
    assert "\n" not in error
    assert [entry.name for entry in tmp_path.iterdir()] == ["mnist.lock"]


def test_a_disk_that_fills_while_records_are_written_is_named(workers):
    """The library wraps TensorFlow's error, as it did on a disk of 70 MB; what is no such error stays what it is."""
    explained, unexplained = workers["jax"].run(explain_full_disk_in_a_writer)

    assert explained == "OSError('No space left on device')"
    assert unexplained is None


@pytest.fixture
def builds(mnist, monkeypatch):
    """Stand in for the library's builder; return what it is to give, a list of calls' results."""
    results = []
    whole = {"train": mnist.train, "test": mnist.test}
    monkeypatch.setattr("data.archives._build", lambda *_: results.append(whole) or whole)
    return results


def test_a_full_disk_is_named_and_the_next_read_works(builds, tmp_path):
    """With no room for what is kept (the same limit, on the last write), nothing is left that a next run trusts."""
    error = read_with_small_files(tmp_path, 1_000_000)
    left = [entry.name for entry in tmp_path.iterdir()]
    dataset = data.read("mnist", cache=tmp_path)

    assert error.startswith(f"cannot prepare MNIST in {tmp_path}: File too large; free some space")
    assert left == ["mnist.lock"]
    assert len(dataset.train) == 60_000
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["mnist.lock", "mnist.uint8"]


def test_what_is_prepared_wrongly_is_not_kept(builds, mnist, tmp_path, monkeypatch):
    """If the library gave the images in another order, or another data set, it would be noticed."""
    turned = Split(mnist.train.inputs[::-1], mnist.train.labels[::-1])
    monkeypatch.setattr("data.archives._build", lambda *_: {"train": turned, "test": mnist.test})

    with pytest.raises(UserError, match="has not prepared MNIST as it was published"):
        data.read("mnist", cache=tmp_path)

    assert [entry.name for entry in tmp_path.iterdir()] == ["mnist.lock"]


def empty(path):
    """Leave nothing in the file."""
    path.write_bytes(b"")


def lengthen(path):
    """Add one byte."""
    path.write_bytes(path.read_bytes() + b"0")


@pytest.mark.parametrize("damage", [truncate, flip, empty, lengthen])
def test_a_damaged_cache_is_made_anew(builds, tmp_path, damage):
    """A cache that was cut or changed is not trusted: it is prepared again; a whole one is not."""
    first = data.read("mnist", cache=tmp_path)
    data.read("mnist", cache=tmp_path)
    assert len(builds) == 1

    damage(tmp_path / "mnist.uint8")
    again = data.read("mnist", cache=tmp_path)

    assert len(builds) == 2
    np.testing.assert_array_equal(again.train.labels, first.train.labels)


def test_a_process_that_waits_for_another_says_so(builds, tmp_path, capsys):
    """Whoever finds the lock taken says what it waits for, and then uses what the other one made."""
    from filelock import FileLock

    lock = FileLock(tmp_path / "mnist.lock")
    with ThreadPoolExecutor(1) as other, lock:
        waiting = other.submit(data.read, "mnist", cache=tmp_path)
        while "waiting for another process" not in (said := capsys.readouterr().err):
            assert not waiting.done()
            time.sleep(0.05)
        lock.release()
        dataset = waiting.result(timeout=60)

    assert "mnist.lock" in said
    assert len(dataset.test) == 10_000


def start_preparing(cache):
    """Start a process that prepares MNIST in `cache`."""
    environment = os.environ | {"KERAS_PARITY_CACHE": str(cache)}
    code = "import data; data.read('mnist')"
    return subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, env=environment, stderr=subprocess.DEVNULL)


@dataclass
class Interrupted:
    """What was seen when a process was killed while it prepared, and two others then read at once, by download.

    Attributes:
        left: The cache's files after the kill, relative to it.
        asked: The addresses that each of the two asked for.
        datasets: What they got, or the messages of their UserErrors.
        kept: The cache's files at the end.
    """

    left: list[str]
    asked: list[list[str]]
    datasets: list
    kept: list[str]


@pytest.fixture(scope="module")
def interrupted(workers, tmp_path_factory):
    """A preparation killed with SIGKILL in the middle of its records, then two at once."""
    cache = tmp_path_factory.mktemp("interrupted")

    def files():
        return sorted(path.relative_to(cache).as_posix() for path in cache.rglob("*") if path.is_file())

    killed = start_preparing(cache)
    deadline = time.monotonic() + 120
    while not any("tfrecord" in file for file in files()) and time.monotonic() < deadline and killed.poll() is None:
        time.sleep(0.05)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    left = files()
    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(lambda backend: workers[backend].run(read_by_download, str(cache)), ("jax", "torch")))
    asked, datasets = zip(*both, strict=True)
    return Interrupted(left, sorted(asked), list(datasets), files())


def test_a_killed_preparation_leaves_nothing_that_is_trusted(interrupted, mnist):
    """After `kill -9` in the middle there are scraps, which the next read wipes, and its data are right."""
    assert any("tfrecord" in file for file in interrupted.left)
    assert "mnist.uint8" not in interrupted.left
    assert interrupted.kept == ["mnist.lock", "mnist.uint8"]
    np.testing.assert_array_equal(interrupted.datasets[0].train.inputs, mnist.train.inputs)


def test_of_two_that_prepare_at_once_one_waits_for_the_other(interrupted):
    """Only one of them has it built; both get the same."""
    first, second = interrupted.datasets

    assert [len(addresses) for addresses in interrupted.asked] == [0, 4]
    np.testing.assert_array_equal(first.train.inputs, second.train.inputs)
    np.testing.assert_array_equal(first.test.labels, second.test.labels)


def test_absent_archives_are_downloaded_from_the_librarys_address(interrupted):
    """Without embedded archives the builder asks for the four official files; the data are checked above."""
    address = "https://storage.googleapis.com/cvdf-datasets/mnist/"

    assert sorted(interrupted.asked[1]) == sorted(address + file for file in ARCHIVES)


def test_an_unknown_data_set_gets_the_nearest():
    """A typo is answered with what was probably meant; the machinery's modules are no data sets."""
    with pytest.raises(UserError, match="did you mean mnist"):
        data.read("mnits")
    assert data.names() == ["apparel", "fashion_mnist", "iris", "mnist", "sentences"]
