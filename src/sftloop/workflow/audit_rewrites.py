"""Answers out of style, written again by the model at hand: asked once, checked, kept as proposals.

Two files in the run's directory: `rewrite_replies.jsonl` holds every reply and why it was dropped, so that
nothing is asked twice; `rewrites.jsonl` holds the proposals. The latter is the user's to edit: a line taken out,
or an `after` changed, holds from then on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sftloop.core.jsonl import JsonlAppender, kept_rows
from sftloop.core.progress import Progress
from sftloop.core.rundir import RunDirectory
from sftloop.records import Record
from sftloop.scenario import Answer, Scenario
from sftloop.workflow.apply_rewrites import apply_rewrites
from sftloop.workflow.rewrite_proposals import Key, Proposal, ProposalFile, read_proposals, with_rewrites

if TYPE_CHECKING:
    from sftloop.curate.finding import DataFinding
    from sftloop.curate.style.rewriting import Rewriter, Wanted
    from sftloop.models import LocalModel

REWRITES, REPLIES = "rewrites.jsonl", "rewrite_replies.jsonl"
MOST_MEASURED = 200
"""Enough that the share of a level is known to within seven points."""
MOST_REWRITES = 20
"""Answers that are asked for unless told otherwise: each takes as long as writing it, up to three times."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """How much the model is asked."""

    measured: int = MOST_MEASURED
    """Records of each task whose difficulty and knowledge are measured; 0: all."""
    rewrites: int | None = None
    """So many answers out of style are asked for again; None: `MOST_REWRITES`."""
    apply_to: Path | None = None
    """A new data file, to be written with the rewrites applied."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewrites:
    """What came of asking."""

    proposals: Sequence[Proposal]
    asked: int
    dropped: Mapping[str, int]
    """Reason of the last try → answers without a proposal."""
    not_asked: Mapping[str, int]
    """Why there is nothing that could be written again → answers."""
    left: int
    """Answers beyond the limit."""
    file: Path

    def summary(self) -> dict[str, Any]:
        """Return the counts for `audit.json`."""
        return {
            "asked": self.asked,
            "proposed": len(self.proposals),
            "dropped": dict(self.dropped),
            "not_asked": dict(self.not_asked),
            "left": self.left,
            "file": str(self.file),
        }


def rewrite_outliers(
    run: RunDirectory,
    scenario: Scenario,
    split: str,
    records: Sequence[Record],
    findings: Sequence[DataFinding],
    local: LocalModel,
    asking: Asking,
    *,
    seed: int,
    skip_bad: bool,
) -> tuple[list[DataFinding], dict[str, Any]]:
    """Return the findings with their rewrites and the counts for `audit.json`; write the new file if wanted.

    Args:
        run: of the audit.
        scenario: whose.
        split: what is audited.
        records: its records.
        findings: in order of harm.
        local: the model.
        asking: how many, and where to.
        seed: of drawn replies.
        skip_bad: as in the audit.
    """
    most = MOST_REWRITES if asking.rewrites is None else asking.rewrites
    found = propose_rewrites(run, scenario, records, findings, local, most=most, seed=seed)
    if asking.apply_to:
        apply_rewrites(asking.apply_to, run, scenario, split, found.proposals, skip_bad=skip_bad)
    applied = str(asking.apply_to) if asking.apply_to else None
    return with_rewrites(findings, found.proposals), {**found.summary(), "applied": applied}


def propose_rewrites(
    run: RunDirectory,
    scenario: Scenario,
    records: Sequence[Record],
    findings: Sequence[DataFinding],
    local: LocalModel,
    *,
    most: int = MOST_REWRITES,
    seed: int = 0,
) -> Rewrites:
    """Ask the model for the answers that findings call out of style, going on from what was asked before.

    Args:
        run: gets both files.
        scenario: of the records.
        records: what was audited.
        findings: all of them, in order of harm.
        local: the model.
        most: how many answers are asked for.
        seed: of the tries after the first.

    Raises:
        DataError: `rewrites.jsonl` was edited into something that can't be read or applied.
    """
    from sftloop.curate.style.rewriting import Rewriter

    rewriter = Rewriter(scenario, records)
    wanted, not_asked = rewriter.wanted(findings)
    chosen, left = wanted[:most], len(wanted) - len(wanted[:most])
    replies = _ask(run, rewriter, chosen, local, seed)
    proposals = read_proposals(run.file(REWRITES), scenario, records)
    known = {proposal.key for proposal in proposals}
    last = {key: reason for key, reason in replies.items() if key in {one.key for one in chosen}}
    dropped = Counter(reason or "taken_out" for key, reason in last.items() if key not in known)
    return Rewrites(
        proposals=[proposal for proposal in proposals if proposal.key in last],
        asked=len(chosen),
        dropped=dict(dropped),
        not_asked=dict(not_asked),
        left=left,
        file=run.file(REWRITES),
    )


def _ask(
    run: RunDirectory, rewriter: Rewriter, chosen: Sequence[Wanted], local: LocalModel, seed: int
) -> dict[Key, str | None]:
    """Ask until each answer is written again or its tries are up; return why the last reply was dropped."""
    from sftloop.curate.style.rewriting import TRIES

    tried = _replies(run.file(REPLIES))
    number = {key: len(reasons) for key, reasons in tried.items()}
    last: dict[Key, str | None] = {key: reasons[-1] for key, reasons in tried.items()}

    def is_open(one: Wanted) -> bool:
        return number.get(one.key, 0) < TRIES and (one.key not in last or last[one.key] is not None)

    todo = [one for one in chosen if is_open(one)]
    if not todo:
        return last
    proposals = ProposalFile(run.file(REWRITES))
    with (
        Progress("Rewriting", len(chosen), done=len(chosen) - len(todo)) as progress,
        JsonlAppender(run.file(REPLIES)) as replies,
    ):
        for turn in range(TRIES):
            now = [one for one in todo if is_open(one) and number.get(one.key, 0) == turn]
            answered = set()
            for reply in rewriter.ask(local, now, turn, seed=seed):
                key = reply.wanted.key
                answered.add(key)
                number[key], last[key] = turn + 1, reply.judged.dropped
                if reply.judged.answer is not None:
                    proposals.add(_proposal(reply.wanted, reply.judged.answer))
                replies.append(_reply_row(key, turn, reply.text, reply.judged.dropped))
                if not is_open(reply.wanted):
                    progress.advance()
            for one in now:
                if one.key not in answered:  # its request doesn't fit the model
                    number[one.key], last[one.key] = TRIES, "too_long"
                    progress.advance()
    return last


def _reply_row(key: Key, turn: int, reply: str, dropped: str | None) -> dict[str, Any]:
    task, name, part = key
    return {"id": name, "task": task, "part": part, "try": turn, "reply": reply, "dropped": dropped}


def _replies(path: Path) -> dict[Key, list[str | None]]:
    """Return the reasons to drop each try, in order; None: proposed. A line torn by a kill is dropped."""
    found: dict[Key, list[str | None]] = {}
    for row in kept_rows(path, what="replies"):
        found.setdefault((row["task"], row["id"], row["part"]), []).append(row["dropped"])
    return found


def _proposal(wanted: Wanted, after: Answer) -> Proposal:
    return Proposal(
        record=wanted.record.id,
        task=wanted.record.task,
        part=wanted.part,
        feature=wanted.feature,
        before=wanted.record.answer,
        after=after,
    )
