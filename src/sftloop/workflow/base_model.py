"""The model that a command loads: on this machine afterwards, and one that can be worked with."""

from __future__ import annotations

from pathlib import Path

from sftloop.core.progress import say


def base_model(name: str) -> Path:
    """Return the model's folder, fetching it where it is not on this machine.

    Imports torch, so read and check what the user gave first.

    Raises:
        ModelError: not found, or of an unsupported architecture.
    """
    from sftloop.models import require_supported, resolve_model

    path = resolve_model(name, log=say)
    require_supported(path)
    return path
