"""Everything that can be wrong in scenario.yaml, with the whole message, each behind its line number."""

from __future__ import annotations

import pytest

REPLACED = [
    (
        "    instruction:",
        "    instrution:",
        "7: unknown key 'instrution' in 'tasks.intent'. Did you mean 'instruction'?",
    ),
    (
        "        not:",
        "        nott:",
        "12: unknown key 'nott' in 'tasks.intent.labels.other'. Did you mean 'not'?",
    ),
    ("model:", "modle:", "1: the scenario lacks the key 'model'. Add 'model: …'."),
    ("model:", "modle:", "2: unknown key 'modle' in the scenario. Did you mean 'model'?"),
    (
        "kind: choice",
        "kind: choise",
        "5: 'tasks.intent.kind' is 'choise'; it must be 'choice', 'multi', 'extract', 'generate' "
        "or 'score'. Did you mean 'choice'?",
    ),
    (
        "    kind: choice\n",
        "",
        "4: 'tasks.intent' lacks the key 'kind' (one of choice, multi, extract, generate, score). "
        "Add 'kind: …'.",
    ),
    (
        "model: tiny",
        "model: tiny\nlanguage: cn",
        "3: 'language' is 'cn'; it must be 'zh' or 'en'.",
    ),
    ("model: tiny", "model:", "2: 'model' is empty; it must be text."),
    ("model: tiny", "model: ''", "2: 'model' is ''; it must be text, not empty."),
    (
        "name: shop",
        'name: "sh\\nop"',
        "1: in 'name': it must be one line of text without spaces at its ends.",
    ),
    (
        "name: shop",
        'name: "a\\ud83d b"',
        "1: the text holds half a character (\\ud83d), which no file can keep. Write the character itself, or its "
        "whole code as \\U and eight digits.",
    ),
    (
        "refund: Wants",
        '"\\udc00": Wants',
        "9: the text holds half a character (\\udc00), which no file can keep. Write the character itself, or its "
        "whole code as \\U and eight digits.",
    ),
    ("model: tiny", "model: [tiny]", "2: 'model' is a list; it must be text."),
    (
        "    instruction:",
        "    max_records: many\n    instruction:",
        "7: 'tasks.intent.max_records' is 'many'; it must be a whole number.",
    ),
    (
        "    instruction:",
        "    max_records: 0\n    instruction:",
        "7: 'tasks.intent.max_records' is '0'; it must be greater than or equal to 1.",
    ),
    (
        "    instruction:",
        "    key: perhaps\n    instruction:",
        "7: 'tasks.intent.key' is 'perhaps'; it must be true or false.",
    ),
    (
        "    instruction:",
        "    answer: reason\n    instruction:",
        "7: 'tasks.intent.answer' is 'reason'; it must be a mapping, 'key: value' lines below it.",
    ),
    (
        "input: [{name: message, prefix: Message}]",
        "input: message",
        "6: 'tasks.intent.input' is 'message'; it must be a list, '- …' lines below it or […].",
    ),
    (
        "input: [{name: message, prefix: Message}]",
        "input: []",
        "6: 'tasks.intent.input' is an empty list; it must be filled with at least one entry.",
    ),
    (
        "input: [{name: message, prefix: Message}]",
        "input:\n      - name: message\n        prefx: Message",
        "8: unknown key 'prefx' in 'tasks.intent.input.0'. Did you mean 'prefix'?",
    ),
    (
        "input: [{name: message, prefix: Message}]",
        "input: [{name: my message}]",
        "6: 'tasks.intent.input.0.name' is 'my message'; it must be letters, digits, '_', '-' and "
        "'.', starting with a letter or digit.",
    ),
    (
        "input: [{name: message, prefix: Message}]",
        "input: [message, message]",
        "6: in 'tasks.intent.input.1': the input 'message' is listed twice.",
    ),
    (
        "prefix: Message",
        "prefix: 'Message {n}'",
        "6: in 'tasks.intent.input.0.prefix': the prefix counts documents with {n}, which needs "
        "`many: true` beside it.",
    ),
    (
        "prefix: Message",
        "prefix: 'Message {i}', many: true",
        "6: in 'tasks.intent.input.0.prefix': the prefix holds {i}; only {n}, the number, is filled in.",
    ),
    (
        "  intent:",
        "  my intent:",
        "4: the name 'my intent' in 'tasks' must be letters, digits, '_', '-' and '.', starting "
        "with a letter or digit.",
    ),
    (
        "      refund:",
        "      ' refund':",
        "9: the name ' refund' in 'tasks.intent.labels' must be one line of text without spaces at its ends.",
    ),
    (
        "      refund: Wants",
        "      other: Wants",
        "10: the key 'other' appears twice, first on line 9. Keep one of them.",
    ),
    (
        "      refund: Wants money back for something bought.\n",
        "",
        "8: in 'tasks.intent.labels': a choice needs at least two labels, this one has 1.",
    ),
    (
        "kind: choice",
        "kind: score",
        "8: in 'tasks.intent.labels': 'labels' belongs to tasks of kind choice or multi; this one "
        "is 'score'.",
    ),
    (
        "    instruction:",
        "    range: [1, 5]\n    instruction:",
        "7: in 'tasks.intent.range': 'range' belongs to tasks of kind score; this one is 'choice'.",
    ),
    (
        "    instruction:",
        "    fields: {a: b}\n    instruction:",
        "7: in 'tasks.intent.fields': 'fields' belongs to tasks of kind extract; this one is 'choice'.",
    ),
    (
        "    instruction:",
        "    answer: {reason: true, format: lines}\n    instruction:",
        "7: 'tasks.intent.answer.format' is 'lines'; it must be 'auto', 'plain' or 'json'. Did you mean 'plain'?",
    ),
    (
        "    instruction:",
        "    target: {metric: recall, label: refnd, at_least: 0.9}\n    instruction:",
        "7: in 'tasks.intent.target.label': the target's label 'refnd' is none of the task's. Did "
        "you mean 'refund'?",
    ),
    (
        "    instruction:",
        "    target: {metric: recall, at_least: 0.9}\n    instruction:",
        "7: in 'tasks.intent.target': the metric 'recall' is measured per label; name one with `label:`.",
    ),
    (
        "    instruction:",
        "    target: {metric: recall, label: refund}\n    instruction:",
        "7: 'tasks.intent.target' lacks the key 'at_least'. Add 'at_least: …'.",
    ),
    (
        "model: tiny",
        "model: tiny\ntraining: {method: full, rank: 8}",
        "3: in 'training.rank': 'rank' belongs to 'lora', 'lora+', 'pissa', 'plora', 'qlora', not to 'full'.",
    ),
    (
        "model: tiny",
        "model: tiny\ntraining: {epochs: .inf, seed: 1}",
        "3: 'training.epochs' is '.inf'; it must be a number.",
    ),
    *(
        (
            "model: tiny",
            f"model: tiny\ntraining: {{optimizer: adam-then-momentum, switch_at: {value}}}",
            f"3: 'training.switch_at' is '{value}'; it must be a number above 0 or 'plateau'.",
        )
        for value in ("abc", "-1", ".nan")
    ),
    (
        "    instruction:",
        "    target: {metric: accuracy, at_least: nan}\n    instruction:",
        "7: 'tasks.intent.target.at_least' is 'nan'; it must be a finite number.",
    ),
    (
        "model: tiny",
        "model: tiny\ntraining: {task_weights: {intnet: 2}}",
        "3: in 'training.task_weights.intnet': there is no task 'intnet'. Did you mean 'intent'?",
    ),
]


@pytest.mark.parametrize(("old", "new", "message"), REPLACED)
def test_message(shop, message_of, old, new, message):
    assert old in shop
    assert message in message_of(shop.replace(old, new, 1)).splitlines()


def test_a_setting_of_two_types_is_told_once(shop, message_of):
    text = message_of(shop.replace("model: tiny", "model: tiny\ntraining: {switch_at: abc}"))
    assert text == "3: 'training.switch_at' is 'abc'; it must be a number above 0 or 'plateau'."


OTHER_KINDS = [
    (
        "{kind: score, input: [a], range: [5, 1]}",
        "in 'tasks.t.range': the range must rise, from 5 to 1 it does not.",
    ),
    (
        "{kind: score, input: [a], range: [1]}",
        "'tasks.t.range' has 1 entries; it must have 2.",
    ),
    (
        "{kind: score, input: [a], range: [1, 2, 3]}",
        "'tasks.t.range' is a list; it must be at most 2 entries long.",
    ),
    (
        "{kind: score, input: [a], range: 5}",
        "'tasks.t.range' is '5'; it must be a list of two numbers, [low, high].",
    ),
    (
        "{kind: score, input: [a], range: [1, five]}",
        "'tasks.t.range.1' is 'five'; it must be a number.",
    ),
    (
        "{kind: multi, input: [a]}",
        "in 'tasks.t.labels': a multi task needs labels to choose from, this one has none.",
    ),
    (
        "{kind: extract, input: [a]}",
        "in 'tasks.t.fields': an extract task needs fields to fill, this one has none.",
    ),
    (
        "{kind: extract, input: [a], fields: {x: {means: Sum., type: float}}}",
        "'tasks.t.fields.x.type' is 'float'; it must be 'string', 'number', 'date', 'boolean' or 'list'.",
    ),
    (
        "{kind: multi, input: [a], labels: {'food, drink': Eats., sport: Runs.}}",
        "in 'tasks.t.labels.food, drink': the label 'food, drink' can't be told apart in a plain answer, "
        "where labels are joined by ', ' and 'none' means no label; "
        "rename it or set `answer: {format: json}`.",
    ),
    (
        "{kind: multi, input: [a], labels: {None: Nothing., sport: Runs.}}",
        "in 'tasks.t.labels.None': the label 'None' can't be told apart in a plain answer, where labels are "
        "joined by ', ' and 'none' means no label; rename it or set `answer: {format: json}`.",
    ),
    ("[a]", "'tasks.t' is a list; it must be a mapping, 'key: value' lines below it."),
    (
        "{kind: choice, input: [a], labels: [x, y]}",
        "'tasks.t.labels' is a list; it must be a mapping, 'name: …' lines below it.",
    ),
]


FORMATS = [
    ("format: {label: letters}", "1: unknown key 'label' in 'format'. Did you mean 'labels'?"),
    (
        "format: {order: instruction_last}",
        "1: 'format.order' is 'instruction_last'; it must be 'input_first', 'instruction_first', "
        "'instruction_opens' or 'input_opens'. Did you mean 'instruction_first'?",
    ),
    (
        "format: {reason: no}",
        "1: 'format.reason' is 'no'; it must be 'after', 'before' or 'none'. Did you mean 'none'?",
    ),
    ("format: {wording: fr}", "1: 'format.wording' is 'fr'; it must be 'zh' or 'en'."),
    ("format: letters", "1: 'format' is 'letters'; it must be a mapping, 'key: value' lines below it."),
    (
        "prompt: {order: input_first}\nformat: {order: input_opens}",
        "2: in 'format.order': it is 'input_opens', and `prompt` says 'input_first'; remove `prompt`.",
    ),
    (
        "format: {labels: letters}",
        "1: in 'format.labels': the label 'B' of task 't' would also be the letter of 'x'; keep 'names'.",
    ),
]


UNSPACED = [
    (
        "training: {head: {loss:ce}}",
        "1: unknown key 'loss:ce' in 'training.head'. YAML wants a space behind the colon: 'loss: ce'.",
    ),
    (
        "training: {task_weights: {t:2}}",
        "1: 'training.task_weights.t:2' is empty; it must be a number. "
        "YAML wants a space behind the colon: 't: 2'.",
    ),
    ("training: {optimiser: adamw}", "1: unknown key 'optimiser' in 'training'. Did you mean 'optimizer'?"),
]


@pytest.mark.parametrize(("text", "message"), [*FORMATS, *UNSPACED])
def test_message_of_a_setting(message_of, text, message):
    task = "{kind: choice, input: [a], labels: {B: One., x: Two.}}"
    assert message_of(f"{text}\nname: n\nmodel: m\ntasks:\n  t: {task}\n") == message


@pytest.mark.parametrize(("task", "message"), OTHER_KINDS)
def test_message_of_other_kinds(message_of, task, message):
    text = message_of(f"name: n\nmodel: m\ntasks:\n  t: {task}\n")
    assert text == f"4: {message}"


MALFORMED = [
    (
        "name: a: b\n",
        "1: malformed YAML: mapping values are not allowed here. Put quotes around a text that holds ': '.",
    ),
    (
        "name: a\n\tmodel: b\n",
        "2: malformed YAML: found character '\\t' that cannot start any token. Indent with spaces, not tabs.",
    ),
    (
        "name: a\nmodel：b\ntasks: {}\n",
        "3: malformed YAML: could not find expected ':'. "
        "Line 2 has a full-width colon '：'; YAML wants 'key: value' with an ASCII colon.",
    ),
    (
        "name: a\nmodel b\ntasks: {}\n",
        "3: malformed YAML: could not find expected ':'. "
        "A key is followed by an ASCII colon and a space, 'key: value'.",
    ),
    (
        "name: 'a\n",
        "2: malformed YAML: found unexpected end of stream. "
        "A quote or bracket that opens here is never closed.",
    ),
    (
        "name: a\n---\nname: b\n",
        "2: malformed YAML: but found another document. Keep one document; remove the '---' between them.",
    ),
    (
        "name: *nobody\n",
        "1: malformed YAML: found undefined alias 'nobody'. "
        "Define the anchor before it is used, or put quotes around the text.",
    ),
    (
        "name: a\nx: &x {y: *x}\n",
        "2: this part contains itself. Remove the alias that points back.",
    ),
    (
        "name: a\n? [b]\n: c\n",
        "2: a key must be text, here it is a list or mapping. Put quotes around it.",
    ),
    (
        "name: a\nx: {<<: {y: z}}\n",
        "2: the merge key '<<' is not supported. Write the keys out.",
    ),
    (
        "name: !!python/name:os.system x\n",
        "1: the tag '!!python/name:os.system' is not supported. Remove it, or put quotes around the text.",
    ),
    (
        "name: !mine x\n",
        "1: the tag '!mine' is not supported. Remove it, or put quotes around the text.",
    ),
    (
        "name: a\nx: !!set {y, z}\n",
        "2: the tag '!!set' is not supported. Remove it, or put quotes around the text.",
    ),
    (
        "name: a\nmodel: b\x07\n",
        "2: malformed YAML: the character U+0007 is not allowed. "
        "Remove it or write it as an escape inside double quotes.",
    ),
    ("# only this\n", " holds comments only, no scenario. Start it with 'name: …'."),
    (
        "just words\n",
        "1: a scenario is a mapping, 'name: …' and so on, not 'just words'. "
        "Write an ASCII colon and a space behind each key.",
    ),
    (
        "- a\n",
        "1: a scenario is a mapping, 'name: …' and so on, not a list. "
        "Write an ASCII colon and a space behind each key.",
    ),
]


@pytest.mark.parametrize(("text", "message"), MALFORMED)
def test_malformed_yaml(message_of, text, message):
    assert message_of(text) == message
