"""The names that a user may type, known before anything is imported."""

# The backends that compute gradients and in float64, and so can train.
TRAINING_BACKENDS = ("tensorflow", "jax", "torch")
# All that a check takes: OpenVINO computes forward alone, in float32 at most.
BACKENDS = (*TRAINING_BACKENDS, "openvino")
DTYPES = ("float32", "float64", "bfloat16", "float16", "mixed_bfloat16", "mixed_float16")
# The file of accepted divergences, in the folder that a check is run in.
DEFAULT_FILE = "parity.toml"
