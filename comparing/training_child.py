"""The process of one training: `train.py` with the arguments after the first, which is the parent's process id.

It stops, with a checkpoint, when its parent ends.
"""

import ctypes
import os
import signal
import sys

if __name__ == "__main__":
    parent = int(sys.argv[1])
    sys.argv = ["train.py", *sys.argv[2:]]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG
    if os.getppid() != parent:  # it ended before we could ask
        sys.exit(1)
    import train

    sys.exit(train.main())
