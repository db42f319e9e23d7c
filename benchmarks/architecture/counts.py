"""Sizes and tangles of a code base, as numbers that describe it; none of them is a limit."""

import ast
from collections.abc import Callable, Mapping

from benchmarks.architecture.graph import Arrow, Module, find_circles, find_imports

LONG_FUNCTION = 40
MANY_PARAMETERS = 6
LONG_MODULE = 400

RoomOf = Callable[[str], str]
"""The room of the module with a name."""


def count(modules: Mapping[str, Module], room_of: RoomOf) -> dict[str, int]:
    """Return the numbers by their descriptions.

    Args:
        modules: The code base.
        room_of: Its rooms.
    """
    functions = [
        node
        for module in modules.values()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    imports = find_imports(modules)
    arrows = find_arrows(modules, room_of)
    at_start = {(each.importer, each.imported) for each in imports if not each.lazy}
    at_all = {(each.importer, each.imported) for each in imports}
    lengths = [module.text.count("\n") for module in modules.values()]
    return {
        "modules": len(modules),
        "lines": sum(lengths),
        f"modules over {LONG_MODULE} lines": sum(length > LONG_MODULE for length in lengths),
        "functions": len(functions),
        f"functions over {LONG_FUNCTION} lines": sum(count_lines(node) > LONG_FUNCTION for node in functions),
        f"functions of more than {MANY_PARAMETERS} parameters": sum(
            count_parameters(node) > MANY_PARAMETERS for node in functions
        ),
        "rooms": len({room_of(name) for name in modules}),
        "arrows between rooms": len(arrows),
        "pairs of rooms with arrows both ways": sum((head, tail) in arrows for tail, head in arrows) // 2,
        "circles of rooms": len(find_circles(arrows)),
        "circles of modules, at import": len(find_circles(at_start)),
        "circles of modules, imports inside functions included": len(find_circles(at_all)),
    }


def find_arrows(modules: Mapping[str, Module], room_of: RoomOf) -> set[Arrow]:
    """Return each pair of rooms of which the first imports from the second."""
    pairs = {(room_of(each.importer), room_of(each.imported)) for each in find_imports(modules)}
    return {(tail, head) for tail, head in pairs if tail != head}


def count_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return a function's lines from `def` to its end, less its docstring, which has a length of its own."""
    end = function.end_lineno or function.lineno
    length = end - function.lineno + 1
    if ast.get_docstring(function, clean=False) is None:
        return length
    docstring = function.body[0]
    return length - ((docstring.end_lineno or docstring.lineno) - docstring.lineno + 1)


def count_parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return the number of a function's parameters, `self` and `cls` not counted."""
    arguments = function.args
    names = [each.arg for each in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
    names += [each.arg for each in (arguments.vararg, arguments.kwarg) if each]
    return len(names) - (names[:1] in (["self"], ["cls"]))
