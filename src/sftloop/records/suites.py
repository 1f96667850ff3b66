"""Records as test suites of other evaluation tools: promptfoo's YAML and the JSON Lines of OpenAI's evals.

Both hold the very prompts that systems are asked here, and the expected answer as it is to be written. Formats as
of https://www.promptfoo.dev/docs/configuration/reference and
https://github.com/openai/evals/blob/main/docs/build-eval.md. `importing` reads them back whole, since what
their form has no room for stands in `metadata`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from sftloop.core.errors import DataError, UsageError, nearest
from sftloop.core.files import atomic_write_text
from sftloop.records.importing.promptfoo import raw as _raw
from sftloop.records.own_files import require_other_file
from sftloop.records.schema import Record
from sftloop.scenario.answer import MAIN_KEY, format_answer, parse_answer
from sftloop.scenario.render import render_prompt
from sftloop.scenario.schema import AnswerSpec, Scenario, Task

_PROMPT = (
    '[{"role": "system", "content": {{ system | dump }}}, {"role": "user", "content": {{ user | dump }}}]'
)
_OVERLAP = 0.5
"""Share of the expected text's words that free text must hold: a rough gate, for want of a better one there."""


def write_suite(scenario: Scenario, records: Sequence[Record], format: str, path: Path) -> None:
    """Write the records as a suite in one of `SUITE_FORMATS`.

    Raises:
        UsageError: an unknown format, or one of the scenario's own files.
        ExternalError: the file can't be written.
    """
    require_format(format)
    require_other_file(path, scenario)
    atomic_write_text(path, _WRITERS[format](scenario, records))


def require_format(format: str) -> None:
    """Refuse a format that is none of `SUITE_FORMATS`.

    Raises:
        UsageError: it isn't.
    """
    if format not in _WRITERS:
        raise UsageError(f"There is no suite format '{format}'.", hint=nearest(format, _WRITERS))


def _promptfoo(scenario: Scenario, records: Sequence[Record]) -> str:
    import yaml

    tests = []
    for record in records:
        task = scenario.tasks[record.task]
        prompt = render_prompt(scenario, task, record.input)
        tests.append(
            {
                "description": f"{record.task} {record.id}",
                "vars": {"system": _raw(prompt.system), "user": _raw(prompt.user)},
                "assert": [_assertion(scenario, task, record)],
                "metadata": _meta(record) | {"answer": record.answer.to_json()},
            }
        )
    suite = {"description": f"{scenario.name}, from sftloop", "prompts": [_PROMPT], "tests": tests}
    return yaml.safe_dump(suite, allow_unicode=True, sort_keys=False, width=10_000)


def _meta(record: Record) -> dict[str, Any]:
    row = record.to_json()
    return {key: row[key] for key in ("task", "id", "tags", "source", "group") if key in row}


def _assertion(scenario: Scenario, task: Task, record: Record) -> dict[str, Any]:
    """Return what promptfoo checks: the scored part of the answer, reasons and quotes aside."""
    key = MAIN_KEY[task.kind]
    value = record.answer.to_json()[key]
    if task.kind == "generate" and task.written_as == "plain":
        return {"type": "rouge-n", "threshold": _OVERLAP, "value": _raw(str(value))}
    value = _written(task, value)
    if task.written_as == "plain":
        return {"type": "javascript", "value": _plain_check(scenario, task, record)}
    said = "JSON.parse(output)" if task.kind == "extract" else f"JSON.parse(output)[{_script(key)}]"
    if task.kind == "extract" and task.extras:
        said += '["fields"]'
    if task.kind == "multi":
        wanted = _script(sorted(value))
        return {"type": "javascript", "value": f"JSON.stringify({said}.sort()) === JSON.stringify({wanted})"}
    if task.kind == "extract":
        wanted = _script({name: value.get(name) for name in task.fields})
        same = "JSON.stringify(o[k] ?? null) === JSON.stringify(w[k])"
        return {
            "type": "javascript",
            "value": f"((o, w) => Object.keys(w).every(k => {same}))({said}, {wanted})",
        }
    return {"type": "javascript", "value": f"{said} === {_script(value)}"}


def _written(task: Task, value: Any) -> Any:
    """Return labels as answers name them."""
    if task.kind == "choice":
        return task.written_labels.get(value, value)
    return [task.written_labels.get(one, one) for one in value] if task.kind == "multi" else value


def _plain_check(scenario: Scenario, task: Task, record: Record) -> str:
    """Return JavaScript that finds the answer itself in a plain text, whatever its reason and quotes are."""
    bare = AnswerSpec(format="plain")
    own = task.model_copy(update={"answer": bare}) if task.in_lines else task
    written = format_answer(own, record.answer, scenario.language)
    if not task.in_lines:
        return f"output.trim() === {_script(written)}"
    lines = [written] if task.kind == "extract" else [f"{MAIN_KEY[task.kind]}: {written}"]
    wanted = [line for part in lines for line in part.split("\n")]
    return f"{_script(wanted)}.every(line => output.split('\\n').map(l => l.trim()).includes(line))"


def _script(value: Any) -> str:
    """Return a value as JavaScript; its braces can't open a template."""
    return json.dumps(value, ensure_ascii=False).replace("{{", "{\\u007b").replace("{%", "{\\u0025")


def _evals(scenario: Scenario, records: Sequence[Record]) -> str:
    lines = []
    for record in records:
        task = scenario.tasks[record.task]
        messages = [one for one in render_prompt(scenario, task, record.input).messages if one["content"]]
        ideal, meta = _ideal(scenario, task, record), _meta(record)
        if parse_answer(task, ideal, scenario.language).answer != record.answer:
            meta["answer"] = record.answer.to_json()
        row = {"input": messages, "ideal": ideal, "metadata": meta}
        lines.append(json.dumps(row, ensure_ascii=False))
    return "".join(f"{line}\n" for line in lines)


def _ideal(scenario: Scenario, task: Task, record: Record) -> str:
    """Return the answer as it is to be written; a record without the reason a task asks for gives what it has."""
    try:
        return format_answer(task, record.answer, scenario.language)
    except DataError:
        return json.dumps(record.answer.to_json(), ensure_ascii=False)


_WRITERS: dict[str, Callable[[Scenario, Sequence[Record]], str]] = {
    "promptfoo": _promptfoo,
    "openai-evals": _evals,
}

SUITE_FORMATS = tuple(_WRITERS)
