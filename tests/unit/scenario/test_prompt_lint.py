"""The lint: every finding with its place, its reason and its mend, and silence where nothing is wrong."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from sftloop.core.errors import DataError
from sftloop.scenario import Answer, Task, lint, load_scenario
from sftloop.scenario.lint_tasks import is_judgement

EXAMPLES = Path(__file__).parents[3] / "examples"

SOUND = """\
name: shop
model: tiny
system: You read messages to a shop.
tasks:
  leave:
    kind: choice
    input:
      - {name: posts, prefix: "Post {n}", many: true}
    instruction: Does the customer threaten to leave?
    labels:
      leaves: The writer says that they will close the account.
      stays: Signs of loyalty, such as a new order planned.
      open:
        means: Nothing about staying or leaving is said.
        abstain: true
    answer: {evidence: true}
  stars:
    kind: score
    input: [{name: review, prefix: Review}]
    instruction: How content is the writer, from 1 (not at all) to 5 (fully)?
    range: [1, 5]
  sums:
    kind: extract
    input: [{name: review, prefix: Review}]
    instruction: Read the figures out of the review.
    fields:
      total: The sum that was paid in the end.
"""


@dataclass(frozen=True)
class Row:
    """As much of a record as the lint reads."""

    id: str
    task: str
    answer: Answer
    input: dict[str, str | list[str]] = field(default_factory=lambda: {"posts": ["one", "two"]})


@pytest.fixture
def findings_of(write):
    """Lint a text; return its findings."""

    def run(text: str, records=(), **options):
        return lint(load_scenario(write(text)), records, **options)

    return run


def test_a_sound_scenario_has_no_findings(findings_of):
    rows = [Row("r1", "leave", Answer(label="open"))]
    assert findings_of(SOUND, rows, count_tokens=lambda messages: 10, context_tokens=2048) == []


TASK_FINDINGS = [
    # old, new, (kind, severity, task, label, line), part of why, part of mend
    (
        "leaves: The writer says that they will close the account.",
        "leaves:",
        ("no_definition", "error", "leave", "leaves", 11),
        "The label 'leaves' has no definition, so its name is all the model goes by.",
        "Say in one or two sentences when it applies",
    ),
    (
        "leaves: The writer says that they will close the account.",
        "leaves: Goes away.",
        ("short_definition", "warning", "leave", "leaves", 11),
        "The definition of 'leaves' ('Goes away.') says little more than the name",
        "Write one or two sentences",
    ),
    (
        "stays: Signs of loyalty, such as a new order planned.",
        "stays: The writer says that they won't close the account.",
        ("similar_definitions", "warning", "leave", "stays", 12),
        "The definitions of 'stays' and 'leaves' are nearly the same (88% of their 3-grams shared)",
        "Say in each what sets it apart",
    ),
    (
        "stays: Signs of loyalty, such as a new order planned.",
        "stays: The writer says that they will close the account",
        ("similar_definitions", "error", "leave", "stays", 12),
        "The definitions of 'stays' and 'leaves' are the same",
        "or merge them",
    ),
    (
        '{name: posts, prefix: "Post {n}", many: true}',
        "{name: posts, many: true}",
        ("unprefixed_documents", "warning", "leave", None, 7),
        "The documents in 'posts' have no prefix of their own",
        'for example `prefix: "Post {n}"`',
    ),
    (
        "[{name: review, prefix: Review}]\n    instruction: How",
        "[review, {name: product, prefix: Product}]\n    instruction: How",
        ("unprefixed_documents", "warning", "stars", None, 19),
        "'review' is one of 2 inputs and has no prefix",
        "for example `prefix: Question`",
    ),
    (
        "        abstain: true\n",
        "",
        ("no_abstain", "warning", "leave", None, 10),
        "no label stands for 'the input doesn't say'",
        "Add a label for inputs that don't say",
    ),
    (
        "open:\n        means: Nothing about staying or leaving is said.\n        abstain: true",
        "cannot_tell: Nothing about staying or leaving is said.",
        ("no_abstain", "warning", "leave", "cannot_tell", 13),
        "no label stands for 'the input doesn't say'",
        "Mark 'cannot_tell' with `abstain: true`",
    ),
    (
        "    instruction: Does the customer threaten to leave?\n",
        "",
        ("no_instruction", "error", "leave", None, 5),
        "The task has no instruction",
        "Add `instruction:`",
    ),
    (
        "system: You read messages to a shop.\n",
        "",
        ("no_system", "warning", None, None, 1),
        "There is no system text",
        "Add `system:`",
    ),
    (
        "    range: [1, 5]\n",
        "",
        ("answer_format", "error", "stars", None, 17),
        "The score has no range",
        "Add `range: [1, 5]`",
    ),
    (
        "total: The sum that was paid in the end.",
        "total:",
        ("answer_format", "warning", "sums", None, 27),
        "The field 'total' has no definition",
        "Say in one sentence",
    ),
    (
        "How content is the writer, from 1",
        "As JSON, how content is the writer, from 1",
        ("answer_format", "error", "stars", None, 20),
        "The instruction asks for JSON, the answer format asks for plain text",
        "Set `answer: {format: json}`",
    ),
    (
        "How content is the writer, from 1",
        "Give a short reason. How content is the writer, from 1",
        ("answer_format", "error", "stars", None, 20),
        "The instruction asks for a reason, the answer format has no room for one",
        "Set `answer: {reason: true}`",
    ),
]


@pytest.mark.parametrize(("old", "new", "place", "why", "mend"), TASK_FINDINGS)
def test_finding(findings_of, old, new, place, why, mend):
    assert old in SOUND
    (finding,) = findings_of(SOUND.replace(old, new))
    assert (finding.kind, finding.severity, finding.task, finding.label, finding.line) == place
    assert why in finding.why
    assert mend in finding.mend


def test_a_finding_is_plain_data(findings_of):
    (finding,) = findings_of(SOUND.replace("    range: [1, 5]\n", ""))
    assert list(finding.to_json()) == ["kind", "severity", "task", "label", "line", "why", "mend"]


def test_the_order_is_that_of_the_file(findings_of):
    text = SOUND.replace("    range: [1, 5]\n", "").replace(
        "total: The sum that was paid in the end.", "total:"
    )
    lines = [finding.line for finding in findings_of(text.replace("system: You", "#"))]
    assert lines == sorted(lines)
    assert len(lines) == 3


def test_records_with_labels_the_scenario_does_not_know(findings_of):
    rows = [Row(f"r{n}", "leave", Answer(label="leave")) for n in range(5)]
    rows += [Row("r9", "leave", Answer(label="stays")), Row("x1", "leaving", Answer(label="stays"))]
    task, label = findings_of(SOUND, rows)
    assert (label.kind, label.severity, label.task, label.label, label.line) == (
        "unknown_label",
        "error",
        "leave",
        "leave",
        10,
    )
    assert label.why.startswith(
        "5 records ('r0', 'r1', 'r2', …) with the label 'leave', which the task doesn't"
    )
    assert label.mend.endswith("Did you mean 'leaves'?")
    assert (task.kind, task.task, task.line) == ("unknown_task", "leaving", 4)
    assert task.why.startswith("1 record ('x1') of the task 'leaving'")
    assert task.mend.endswith("Did you mean 'leave'?")


def test_multi_labels_are_checked_one_by_one(findings_of):
    text = SOUND.replace("kind: choice", "kind: multi")
    (finding,) = findings_of(text, [Row("r1", "leave", Answer(labels=("stays", "stay", "stay")))])
    assert (finding.kind, finding.label) == ("unknown_label", "stay")


def words(messages) -> int:
    """Count words, in place of a tokenizer."""
    return sum(len(message["content"].split()) for message in messages)


LONG = Row("long", "leave", Answer(label="open"), {"posts": ["word " * 500]})


def length_findings(findings_of, context_tokens, records=(LONG,), text=SOUND):
    """The findings about length, with words as tokens."""
    room = {"answer_room": lambda task: task.max_answer_tokens or 64, "context_tokens": context_tokens}
    found = findings_of(text, records, count_tokens=words, **room)
    return [finding for finding in found if finding.kind == "near_context_limit"]


def test_a_prompt_near_the_context_limit(findings_of):
    (finding,) = length_findings(findings_of, 700)
    assert (finding.severity, finding.task, finding.line) == ("warning", "leave", 5)
    assert finding.why.startswith("The prompt of record 'long' takes ")
    assert "the model's context holds 700. What" in finding.why


def test_a_prompt_over_the_context_limit(findings_of):
    short = Row("short", "leave", Answer(label="open"))
    (finding,) = length_findings(findings_of, 600, [short, LONG, LONG])
    assert finding.severity == "error"
    assert "context holds 600, 2 records are too long." in finding.why
    assert "Shorten definitions" in finding.mend


def test_room_for_the_answer_counts(findings_of):
    text = SOUND.replace("    answer: {evidence", "    max_answer_tokens: 1500\n    answer: {evidence")
    assert not length_findings(findings_of, 1500)
    (finding,) = length_findings(findings_of, 1500, text=text)
    assert "and the answer 1500;" in finding.why


def test_without_records_the_definitions_alone_may_be_too_long(findings_of):
    found = length_findings(findings_of, 100, ())
    assert {finding.task for finding in found} == {"leave", "stars", "sums"}
    assert all(finding.why.startswith("The prompt without any input takes") for finding in found)


@pytest.mark.parametrize("options", [{"count_tokens": words}, {"context_tokens": 1}])
def test_length_is_left_alone_when_either_half_is_unknown(findings_of, options):
    assert findings_of(SOUND, [LONG], **options) == []


def test_a_record_that_cannot_be_shown_is_named(findings_of):
    broken = Row("r7", "leave", Answer(label="open"), {"post": "x"})
    with pytest.raises(DataError, match="record 'r7': the input lacks 'posts'"):
        length_findings(findings_of, 700, [broken])


JUDGEMENTS = [
    ("Decide whether it is due.", {}, True),
    ("Does the customer threaten to leave?", {}, True),
    ("Read the message. Is a refund due?", {}, True),
    ("Judge the claim.", {}, True),
    ("判断该网民是否有孩子。", {}, True),
    ("这位网民有孩子吗？", {}, True),
    ("该网民有没有孩子", {}, True),
    ("What does the customer want?", {}, False),
    ("Choose the topic.", {}, False),
    ("判断评论的情感倾向。", {}, False),
    ("选择主题。", {"answer": {"evidence": True}}, True),
    ("Pick one.", {"labels": {"Yes": "It is so.", "no": "It is not."}}, True),
    ("选一个。", {"labels": {"有": "有孩子。", "没有": "没孩子。", "不详": {"abstain": True}}}, True),
    ("Decide whether it is due.", {"kind": "multi"}, False),
]


@pytest.mark.parametrize(("instruction", "parts", "expected"), JUDGEMENTS)
def test_what_counts_as_a_judgement(write, instruction, parts, expected):
    made = {
        "kind": "choice",
        "input": ["a"],
        "labels": {"x": "One.", "y": "Two."},
        "instruction": instruction,
    }
    assert is_judgement(Task.model_validate({**made, **parts})) is expected


@pytest.mark.parametrize("file", sorted(EXAMPLES.rglob("scenario.yaml")), ids=lambda file: file.parent.name)
def test_examples_have_no_errors(file):
    assert [finding for finding in lint(load_scenario(file)) if finding.severity == "error"] == []


def test_labels_that_look_alike(findings_of):
    text = SOUND.replace("    labels:", "    labels:\n      Stay: {means: Remains where it is for now.}", 1)
    found = [each for each in findings_of(text) if each.kind == "labels_alike"]
    assert not found
    text = text.replace("Stay:", "ＯＰＥＮ\u200b:")
    (finding,) = [each for each in findings_of(text) if each.kind == "labels_alike"]
    assert "'open'" in finding.why and finding.severity == "warning"
