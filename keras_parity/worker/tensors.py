"""Names for the types of what the backends compute with, which have no class in common that a type checker reads."""

from typing import Any

# A tensor of the backend: a value, or a symbol that a graph is traced with.
Tensor = Any
# A tensor or an array, or lists, tuples and dictionaries of them at any depth.
Structure = Any
# What was compiled for one model, by a key that tells what it is.
Compiled = dict[Any, Any]
