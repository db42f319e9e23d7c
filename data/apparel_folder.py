"""Writes Fashion-MNIST as the folder of a competition: CSV files of ids and labels, and a PNG per image.

    python -m data.apparel_folder apparel

The ids of the training images are 1 to 60,000, those of the test images 60,001 to 70,000; every class has label 0 in
the sample submission. `test_labels.csv` is ours: it has the truth that a competition keeps to itself.

Origin and licence are Fashion-MNIST's (MIT, Zalando SE; see `data/embedded/fashion_mnist/README.md`).
"""

import argparse
import csv
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

from data.split import Dataset
from foundation.command_line import parse, run_command
from foundation.errors import UserError
from foundation.files import describe_os_error

TRAIN, TEST, SAMPLE, TEST_LABELS = "train.csv", "test.csv", "sample_submission.csv", "test_labels.csv"


def write_folder(folder: Path, dataset: Dataset) -> None:
    """Write a data set of grey images as a folder, with a progress bar on a terminal.

    Args:
        folder: Where to; it must not be there yet. A stopped writing leaves nothing with this name.
        dataset: Of images.

    Raises:
        UserError: If the folder is there, or cannot be written.
    """
    from PIL import Image
    from rich.console import Console
    from rich.progress import track

    if folder.exists():
        raise UserError(f"{folder} is already there; choose another name, or delete it first")
    scratch = folder.with_name(f"{folder.name}.writing")
    console = Console(stderr=True)
    train, test = dataset.train, dataset.test
    ids = {"train": range(1, len(train) + 1), "test": range(len(train) + 1, len(train) + len(test) + 1)}
    try:
        shutil.rmtree(scratch, ignore_errors=True)  # a stopped writing left it
        for name, split in (("train", train), ("test", test)):
            (scratch / name).mkdir(parents=True)
            pairs = list(zip(ids[name], split.inputs, strict=True))
            for number, image in track(
                pairs, f"writing {name} images", console=console, disable=not console.is_terminal
            ):
                # The fastest compression: half the time of the default, and a tenth more bytes.
                Image.fromarray(image[..., 0]).save(scratch / name / f"{number}.png", compress_level=1)
        _write_table(scratch / TRAIN, ("id", "label"), zip(ids["train"], train.labels.tolist(), strict=True))
        _write_table(scratch / TEST, ("id",), zip(ids["test"], strict=True))
        _write_table(scratch / SAMPLE, ("id", "label"), ((number, 0) for number in ids["test"]))
        _write_table(scratch / TEST_LABELS, ("id", "label"), zip(ids["test"], test.labels.tolist(), strict=True))
        scratch.replace(folder)
    except OSError as error:
        raise describe_os_error(error, folder) from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def cached_folder(cache: Path | None) -> Path:
    """Return the folder in the cache, made from Fashion-MNIST if it is not there.

    Raises:
        UserError: If it cannot be written.
    """
    import data
    from data.archives import alone
    from keras_parity.environment import default_cache

    cache = cache or default_cache()
    folder = cache / "apparel"
    if not folder.exists():
        dataset = data.read("fashion_mnist", cache=cache)
        with alone(cache / "apparel.lock"):
            if not folder.exists():  # another process may have been first
                print(f"writing 70,000 images into {folder}, once; this takes 10 to 20 s …", file=sys.stderr)
                write_folder(folder, dataset)
    return folder


def _write_table(path: Path, header: tuple[str, ...], rows: Iterable[tuple]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m data.apparel_folder",
        description="Write Fashion-MNIST as a folder of PNG and CSV files, as a competition hands it out.",
        epilog="example:\n  python -m data.apparel_folder apparel",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", type=Path, help="the folder to make")
    options = parse(parser, arguments)

    def write() -> int:
        import data

        write_folder(options.folder, data.read("fashion_mnist"))
        print(f"70,000 images in {options.folder}", file=sys.stderr)
        return 0

    return run_command(write, "interrupted")


if __name__ == "__main__":
    sys.exit(main())
