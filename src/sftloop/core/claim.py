"""A directory that one process at a time works in.

The lock is the operating system's, on the directory itself: a process that is killed lets go of it. Doesn't know
what the directory is for.
"""

from __future__ import annotations

import errno
import fcntl
import os
from contextlib import suppress
from pathlib import Path
from typing import ClassVar
from weakref import WeakValueDictionary

from sftloop.core.errors import UsageError


class Claim:
    """Holds a directory until nothing refers to it any more; all parts of one process share it."""

    _held: ClassVar[WeakValueDictionary[tuple[int, int], Claim]] = WeakValueDictionary()

    def __init__(self, handle: int) -> None:
        self._handle = handle

    @classmethod
    def on(cls, directory: Path) -> Claim:
        """Claim an existing directory. Where the file system has no locks, nobody is kept out.

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
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            raise UsageError(
                f"Another process works in '{directory}'.",
                hint="Wait until it ends, or give another directory with --out.",
            ) from None
        except OSError as error:
            if error.errno not in (errno.ENOLCK, errno.ENOTSUP, errno.EINVAL, errno.ENOSYS):
                raise
        claim = cls._held[place] = cls(handle)
        return claim

    def __del__(self) -> None:
        with suppress(OSError):
            os.close(self._handle)
