"""What a verdict's numbers were measured with."""

import datetime
import os
import platform
import sys
from pathlib import Path
from typing import Any


def describe_environment(versions: dict[str, str]) -> dict[str, Any]:
    """Return versions, processor, cores, date and command.

    Args:
        versions: By package, as the workers saw them.
    """
    return {
        "versions": {"python": platform.python_version(), **versions},
        "processor": processor_name(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "command": " ".join([os.path.basename(sys.argv[0]), *sys.argv[1:]]),
    }


def default_cache() -> Path:
    """Return `$KERAS_PARITY_CACHE`, or `keras-parity` in the user's cache folder."""
    if chosen := os.environ.get("KERAS_PARITY_CACHE"):
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "keras-parity"


def processor_name() -> str:
    """Return the processor's name as the system tells it."""
    try:
        with open("/proc/cpuinfo") as file:
            names = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
        return names[0]
    except (OSError, IndexError):
        return platform.processor() or "unknown"
