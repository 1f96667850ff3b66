"""A task and one input become the messages a model sees: System, then Input and Instruction.

Everything that is the same for all records of a task comes first as far as the order of the sections
allows. Doesn't know chat templates, tokens or expected answers.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sftloop.core.errors import DataError, nearest
from sftloop.scenario.answer import MAIN_KEY
from sftloop.scenario.schema import InputField, Scenario, Task
from sftloop.scenario.wording import Wording, wording

_PROBES = ("A", "7", "乙", "«", "“", "《", "(", "<", "#", "【", " x")

Input = Mapping[str, str | Sequence[str]]


@dataclass(frozen=True, slots=True)
class Prompt:
    """The two messages of one record."""

    system: str
    """Who the model is, the labels or fields with their definitions, the answer's format."""
    user: str
    """The input and the instruction, each under its heading."""

    @property
    def messages(self) -> list[dict[str, str]]:
        """The chat messages, as chat templates and services take them."""
        return [{"role": "system", "content": self.system}, {"role": "user", "content": self.user}]


def render_prompt(scenario: Scenario, task: Task, input: Input) -> Prompt:
    """Render one record's input.

    Args:
        scenario: gives the system text, the language and the order of the sections.
        task: the question.
        input: field name → text, or list of texts where the field is `many`.

    Raises:
        DataError: a field is missing or of the wrong type.
    """
    words = wording(scenario.language)
    shown = f"{words.input_heading}\n{_render_input(task, input, words)}"
    asked = f"{words.instruction_heading}\n{task.instruction.strip()}" if task.instruction.strip() else ""
    sections = [shown, asked] if scenario.prompt.order == "input_first" else [asked, shown]
    return Prompt(render_system(scenario, task), "\n\n".join(section for section in sections if section))


def probe_prompts(scenario: Scenario, task: Task) -> list[Prompt]:
    """Render inputs that begin differently in every tokenizer: what these prompts share, all of the task share."""
    return [
        render_prompt(scenario, task, {part.name: [text] if part.many else text for part in task.input})
        for text in _PROBES
    ]


def render_system(scenario: Scenario, task: Task) -> str:
    """Return the system message, which is the same for all records of the task."""
    words = wording(scenario.language)
    parts = [scenario.system.strip(), _definitions(task, words), _answer_rule(task, words)]
    return "\n\n".join(part for part in parts if part)


def placeholder_input(task: Task, language_words: Wording) -> dict[str, str | list[str]]:
    """Return an input that shows each field's name where a record's text would stand."""
    texts = {part.name: language_words.not_available.replace("{name}", part.name) for part in task.input}
    return {part.name: [texts[part.name]] if part.many else texts[part.name] for part in task.input}


def _render_input(task: Task, input: Input, words: Wording) -> str:
    lines: list[str] = []
    for part in task.input:
        if part.name not in input:
            raise DataError(
                f"the input lacks '{part.name}', which the task '{task.name}' shows.",
                hint=nearest(part.name, input),
            )
        value = input[part.name]
        if part.many:
            lines += _documents(task, part, value, words)
        elif isinstance(value, str):
            lines.append(_headed(_heading(task, part), value, words))
        else:
            raise DataError(
                f"the input '{part.name}' of task '{task.name}' is {type(value).__name__}; it must be text.",
                hint=f"Set `many: true` for '{part.name}' if it holds several documents.",
            )
    return "\n".join(lines)


def _documents(task: Task, part: InputField, value: object, words: Wording) -> list[str]:
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise DataError(
            f"the input '{part.name}' of task '{task.name}' is {type(value).__name__}; "
            "it must be a list of texts (`many: true`).",
            hint="Write it as a list, or drop `many`.",
        )
    prefix = part.prefix if part.prefix is not None else words.document
    if "{n}" not in prefix:
        prefix += " {n}"
    if not value:
        return [_headed(prefix.replace("{n}", "").strip(), words.no_documents, words)]
    return [_headed(prefix.replace("{n}", str(n)), str(text), words) for n, text in enumerate(value, start=1)]


def _heading(task: Task, part: InputField) -> str:
    if part.prefix is not None:
        return part.prefix
    return part.name if len(task.input) > 1 else ""


def _headed(heading: str, text: str, words: Wording) -> str:
    heading = heading.strip().rstrip(":：").rstrip()
    return f"{heading}{words.colon}{text.strip()}" if heading else text.strip()


def _definitions(task: Task, words: Wording) -> str:
    lines: list[str] = []
    for name, label in task.labels.items():
        lines.append(f"- {_headed(name, label.means, words) if label.means.strip() else name}")
        if label.not_:
            lines.append(f"  {words.not_lead}{words.list_join.join(rule.strip() for rule in label.not_)}")
        if label.examples:
            quoted = (words.quoted.replace("{text}", text.strip()) for text in label.examples)
            lines.append(f"  {words.examples_lead}{words.list_join.join(quoted)}")
    if lines:
        return "\n".join([words.labels_heading, *lines])
    for name, field in task.fields.items():
        kind = words.type_names[field.type]
        named = f"{name} ({kind})" if words.colon.isascii() else f"{name}（{kind}）"
        lines.append(f"- {_headed(named, field.means, words) if field.means.strip() else named}")
    return "\n".join([words.fields_heading, *lines, words.null_rule]) if lines else ""


def _answer_rule(task: Task, words: Wording) -> str:
    if task.written_as == "json":
        return _json_rule(task, words)
    if task.kind == "choice":
        return words.plain_choice
    if task.kind == "multi":
        return words.plain_multi
    if task.kind == "score":
        return words.plain_score.replace("{number}", _number_rule(task, words))
    return words.plain_generate


def _json_rule(task: Task, words: Wording) -> str:
    sample = _sample_fields(task, words)
    means = dict(words.key_means)
    means["score"] = _number_rule(task, words)
    extras = [key for key in ("evidence", "reason") if getattr(task.answer, key)]
    explained = extras if task.kind == "extract" else [MAIN_KEY[task.kind], *extras]
    if task.kind == "extract" and extras:
        sample = f'"fields": {{{sample}}}'
    if "evidence" in extras:
        sample += f', "evidence": ["{words.placeholders["evidence"]}"]'
    if "reason" in extras:
        sample += f', "reason": "{words.placeholders["reason"]}"'
    lines = [words.json_lead, f"{{{sample}}}"]
    if explained:
        text = words.key_join.join(f"{key}{words.colon}{means[key]}" for key in explained)
        lines.append(text + words.key_stop)
    return "\n".join(lines)


def _sample_fields(task: Task, words: Wording) -> str:
    """Return the inside of the sample object, up to the main key's value."""
    holders = words.placeholders
    if task.kind == "extract":
        return ", ".join(_sample_field(name, field.type, words) for name, field in task.fields.items())
    if task.kind == "multi":
        return f'"labels": ["{holders["label"]}"]'
    if task.kind == "score":
        return f'"score": {holders["number"]}'
    return f'"label": "{holders["label"]}"' if task.kind == "choice" else f'"text": "{holders["string"]}"'


def _sample_field(name: str, kind: str, words: Wording) -> str:
    holder = words.placeholders["string" if kind == "list" else kind]
    value = holder if kind in ("number", "boolean") else f'"{holder}"'
    return f"{json.dumps(name, ensure_ascii=False)}: {f'[{value}]' if kind == 'list' else value}"


def _number_rule(task: Task, words: Wording) -> str:
    if task.range is None:
        return words.a_number
    low, high = (f"{end:g}" for end in task.range)
    return words.a_number_between.replace("{low}", low).replace("{high}", high)
