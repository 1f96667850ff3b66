"""Where a run's directory lies when the user names none: repeating a command finds its own run again."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sftloop.core.files import sha256_json


def default_directory(
    verb: str, scenario: str, inputs: Mapping[str, str], settings: Mapping[str, Any]
) -> Path:
    """Return `runs/VERB-SCENARIO-xxxxxxxx`; the end depends on inputs and settings."""
    identity = sha256_json({"inputs": dict(inputs), "settings": dict(settings)})
    return Path("runs") / f"{verb}-{scenario}-{identity[:8]}"
