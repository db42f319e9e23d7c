"""What runs in a backend's process: the only code that may import keras or a framework."""
