"""What a scenario's prompts look like to a model, and what weakens them.

Chains scenario, records and, where the model is on this machine, its tokenizer. Loads no weights, fetches
nothing, prints nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sftloop.core.errors import DataError, ModelError, UsageError, nearest
from sftloop.core.jsonl import read_jsonl
from sftloop.evaluate import require_targets
from sftloop.records import SPLITS, Record, read_records, split_path
from sftloop.scenario import (
    Finding,
    Scenario,
    Task,
    format_answer,
    lint,
    load_scenario,
    placeholder_input,
    probe_prompts,
    render_prompt,
    require_tasks,
)
from sftloop.workflow.model_language import language_gap

if TYPE_CHECKING:
    from sftloop.models import PromptEncoder


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownPrompt:
    """One record's prompt, split where it stops being the same for all records of its task."""

    scenario: str
    task: str
    record: str | None
    """The record's id; None where the scenario has no record and field names stand for the input."""
    model: str | None
    """The model whose chat template and tokenizer were used; None: plain message text."""
    messages: list[dict[str, str]]
    prefix: str
    suffix: str
    """`prefix + suffix` is exactly what the model reads."""
    target: str | None
    """What the model must write, without the end of its turn."""
    prefix_tokens: int | None
    suffix_tokens: int | None
    target_tokens: int | None
    """With the end of the turn."""
    notes: tuple[str, ...]
    """What could not be shown, and why."""

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain data."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class LintReport:
    """The findings of a scenario, with what they rest on."""

    scenario: str
    file: str
    model: str | None
    """The model whose tokens were counted; None: prompt lengths were not checked."""
    records: int
    findings: list[Finding]
    notes: tuple[str, ...]
    """What could not be checked, and why."""

    @property
    def failed(self) -> bool:
        """Whether a finding is an error."""
        return any(finding.severity == "error" for finding in self.findings)

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain data, findings counted by severity."""
        severities = [finding.severity for finding in self.findings]
        return {
            **asdict(self),
            "findings": [finding.to_json() for finding in self.findings],
            "summary": {name: severities.count(name) for name in ("error", "warning")},
        }


def show_prompt(
    directory: Path, task: str | None = None, record_id: str | None = None, model: str | None = None
) -> ShownPrompt:
    """Render one record's prompt exactly as the model reads it.

    Args:
        directory: the scenario's directory.
        task: by default the record's, else the scenario's first.
        record_id: by default the task's first record in train, validation or test.
        model: must be on this machine; by default the scenario's, and plain text if that one is not.

    Raises:
        UsageError: no such task or record.
        ModelError: `model` was named and is not on this machine.
        ScenarioError, DataError: the scenario or its data are malformed.
    """
    scenario = load_scenario(directory)
    require_tasks(scenario, [task] if task else [])
    record = _find_record(scenario, task, record_id)
    spec = scenario.tasks[record.task if record else task or next(iter(scenario.tasks))]
    name, encoder, notes = _encoder(
        scenario, model, "the prompt is shown as plain text, without a chat template"
    )
    texts = record.input if record else placeholder_input(spec, spec.words(scenario.language))
    target, problem = _target(scenario, spec, record)
    shown = ShownPrompt(
        scenario=scenario.name,
        task=spec.name,
        record=record.id if record else None,
        model=name,
        messages=render_prompt(scenario, spec, texts).messages,
        prefix="",
        suffix="",
        target=target,
        prefix_tokens=None,
        suffix_tokens=None,
        target_tokens=None,
        notes=(*notes, *problem),
    )
    return _split_text(scenario, spec, shown) if encoder is None else _split_tokens(scenario, shown, encoder)


def lint_prompt(directory: Path, *, tasks: Collection[str] = (), model: str | None = None) -> LintReport:
    """Find what weakens the scenario's prompts, against its records and the model's context.

    Args:
        directory: the scenario's directory.
        tasks: report on these tasks only; all by default.
        model: must be on this machine; by default the scenario's, and no count of tokens if it is not.

    Raises:
        UsageError: no such task.
        ModelError: `model` was named and is not on this machine.
        ScenarioError, DataError: the scenario, a target or a line of its data is malformed.
    """
    scenario = load_scenario(directory)
    require_tasks(scenario, tasks)
    require_targets(scenario)
    records, missing = _raw_records(scenario)
    name, encoder, notes = _encoder(scenario, model, "the length of prompts was not checked")
    findings = lint(scenario, records, **({} if encoder is None else _lengths(scenario, encoder)))
    if gap := language_gap(model or scenario.model, scenario, records):
        findings = sorted([gap.finding(scenario), *findings], key=lambda finding: finding.line or 0)
    return LintReport(
        scenario=scenario.name,
        file=str(scenario.file),
        model=name,
        records=len(records),
        findings=[finding for finding in findings if not tasks or finding.task in (None, *tasks)],
        notes=(*missing, *notes),
    )


def _lengths(scenario: Scenario, encoder: PromptEncoder) -> dict[str, Any]:
    """Return how the lint measures prompts and the room for answers: as evaluation does."""
    from sftloop.models.task_tokens import answer_room

    return {
        "count_tokens": lambda messages: len(encoder.prompt_ids(messages)),
        "answer_room": lambda task: answer_room(task, scenario.language, encoder),
        "context_tokens": encoder.context_tokens,
    }


def _files(scenario: Scenario) -> Iterator[tuple[str, Path]]:
    for split in SPLITS:
        if getattr(scenario.data, split) is not None:
            yield split, split_path(scenario, split)


def _find_record(scenario: Scenario, task: str | None, record_id: str | None) -> Record | None:
    """Return the wanted record, else the task's first; None if nothing is wanted and there is none."""
    seen: list[str] = []
    wanted = task or (None if record_id else next(iter(scenario.tasks)))
    for _, path in _files(scenario):
        if not path.exists():
            continue
        for record in read_records(path, scenario):
            if wanted is None or record.task == wanted:
                if record_id in (None, record.id):
                    return record
                seen.append(record.id)
    if record_id is None:
        return None
    of_task = f" of the task '{task}'" if task else ""
    near = nearest(record_id, seen)
    raise UsageError(
        f"The scenario '{scenario.name}' has no record '{record_id}'{of_task}.",
        hint=near if near.startswith("Did you") else "Leave --record out to see the first one.",
    )


def _raw_records(scenario: Scenario) -> tuple[list[Record], list[str]]:
    """Return all records, also those that don't fit the scenario, and a note per missing file."""
    records: list[Record] = []
    notes: list[str] = []
    for split, path in _files(scenario):
        if not path.exists():
            notes.append(f"The {split} file '{path}' does not exist; its records were not checked.")
            continue
        for line, row in read_jsonl(path, what=f"the {split} records"):
            try:
                records.append(Record.from_json(row))
            except DataError as error:
                raise DataError(f"{path}:{line}: {error.message}", hint=error.hint) from None
    return records, notes


def _encoder(
    scenario: Scenario, model: str | None, otherwise: str
) -> tuple[str | None, PromptEncoder | None, list[str]]:
    """Return the model's name, its encoder and notes; the scenario's own model may be absent."""
    from sftloop.models import PromptEncoder, resolve_model

    name = model or scenario.model
    try:
        return name, PromptEncoder.from_directory(resolve_model(name, allow_download=False)), []
    except ModelError as error:
        if model is not None:
            raise
        return None, None, [f"{error.message} So {otherwise}. {error.hint}".rstrip()]


def _target(scenario: Scenario, task: Task, record: Record | None) -> tuple[str | None, list[str]]:
    if record is None:
        return None, ["The scenario has no record of this task; field names stand for the input."]
    try:
        return format_answer(task, record.answer, scenario.language), []
    except DataError as error:
        return None, [f"No target: {error}"]


def _joined(messages: list[dict[str, str]]) -> str:
    return "\n\n".join(message["content"] for message in messages)


def _split_text(scenario: Scenario, task: Task, shown: ShownPrompt) -> ShownPrompt:
    """Split the plain text of the messages, which are joined by a blank line."""
    text = _joined(shown.messages)
    cut = _shared_length([text, *(_joined(probe.messages) for probe in probe_prompts(scenario, task))])
    return replace(shown, prefix=text[:cut], suffix=text[cut:])


def _split_tokens(scenario: Scenario, shown: ShownPrompt, encoder: PromptEncoder) -> ShownPrompt:
    """Split at the token where training and scoring stop sharing their work."""
    from sftloop.models import TaskTokens

    tokens = TaskTokens.of(scenario, shown.task, encoder)
    ids = encoder.prompt_ids(shown.messages)
    shared = tokens.split(ids)
    text = encoder.prompt_text(shown.messages)
    decoded = str(encoder.tokenizer.decode(ids[:shared], skip_special_tokens=False))
    cut = _shared_length([text, decoded])
    return replace(
        shown,
        prefix=text[:cut],
        suffix=text[cut:],
        prefix_tokens=shared,
        suffix_tokens=len(ids) - shared,
        target_tokens=None if shown.target is None else len(encoder.answer_ids(shown.target)),
    )


def _shared_length(texts: Sequence[str]) -> int:
    """Return how many leading characters all texts share."""
    first, last = min(texts), max(texts)
    pairs = enumerate(zip(first, last, strict=False))
    return next((index for index, (one, other) in pairs if one != other), len(first))
