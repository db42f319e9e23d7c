"""The classic systems, one per file, found by file name: `mnist_cnn` is `models/mnist_cnn.py`.

A system's module has a docstring (its first sentence says what it is; a paragraph begins with the number of parameters,
as `28,938 parameters`; a line begins with `Origin:`), a `RECIPE` and a `build()`. It may have `VARIANTS`: what
`{"long": Variant(...)}` in `models/lenet.py` describes is the system `lenet-long`. Only `build()` imports keras.
"""

import importlib
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from foundation.errors import UserError
from foundation.recipe import Recipe, Variant
from foundation.spelling import find_near

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class System:
    """A classic network with its recipe.

    Attributes:
        name: Its file's name, with a hyphen and the variant's name if it is one.
        title: The first sentence of its docstring.
        origin: The work that it comes from, as its docstring says.
        parameters: How many it has, as its docstring or its variant says; None where neither does.
        recipe: The values it trains with.
        builder: Its module's `build`.
        arguments: The variant's arguments of it.
    """

    name: str
    title: str
    origin: str
    parameters: int | None
    recipe: Recipe
    builder: Callable[..., "keras.Model"]
    arguments: Mapping[str, Any]

    def build(self, **arguments: Any) -> "keras.Model":
        """Return the model, uncompiled and freshly initialised; imports keras.

        Args:
            **arguments: Of the builder, beside and before the variant's own.
        """
        return self.builder(**{**self.arguments, **arguments})


def names() -> list[str]:
    """Return the names of all systems, sorted, without importing any."""
    return sorted(file.stem for file in Path(__file__).parent.glob("*.py") if not file.stem.startswith("_"))


def names_with_variants() -> list[str]:
    """Return the names of all systems, each followed by its variants'."""
    return [full for name in names() for full in (name, *(f"{name}-{key}" for key in _variants(_module(name))))]


def check_name(name: str) -> str:
    """Return `name` if there is such a system; imports none, so that a typo costs no time.

    A variant's name, after the hyphen, is left to `load`.

    Raises:
        UserError: With the nearest names.
    """
    if name.split("-")[0] not in names():
        near = find_near(name, names(), 3, cutoff=0.4)
        hint = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(names())}"
        raise UserError(f"no system {name!r} in models/; {hint}")
    return name


def load(name: str) -> System:
    """Return the system `name`, as `lenet` or `lenet-long`; its module imports no framework.

    Raises:
        UserError: If there is none of that name.
    """
    base, hyphen, key = check_name(name).partition("-")
    module = _module(base)
    variant = Variant(module.RECIPE)
    if hyphen:
        variants = _variants(module)
        if key not in variants:
            there = f"there are {', '.join(f'{base}-{other}' for other in variants)}" if variants else "it has none"
            raise UserError(f"no variant {key!r} of {base}; {there}")
        variant = variants[key]
    text = module.__doc__ or ""
    origin = re.search(r"^Origin: (.+)$", text, re.MULTILINE)
    parameters = re.search(r"^([\d,]+) parameters", text, re.MULTILINE)
    documented = int(parameters.group(1).replace(",", "")) if parameters else None
    return System(
        name=name,
        title=text.split(".", 1)[0],
        origin=origin.group(1).rstrip(".") if origin else "",
        parameters=variant.parameters or documented,
        recipe=variant.recipe,
        builder=module.build,
        arguments=variant.arguments,
    )


def _module(name: str) -> ModuleType:
    started = "keras" in sys.modules
    module = importlib.import_module(f"{__name__}.{name}")
    if "keras" in sys.modules and not started:
        raise UserError(f"models/{name}.py imports keras before a backend is chosen; move the import into build()")
    return module


def _variants(module: ModuleType) -> Mapping[str, Variant]:
    variants: Mapping[str, Variant] = getattr(module, "VARIANTS", {})
    return variants
