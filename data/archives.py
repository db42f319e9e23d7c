"""Data sets that tensorflow_datasets makes from MNIST's four archives, or from four like them.

The library's own builder prepares the data once, from archives that its registered SHA-256 sums accept. Decoding 70,000
PNGs at each start would take longer than importing keras, so the bytes are kept, all in one file, and compared with
their own SHA-256 sum at each start: a damaged cache is noticed and made anew.
"""

import contextlib
import hashlib
import io
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from data.split import Dataset, Split
from foundation.errors import UserError
from keras_parity.environment import default_cache

EMBEDDED = Path(__file__).parent / "embedded"

# In the order in which an original's sums stand.
ARCHIVES = (
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
)
_COUNTS = {"train": 60_000, "test": 10_000}
_IMAGE = (28, 28, 1)


@dataclass(frozen=True)
class Original:
    """What identifies a published data set of 60,000 training and 10,000 test images, 28 × 28 grey pixels.

    Attributes:
        name: Its name here.
        builder: The name of its builder class in `tensorflow_datasets.image_classification`.
        sums: SHA-256 of each of `ARCHIVES`.
        content_sum: SHA-256 of the training images, training labels, test images and test labels, one after another, as
            the unpacked archives have them behind their headers: a byte per pixel, a byte per label.
    """

    name: str
    builder: str
    sums: tuple[str, str, str, str]
    content_sum: str

    @property
    def archive_sums(self) -> dict[str, str]:
        """SHA-256 of each archive, by file name."""
        return dict(zip(ARCHIVES, self.sums, strict=True))


def read_archives(
    original: Original, class_names: tuple[str, ...], archives: Path | None, cache: Path | None
) -> Dataset:
    """Return a data set in its original order.

    Args:
        original: The data set.
        class_names: A name per class.
        archives: Folder of the archives, checked at every call. None takes the embedded ones, which are checked when
            they are prepared, or downloads where there are none.
        cache: Folder of what is prepared once; None takes the default.

    Raises:
        UserError: If an archive is missing or damaged, a download fails, or the cache cannot be written.
    """
    if archives is not None:
        check_archives(archives, original.archive_sums)
    cache = cache or default_cache()
    splits = _read_content(cache / f"{original.name}.uint8", original.content_sum)
    splits = splits or _prepare(original, archives, cache)
    return Dataset(original.name, splits["train"], splits["test"], class_names)


def check_archives(folder: Path, sums: dict[str, str]) -> None:
    """Compare each archive with its SHA-256 sum.

    Raises:
        UserError: Naming the folder or the first file that is missing or differs.
    """
    if not folder.is_dir():
        raise UserError(f"{folder} is not a folder; --data-dir takes the one that holds {', '.join(sums)}")
    for file, expected in sums.items():
        path = folder / file
        try:
            found = hashlib.sha256(path.read_bytes()).hexdigest()
        except FileNotFoundError:
            raise UserError(f"{path} is missing; fetch the official archive anew") from None
        except OSError as error:
            raise UserError(f"cannot read {path}: {error.strerror}; fetch the official archive anew") from error
        if found != expected:
            raise UserError(
                f"{path} is damaged or another data set's (SHA-256 {found[:12]}…, not {expected[:12]}…); "
                "fetch the official archive anew"
            )


def _read_content(path: Path, content_sum: str) -> dict[str, Split] | None:
    """Return the splits kept in `path`; None if it is not there, or not what `content_sum` says."""
    try:
        content = np.fromfile(path, np.uint8)
    except OSError:
        return None
    if hashlib.sha256(content.data).hexdigest() != content_sum:
        return None
    splits: dict[str, Split] = {}
    start = 0
    for name, count in _COUNTS.items():
        labels = start + count * int(np.prod(_IMAGE))
        end = labels + count
        splits[name] = Split(content[start:labels].reshape(count, *_IMAGE), content[labels:end].astype(np.int64))
        start = end
    return splits


def _write_content(path: Path, splits: dict[str, Split]) -> None:
    with path.open("wb") as file:
        for name in _COUNTS:
            file.write(np.ascontiguousarray(splits[name].inputs).data)
            file.write(splits[name].labels.astype(np.uint8).data)


def _prepare(original: Original, archives: Path | None, cache: Path) -> dict[str, Split]:
    """Have tensorflow_datasets prepare the data set in a scratch folder, keep its content, and return its splits."""
    if archives is None and any((EMBEDDED / original.name / file).exists() for file in original.archive_sums):
        archives = EMBEDDED / original.name
        check_archives(archives, original.archive_sums)
    kept = cache / f"{original.name}.uint8"
    scratch = cache / f"{original.name}.preparing"
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with alone(cache / f"{original.name}.lock"):
            if splits := _read_content(kept, original.content_sum):  # another process was first
                return splits
            shutil.rmtree(scratch, ignore_errors=True)  # a killed process left it
            try:
                scratch.mkdir()
                built = _build(original, archives, scratch)
                _write_content(scratch / kept.name, built)
                splits = _read_content(scratch / kept.name, original.content_sum)
                if splits is None:
                    raise UserError(
                        f"tensorflow_datasets has not prepared {original.builder} as it was published; "
                        "install the version that pyproject.toml names"
                    )
                (scratch / kept.name).replace(kept)
            finally:
                shutil.rmtree(scratch, ignore_errors=True)
    except OSError as error:
        raise UserError(
            f"cannot prepare {original.builder} in {cache}: {error.strerror or error}; "
            "free some space, or set KERAS_PARITY_CACHE to a folder that can be written"
        ) from error
    return splits


@contextlib.contextmanager
def alone(path: Path) -> Iterator[None]:
    """Hold the lock file `path`, which the system gives up for a process that dies."""
    from filelock import FileLock, Timeout

    lock = FileLock(path)
    try:
        lock.acquire(timeout=1)
    except Timeout:
        print(f"waiting for another process, which holds {path} …", file=sys.stderr, flush=True)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _build(original: Original, archives: Path | None, scratch: Path) -> dict[str, Split]:
    """Run the library's builder in `scratch` and return its splits.

    Raises:
        UserError: If a download fails.
        OSError: If something cannot be written.
    """
    place = archives or "a download"
    print(f"preparing {original.builder} from {place}, once; this takes 10 to 20 s …", file=sys.stderr, flush=True)
    import tensorflow_datasets as tfds

    if not sys.stderr.isatty():
        tfds.disable_progress_bar()
    builder = _in_original_order(getattr(tfds.image_classification, original.builder))
    try:
        if archives is None:
            _reach(builder)
        made = builder(data_dir=scratch)
        # A folder of its own for what is unpacked: the library knows unpacked files by their base names, which MNIST
        # and Fashion-MNIST share.
        config = tfds.download.DownloadConfig(manual_dir=archives, extract_dir=scratch / "extracted")
        with contextlib.redirect_stdout(io.StringIO()):  # it announces the scratch folder as if it would stay
            made.download_and_prepare(download_dir=scratch / "downloads", download_config=config)
        splits = {}
        for name in _COUNTS:
            whole = tfds.as_numpy(made.as_dataset(split=name, batch_size=-1))
            splits[name] = Split(whole["image"], whole["label"])
        return splits
    except Exception as error:
        plain = _plain_error(error, original.builder)
        if plain is None:
            raise
        raise plain from error


def _reach(builder: Any) -> None:
    """Ask for the head of the first address: without a network the library would try for minutes, a warning a time."""
    import requests

    requests.head(next(iter(builder.url_infos)), timeout=20)


def _plain_error(error: Exception, builder: str) -> UserError | OSError | None:
    """Return the network's or the file system's failure behind `error`, which the library wraps; None if it is neither.

    Args:
        error: What the library raised.
        builder: The name of the builder that raised it.
    """
    import requests
    import tensorflow as tf
    from tensorflow_datasets.core.download.download_manager import NonMatchingChecksumError
    from tensorflow_datasets.core.download.util import DownloadError

    behind: BaseException | None = error
    while behind is not None:
        if isinstance(behind, requests.RequestException | DownloadError | NonMatchingChecksumError):
            offline = isinstance(behind, requests.ConnectionError)
            reason = "no connection" if offline else " ".join(str(behind).split())
            return UserError(
                f"cannot download {builder} ({reason}); connect to the network, "
                "or give the folder of the official archives with --data-dir"
            )
        if isinstance(behind, OSError) and behind.errno:
            return behind
        if isinstance(behind, tf.errors.OpError):  # "<file>; <what the system says>"
            return OSError(behind.message.rsplit("; ", 1)[-1])
        behind = behind.__cause__ or behind.__context__
    return None


def _in_original_order(builder: Any) -> type:
    """Return a subclass of a library's builder that does not shuffle the examples when it prepares them."""
    import tensorflow_datasets as tfds

    with tfds.core.registered.skip_registration():

        class InOriginalOrder(builder):
            name = f"{builder.name}_in_original_order"
            pkg_dir_path = builder.pkg_dir_path
            url_infos = builder.url_infos

            def _info(self) -> Any:
                info = super()._info()
                return tfds.core.DatasetInfo(
                    builder=self,
                    description=info.description,
                    features=info.features,
                    supervised_keys=info.supervised_keys,
                    homepage=info.homepage,
                    citation=info.citation,
                    disable_shuffling=True,
                )

    return InOriginalOrder
