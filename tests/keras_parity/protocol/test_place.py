"""Where a worker is fits into the few bytes that the parent reads."""

from keras_parity.protocol.place import PLACE_BYTES, read_place, write_place


def test_a_path_comes_back():
    """What an earlier, longer path has left behind it is not read."""
    data = write_place("encoder/attention").ljust(PLACE_BYTES, b"x")

    assert read_place(data) == "encoder/attention"


def test_of_a_long_path_the_end_is_kept():
    """The layer itself is named there; a letter that is cut in two is no error."""
    data = write_place("ü" * PLACE_BYTES + "/attention")

    assert len(data) == PLACE_BYTES
    assert read_place(data).endswith("ü/attention")


def test_nothing_left_is_no_path():
    """A new file holds zeros."""
    assert read_place(bytes(PLACE_BYTES)) == ""
