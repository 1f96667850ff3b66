"""A run directory: what one verb wrote, from which inputs, and which of its steps are finished.

Doesn't know what the steps do. A directory belongs to one run: same verb, inputs and settings.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from fnmatch import fnmatch
from importlib import metadata
from pathlib import Path
from typing import Any

from sftloop.core.errors import UsageError
from sftloop.core.files import atomic_write_json, disk_errors, read_json, sha256_json
from sftloop.core.locks import Claim
from sftloop.core.progress import say

MANIFEST = "manifest.json"
_ALIKE = frozenset({"adapter", "train", "model", "output"})
_PACKAGES = ("sftloop", "torch", "transformers", "peft", "accelerate", "scikit-learn", "numpy")


class RunDirectory:
    """A directory with `manifest.json`: inputs' hashes, settings, versions, command, finished steps."""

    def __init__(self, path: Path, manifest: dict[str, Any], claim: Claim | None = None) -> None:
        self.path = path
        self.manifest = manifest
        self._claim = claim

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        verb: str,
        command: Sequence[str],
        inputs: Mapping[str, str],
        settings: Mapping[str, Any],
    ) -> RunDirectory:
        """Start a run in `path`, or go on with the same run if one lies there.

        Args:
            path: the directory, made if absent.
            verb: the command's name.
            command: the whole command line, for the reader who wants to reproduce it.
            inputs: name → SHA-256 of everything the results depend on.
            settings: options the results depend on (plain data).

        Raises:
            UsageError: `path` holds a different run (the message says what differs) or foreign files, or another
                process works in it.
            ExternalError: `path` can't be written.
        """
        path = Path(path)
        if path.exists() and not path.is_dir():
            raise _foreign(path)
        with disk_errors(path):
            path.mkdir(parents=True, exist_ok=True)
        claim = Claim.on(path)
        identity = sha256_json({"verb": verb, "inputs": dict(inputs), "settings": dict(settings)})
        manifest_file = path / MANIFEST
        if manifest_file.exists():
            manifest = read_json(manifest_file, "a run's manifest")
            if not (isinstance(manifest, dict) and {"identity", "steps"} <= manifest.keys()):
                raise _foreign(path)
            if manifest["identity"] == identity or not _is_bare(path, manifest):
                _require_same_run(path, manifest, identity, verb, inputs, settings)
                _tell_other_version(path, manifest)
                return cls(path, manifest, claim)
        elif _holds_files(path):
            raise _foreign(path)
        manifest = {
            "verb": verb,
            "command": list(command),
            "started": datetime.now(UTC).isoformat(timespec="seconds"),
            "identity": identity,
            "inputs": dict(inputs),
            "settings": dict(settings),
            "versions": versions(),
            "machine": {"platform": platform.platform(), "cores": os.cpu_count()},
            "steps": {},
        }
        run = cls(path, manifest, claim)
        run._save()
        return run

    def step_done(self, name: str) -> bool:
        """Whether the step finished in this or an earlier process."""
        return name in self.manifest["steps"]

    def mark_done(self, name: str, **facts: Any) -> None:
        """Record that a step finished, with facts worth keeping (seconds, counts)."""
        self.manifest["steps"][name] = {"finished": datetime.now(UTC).isoformat(timespec="seconds"), **facts}
        self._save()

    def file(self, name: str) -> Path:
        """Return the path of a file or folder in the run directory."""
        return self.path / name

    def _save(self) -> None:
        atomic_write_json(self.path / MANIFEST, self.manifest)


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that results depend on."""
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def _holds_files(path: Path) -> bool:
    """Whether there is anything but a manifest whose very first write was killed."""
    return not all(fnmatch(each.name, f".{MANIFEST}.*.part") for each in path.iterdir())


def _is_bare(path: Path, manifest: Mapping[str, Any]) -> bool:
    """Whether a run ended before it wrote anything but its manifest: there is nothing to keep."""
    return not manifest["steps"] and not any(
        each.is_file() for each in path.rglob("*") if each.name != MANIFEST
    )


def telling_name(path: Path) -> str:
    """Return the last part of a path that says what lies there: folders within a run are called alike in all."""
    return next((part for part in reversed(path.parts) if part not in _ALIKE), path.name)


def _tell_other_version(path: Path, manifest: Mapping[str, Any]) -> None:
    """Say so where another version of this package began the run: prompts and readers may have changed since."""
    began, now = manifest.get("versions", {}).get("sftloop"), versions().get("sftloop")
    if began != now:
        say(f"'{path}' was begun by sftloop {began}, this is {now}; what it holds is kept.")


def _foreign(path: Path) -> UsageError:
    return UsageError(
        f"'{path}' is not empty and holds no run of sftloop.", hint="Give another directory with --out."
    )


def _require_same_run(
    path: Path,
    manifest: dict[str, Any],
    identity: str,
    verb: str,
    inputs: Mapping[str, str],
    settings: Mapping[str, Any],
) -> None:
    if manifest.get("identity") == identity:
        return
    differing = ["verb"] if manifest.get("verb") != verb else []
    for part, mine in (("inputs", inputs), ("settings", settings)):
        theirs = manifest.get(part, {})
        absent = object()
        differing += [n for n in sorted({*theirs, *mine}) if theirs.get(n, absent) != mine.get(n, absent)]
    raise UsageError(
        f"'{path}' holds a different run: {', '.join(differing) or 'its inputs'} changed since.",
        hint="Give another directory with --out, or delete this one.",
    )
