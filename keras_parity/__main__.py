"""`python -m keras_parity`, the same as the command `keras-parity`."""

import sys

from keras_parity.cli import main

if __name__ == "__main__":
    sys.exit(main())
