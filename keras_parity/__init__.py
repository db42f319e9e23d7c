"""The parity engine: does a Keras 3 model compute the same on every backend, and if not, which layer is wrong?

```python
from keras_parity import check

verdict = check(build_unet, backends=("tensorflow", "torch"))
verdict.outcome, verdict.culprits, verdict.worst
verdict.report("out/")
```

Importing this package imports no framework and no keras: those run in processes of their own.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keras_parity.checking import check

__version__ = "0.2.0"
__all__ = ["check"]


def __getattr__(name: str) -> object:
    if name == "check":  # not before it is asked for: `--help` needs no NumPy
        from keras_parity.checking import check

        return check
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
