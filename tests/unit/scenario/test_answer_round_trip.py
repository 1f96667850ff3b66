"""Whatever answer a task can have: its text is read back as the same answer, in every kind and format."""

from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sftloop.scenario import (
    Answer,
    AnswerSpec,
    Field,
    Format,
    InputField,
    Label,
    Scenario,
    Task,
    answer_format,
    format_answer,
    label_slots,
    parse_answer,
    wording,
)
from sftloop.scenario.prompt_format import misleading_letter

LANGUAGES = ("en", "zh")
KINDS = ("choice", "multi", "extract", "generate", "score")
NAMES = st.text(min_size=1, max_size=12).filter(
    lambda text: text == text.strip() and not any(unicodedata.category(c) in ("Cc", "Zl", "Zp") for c in text)
)
SEPARATORS = {",", "，"}
SPLITTABLE = NAMES.filter(lambda name: not SEPARATORS & set(name) and name.casefold() not in ("none", "无"))
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
VALUES = {
    "string": st.text(max_size=20),
    "number": NUMBERS | st.integers(-(10**20), 10**20),
    "date": st.dates().map(lambda day: day.isoformat()),
    "boolean": st.booleans(),
    "list": st.lists(st.text(max_size=8), max_size=3),
}
TEXTS = st.text(max_size=60).filter(lambda text: text.strip())


@st.composite
def tasks_and_answers(draw, kind: str) -> tuple[Task, Answer, str]:
    """A task of `kind` in any format, an answer to it, a language."""
    spec = AnswerSpec(
        reason=draw(st.booleans()),
        evidence=draw(st.booleans()),
        format=draw(st.sampled_from(["auto", "json", "plain"])),
    )
    form = Format(
        labels=draw(st.sampled_from(["names", "letters"])),
        reason=draw(st.sampled_from(["after", "before", "none"])),
        answer=draw(st.sampled_from([None, "plain", "json"])),
        wording=draw(st.sampled_from([None, "en", "zh"])),
    )
    parts: dict = {"answer": spec}
    answer: dict = {}
    plain = (form.answer or spec.format) != "json"
    if kind in ("choice", "multi"):
        names = draw(
            st.lists(SPLITTABLE if plain else NAMES, min_size=2, max_size=5, unique=True).filter(
                lambda names: form.labels == "names" or not misleading_letter(names)
            )
        )
        parts["labels"] = {name: Label(means="x") for name in names}
        if kind == "choice":
            answer["label"] = draw(st.sampled_from(names))
        else:
            chosen = draw(st.sets(st.sampled_from(names)))
            answer["labels"] = tuple(name for name in names if name in chosen)
    elif kind == "extract":
        types = draw(st.dictionaries(NAMES, st.sampled_from(sorted(VALUES)), min_size=1, max_size=4))
        parts["fields"] = {name: Field(type=type_) for name, type_ in types.items()}
        answer["fields"] = {name: draw(st.none() | VALUES[type_]) for name, type_ in types.items()}
    elif kind == "generate":
        answer["text"] = draw(TEXTS).strip()
    else:
        answer["score"] = draw(NUMBERS)
    if spec.reason and form.reason != "none":
        answer["reason"] = draw(st.text(max_size=20))
    if spec.evidence:
        answer["evidence"] = tuple(draw(st.lists(st.text(max_size=10), max_size=3)))
    task = Task(kind=kind, input=[InputField(name="message")], **parts).with_form(form)
    return task, Answer(**answer), draw(st.sampled_from(LANGUAGES))


def read_back(task: Task, text: str, language: str) -> Answer:
    """Parse a text that must be valid."""
    parsed = parse_answer(task, text, language)
    assert parsed.problem is None, parsed.problem
    assert parsed.valid
    return parsed.answer


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
def test_a_formatted_answer_is_read_back(kind, data):
    task, answer, language = data.draw(tasks_and_answers(kind))
    text = format_answer(task, answer, language)
    assert read_back(task, text, language) == answer
    assert read_back(task, f"\n {text} \n", language) == answer, "white space around it is allowed"
    if answer_format(task) == "json":
        assert "\n" not in text
        json.loads(text)


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
def test_plain_data_is_read_back(kind, data):
    _, answer, _ = data.draw(tasks_and_answers(kind))
    assert Answer.from_json(json.loads(json.dumps(answer.to_json()))) == answer


@given(data=st.data())
def test_any_text_is_read_without_failing_and_never_outside_the_task(data):
    task, _, language = data.draw(st.sampled_from(KINDS).flatmap(tasks_and_answers))
    text = data.draw(st.text() | st.text(alphabet='{}[]":,`\\n truefals0123456789.eE-<>', max_size=40))
    parsed = parse_answer(task, text, language)
    assert parsed.valid == (parsed.problem is None)
    assert not parsed.valid or parsed.answer is not None
    if parsed.answer is not None:
        format_answer(task, _completed(task, parsed.answer), language)


def _completed(task: Task, answer: Answer) -> Answer:
    """The answer with the reason and evidence that a recovered one may lack."""
    plain = answer.to_json()
    extras = {"reason": "", "evidence": []}
    return Answer.from_json({**{key: extras[key] for key in task.extras}, **plain})


@given(data=st.data())
def test_label_slots_are_the_beginning_of_every_answer(data):
    task, answer, language = data.draw(tasks_and_answers("choice"))
    lead, slots = label_slots(task, language)
    assert list(slots) == list(task.labels)
    text = format_answer(task, answer, language)
    if task.reasons_first:
        assert text.endswith(lead + slots[answer.label])
    else:
        assert text.startswith(lead + slots[answer.label])
    if answer_format(task) == "json":
        ends = [continuation[-2:] for continuation in slots.values()]
        assert set(ends) == {'",' if task.extras and not task.reasons_first else '"}'}


@given(data=st.data())
def test_letters_are_read_as_their_labels_and_labels_too(data):
    task, answer, language = data.draw(
        tasks_and_answers("choice").filter(lambda found: found[0].form.labels == "letters")
    )
    letter = task.written_labels[answer.label]
    assert parse_answer(task, letter.lower(), language).answer.label == answer.label
    if all(name == answer.label or name.casefold() != answer.label.casefold() for name in task.labels):
        read = parse_answer(task, f"{letter}. {answer.label}", language).answer
        assert read is None or read.label == answer.label


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_plain_multi_label_the_schema_takes_can_be_told_apart(language):
    words = wording(language)
    for name in ("x" + words.separator.strip() + "y", words.nothing, words.nothing.upper()):
        with pytest.raises(ValueError, match="can't be told apart"):
            Scenario(
                name="n",
                model="m",
                language=language,
                tasks={"t": {"kind": "multi", "input": ["a"], "labels": {name: "One.", "b": "Two."}}},
            )
