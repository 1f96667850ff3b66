"""Where fetched models live, so that a reader never sees a half-written one and two processes never collide.

Knows directories, locks and names; doesn't know where weights come from.

Layout under the cache directory: `models/NAME` (finished), `partial/NAME` (downloads that can be resumed, and
a model being built), `locks/NAME.lock`.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sftloop.core.errors import ExternalError
from sftloop.core.files import disk_errors
from sftloop.core.settings import settings

if TYPE_CHECKING:
    from filelock import BaseFileLock

Log = Callable[[str], None]
"""Takes one line for the user."""

PROVENANCE = "provenance.json"
"""The file in a cached model that says where it came from."""

_SPARE_BYTES = 200_000_000
"""Left free on the disk beside what a model needs."""

_LONGEST_WAIT_SECONDS = 6 * 3600.0
"""For another process that fetches the same model; a killed one holds no lock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """The place where one process, and only one, fetches and builds a model."""

    downloads: Path
    """Files fetched so far; kept when the process dies, so that the next one goes on."""
    build: Path
    """Empty at the start; becomes the model when it is complete."""


class ModelCache:
    """The models fetched to this machine.

    Args:
        root: the cache directory; by default the one the user's settings name.
    """

    def __init__(self, root: Path | None = None) -> None:
        self.root = root or settings().cache_directory

    def find(self, key: str) -> Path | None:
        """Return the directory of a finished model, or None."""
        path = self._finished(key)
        return path if (path / "config.json").is_file() else None

    @contextmanager
    def workshop(self, key: str, log: Log | None = None) -> Iterator[Workshop]:
        """Hold the model's lock and give a place to build it; waits while another process holds it.

        Args:
            key: as `cache_key` returns it.
            log: is told when it has to wait.

        Raises:
            ExternalError: the disk is full or not writable.
        """
        place = self.root / "partial" / key
        shop = Workshop(downloads=place / "downloads", build=place / "build")
        with self._locked(key, log):
            with disk_errors(place):
                shop.downloads.mkdir(parents=True, exist_ok=True)
                shutil.rmtree(shop.build, ignore_errors=True)
                shop.build.mkdir()
            try:
                yield shop
            finally:
                _clear_if_empty(place)

    def publish(self, key: str, shop: Workshop) -> Path:
        """Give the finished model its name in one step, clear the workshop, and return where the model is.

        Args:
            key: as `cache_key` returns it.
            shop: the open workshop, with the complete model in `build`.
        """
        target = self._finished(key)
        old = shop.build.with_name("old")
        with disk_errors(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            for file in shop.build.iterdir():
                if file.is_file():
                    file.chmod(0o644)
            if target.exists():
                os.replace(target, old)
            os.replace(shop.build, target)
        shutil.rmtree(shop.build.parent, ignore_errors=True)
        return target

    def _finished(self, key: str) -> Path:
        return self.root / "models" / key

    @contextmanager
    def _locked(self, key: str, log: Log | None) -> Iterator[None]:
        from filelock import FileLock, Timeout

        path = self.root / "locks" / f"{key}.lock"
        with disk_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            lock = FileLock(path)
            try:
                lock.acquire(timeout=0)
            except Timeout:
                if log:
                    log(f"Another process is fetching {key}; waiting for it.")
                self._wait_for(lock, path, key)
        try:
            yield
        finally:
            lock.release()

    def _wait_for(self, lock: BaseFileLock, path: Path, key: str) -> None:
        from filelock import Timeout

        try:
            lock.acquire(timeout=_LONGEST_WAIT_SECONDS)
        except Timeout:
            raise ExternalError(
                f"Another process has held '{path}' for {_LONGEST_WAIT_SECONDS / 3600:.3g} hours.",
                hint=f"End it if it no longer fetches {key}, then run the same command again.",
            ) from None


def cache_key(name: str) -> str:
    """Return the directory name for a model's name or repository (`org/name` → `org--name`)."""
    return name.strip("/").replace("/", "--")


def _clear_if_empty(place: Path) -> None:
    """Remove a workshop in which nothing was fetched."""
    if not any(path.is_file() for path in place.rglob("*")):
        shutil.rmtree(place, ignore_errors=True)


def check_room(place: Path, needed_bytes: int) -> None:
    """Make sure that the disk of the directory `place` holds `needed_bytes` in it, what is there included.

    Raises:
        ExternalError: naming both figures.
    """
    present = sum(file.stat().st_size for file in place.rglob("*") if file.is_file())
    missing = max(0, needed_bytes - present)
    free = shutil.disk_usage(place).free
    if free < missing + _SPARE_BYTES:
        raise ExternalError(
            f"The disk of '{place}' is too full: {missing / 1e9:.1f} GB are needed, {free / 1e9:.1f} are free.",
            hint="Free space, or set SFTLOOP_HOME to a directory on another disk.",
        )
