"""The parity engine: does a Keras 3 model compute the same on TensorFlow, JAX and PyTorch?

This release holds the classic systems and their training (`train.py` and `evaluate.py` of the repository, which are not
part of the wheel); the engine itself is the next one. The package is here so that its name and its light dependencies
(keras and NumPy, no backend) stand from the start.
"""

__version__ = "0.1.0"
