"""Files and directories that one process at a time works on.

The locks are the operating system's, on what is there already: a process that is killed lets go of them. Where the
file system has none, nobody is kept out. Doesn't know what is locked.
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import ClassVar
from weakref import WeakValueDictionary

from sftloop.core.errors import UsageError

_NO_LOCKS = (errno.ENOLCK, errno.ENOTSUP, errno.EINVAL, errno.ENOSYS)


class Claim:
    """Holds a directory until nothing refers to it any more; all parts of one process share it."""

    _held: ClassVar[WeakValueDictionary[tuple[int, int], Claim]] = WeakValueDictionary()

    def __init__(self, handle: int) -> None:
        self._handle = handle

    @classmethod
    def on(cls, directory: Path) -> Claim:
        """Claim an existing directory.

        Raises:
            UsageError: another process holds it.
        """
        handle = os.open(directory, os.O_RDONLY)
        status = os.fstat(handle)
        place = (status.st_dev, status.st_ino)
        if held := cls._held.get(place):
            os.close(handle)
            return held
        try:
            _lock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            raise UsageError(
                f"Another process works in '{directory}'.",
                hint="Wait until it ends, or give another directory with --out.",
            ) from None
        claim = cls._held[place] = cls(handle)
        return claim

    def __del__(self) -> None:
        with suppress(OSError):
            os.close(self._handle)


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Keep out every other process that asks for the same existing file until the block is left.

    The file is neither read nor written.
    """
    with path.open("rb") as stream:
        _lock(stream.fileno(), fcntl.LOCK_EX)
        yield


def _lock(handle: int, how: int) -> None:
    """Lock an open file or directory, where the file system can."""
    try:
        fcntl.flock(handle, how)
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
