"""The process that opens a foreign model: limited in memory and time, and with nothing in it worth protecting.

`training.foreign` runs this file as a script in a folder that holds `model.keras` and `inputs`; it leaves `outputs`
there (raw float32), or `refusal` (one line). It imports nothing of ours, so that it can forbid itself memory first.
"""

import contextlib
import json
import os
import resource
import sys
import threading
from pathlib import Path

CHUNK = 500  # pictures per forward pass, as in training.scoring

# Forms of one picture that a classifier may ask for, most usual first.
FORMS = ((28, 28, 1), (28, 28), (784,), (1, 28, 28))


class RefusalError(Exception):
    """Why this model is not used: the end of a sentence that begins with the file's name."""


def main(backend: str, classes: int, memory_gib: float, cpu_seconds: int) -> None:
    """Predict with `model.keras`.

    Args:
        backend: The Keras backend to open it on.
        classes: How many outputs it must have.
        memory_gib: Private memory allowed to this process, in GiB.
        cpu_seconds: Processor time allowed to all its threads together.
    """
    limit(memory_gib, cpu_seconds)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        outputs = predict(backend, classes)
        Path("outputs").write_bytes(outputs.tobytes())
    except RefusalError as refusal:
        Path("refusal").write_text(str(refusal), encoding="utf-8")
    except BaseException as error:
        # Keras and the backends raise a dozen types for damaged files (a KeyError, a RecursionError ...). How each says
        # that memory ran out: torch "can't allocate", TensorFlow "OOM when allocating", JAX "Out of memory".
        text = f"{type(error).__name__}: {error}"
        if isinstance(error, MemoryError) or "allocat" in text or "out of memory" in text.lower():
            text = f"needs more than {memory_gib:g} GiB of memory; only smaller models are opened here"
        else:
            text = f"cannot be loaded and run on {backend} ({text[:2000]}); check it, or try another backend"
        Path("refusal").write_text(text, encoding="utf-8", errors="replace")
    os._exit(0)  # at once: the backends' threads may still be at work for a hostile model


def limit(memory_gib: float, cpu_seconds: int) -> None:
    """Bound what this process can take from the machine."""
    memory = int(memory_gib * 2**30)
    # RLIMIT_DATA counts private writable memory, which every backend allocates from; each starts with 0.3 to 0.5 GiB of
    # it. RLIMIT_AS counts mapped libraries and reserved addresses too: at 2 GiB TensorFlow aborts before it computes.
    resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds))
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**30, 2**30))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def predict(backend: str, classes: int):
    """Return the model's float32 `(n, classes)` outputs for the pictures in `inputs`.

    Raises:
        RefusalError: If the model's inputs, outputs or weights are not those of a classifier of such pictures.
    """
    if backend == "torch":
        import torch  # noqa: F401  # before TensorFlow, which some layers import: the other order crashes some builds
    import keras
    import numpy as np

    model = keras.saving.load_model("model.keras", compile=False, safe_mode=True)
    form = check_signature(model, classes)
    for weight in model.weights:
        values = np.asarray(keras.ops.convert_to_numpy(weight.value))
        if not np.isfinite(values.astype(np.float64)).all():
            raise RefusalError(f"has NaN or infinite numbers in its weight {weight.path}; train or fetch it again")
    inputs = np.fromfile("inputs", np.float32).reshape(-1, *form)
    chunks = []
    for start in range(0, len(inputs), CHUNK):
        given = inputs[start : start + CHUNK]
        outputs = keras.ops.convert_to_numpy(keras.ops.convert_to_tensor(model.predict_on_batch(given)))
        if outputs.shape != (len(given), classes):
            raise RefusalError(
                f"gives outputs of shape {outputs.shape} for {len(given)} pictures; {classes} each are wanted"
            )
        chunks.append(outputs.astype(np.float32))
    outputs = np.concatenate(chunks)
    if not np.isfinite(outputs).all():
        raise RefusalError("gives NaN or infinite outputs; train or fetch it again")
    return outputs


def check_signature(model, classes: int) -> tuple[int, ...]:
    """Return the one of `FORMS` that the model takes.

    Raises:
        RefusalError: If there is none, or the model is no classifier of `classes` classes.
    """
    import keras

    if not isinstance(model, keras.Model) or not model.built or not getattr(model, "inputs", None):
        raise RefusalError("is a model that was never built, so its inputs are unknown; call it once before saving it")
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        found = f"{len(model.inputs)} inputs and {len(model.outputs)} outputs"
        raise RefusalError(f"has {found}; a classifier of one picture has one of each")
    (given,), (result,) = model.inputs, model.outputs
    for tensor, role in ((given, "inputs"), (result, "outputs")):
        if "float" not in str(tensor.dtype):
            raise RefusalError(f"has {tensor.dtype} {role}; only floating-point ones are used here")
    batch, *shape = given.shape
    matching = [form for form in FORMS if len(form) == len(shape) and all(map(_fits, shape, form))]
    if batch is not None or not matching:
        expected = ", ".join(str((None, *form)) for form in FORMS)
        raise RefusalError(f"expects inputs of shape {tuple(given.shape)}; only {expected} are used here")
    if len(result.shape) != 2 or not _fits(result.shape[1], classes):
        raise RefusalError(f"gives outputs of shape {tuple(result.shape)}; (None, {classes}) is wanted")
    return matching[0]


def _fits(size: int | None, wanted: int) -> bool:
    return size is None or size == wanted


def _end_with_parent() -> None:
    """End this process when its standard input closes: whoever waited for the answer is gone, however it ended."""
    with contextlib.suppress(OSError):
        while os.read(0, 1):
            pass
    os._exit(1)


if __name__ == "__main__":
    main(**json.loads(sys.argv[1]))
