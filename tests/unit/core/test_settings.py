"""The environment: a number that is none counts as not set."""

from __future__ import annotations

import pytest

from sftloop.core.settings import settings


@pytest.mark.parametrize(
    ("value", "threads"),
    [("4", 4), ("", None), ("0", None), ("-2", None), ("two", None), ("²", None), ("9" * 5000, None)],
)
def test_threads(monkeypatch: pytest.MonkeyPatch, value: str, threads: int | None) -> None:
    monkeypatch.setenv("SFTLOOP_THREADS", value)
    assert settings().threads == threads
