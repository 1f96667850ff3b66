"""Test processes side by side share the cores: one thread each, and the long files first."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")

_UNIT = Path(__file__).parent / "unit"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put whole commands first: towards the end, small files keep every process busy."""
    items.sort(key=lambda item: item.path.is_relative_to(_UNIT))
