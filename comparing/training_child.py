"""The process of one training. Its arguments: the parent's process id, and a `TrainingRequest` as JSON.

It stops, with a checkpoint, when its parent ends.
"""

import functools
import json
import signal
import sys

from keras_parity.backend_process import end_with_parent

if __name__ == "__main__":
    end_with_parent(int(sys.argv[1]), signal.SIGTERM)
    from foundation.command_line import run_command
    from training.request import TrainingRequest
    from training.run import run

    request = TrainingRequest.from_dict(json.loads(sys.argv[2]))
    sys.exit(run_command(functools.partial(run, request), "interrupted"))
