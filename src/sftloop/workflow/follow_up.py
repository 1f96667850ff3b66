"""The command that goes on with a plan, ready to be pasted into a shell."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path


def follow_up(
    verb: str,
    directory: Path,
    plan: Path,
    tasks: Sequence[str] | None,
    limit: int | None,
    skip_bad: bool,
) -> str:
    """Return `sftloop VERB SCENARIO --plan …` with what the plan was made with; it names its model itself."""
    words = ["sftloop", *verb.split(), str(directory), "--plan", str(plan)]
    words += [word for task in tasks or () for word in ("--task", task)]
    words += ["--limit", str(limit)] if limit else []
    return shlex.join([*words, *(["--skip-bad"] if skip_bad else [])])
