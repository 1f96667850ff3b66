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
from sftloop.scenario.wording import Wording

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
    words = task.words(scenario.language)
    shown = f"{words.input_heading}\n{_render_input(task, input, words)}"
    asked = _asked(task, words)
    sections = {
        "input_first": [shown, asked],
        "instruction_first": [asked, shown],
        "instruction_opens": [shown],
        "input_opens": [shown, asked, _definitions(task, words), _answer_rule(task, words)],
    }[scenario.order]
    return Prompt(render_system(scenario, task), _blocks(sections))


def probe_prompts(scenario: Scenario, task: Task) -> list[Prompt]:
    """Render inputs that begin differently in every tokenizer: what these prompts share, all of the task share."""
    return [
        render_prompt(scenario, task, {part.name: [text] if part.many else text for part in task.input})
        for text in _PROBES
    ]


def render_system(scenario: Scenario, task: Task) -> str:
    """Return the system message, which is the same for all records of the task; empty if all stands elsewhere."""
    words = task.words(scenario.language)
    rules = [_definitions(task, words), _answer_rule(task, words)]
    own = {"input_opens": [], "instruction_opens": [_asked(task, words), *rules]}.get(scenario.order, rules)
    return _blocks([scenario.system.strip(), *own])


def _asked(task: Task, words: Wording) -> str:
    instruction = task.instruction.strip()
    return f"{words.instruction_heading}\n{instruction}" if instruction else ""


def _blocks(sections: Sequence[str]) -> str:
    return "\n\n".join(section for section in sections if section)


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
    lettered = task.form.labels == "letters"
    for (name, label), written in zip(task.labels.items(), task.written_labels.values(), strict=True):
        named = f"{written}. {name}" if lettered else name
        lines.append(f"- {_headed(named, label.means, words) if label.means.strip() else named}")
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
        return _parts_rule(task, words, f"{{{', '.join(_json_sample(task, words))}}}")
    if task.in_lines:
        return _parts_rule(task, words, "\n".join(_line_samples(task, words)))
    lettered = task.form.labels == "letters"
    if task.kind == "choice":
        return words.letter_choice if lettered else words.plain_choice
    if task.kind == "multi":
        return words.letter_multi if lettered else words.plain_multi
    if task.kind == "score":
        return words.plain_score.replace("{number}", _number_rule(task, words))
    return words.plain_generate


def _parts_rule(task: Task, words: Wording, sample: str) -> str:
    """Return the sample of an answer of several parts, and what each of them holds."""
    means = dict(words.key_means) | {"score": _number_rule(task, words)}
    if task.form.labels == "letters":
        means |= words.letter_means
    if task.in_lines:
        means["labels"] = words.line_labels[task.form.labels]
    explained = task.extras if task.kind == "extract" else _in_order(task, [MAIN_KEY[task.kind]], task.extras)
    lines = [words.json_lead if task.written_as == "json" else words.lines_lead, sample]
    if explained:
        text = words.key_join.join(f"{key}{words.colon}{means[key]}" for key in explained)
        lines.append(text + words.key_stop)
    return "\n".join(lines)


def _in_order(task: Task, main: Sequence[str], extras: Sequence[str]) -> list[str]:
    """Return the answer's own part, or parts, and what is asked for beside it, as they are written."""
    return [*extras, *main] if task.reasons_first else [*main, *extras]


def _json_sample(task: Task, words: Wording) -> list[str]:
    """Return the inside of the sample object."""
    main = _sample_fields(task, words)
    if task.kind == "extract" and task.extras:
        main = f'"fields": {{{main}}}'
    return _in_order(
        task, [main], [f'"{key}": {_sample_extra(key, words, quoted=True)}' for key in task.extras]
    )


def _line_samples(task: Task, words: Wording) -> list[str]:
    """Return the sample lines."""
    holders = words.placeholders
    label = holders["letter" if task.form.labels == "letters" else "label"]
    main = {
        "choice": [f"label: {label}"],
        "multi": [f"labels: {label}{words.separator}{label}"],
        "score": [f"score: {holders['number']}"],
        "generate": [f"text: {holders['string']}"],
    }.get(task.kind) or [
        f"{name}: " + (f'["{holders["string"]}"]' if field.type == "list" else holders[field.type])
        for name, field in task.fields.items()
    ]
    return _in_order(task, main, [f"{key}: {_sample_extra(key, words, quoted=False)}" for key in task.extras])


def _sample_extra(key: str, words: Wording, *, quoted: bool) -> str:
    holder = words.placeholders[key]
    if key == "evidence":
        return f'["{holder}"]'
    return f'"{holder}"' if quoted else holder


def _sample_fields(task: Task, words: Wording) -> str:
    """Return the inside of the sample object as far as the answer itself goes."""
    holders = words.placeholders
    label = holders["letter" if task.form.labels == "letters" else "label"]
    if task.kind == "extract":
        return ", ".join(_sample_field(name, field.type, words) for name, field in task.fields.items())
    if task.kind == "multi":
        return f'"labels": ["{label}"]'
    if task.kind == "score":
        return f'"score": {holders["number"]}'
    return f'"label": "{label}"' if task.kind == "choice" else f'"text": "{holders["string"]}"'


def _sample_field(name: str, kind: str, words: Wording) -> str:
    holder = words.placeholders["string" if kind == "list" else kind]
    value = holder if kind in ("number", "boolean") else f'"{holder}"'
    return f"{json.dumps(name, ensure_ascii=False)}: {f'[{value}]' if kind == 'list' else value}"


def _number_rule(task: Task, words: Wording) -> str:
    if task.range is None:
        return words.a_number
    low, high = (f"{end:g}" for end in task.range)
    return words.a_number_between.replace("{low}", low).replace("{high}", high)
