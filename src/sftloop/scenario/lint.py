"""What makes a scenario's prompts weak, found before any model is called.

Gathers the checks of `lint_tasks.py` and `lint_records.py`. Doesn't know models, files or terminals, and
changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable

from sftloop.scenario.finding import Finding
from sftloop.scenario.lint_records import (
    AnswerRoom,
    CountTokens,
    LintRecord,
    long_prompts,
    unknown_labels,
    unknown_tasks,
)
from sftloop.scenario.lint_tasks import check_task
from sftloop.scenario.schema import Scenario


def lint(
    scenario: Scenario,
    records: Iterable[LintRecord] = (),
    *,
    count_tokens: CountTokens | None = None,
    answer_room: AnswerRoom | None = None,
    context_tokens: int | None = None,
) -> list[Finding]:
    """Return what weakens the scenario's prompts, in the order of the scenario file.

    Args:
        scenario: what to look at.
        records: with them, labels that the scenario doesn't know and the longest prompts are found.
        count_tokens: messages → tokens of the rendered prompt; None skips the check of the length.
        answer_room: task → tokens that evaluation keeps free for its answer; None skips the same check.
        context_tokens: how many tokens the model can take; None skips the same check.
    """
    records = list(records)
    findings: list[Finding] = []
    for task in scenario.tasks.values():
        findings += check_task(scenario, task)
    if not scenario.system.strip():
        findings.append(_no_system(scenario))
    if scenario.order == "input_opens":
        findings.append(_short_prefix(scenario))
    findings += unknown_tasks(scenario, records)
    for task in scenario.tasks.values():
        own = [record for record in records if record.task == task.name]
        findings += unknown_labels(scenario, task, own)
        if count_tokens is not None and answer_room is not None and context_tokens is not None:
            findings += long_prompts(scenario, task, own, count_tokens, answer_room, context_tokens)
    return sorted(findings, key=lambda finding: finding.line or 0)


def _no_system(scenario: Scenario) -> Finding:
    return Finding(
        kind="no_system",
        severity="warning",
        line=scenario.line("system") or scenario.line("name"),
        why="There is no system text; answers are steadier when the model knows its role and what it reads.",
        mend="Add `system:` with one or two sentences: the role, and what the inputs are.",
    )


def _short_prefix(scenario: Scenario) -> Finding:
    return Finding(
        kind="short_prefix",
        severity="warning",
        line=scenario.line("format"),
        why="The input stands in front of the instruction and the definitions, so no more than the system text is "
        "shared by all prompts of a task; training and evaluation compute the rest again for every record.",
        mend="Take another `order`, unless this one was measured to be better (`prompt improve --formats`).",
    )
