"""The names that a user may type, known before anything is imported."""

BACKENDS = ("tensorflow", "jax", "torch", "openvino")
DTYPES = ("float32", "float64", "bfloat16", "float16", "mixed_bfloat16", "mixed_float16")
# The file of accepted divergences, in the folder that a check is run in.
DEFAULT_FILE = "parity.toml"
