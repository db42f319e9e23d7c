"""The project's rooms."""

from pathlib import Path

from benchmarks.architecture.counts import RoomOf

ENGINE = "keras_parity"
SCRIPTS = ("train", "evaluate", "compare")
ZOO_ORDER = ("scripts", "comparing", "figures", "training", "models", "data", "foundation")
"""From the top: none imports from those before it. A room that is not named here may stand anywhere."""
OUTSIDE = ("benchmarks", "tests")

PUBLIC_API = ENGINE
PROTOCOL = f"{ENGINE}.protocol"
WORKER = f"{ENGINE}.worker"
GROUND_FLOOR = tuple(
    f"{ENGINE}.{name}" for name in ("errors", "memory", "archive", "backend_process", "environment", "platform_support")
)
EXCEPTIONS = ((WORKER, f"{ENGINE}.scan"),)
"""Allowed against the rules: the worker reads the scan's catalogue, which is plain data."""


def find_tops(root: Path) -> list[str]:
    """Return the names of the project's packages and scripts in a folder, without tests and benchmarks."""
    packages = [path.parent.name for path in root.glob("*/__init__.py")]
    return sorted({*packages, *(path.stem for path in root.glob("*.py"))} - set(OUTSIDE))


def project_room(module: str) -> str:
    """Return a module's room: the scripts, a package of the zoo, or what lies directly in the engine's package."""
    top, _, rest = module.partition(".")
    if top in SCRIPTS:
        return "scripts"
    if top != ENGINE or not rest:
        return top
    inner = rest.partition(".")[0]
    return f"{ENGINE}.{'cli' if inner == '__main__' else inner}"


def package_rooms(package: str) -> RoomOf:
    """Return the rooms of any package: what lies directly in it."""

    def room_of(module: str) -> str:
        return ".".join(module.split(".")[:2]) if module != package else package

    return room_of
