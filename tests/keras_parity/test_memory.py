"""Memory that was freed goes back to the system."""

import gc
import subprocess
import sys
import weakref

import pytest

from keras_parity.memory import give_back_freed_memory


def test_what_only_refers_to_itself_is_freed():
    """As a model that a closed case leaves behind."""

    class Loop:
        pass

    loop = Loop()
    loop.itself, gone = loop, weakref.ref(loop)
    gc.disable()
    try:
        del loop
        give_back_freed_memory()
    finally:
        gc.enable()

    assert gone() is None


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_pieces_that_were_freed_are_given_back():
    """A hundred megabytes in small pieces, one of which stays: without the call the C library keeps them."""
    program = """
from keras_parity.memory import give_back_freed_memory

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096 / 2**20

pieces = [bytearray(60_000) for _ in range(1700)]
kept = pieces[-1]
full = resident()
del pieces
give_back_freed_memory()
print(full - resident() > 80)
"""

    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout

    assert printed == "True\n"
