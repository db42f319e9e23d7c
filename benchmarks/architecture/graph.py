"""Who imports whom, read from the code without running it."""

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

Arrow = tuple[str, str]
"""Two names: who imports, and what is imported."""


@dataclass(frozen=True)
class Module:
    """One file of Python.

    Attributes:
        name: Its dotted name; a package's is that of its `__init__.py`.
        text: Its code.
        tree: Its syntax tree.
    """

    name: str
    text: str
    tree: ast.Module


@dataclass(frozen=True)
class Import:
    """One module imports another.

    Attributes:
        importer: The module's name.
        imported: The other's; both are of the same code base.
        lazy: Whether the statement stands inside a function and waits for its call.
    """

    importer: str
    imported: str
    lazy: bool


def read_modules(root: Path, tops: Sequence[str]) -> dict[str, Module]:
    """Return the modules of some packages and single files, by name.

    Args:
        root: The folder that holds them.
        tops: Names of packages and modules there; one that is missing is left out.
    """
    modules = {}
    for top in tops:
        single = root / f"{top}.py"
        for path in [single] if single.exists() else sorted((root / top).rglob("*.py")):
            parts = path.relative_to(root).with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            text = path.read_text(encoding="utf-8")
            modules[name] = Module(name, text, ast.parse(text))
    return modules


def find_imports(modules: Mapping[str, Module]) -> set[Import]:
    """Return every import of one of these modules by another; those for a type checker alone do not count."""
    found = set()
    for module in modules.values():
        for statement, lazy in _import_statements(module.tree):
            for target in _targets(statement, module.name, modules):
                if target != module.name:
                    found.add(Import(module.name, target, lazy))
    return found


def find_circles(arrows: Iterable[Arrow]) -> list[list[str]]:
    """Return the groups of names that reach each other and so themselves, each sorted."""
    reach = find_reachable(arrows)
    circles = {
        tuple(sorted(other for other in reached if name in reach.get(other, ())))
        for name, reached in reach.items()
        if name in reached
    }
    return [list(circle) for circle in sorted(circles)]


def find_reachable(arrows: Iterable[Arrow]) -> dict[str, set[str]]:
    """Return what each name reaches along the arrows, itself only where a circle leads back."""
    following: dict[str, set[str]] = {}
    for tail, head in arrows:
        following.setdefault(tail, set()).add(head)
    reach = {}
    for name in following:
        seen: set[str] = set()
        waiting = list(following[name])
        while waiting:
            other = waiting.pop()
            if other not in seen:
                seen.add(other)
                waiting += following.get(other, ())
        reach[name] = seen
    return reach


def _import_statements(tree: ast.Module) -> Iterator[tuple[ast.Import | ast.ImportFrom, bool]]:
    """Yield each import statement with whether it stands inside a function."""
    waiting: list[tuple[ast.AST, bool]] = [(tree, False)]
    while waiting:
        node, lazy = waiting.pop()
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node, lazy
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            waiting += [(child, lazy) for child in node.orelse]
        else:
            inside = lazy or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            waiting += [(child, inside) for child in ast.iter_child_nodes(node)]


def _targets(statement: ast.Import | ast.ImportFrom, importer: str, modules: Mapping[str, Module]) -> Iterator[str]:
    """Yield the modules that a statement names, each as the longest known beginning of the dotted name."""
    if isinstance(statement, ast.Import):
        names = [alias.name for alias in statement.names]
    else:
        base = _base(statement, importer, modules)
        names = [f"{base}.{alias.name}" for alias in statement.names]
    for name in names:
        parts = name.split(".")
        beginnings = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
        known = next((beginning for beginning in beginnings if beginning in modules), None)
        if known:
            yield known


def _base(statement: ast.ImportFrom, importer: str, modules: Mapping[str, Module]) -> str:
    """Return the absolute name after `from`."""
    if not statement.level:
        return statement.module or ""
    is_package = any(name.startswith(f"{importer}.") for name in modules)
    parts = importer.split(".")
    package = parts[: len(parts) - statement.level + is_package]
    return ".".join([*package, *([statement.module] if statement.module else [])])
