"""Fixtures shared by the tests of what a worker does."""

import pytest

from keras_parity.crew import shared_crew
from keras_parity.names import TRAINING_BACKENDS
from keras_parity.protocol.tasks import CloseCase


@pytest.fixture(params=TRAINING_BACKENDS)
def worker(request):
    """The worker of each backend, with no case open afterwards."""
    worker = shared_crew()[request.param]
    yield worker
    worker.ask(CloseCase())
