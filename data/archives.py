"""Data sets that tensorflow_datasets makes from downloaded archives, read once and kept as arrays.

The library's own builder prepares the data, from archives that its registered SHA-256 sums accept. Decoding 70,000 PNGs at
each start would take longer than importing keras, so the arrays are kept beside, in one `.npz` whose parts carry a CRC-32:
a damaged file is noticed, and made anew.
"""

import contextlib
import hashlib
import io
import os
import shutil
import sys
import zipfile
from pathlib import Path

import numpy as np

from data.split import Split
from training.errors import UserError
from training.files import write_file

EMBEDDED = Path(__file__).parent / "embedded"


def read_archives(
    name: str, builder: str, sums: dict[str, str], archives: Path | None, cache: Path | None
) -> dict[str, Split]:
    """Return the splits of a data set, in its original order.

    Args:
        name: The data set's name here.
        builder: The name of its builder class in `tensorflow_datasets.image_classification`.
        sums: The archives' file names, with their SHA-256 sums.
        archives: Folder of the archives, checked at every call; None takes the embedded ones, which are checked when they
            are prepared, or downloads where there are none.
        cache: Folder of what is prepared once; None takes the default.

    Raises:
        UserError: If an archive is missing or damaged, a download fails, or the cache cannot be written.
    """
    if archives is not None:
        check_archives(archives, sums)
    cache = cache or default_cache()
    arrays = cache / f"{name}.npz"
    splits = _read_arrays(arrays)
    if splits is None:
        splits = _prepare(name, builder, sums, archives, cache, arrays)
    return splits


def default_cache() -> Path:
    """Return `$KERAS_PARITY_CACHE`, or `keras-parity` in the user's cache folder."""
    if chosen := os.environ.get("KERAS_PARITY_CACHE"):
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "keras-parity"


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
            raise UserError(f"cannot read {path}: {error.strerror}") from error
        if found != expected:
            raise UserError(
                f"{path} is damaged or another data set's (SHA-256 {found[:12]}…, not {expected[:12]}…); "
                "fetch the official archive anew"
            )


def _read_arrays(path: Path) -> dict[str, Split] | None:
    """Return the splits kept in `path`; None if there are none that can be trusted."""
    try:
        with np.load(path, allow_pickle=False) as kept:
            return {split: Split(kept[f"{split}_inputs"], kept[f"{split}_labels"]) for split in ("train", "test")}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None


def _prepare(
    name: str, builder: str, sums: dict[str, str], archives: Path | None, cache: Path, arrays: Path
) -> dict[str, Split]:
    """Have tensorflow_datasets prepare the data set in a scratch folder, keep its arrays, and return its splits."""
    from filelock import FileLock

    if archives is None and any((EMBEDDED / name / file).exists() for file in sums):
        archives = EMBEDDED / name
        check_archives(archives, sums)
    scratch = cache / f"{name}.preparing"
    try:
        cache.mkdir(parents=True, exist_ok=True)
        # The system drops the lock when a process dies, and whoever takes it next wipes what that one left.
        with FileLock(cache / f"{name}.lock"):
            splits = _read_arrays(arrays)  # another process may have been first
            if splits is not None:
                return splits
            shutil.rmtree(scratch, ignore_errors=True)
            try:
                splits = _build(builder, archives, scratch)
                write_file(arrays, lambda temporary: _write_arrays(temporary, splits))
            finally:
                shutil.rmtree(scratch, ignore_errors=True)
    except OSError as error:
        raise UserError(
            f"cannot prepare {name} in {cache}: {error.strerror or error}; "
            "free some space, or set KERAS_PARITY_CACHE to a folder that can be written"
        ) from error
    return splits


def _write_arrays(path: Path, splits: dict[str, Split]) -> None:
    parts = {f"{name}_inputs": split.inputs for name, split in splits.items()}
    parts |= {f"{name}_labels": split.labels for name, split in splits.items()}
    with path.open("wb") as file:
        np.savez(file, **parts)


def _build(builder: str, archives: Path | None, scratch: Path) -> dict[str, Split]:
    """Run the library's builder in `scratch` and return its splits.

    Raises:
        UserError: If a download fails.
        OSError: If something cannot be written.
    """
    source = archives or "a download"
    print(f"preparing {builder} from {source}, once; this takes 10 to 20 s …", file=sys.stderr, flush=True)
    import tensorflow as tf
    import tensorflow_datasets as tfds
    from tensorflow_datasets.core.download.download_manager import NonMatchingChecksumError
    from tensorflow_datasets.core.download.util import DownloadError

    if not sys.stderr.isatty():
        tfds.disable_progress_bar()
    try:
        made = _in_original_order(getattr(tfds.image_classification, builder))(data_dir=scratch)
        # A folder of its own for what is unpacked: the library knows unpacked files by their base names, which MNIST
        # and Fashion-MNIST share.
        config = tfds.download.DownloadConfig(manual_dir=archives, extract_dir=scratch / "extracted")
        with contextlib.redirect_stdout(io.StringIO()):  # it announces the scratch folder as if it would stay
            made.download_and_prepare(download_dir=scratch / "downloads", download_config=config)
        splits = {}
        for split in ("train", "test"):
            whole = tfds.as_numpy(made.as_dataset(split=split, batch_size=-1))
            splits[split] = Split(whole["image"], whole["label"].astype(np.int64))
        return splits
    except tf.errors.ResourceExhaustedError as error:
        raise OSError(error.message) from error
    except (DownloadError, NonMatchingChecksumError, ConnectionError) as error:
        reason = str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
        raise UserError(
            f"cannot download {builder} ({reason}); connect to the network, "
            "or give the folder of the official archives with --data-dir"
        ) from error


def _in_original_order(builder: type) -> type:
    """Return a subclass of a library's builder that does not shuffle the examples when it prepares them."""
    import tensorflow_datasets as tfds

    with tfds.core.registered.skip_registration():

        class InOriginalOrder(builder):
            name = f"{builder.name}_in_original_order"
            pkg_dir_path = builder.pkg_dir_path
            url_infos = builder.url_infos

            def _info(self):
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
