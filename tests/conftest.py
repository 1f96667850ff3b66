"""Test processes side by side share the cores, one thread each; no test's phase goes on for ever."""

from __future__ import annotations

import os
from collections.abc import Generator

import pytest

from tests.patience import phase_limit

if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, object, object]:
    """Prepare a test, fixtures included, within the limit."""
    with phase_limit(item):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Run a test within the limit."""
    with phase_limit(item):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, object, object]:
    """Clear up behind a test within the limit."""
    with phase_limit(item):
        return (yield)
