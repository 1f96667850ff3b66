"""Memory of this process: its peak between two moments, and what it keeps for reuse."""

from __future__ import annotations

import ctypes
import resource
import sys
from pathlib import Path

_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3
"""Parameters of glibc's mallopt(3)."""
_OUT_OF_MEMORY = ("out of memory", "can't allocate memory")
"""How torch says it, on an accelerator and on the CPU."""
_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def keep_freed_memory() -> None:
    """Let freed tensors be reused instead of going back to the system page by page (glibc only).

    A step frees and takes gigabytes; on two cores the page faults alone were 5 to 10 % of its time.
    """
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, 1 << 30)
        mallopt(_TRIM_THRESHOLD, (1 << 31) - 1)
        mallopt(_TOP_PAD, 64 << 20)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception says that memory ran out, here or on an accelerator."""
    return isinstance(error, MemoryError) or any(words in str(error) for words in _OUT_OF_MEMORY)


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
