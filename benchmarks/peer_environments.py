"""A virtual environment for each peer, made once from its pinned requirements and kept in the cache.

Knows pip and where environments live; doesn't know what runs in them.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from sftloop.core.errors import ExternalError
from sftloop.core.files import atomic_write_json
from sftloop.core.progress import say
from sftloop.core.settings import settings

_PINS = Path(__file__).parent / "peers"
_READY = "ready.json"
_UNUSED_IMPORTS = {"llamafactory": ("torchaudio",)}
"""Modules a peer imports without using them here: an empty one stands in."""


def peer_python(name: str) -> Path:
    """Return the interpreter of a peer's environment, building it first if its pins have changed.

    Raises:
        ExternalError: pip can't install it; the message ends with pip's own last lines.
    """
    pins = _PINS / f"{name}.requirements.txt"
    place = settings().cache_directory / "peers" / name
    python = place / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    wanted = {"pins": hashlib.sha256(pins.read_bytes()).hexdigest(), "python": sys.version.split()[0]}
    ready = place / _READY
    if ready.exists() and json.loads(ready.read_text(encoding="utf-8")) == wanted:
        return python
    say(f"Setting up {name} in {place} (a few minutes, once)")
    shutil.rmtree(place, ignore_errors=True)
    _run(name, [sys.executable, "-m", "venv", str(place)])
    _install(name, python, pins)
    for module in _UNUSED_IMPORTS.get(name, ()):
        _write_empty_module(python, module)
    atomic_write_json(ready, wanted)
    return python


def _install(name: str, python: Path, pins: Path) -> None:
    """Install torch with what its build needs, then the pins as they are: they are complete."""
    torch = next(line for line in pins.read_text(encoding="utf-8").splitlines() if line.startswith("torch=="))
    pip = [str(python), "-m", "pip", "install", "--quiet"]
    _run(name, [*pip, torch, "--constraint", str(pins)])
    _run(name, [*pip, "--no-deps", "--requirement", str(pins)])


def _write_empty_module(python: Path, module: str) -> None:
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    place = subprocess.run([str(python), "-c", code], capture_output=True, text=True, check=True)
    (Path(place.stdout.strip()) / f"{module}.py").touch()


def _run(name: str, command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        tail = "\n".join(done.stderr.strip().splitlines()[-5:])
        raise ExternalError(
            f"The environment of '{name}' can't be set up: {' '.join(command[:4])} … failed:\n{tail}",
            hint="Check the network, or leave this system out with --systems.",
        )
