"""A new data file with proposed rewrites in place of the answers; the user's own file stays as it is.

Knows files and proposals; doesn't know how a rewrite came to be.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from sftloop.core.errors import UsageError
from sftloop.core.files import atomic_write_text, sha256_file
from sftloop.core.rundir import RunDirectory
from sftloop.records import Record, load_split, require_other_file, write_records
from sftloop.scenario import Scenario
from sftloop.workflow.rewrite_proposals import Proposal

_STEP = "applied rewrites"
_DRAFT = "applied.jsonl"
"""What is being written, until the manifest knows it: a kill in between must not make the file a stranger's."""


def require_new_file(path: Path, scenario: Scenario) -> None:
    """Refuse a place where something of the user's lies, before anything is asked.

    Raises:
        UsageError: a folder, or one of the scenario's own files.
    """
    if path.is_dir():
        raise UsageError(
            f"--apply-rewrites wants a file, '{path}' is a folder.", hint="Name a new .jsonl file."
        )
    require_other_file(path, scenario)


def require_own_file(path: Path, run: RunDirectory) -> None:
    """Refuse a file that another has written.

    Raises:
        UsageError: `path` exists and isn't what this run wrote last.
    """
    known = {run.manifest["steps"].get(_STEP, {}).get("sha256")}
    if (draft := run.file(_DRAFT)).exists():
        known.add(sha256_file(draft))
    if path.exists() and sha256_file(path) not in known:
        raise UsageError(
            f"'{path}' exists and wasn't written by this audit.", hint="Name a new file, or delete this one."
        )


def apply_rewrites(
    path: Path,
    run: RunDirectory,
    scenario: Scenario,
    split: str,
    proposals: Sequence[Proposal],
    *,
    skip_bad: bool = False,
) -> int:
    """Write the whole split with the proposals in place of the answers, and return how many were applied.

    Args:
        path: the new file.
        run: remembers what it wrote, so that the same command may write it again.
        scenario: whose.
        split: what was audited; records that weren't (`--limit`, `--task`) are written as they are.
        proposals: to apply.
        skip_bad: as in the audit.

    Raises:
        UsageError: `path` exists and isn't what this run wrote last.
        ExternalError: it can't be written.
    """
    require_own_file(path, run)
    by_id: dict[str, list[Proposal]] = {}
    for proposal in proposals:
        by_id.setdefault(proposal.record, []).append(proposal)
    records = load_split(scenario, split, skip_bad=skip_bad)
    draft = run.file(_DRAFT)
    write_records(draft, (_rewritten(record, by_id.get(record.id, [])) for record in records))
    atomic_write_text(path, draft.read_text(encoding="utf-8"))
    run.mark_done(_STEP, file=str(path), sha256=sha256_file(path), rewrites=len(proposals))
    draft.unlink()
    return len(proposals)


def _rewritten(record: Record, proposals: Sequence[Proposal]) -> Record:
    from sftloop.curate.style.rewrite_checks import text_of, with_text

    for proposal in proposals:
        text = text_of(proposal.after, proposal.part)
        record = replace(record, answer=with_text(record.answer, proposal.part, text))
    return record
