"""The one place where the environment is read."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the user's environment says."""

    cache_directory: Path
    """Where fetched models live: `SFTLOOP_HOME`, else `$XDG_CACHE_HOME/sftloop`, else `~/.cache/sftloop`."""
    offline: bool
    """`SFTLOOP_OFFLINE` or `HF_HUB_OFFLINE` is set: no hub is asked."""
    device: str | None
    """`SFTLOOP_DEVICE`: forces `cpu`, `cuda` or `mps`."""
    dtype: str | None
    """`SFTLOOP_DTYPE`: forces matrix products in `fp32` or `bf16`."""
    threads: int | None
    """`SFTLOOP_THREADS`: CPU threads for matrix products; by default all physical cores."""


def settings() -> Settings:
    """Read the environment anew."""
    home = os.environ.get("SFTLOOP_HOME")
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Settings(
        cache_directory=Path(home) if home else Path(base) / "sftloop",
        offline=_truthy("SFTLOOP_OFFLINE") or _truthy("HF_HUB_OFFLINE"),
        device=os.environ.get("SFTLOOP_DEVICE") or None,
        dtype=os.environ.get("SFTLOOP_DTYPE") or None,
        threads=_count("SFTLOOP_THREADS"),
    )


def secret(variable: str) -> str | None:
    """Return what an environment variable holds, to be sent and never written; None if it holds nothing."""
    return os.environ.get(variable, "").strip() or None


def _count(name: str) -> int | None:
    """Return a whole number above 0, None where the variable holds anything else."""
    try:
        number = int(os.environ.get(name, ""))
    except ValueError:
        return None
    return number if number > 0 else None


def _truthy(name: str) -> bool:
    return os.environ.get(name, "").strip().lower() in {"1", "true", "yes", "on"}
