"""Peak memory of this process, or of its accelerator, between two moments."""

from __future__ import annotations

import resource
import sys
from pathlib import Path

_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def reset_peak_memory() -> None:
    """Forget the peak so far, where the system allows it (Linux)."""
    if _CLEAR.exists():
        try:
            _CLEAR.write_text("5")
        except OSError:
            return


def peak_memory_bytes() -> int:
    """Return the process's largest resident size since the last reset, in bytes."""
    if _STATUS.exists():
        for line in _STATUS.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
