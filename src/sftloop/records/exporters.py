"""Records as OpenAI messages, ShareGPT or Alpaca, with the very prompt this package trains on.

Any other trainer that reads these formats sees the same system text, the same user text and the same answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from sftloop.core.errors import DataError, UsageError, nearest
from sftloop.records.schema import Record
from sftloop.scenario.answer import format_answer
from sftloop.scenario.render import Prompt, render_prompt
from sftloop.scenario.schema import Scenario

_KEPT = ("id", "task", "tags", "source", "group")


def export_rows(
    records: Iterable[Record], scenario: Scenario, format: str, *, with_ids: bool = False
) -> Iterator[dict[str, Any]]:
    """Yield one object per record in `openai`, `sharegpt` or `alpaca` form.

    Args:
        records: what to export; they must fit the scenario.
        scenario: renders prompts and answers.
        format: one of `EXPORT_FORMATS`.
        with_ids: add `id`, `task`, `tags`, `source` and `group`, so that an import restores the records
            whole; trainers that check keys strictly may refuse such rows.

    Raises:
        UsageError: an unknown format.
        DataError: an answer lacks a part that the task asks for; names the record.
    """
    if format not in _WRITERS:
        raise UsageError(f"There is no export format '{format}'.", hint=nearest(format, _WRITERS))
    for record in records:
        task = scenario.tasks[record.task]
        try:
            answer = format_answer(task, record.answer, scenario.language)
            row = _WRITERS[format](render_prompt(scenario, task, record.input), answer)
        except DataError as error:
            raise DataError(f"record '{record.id}': {error.message}", hint=error.hint) from None
        if with_ids:
            whole = record.to_json()
            row.update({key: whole[key] for key in _KEPT if key in whole})
        yield row


def _openai(prompt: Prompt, answer: str) -> dict[str, Any]:
    system = [{"role": "system", "content": prompt.system}] if prompt.system else []
    asked = [{"role": "user", "content": prompt.user}, {"role": "assistant", "content": answer}]
    return {"messages": system + asked}


def _sharegpt(prompt: Prompt, answer: str) -> dict[str, Any]:
    turns = [{"from": "human", "value": prompt.user}, {"from": "gpt", "value": answer}]
    return {"conversations": turns, "system": prompt.system}


def _alpaca(prompt: Prompt, answer: str) -> dict[str, Any]:
    """Put the whole user text into `instruction`: trainers differ in how they join it with `input`."""
    return {"instruction": prompt.user, "input": "", "output": answer, "system": prompt.system}


_WRITERS: dict[str, Callable[[Prompt, str], dict[str, Any]]] = {
    "openai": _openai,
    "sharegpt": _sharegpt,
    "alpaca": _alpaca,
}

EXPORT_FORMATS = tuple(_WRITERS)
