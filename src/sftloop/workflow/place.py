"""Where a run's directory lies, and how it is started or taken up: repeating a command finds its own run again.

Knows names and hashes; not what a run does.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from sftloop.core.files import sha256_json
from sftloop.core.rundir import RunDirectory
from sftloop.scenario import Scenario

_NO_FILE_NAME = re.compile(r"[/\\\0]+|^\.+")
"""What a scenario's name may hold and a folder's may not."""


def open_run(
    verb: str,
    scenario: Scenario,
    inputs: Mapping[str, str],
    settings: Mapping[str, Any],
    out: Path | None,
    *,
    name: str | None = None,
) -> RunDirectory:
    """Start the run of a command, or take up the same one.

    Args:
        verb: the command's name.
        scenario: names the directory.
        inputs: name → SHA-256 of everything the results depend on.
        settings: options the results depend on.
        out: the directory; None: one named after all of these.
        name: what its name begins with, by default the verb.

    Raises:
        UsageError: the directory holds a different run, or foreign files.
        ExternalError: it can't be written.
    """
    begins = name or verb.replace(" ", "-")
    return RunDirectory.open(
        out or default_directory(begins, scenario.name, inputs, settings),
        verb=verb,
        command=sys.argv,
        inputs=inputs,
        settings=settings,
    )


def named_tasks(tasks: Collection[str] | None) -> list[str] | None:
    """Return the tasks a command names as a run's settings hold them: in one order; None: all."""
    return sorted(tasks) if tasks else None


def default_directory(
    verb: str, scenario: str, inputs: Mapping[str, str], settings: Mapping[str, Any]
) -> Path:
    """Return `runs/VERB-SCENARIO-xxxxxxxx`; the end depends on inputs and settings."""
    identity = sha256_json({"inputs": dict(inputs), "settings": dict(settings)})
    return Path("runs") / f"{verb}-{_NO_FILE_NAME.sub('-', scenario)}-{identity[:8]}"
