"""The same work on many parts at once, for work that numpy does outside Python's lock.

Doesn't know what the work is.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

from sftloop.core.settings import settings

_AHEAD = 8
_Part = TypeVar("_Part")
_Result = TypeVar("_Result")


def in_threads(work: Callable[[_Part], _Result], parts: Iterable[_Part]) -> list[_Result]:
    """Return `work` of each part, in order; at most eight parts per thread are read ahead."""
    threads = settings().threads or os.cpu_count() or 1
    waiting = iter(parts)
    results: list[_Result] = []
    with ThreadPoolExecutor(threads) as pool:
        while batch := list(islice(waiting, _AHEAD * threads)):
            results.extend(pool.map(work, batch))
    return results
