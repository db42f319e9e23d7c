"""JAX's compiled programs, kept from one process to the next: compiling is most of a small check's time."""

import contextlib
import os
from pathlib import Path

from keras_parity.environment import default_cache

LIMIT_BYTES = 256 << 20


def keep_compiled_programs() -> None:
    """Let JAX keep what it compiles in the user's cache folder; one that the user has given JAX stays in force."""
    import keras

    if keras.backend.backend() != "jax":
        return
    import jax

    if jax.config.jax_compilation_cache_dir is None:
        folder = default_cache() / f"jax-{jax.__version__}"
        # JAX's own limit makes it read the whole folder for each new program: a quarter of a second where there are
        # 10,000, several times what a small program takes to compile.
        forget_oldest(folder, LIMIT_BYTES)
        jax.config.update("jax_compilation_cache_dir", str(folder))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
        jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)


def forget_compiled_programs() -> None:
    """Free JAX's programs: it keeps each of them, some 75 MiB for a network, for as long as the process lives."""
    import keras

    if keras.backend.backend() == "jax":
        import jax

        jax.clear_caches()


def forget_oldest(folder: Path, limit: int) -> None:
    """Delete a folder's oldest files until they take half of a limit, if they take more than it.

    Args:
        folder: The folder; it need not exist, and other processes may do the same to it.
        limit: Bytes.
    """
    files = []
    with contextlib.suppress(OSError):
        for entry in os.scandir(folder):
            with contextlib.suppress(OSError):
                files.append((entry.stat().st_mtime_ns, entry.stat().st_size, entry.path))
    total = sum(size for _, size, _ in files)
    if total <= limit:
        return
    for _, size, path in sorted(files):
        if total <= limit // 2:
            break
        with contextlib.suppress(OSError):
            os.unlink(path)
        total -= size
