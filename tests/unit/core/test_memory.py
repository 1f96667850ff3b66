"""Peak memory is in bytes, grows with what a process holds, and can be forgotten."""

from __future__ import annotations

import json
import sys

import pytest
from tests.patience import run

from sftloop.core.memory import peak_memory_bytes

LARGE = 64 << 20

# A process of its own: one that has already held and freed much reuses those pages, and its
# resident size doesn't grow.
MEASURE = f"""
import json
from sftloop.core.memory import peak_memory_bytes, reset_peak_memory

reset_peak_memory()
peaks = [peak_memory_bytes()]
held = bytearray(b"x" * {LARGE})
peaks.append(peak_memory_bytes())
del held
peaks.append(peak_memory_bytes())
reset_peak_memory()
peaks.append(peak_memory_bytes())
print(json.dumps(peaks))
"""


def test_a_process_with_an_interpreter_needs_megabytes_not_kilobytes() -> None:
    assert 5 << 20 < peak_memory_bytes() < 1 << 40


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can forget the peak")
def test_the_peak_since_the_reset() -> None:
    printed = run([sys.executable, "-c", MEASURE], check=True).stdout
    before, held, let_go, forgotten = json.loads(printed)
    assert held - before >= LARGE
    assert let_go >= held - (1 << 20), "letting go of memory doesn't lower the peak"
    assert forgotten <= held - LARGE // 2
