"""Peak memory is in bytes, grows with what a process holds, and can be forgotten."""

from __future__ import annotations

import sys

import pytest

from sftloop.core.memory import peak_memory_bytes, reset_peak_memory

LARGE = 64 << 20


def fill(size: int) -> int:
    """Touch so many bytes and let go of them."""
    return bytearray(b"x" * size)[-1]


def test_a_process_with_an_interpreter_needs_megabytes_not_kilobytes() -> None:
    assert 5 << 20 < peak_memory_bytes() < 1 << 40


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can forget the peak")
def test_the_peak_since_the_reset() -> None:
    reset_peak_memory()
    before = peak_memory_bytes()
    fill(LARGE)
    peak = peak_memory_bytes()
    assert peak - before >= LARGE
    assert peak_memory_bytes() >= peak - (1 << 20), "letting go of memory doesn't lower the peak"
    reset_peak_memory()
    assert peak_memory_bytes() <= peak - LARGE // 2
