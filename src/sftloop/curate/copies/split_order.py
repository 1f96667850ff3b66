"""The order of splits: what is trained on comes first."""

from __future__ import annotations

from collections.abc import Iterable

from sftloop.records import SPLITS


def in_order(names: Iterable[str]) -> list[str]:
    """Return train, validation and test, then other names as they came."""
    return sorted(names, key=lambda name: SPLITS.index(name) if name in SPLITS else len(SPLITS))
