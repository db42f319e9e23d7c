"""Running the repository's commands: as processes of their own, or inside a backend's worker, at no start-up cost."""

import contextlib
import importlib
import io
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def run_main(script: str, arguments: list[str], folder: str) -> tuple[int, str, str]:
    """Run `main(arguments)` of `train` or `evaluate` in `folder`; return exit code, stdout and stderr."""
    stdout, stderr = io.StringIO(), io.StringIO()
    before = os.getcwd()
    os.chdir(folder)
    try:
        with contextlib.redirect_stdout(stdout), contextlib.redirect_stderr(stderr):
            try:
                code = importlib.import_module(script).main(arguments)
            except SystemExit as exit_:
                code = exit_.code
    finally:
        os.chdir(before)
    return code, stdout.getvalue(), stderr.getvalue()


def start(script: str, *arguments: str, folder: Path, **environment: str) -> subprocess.Popen:
    """Start a script as a process of its own, its output kept."""
    command = [sys.executable, str(ROOT / f"{script}.py"), *arguments]
    return subprocess.Popen(
        command,
        cwd=folder,
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen) -> tuple[int, str, str]:
    """Wait for a process; return exit code, stdout and stderr."""
    stdout, stderr = process.communicate(timeout=600)
    return process.returncode, stdout, stderr
