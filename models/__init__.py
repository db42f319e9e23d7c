"""The classic systems, one per file, found by file name: `mnist_cnn` is `models/mnist_cnn.py`.

A system's module has a docstring (first sentence: what it is; a line `Source: ...`), a `RECIPE` and a `build()`. It may
have `VARIANTS`: `{"long": (its recipe, its arguments of build)}` in `models/lenet.py` is the system `lenet-long`.
"""

import difflib
import functools
import importlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from training.errors import UserError
from training.recipe import Recipe


@dataclass(frozen=True)
class System:
    """A classic network with its recipe.

    Attributes:
        name: Its file's name, with a hyphen and the variant's name if it is one.
        title: The first sentence of its docstring.
        source: Where it comes from, as its docstring says.
        recipe: The values it trains with.
        build: Returns the model, uncompiled and freshly initialised.
    """

    name: str
    title: str
    source: str
    recipe: Recipe
    build: Callable


def names() -> list[str]:
    """Return the names of all systems, sorted, without importing any."""
    return sorted(file.stem for file in Path(__file__).parent.glob("*.py") if not file.stem.startswith("_"))


def names_with_variants() -> list[str]:
    """Return the names of all systems, each followed by its variants'; imports keras."""
    modules = {name: importlib.import_module(f"{__name__}.{name}") for name in names()}
    return [
        full
        for name, module in modules.items()
        for full in (name, *(f"{name}-{variant}" for variant in getattr(module, "VARIANTS", {})))
    ]


def check_name(name: str) -> str:
    """Return `name` if there is such a system; imports nothing, so that a typo costs no time.

    A variant's name, after the hyphen, is left to `load`.

    Raises:
        UserError: With the nearest names.
    """
    if name.split("-")[0] not in names():
        near = difflib.get_close_matches(name, names(), 3, cutoff=0.4)
        hint = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(names())}"
        raise UserError(f"no system {name!r} in models/; {hint}")
    return name


def load(name: str) -> System:
    """Return the system `name`, as `lenet` or `lenet-long`; imports keras.

    Raises:
        UserError: If there is none of that name.
    """
    base, hyphen, variant = check_name(name).partition("-")
    module = importlib.import_module(f"{__name__}.{base}")
    recipe, arguments = module.RECIPE, {}
    if hyphen:
        variants = getattr(module, "VARIANTS", {})
        if variant not in variants:
            there = f"there are {', '.join(f'{base}-{key}' for key in variants)}" if variants else "it has none"
            raise UserError(f"no variant {variant!r} of {base}; {there}")
        recipe, arguments = variants[variant]
    source = re.search(r"^Source: (.+)$", module.__doc__, re.MULTILINE)
    return System(
        name=name,
        title=module.__doc__.split(".", 1)[0],
        source=source.group(1).rstrip(".") if source else "",
        recipe=recipe,
        build=functools.partial(module.build, **arguments),
    )
