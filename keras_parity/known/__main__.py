"""`python -m keras_parity.known`: print the document of all known divergences."""

import sys

from keras_parity.known.document import render_document

if __name__ == "__main__":
    sys.stdout.write(render_document())
