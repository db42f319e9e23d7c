"""MNIST is read whole and in its original order, or not at all."""

import gzip
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import data
from data.archives import EMBEDDED, check_archives
from data.mnist import ARCHIVES
from training.errors import UserError

ROOT = Path(__file__).parents[2]
MNIST = EMBEDDED / "mnist"


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


def read_with_stand_in(folder):
    """Read MNIST without embedded archives, its downloads replaced; return the addresses asked for and the error."""
    from tensorflow_datasets.core.download import downloader

    import data.archives

    asked = []

    def download(self, url, *args, **kwargs):
        asked.append(url)
        raise ConnectionError("no network in a test")

    original, embedded = downloader._Downloader.download, data.archives.EMBEDDED
    downloader._Downloader.download, data.archives.EMBEDDED = download, Path(folder) / "absent"
    try:
        data.read("mnist", cache=Path(folder) / "cache")
    except UserError as error:
        return asked, str(error)
    finally:
        downloader._Downloader.download, data.archives.EMBEDDED = original, embedded
    return asked, None


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
        "import sys, data; source = data.read('mnist'); print(int(source.train.inputs.sum()), "
        "'tensorflow_datasets' in sys.modules)"
    )

    output = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout

    assert output.split() == [str(int(mnist.train.inputs.sum())), "False"]


def test_the_sums_are_the_librarys_own(workers):
    """The SHA-256 sums in data/mnist.py are those that tensorflow_datasets has registered."""
    assert workers["jax"].run(registered_sums) == ARCHIVES


def test_absent_archives_are_downloaded_from_the_librarys_address(workers, tmp_path):
    """Without embedded archives the library's own downloads start; without a network one line says what to do."""
    asked, error = workers["jax"].run(read_with_stand_in, str(tmp_path))

    assert asked
    assert all(url.rsplit("/", 1)[-1] in ARCHIVES for url in asked)
    assert "cannot download MNIST (no network in a test)" in error
    assert "--data-dir" in error
    assert not list((tmp_path / "cache").glob("*.npz"))
    assert not (tmp_path / "cache" / "mnist.preparing").exists()


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
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes())[::-1]))


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

    with pytest.raises(UserError, match=message) as refusal:
        data.read("mnist", archives=copy, cache=tmp_path / "cache")

    assert "\n" not in str(refusal.value)
    assert not (tmp_path / "cache" / "mnist.npz").exists()


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
    with pytest.raises(UserError, match="train-images-idx3-ubyte.gz is missing"):
        data.read("mnist", archives=tmp_path)


def test_an_unusable_cache_is_named(tmp_path):
    """A cache below a regular file cannot be made, for root either."""
    (tmp_path / "file").write_text("")

    with pytest.raises(UserError, match="cannot prepare mnist in .*KERAS_PARITY_CACHE"):
        data.read("mnist", cache=tmp_path / "file" / "cache")


def test_a_full_disk_is_named_and_leaves_nothing(mnist, tmp_path, monkeypatch):
    """With the disk full at the last moment (simulated in the write), no arrays are left to be trusted."""
    monkeypatch.setattr("data.archives._build", lambda *arguments: {"train": mnist.test, "test": mnist.test})

    def no_space(*arguments, **parts):
        arguments[0].write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", no_space)

    with pytest.raises(UserError, match="No space left on device"):
        data.read("mnist", cache=tmp_path)

    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["mnist.lock"]


@pytest.mark.parametrize("damage", [truncate, flip])
def test_a_damaged_cache_is_made_anew(mnist, tmp_path, monkeypatch, damage):
    """Kept arrays that were cut or changed are not trusted: they are prepared again."""
    made = []

    def build(*arguments):
        made.append(1)
        return {"train": mnist.test, "test": mnist.test}

    monkeypatch.setattr("data.archives._build", build)
    data.read("mnist", cache=tmp_path)
    data.read("mnist", cache=tmp_path)
    assert len(made) == 1

    damage(tmp_path / "mnist.npz")
    again = data.read("mnist", cache=tmp_path)

    assert len(made) == 2
    np.testing.assert_array_equal(again.train.labels, mnist.test.labels)


def start_preparing(cache, output):
    """Start a process that prepares MNIST in `cache`, one that trains nothing."""
    code = "import tensorflow, data; print(data.read('mnist').train.labels[:10].tolist())"
    environment = os.environ | {"KERAS_PARITY_CACHE": str(cache)}
    return subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT
    )


def test_a_killed_preparation_leaves_nothing_that_is_trusted_and_two_at_once_agree(tmp_path):
    """After `kill -9` in the middle, two processes that prepare at the same time both get the right data."""
    killed = start_preparing(tmp_path / "cache", subprocess.DEVNULL)
    scratch = tmp_path / "cache" / "mnist.preparing"
    deadline = time.monotonic() + 120
    while not list(scratch.rglob("*tfrecord*")) and time.monotonic() < deadline and killed.poll() is None:
        time.sleep(0.05)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert scratch.exists()
    assert not (tmp_path / "cache" / "mnist.npz").exists()

    both = [start_preparing(tmp_path / "cache", subprocess.PIPE) for _ in range(2)]
    outputs = [process.communicate(timeout=300)[0].decode() for process in both]

    assert [process.returncode for process in both] == [0, 0], outputs
    assert all("[5, 0, 4, 1, 9, 2, 1, 3, 1, 4]" in output for output in outputs)
    assert sum("preparing MNIST" in output for output in outputs) == 1
    assert not scratch.exists()


def test_an_unknown_data_set_gets_the_nearest():
    """A typo is answered with what was probably meant; the machinery's modules are no data sets."""
    with pytest.raises(UserError, match="did you mean mnist"):
        data.read("mnits")
    assert data.names() == ["mnist"]
