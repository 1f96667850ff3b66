"""A task's answer as a JSON Schema, for services that can hold a model to one.

Covers what the strict mode of OpenAI's structured outputs takes: every key required, no others. Knows tasks;
not services or texts.
"""

from __future__ import annotations

from typing import Any

from sftloop.scenario import Task

_TYPES: dict[str, Any] = {
    "string": {"type": ["string", "null"]},
    "date": {"type": ["string", "null"]},
    "number": {"type": ["number", "null"]},
    "boolean": {"type": ["boolean", "null"]},
    "list": {"type": ["array", "null"], "items": {"type": "string"}},
}


def answer_schema(task: Task) -> dict[str, Any] | None:
    """Return the schema of the task's answers; None where they are plain text."""
    if task.written_as != "json":
        return None
    extras: dict[str, Any] = {}
    if "evidence" in task.extras:
        extras["evidence"] = {"type": "array", "items": {"type": "string"}}
    if "reason" in task.extras:
        extras["reason"] = {"type": "string"}
    if task.kind == "extract":
        fields = {name: _TYPES[field.type] for name, field in task.fields.items()}
        if not extras:
            return _object(fields)
        main: dict[str, Any] = {"fields": _object(fields)}
    else:
        main = _main(task)
    return _object({**extras, **main} if task.reasons_first else {**main, **extras})


def _main(task: Task) -> dict[str, Any]:
    label = {"type": "string", "enum": list(task.written_labels.values())}
    if task.kind == "choice":
        return {"label": label}
    if task.kind == "multi":
        return {"labels": {"type": "array", "items": label}}
    if task.kind == "generate":
        return {"text": {"type": "string"}}
    limits = {} if task.range is None else {"minimum": task.range[0], "maximum": task.range[1]}
    return {"score": {"type": "number", **limits}}


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
