"""What travels between the processes arrives whole, and nothing but plain values is decoded."""

import socket
import subprocess
import sys
import time

import numpy as np
import pytest

from keras_parity.protocol import messages
from keras_parity.protocol.quantity import Kind, Quantity
from keras_parity.protocol.results import Value


@pytest.fixture
def sockets():
    """Both ends of a connection."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def test_a_message_arrives_as_it_was_sent(sockets):
    """A small array crosses in one write; it may be written to where it arrives."""
    value = {"result": Value(np.arange(6.0).reshape(2, 3), "float32"), "quantity": Quantity(Kind.LOSS)}

    messages.send(sockets[0], messages.encode(messages.Done(value)))
    answer = messages.decode(messages.receive(sockets[1]))

    assert answer.value["quantity"] == Quantity(Kind.LOSS)
    assert answer.value["result"].dtype == "float32"
    np.testing.assert_array_equal(answer.value["result"].array, np.arange(6.0).reshape(2, 3))
    answer.value["result"].array[0, 0] = 7


def test_arrays_travel_beside_the_pickle():
    """The pickle of a megabyte's array is short: its memory is a part of its own."""
    array = np.zeros(2**17)

    pickled, memory = messages.encode(array)

    assert memoryview(pickled).nbytes < 1000
    assert memoryview(memory).nbytes == array.nbytes


@pytest.mark.parametrize(
    "name",
    [
        b"cos\nsystem\n.",
        b"csubprocess\nPopen\n.",
        b"ckeras_parity.crew\nCrew\n.",
        b"ckeras_parity.verdict\nVerdict\n.",
        b"ckeras_parity.worker.capture\nCall\n.",
        b"ckeras_parity.protocol.messages\nMessageError\n.",
    ],
)
def test_a_forged_name_is_refused(name):
    """Neither Python's own functions nor a class of the engine that is no value of the protocol."""
    with pytest.raises(messages.MessageError, match="is not among the plain values"):
        messages.decode([bytearray(name)])


def test_a_forged_name_imports_nothing():
    """A worker's module would import keras into the parent, whatever is then refused."""
    program = """
import sys
from keras_parity.protocol import messages
try:
    messages.decode([bytearray(b"ckeras_parity.worker.capture\\nCall\\n.")])
except messages.MessageError:
    print("refused", "keras" in sys.modules, "keras_parity.worker.capture" in sys.modules)
"""

    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout

    assert printed == "refused False False\n"


@pytest.mark.parametrize("count", [0, messages.MAX_PARTS + 1])
def test_an_absurd_number_of_parts_is_no_message(sockets, count):
    """It is refused before memory is taken for it."""
    sockets[0].sendall(count.to_bytes(8, "little"))

    with pytest.raises(messages.MessageError, match=f"a message of {count} parts"):
        messages.receive(sockets[1])


def test_who_hangs_up_in_the_middle_is_noticed(sockets):
    """Half a message is none."""
    sockets[0].sendall((1).to_bytes(8, "little") + (100).to_bytes(8, "little") + b"half")
    sockets[0].close()

    with pytest.raises(EOFError):
        messages.receive(sockets[1])


def test_a_deadline_ends_the_waiting(sockets):
    """Nobody sends anything."""
    started = time.monotonic()

    with pytest.raises(TimeoutError):
        messages.receive(sockets[1], started + 0.05)

    assert time.monotonic() - started < 5
