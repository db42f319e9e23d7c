"""Pictures of clothing in a folder, as a competition hands them out: CSV files of ids and labels, a PNG per id.

The folder holds `train.csv` (id, label), `train/ID.png`, `test.csv` (id), `test/ID.png` and `sample_submission.csv`
(id, label). Pictures are grey, 28 × 28 pixels, labels 0 to 9. `--data-dir` names it; without one the folder that
`python -m data.apparel_folder` makes from Fashion-MNIST is made once in the cache (see there for origin and licence).
That one has a file more, `test_labels.csv`, with what the organisers of a competition keep to themselves; without it
the labels of the test images are −1.

Every line counts: what does not fit is refused by file and row, and nothing is left out. Byte order marks and Windows
line ends are read as if they were not there, and so are pictures stored in colour that show nothing but grey.
"""

import csv
import io
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image
from rich.console import Console
from rich.progress import track

from data.apparel_folder import SAMPLE, TEST, TEST_LABELS, TRAIN, cached_folder
from data.fashion_mnist import CLASS_NAMES
from data.split import Dataset, Split
from foundation.errors import UserError
from foundation.files import write_text

SIDE = 28  # pixels


def read(archives: Path | None = None, cache: Path | None = None) -> Dataset:
    """Return the folder's images, uint8 `(n, 28, 28, 1)`, the test images in the order of the sample submission.

    Args:
        archives: The folder; None takes the one in the cache, which is made if it is not there.
        cache: Folder of what is prepared once; None takes the default.

    Raises:
        UserError: Naming the file, and the row where there is one, of the first thing that is wrong.
    """
    folder = archives or cached_folder(cache)
    if not folder.is_dir():
        raise UserError(f"{folder} is not a folder; give the one that holds {TRAIN} and train/")
    train_ids, labels = _read_labelled(folder / TRAIN)
    test_rows = {row_id: row for row, row_id in enumerate(_read_ids(folder / TEST), start=2)}
    order = _read_ids(folder / SAMPLE)
    _check_same_ids(folder, test_rows, order)
    train = Split(_read_images(folder, TRAIN, [*enumerate(train_ids, start=2)]), labels)
    images = _read_images(folder, TEST, [(test_rows[row_id], row_id) for row_id in order])
    truth = np.full(len(order), -1)
    if (folder / TEST_LABELS).exists():
        ids, values = _read_labelled(folder / TEST_LABELS)
        _check_same_ids(folder, test_rows, ids, TEST_LABELS)
        known = dict(zip(ids, values, strict=True))
        truth = np.array([known[row_id] for row_id in order])
    return Dataset("apparel", train, Split(images, truth), CLASS_NAMES, test_ids=tuple(order))


def write_submission(path: Path, ids: Iterable[str], predictions: np.ndarray) -> None:
    """Write a submission and read it back.

    Args:
        path: The CSV file to create or replace.
        ids: The test images' ids, in the sample submission's order.
        predictions: Integers `(n,)` in 0..9, the predicted class of each.

    Raises:
        UserError: If it cannot be written, or is not what was meant when it is read again.
    """
    ids = list(ids)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("id", "label"))
    writer.writerows(zip(ids, np.asarray(predictions).tolist(), strict=True))
    write_text(path, text.getvalue())
    read_ids, read_labels = _read_labelled(path)
    if read_ids != ids or not np.array_equal(read_labels, predictions):
        raise UserError(f"{path} is not as it was written; check the disk, and evaluate the run again")


def _read_rows(path: Path, columns: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Return the values of `columns` of each row, stripped of blanks.

    Raises:
        UserError: If the file is missing or no CSV text, lacks a column or all rows, or an id is empty, twice there or
            no plain name.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        header = [name.strip() for name in next(reader, [])]
        rows = list(reader)
    except FileNotFoundError:
        raise UserError(f"{path} is missing; the folder must have {TRAIN}, {TEST} and {SAMPLE}") from None
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}; check the file") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path} is not CSV text in UTF-8 ({error}); export it again") from error
    missing = [name for name in columns if name not in header]
    if missing:
        raise UserError(f"{path} has no column {missing[0]!r} in its first row; it must have {', '.join(columns)}")
    while rows and not any(cell.strip() for cell in rows[-1]):
        rows.pop()  # an empty line at the end
    if not rows:
        raise UserError(f"{path} has no rows; get the file anew")
    places = [header.index(name) for name in columns]
    values: list[tuple[str, ...]] = []
    seen: dict[str, int] = {}
    for number, row in enumerate(rows, start=2):
        if len(row) != len(header):
            raise UserError(f"{path}, row {number} has {len(row)} values, not {len(header)}; correct it")
        picked = tuple(row[place].strip() for place in places)
        if not picked[0] or picked[0] != Path(picked[0]).name or "\0" in picked[0]:
            raise UserError(f"{path}, row {number}: the id {picked[0]!r} is no file's name; correct it")
        if picked[0] in seen:
            raise UserError(f"{path}, row {number}: the id {picked[0]} is in row {seen[picked[0]]} already; remove one")
        seen[picked[0]] = number
        values.append(picked)
    return values


def _read_ids(path: Path) -> list[str]:
    return [row_id for (row_id,) in _read_rows(path, ("id",))]


def _read_labelled(path: Path) -> tuple[list[str], np.ndarray]:
    """Return ids and labels, int64 `(n,)`, of a CSV file."""
    rows = _read_rows(path, ("id", "label"))
    known = {str(label): label for label in range(len(CLASS_NAMES))}
    for number, (_, label) in enumerate(rows, start=2):
        if label not in known:
            raise UserError(f"{path}, row {number}: the label {label!r} is none of 0 to {len(known) - 1}; correct it")
    return [row_id for row_id, _ in rows], np.array([known[label] for _, label in rows], np.int64)


def _check_same_ids(folder: Path, test_rows: dict[str, int], ids: list[str], file: str = SAMPLE) -> None:
    """Refuse a file whose ids are not those of the test images."""
    for row, row_id in enumerate(ids, start=2):
        if row_id not in test_rows:
            raise UserError(
                f"{folder / file}, row {row}: the id {row_id} is not in {TEST}; both must have the same ids"
            )
    there = set(ids)
    for row_id, row in test_rows.items():
        if row_id not in there:
            raise UserError(
                f"{folder / TEST}, row {row}: the id {row_id} is not in {file}; both must have the same ids"
            )


def _read_images(folder: Path, table: str, rows: list[tuple[int, str]]) -> np.ndarray:
    """Return the images of a table's rows, uint8 `(n, 28, 28, 1)`, with a progress bar on a terminal.

    Args:
        folder: The competition's folder.
        table: The CSV file's name; its images lie in the folder of that name.
        rows: Pairs of a row's number in the file and its id.
    """
    images = np.empty((len(rows), SIDE, SIDE, 1), np.uint8)
    console = Console(stderr=True)
    steps = track(
        rows, f"reading {table.removesuffix('.csv')} images", console=console, disable=not console.is_terminal
    )
    place = folder / table.removesuffix(".csv")
    for index, (row, row_id) in enumerate(steps):
        path = place / f"{row_id}.png"
        try:
            images[index, ..., 0] = _read_grey(path)
        except FileNotFoundError:
            raise UserError(
                f"{path} is missing, of {folder / table}, row {row}; get the image or drop the row"
            ) from None
        # Pillow raises SyntaxError and ValueError, too, for damaged files.
        except (OSError, SyntaxError, ValueError) as error:
            reason = " ".join(str(error).replace(str(path), "it").replace(repr(str(path)), "it").split())[:100]
            raise UserError(
                f"{path} cannot be used, of {folder / table}, row {row}: {reason}; get the image anew"
            ) from error
    return images


def _read_grey(path: Path) -> np.ndarray:
    """Return a picture's brightness, uint8 `(28, 28)`.

    Raises:
        OSError: If it cannot be read as a PNG.
        ValueError: If it has another size, colours or transparency.
    """
    with Image.open(path, formats=("PNG",)) as picture:
        if picture.size != (SIDE, SIDE):
            raise ValueError(f"it has {picture.width} x {picture.height} pixels, not {SIDE} x {SIDE}")
        if picture.mode == "L" and not picture.has_transparency_data:
            return np.asarray(picture)
        if picture.mode.startswith(("I", "F")):
            raise ValueError("it has more than 8 bits a pixel")
        red, green, blue, opacity = np.moveaxis(np.asarray(picture.convert("RGBA")), -1, 0)
    if opacity.min() < 255:
        raise ValueError("it is transparent in places")
    if (red != green).any() or (red != blue).any():
        raise ValueError("it has colours, not only grey")
    return red
