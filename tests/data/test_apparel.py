"""A competition's folder of pictures is read whole, or refused by file and row."""

import csv
import shutil

import numpy as np
import pytest
from PIL import Image

from data.apparel import read, write_submission
from data.apparel_folder import main, write_folder
from data.fashion_mnist import CLASS_NAMES
from data.split import Dataset, Split
from foundation.errors import UserError


def make_dataset(train=12, test=5):
    """Return a data set of noise."""
    generator = np.random.default_rng(0)

    def split(count):
        images = generator.integers(0, 256, (count, 28, 28, 1), dtype=np.uint8)
        return Split(images, generator.integers(0, 10, count))

    return Dataset("apparel", split(train), split(test), CLASS_NAMES)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A written folder and what it was written from."""
    dataset = make_dataset()
    folder = tmp_path_factory.mktemp("apparel") / "apparel"
    write_folder(folder, dataset)
    return folder, dataset


@pytest.fixture
def folder(written, tmp_path):
    """A copy of the folder, to be damaged."""
    return shutil.copytree(written[0], tmp_path / "apparel")


def edit(path, old, new):
    """Replace text in a file that must have it."""
    text = path.read_bytes()
    assert old in text
    path.write_bytes(text.replace(old, new, 1))


def test_what_was_written_is_read(written):
    """Images, labels, ids and order come back as they were."""
    folder, dataset = written

    again = read(folder)

    np.testing.assert_array_equal(again.train.inputs, dataset.train.inputs)
    np.testing.assert_array_equal(again.train.labels, dataset.train.labels)
    np.testing.assert_array_equal(again.test.inputs, dataset.test.inputs)
    np.testing.assert_array_equal(again.test.labels, dataset.test.labels)
    assert again.test_ids == ("13", "14", "15", "16", "17")
    assert again.class_names[9] == "Ankle boot"


def test_the_test_images_come_in_the_sample_submissions_order(folder):
    """Another order of `sample_submission.csv` is the order of the images, the labels and the ids."""
    before = read(folder)
    (folder / "sample_submission.csv").write_text("id,label\n" + "".join(f"{i},0\n" for i in (15, 13, 17, 14, 16)))

    after = read(folder)

    assert after.test_ids == ("15", "13", "17", "14", "16")
    np.testing.assert_array_equal(after.test.inputs, before.test.inputs[[2, 0, 4, 1, 3]])
    np.testing.assert_array_equal(after.test.labels, before.test.labels[[2, 0, 4, 1, 3]])


def test_a_real_competition_tells_no_test_labels(folder):
    """Without `test_labels.csv` the labels are unknown, and not made up."""
    (folder / "test_labels.csv").unlink()

    dataset = read(folder)

    assert dataset.test.labels.tolist() == [-1] * 5
    assert not dataset.test.labelled
    assert dataset.train.labelled


@pytest.mark.parametrize(
    ("before", "after"), [(b"id", b"\xef\xbb\xbfid"), (b"\n", b"\r\n"), (b"id,label", b" id , label ")]
)
def test_tables_as_other_programs_write_them_are_read(folder, before, after):
    """A byte order mark, Windows line ends and blanks change nothing."""
    expected = read(folder).train.labels
    path = folder / "train.csv"
    path.write_bytes(
        path.read_bytes().replace(before, after) if before == b"\n" else path.read_bytes().replace(before, after, 1)
    )

    np.testing.assert_array_equal(read(folder).train.labels, expected)


def test_grey_pictures_stored_in_colour_are_read(folder):
    """A grey picture saved as RGB, RGBA or with a palette is the same picture."""
    expected = read(folder).train.inputs
    for number, mode in ((1, "RGB"), (2, "RGBA"), (3, "P")):
        path = folder / "train" / f"{number}.png"
        with Image.open(path) as picture:
            converted = picture.convert(mode)
        converted.save(path)

    np.testing.assert_array_equal(read(folder).train.inputs, expected)


DAMAGES = {
    "missing": (lambda path: path.unlink(), r"3\.png is missing, of .*train\.csv, row 4"),
    "cut short": (lambda path: path.write_bytes(path.read_bytes()[:200]), r"cannot be used, of .*train\.csv, row 4"),
    "text": (lambda path: path.write_text("no picture"), r"3\.png cannot be used, of .*train\.csv, row 4"),
    "JPEG": (
        lambda path: Image.new("L", (28, 28)).save(path, format="JPEG"),
        r"cannot be used, of .*train\.csv, row 4",
    ),
    "colour": (lambda path: Image.new("RGB", (28, 28), (200, 0, 0)).save(path), r"3\.png .*row 4: it has colours"),
    "wrong size": (lambda path: Image.new("L", (32, 28)).save(path), r"row 4: it has 32 x 28 pixels, not 28 x 28"),
    "transparent": (lambda path: Image.new("LA", (28, 28), (9, 0)).save(path), r"3\.png .*row 4: it is transparent"),
    "16 bits": (lambda path: Image.new("I;16", (28, 28), 9).save(path), r"3\.png .*row 4: it has more than 8 bits"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_picture_that_does_not_fit_is_named_with_its_row(folder, damage):
    """It is never skipped: one line says which picture, and which row asks for it."""
    do, message = DAMAGES[damage]
    do(folder / "train" / "3.png")

    with pytest.raises(UserError, match=message) as refusal:
        read(folder)

    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("train.csv", "id,label\n1,10\n", r"train\.csv, row 2: the label '10' is none of 0 to 9"),
        ("train.csv", "id,label\n1,Bag\n", r"train\.csv, row 2: the label 'Bag' is none"),
        ("train.csv", "id,label\n1,\n", r"train\.csv, row 2: the label '' is none"),
        ("train.csv", "id,label\n1,1\n2,1\n1,1\n", r"train\.csv, row 4: the id 1 is in row 2 already"),
        ("train.csv", "id,label\n1,1\n\n2,1\n", r"train\.csv, row 3 has 0 values, not 2"),
        ("train.csv", "id,label\n1\n", r"train\.csv, row 2 has 1 values, not 2"),
        ("train.csv", "id,label\n../1,1\n", r"train\.csv, row 2: the id '\.\./1' is no file's name"),
        ("train.csv", "id,label\n,1\n", r"row 2: the id '' is no file's name"),
        ("train.csv", "id,class\n1,1\n", r"train\.csv has no column 'label'"),
        ("train.csv", "", r"train\.csv has no column 'id'"),
        ("train.csv", "id,label\n", r"train\.csv has no rows"),
        ("train.csv", b"id,label\n\xff,1\n", r"train\.csv is not CSV text in UTF-8"),
        ("test.csv", None, r"test\.csv is missing"),
        ("sample_submission.csv", "id,label\n13,0\n", r"test\.csv, row 3: the id 14 is not in sample_submission\.csv"),
        ("sample_submission.csv", "id,label\n99,0\n", r"sample_submission\.csv, row 2: the id 99 is not in test\.csv"),
        ("test_labels.csv", "id,label\n13,0\n", r"test\.csv, row 3: the id 14 is not in test_labels\.csv"),
    ],
)
def test_a_table_that_does_not_fit_is_named_with_its_row(folder, file, text, message):
    """Unknown labels, double ids, missing columns and unequal tables are refused by file and row."""
    if text is None:
        (folder / file).unlink()
    else:
        (folder / file).write_bytes(text if isinstance(text, bytes) else text.encode())

    with pytest.raises(UserError, match=message) as refusal:
        read(folder)

    assert "\n" not in str(refusal.value)


def test_a_folder_that_is_not_there_is_named(tmp_path):
    """A typo in `--data-dir` is one line."""
    with pytest.raises(UserError, match="nowhere is not a folder"):
        read(tmp_path / "nowhere")


def test_a_submission_has_the_ids_in_order(tmp_path):
    """A header, and a row per id with its prediction."""
    path = tmp_path / "submission.csv"

    write_submission(path, ("15", "13", "14"), np.array([9, 0, 3]))

    with path.open(newline="") as file:
        assert list(csv.reader(file)) == [["id", "label"], ["15", "9"], ["13", "0"], ["14", "3"]]


def test_a_submission_that_came_out_wrong_is_refused(tmp_path, monkeypatch):
    """The check that reads it back can fail."""
    monkeypatch.setattr("data.apparel.write_text", lambda path, text: path.write_text(text.replace("13,0", "13,1")))

    with pytest.raises(UserError, match="not as it was written"):
        write_submission(tmp_path / "submission.csv", ("15", "13", "14"), np.array([9, 0, 3]))


def test_a_folder_is_never_written_over(folder, capsys):
    """The command refuses a place that is taken, in one line, and leaves it as it is."""
    before = sorted(path.name for path in folder.rglob("*"))

    with pytest.raises(UserError, match="already there"):
        write_folder(folder, make_dataset())

    assert sorted(path.name for path in folder.rglob("*")) == before


def test_a_writing_that_fails_leaves_nothing(tmp_path, monkeypatch):
    """No half of a folder is taken for a whole one."""
    monkeypatch.setattr("data.apparel_folder._write_table", lambda *_: (_ for _ in ()).throw(OSError(28, "full")))

    with pytest.raises(UserError, match="cannot write .*apparel"):
        write_folder(tmp_path / "apparel", make_dataset())

    assert list(tmp_path.iterdir()) == []


def test_the_command_writes_fashion_mnist(tmp_path, monkeypatch, capsys):
    """`python -m data.apparel_folder DIR` makes the folder; a second time it refuses."""
    monkeypatch.setattr("data.read", lambda _: make_dataset())

    assert main([str(tmp_path / "apparel")]) == 0
    assert main([str(tmp_path / "apparel")]) == 2

    assert "error: " in capsys.readouterr().err
    assert len(list((tmp_path / "apparel" / "train").iterdir())) == 12
