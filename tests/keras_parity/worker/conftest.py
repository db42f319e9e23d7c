"""Fixtures shared by the tests of what a worker does."""

import pytest

from keras_parity.crew import shared_crew
from keras_parity.protocol.tasks import CloseCase
from tests.keras_parity.worker.asking import BACKENDS


@pytest.fixture(params=BACKENDS)
def worker(request):
    """The worker of each backend, with no case open afterwards."""
    worker = shared_crew()[request.param]
    yield worker
    worker.ask(CloseCase())
