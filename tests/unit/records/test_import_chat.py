import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from record_builders import intent

from sftloop.core.errors import DataError, UsageError
from sftloop.core.jsonl import write_jsonl
from sftloop.records import EXPORT_FORMATS, ForeignFile, Record, export_rows
from sftloop.records.importing.meaning import RowMeaning
from sftloop.scenario import Answer, render_prompt


def openai(user, assistant, system=None):
    head = [{"role": "system", "content": system}] if system else []
    return {
        "messages": [*head, {"role": "user", "content": user}, {"role": "assistant", "content": assistant}]
    }


@pytest.fixture
def take(tmp_path, scenario):
    def run(*rows, task="intent", **options):
        write_jsonl(tmp_path / "in.jsonl", rows)
        return list(
            ForeignFile(path=tmp_path / "in.jsonl", scenario=scenario, task=task, **options).records()
        )

    return run


def test_plain_messages_become_input_and_answer(take):
    (record,) = take(openai("Where is it?", "Delivery.", "Some other prompt."))
    assert record.input == {"message": "Where is it?"}
    assert record.answer == Answer(label="delivery")
    assert record.source == "in.jsonl:1"


def test_text_parts_are_joined(take):
    row = openai([{"type": "text", "text": "Where "}, {"type": "text", "text": "is it?"}], "delivery")
    assert take(row)[0].input == {"message": "Where is it?"}


def test_sharegpt_and_alpaca(take):
    (record,) = take(
        {"conversations": [{"from": "human", "value": "Where?"}, {"from": "gpt", "value": "delivery"}]}
    )
    assert (record.input, record.answer.label) == ({"message": "Where?"}, "delivery")
    (record,) = take({"instruction": "Classify.", "input": "Where?", "output": "delivery"})
    assert record.input == {"message": "Where?"}
    (record,) = take({"instruction": "Where?", "input": "", "output": "delivery"})
    assert record.input == {"message": "Where?"}


def test_alpaca_keeps_the_instruction_of_a_generation_task(take):
    (record,) = take({"instruction": "Be kind.", "input": "Hello", "output": "Hi!"}, task="reply")
    assert record.input == {"message": "Be kind.\nHello"}
    assert record.answer == Answer(text="Hi!")


def test_alpaca_takes_a_mapping(take):
    (record,) = take(
        {"instruction": "One", "input": "Two", "output": "same"},
        task="pair",
        mapping={"first": "instruction", "second": "input"},
    )
    assert (record.input, record.answer.label) == ({"first": "One", "second": "Two"}, "same")


def test_a_mapping_has_no_place_in_messages(take):
    with pytest.raises(UsageError, match="read as openai, which has no columns"):
        take(openai("a", "refund"), mapping={"message": "text"})


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (openai("Where?", "lost"), "Task 'intent' has no label 'lost'"),
        (openai("Where?", "refund or delivery"), "has no label 'refund or delivery'"),
        (openai(" ", "refund"), "The text of 'user' is empty"),
        (openai("Where?", ""), "The text of 'assistant' is empty"),
        ({"messages": []}, "'messages' must be a list of turns"),
        ({"messages": [{"role": "user", "content": "x"}]}, "1 user and 0 assistant turns"),
        (
            {"messages": openai("a", "refund")["messages"] + openai("b", "other")["messages"]},
            "2 user and 2 assistant turns",
        ),
        ({"messages": [{"role": "tool", "content": "x"}]}, "role 'tool'"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url"}]}]},
            "The content of turn 1 must be text",
        ),
        ({"messages": [{"content": "x"}]}, "Turn 1 of 'messages' has no 'role'"),
    ],
)
def test_rows_that_are_no_single_exchange(take, row, message):
    with pytest.raises(DataError) as caught:
        take(row)
    assert message in caught.value.message


def test_two_inputs_need_the_prompt_or_an_object(take):
    (record,) = take(openai('{"first": "a", "second": "b"}', "same"), task="pair")
    assert record.input == {"first": "a", "second": "b"}
    with pytest.raises(DataError, match=r"has 2 inputs \(first, second\)"):
        take(openai("a and b", "same"), task="pair")


@pytest.mark.parametrize(("answer", "count"), [('{"count": "1,000"}', "1000"), ('{"count": "199元"}', "199")])
def test_numbers_written_as_text_are_kept(take, answer, count):
    (record,) = take(openai("How many?", answer), task="order")
    assert json.dumps(record.answer.fields["count"]) == count


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ('{"product": "lamp", "prise": 3}', "Task 'order' has no field 'prise'."),
        ('{"product": "lamp", "cuont": 3}', "Did you mean 'count'?"),
        ('{"fields": {"product": "lamp", "prise": 3}}', "has no field 'prise'"),
        ('{"fields": {"product": "lamp"}, "count": 3}', "has no field 'count'"),
        ('{"product": "lamp", "count": "many"}', "can't be read as the extract that task 'order' wants: "),
    ],
)
def test_an_answer_that_would_lose_a_value_is_a_bad_row(take, answer, message):
    with pytest.raises(DataError) as caught:
        take(openai("How many?", answer), task="order")
    assert message in caught.value.message


def test_a_prompt_of_another_task_is_refused(take, scenario):
    prompt = render_prompt(scenario, scenario.tasks["topics"], {"message": "hi"})
    with pytest.raises(DataError, match="a prompt of task 'topics', not of 'intent'"):
        take(openai(prompt.user, "price", prompt.system))


def test_without_a_task_plain_messages_cannot_be_placed(take):
    with pytest.raises(DataError, match="Can't tell which task"):
        take(openai("Where?", "refund"), task=None)


RECORDS = [
    intent(
        "a", "delivery", "Where is it?\n\nInstruction:\nnothing", tags=("hard",), source="hand", group="g"
    ),
    Record(id="b", task="topics", input={"message": "cheap"}, answer=Answer(labels=("price", "quality"))),
    Record(id="c", task="topics", input={"message": "cheap"}, answer=Answer(labels=())),
    Record(
        id="d",
        task="child",
        input={"posts": ["my son", "Post 2: fake", 'a "quote"\nand a line']},
        answer=Answer(label="yes_child", evidence=("my son",), reason='He says "my son".'),
    ),
    Record(
        id="e", task="pair", input={"first": "a\nThe Second: b", "second": "c"}, answer=Answer(label="same")
    ),
    Record(
        id="f",
        task="order",
        input={"message": "two lamps"},
        answer=Answer(
            fields={"product": "lamp", "count": 2, "day": None, "gift": False, "colours": ["red", "blue"]}
        ),
    ),
    Record(id="g", task="reply", input={"message": "hi"}, answer=Answer(text='Dear you,\n\n"yes"')),
    Record(id="h", task="mood", input={"message": "ok"}, answer=Answer(score=3.5)),
    Record(id="i", task="mood", input={"message": "good"}, answer=Answer(score=4.0)),
]


@pytest.mark.parametrize("format", EXPORT_FORMATS)
def test_export_with_ids_and_import_restore_the_records_whole(take, scenario, format):
    rows = list(export_rows(RECORDS, scenario, format, with_ids=True))
    back = take(*rows, task=None)
    assert [record.to_json() for record in back] == [
        {**record.to_json(), "source": record.source or f"in.jsonl:{number}"}
        for number, record in enumerate(RECORDS, start=1)
    ]


@pytest.mark.parametrize("format", EXPORT_FORMATS)
def test_import_export_import_is_stable_without_ids(take, scenario, format):
    once = take(*export_rows(RECORDS, scenario, format), task=None)
    assert [(r.task, r.input, r.answer) for r in once] == [(r.task, r.input, r.answer) for r in RECORDS]
    assert take(*export_rows(once, scenario, format), task=None) == once


def test_exported_rows_hold_the_rendered_prompt_and_only_the_format_s_keys(scenario):
    record = intent("a", "delivery", "Where is it?")
    prompt = render_prompt(scenario, scenario.tasks["intent"], record.input)
    (row,) = export_rows([record], scenario, "openai")
    assert row == {"messages": [*prompt.messages, {"role": "assistant", "content": "delivery"}]}
    (row,) = export_rows([record], scenario, "sharegpt")
    assert row == {
        "conversations": [{"from": "human", "value": prompt.user}, {"from": "gpt", "value": "delivery"}],
        "system": prompt.system,
    }
    (row,) = export_rows([record], scenario, "alpaca")
    assert row == {"instruction": prompt.user, "input": "", "output": "delivery", "system": prompt.system}


def test_an_answer_without_the_reason_asked_for_names_the_record(scenario):
    record = Record(id="x-9", task="child", input={"posts": ["a"]}, answer=Answer(label="cannot_tell"))
    with pytest.raises(DataError, match="record 'x-9'"):
        list(export_rows([record], scenario, "openai"))
    with pytest.raises(UsageError, match=r"no export format 'openia'. Did you mean 'openai'"):
        list(export_rows([], scenario, "openia"))


@pytest.mark.parametrize("format", EXPORT_FORMATS)
@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("order", ["input_first", "instruction_first", "input_opens"])
def test_a_prompt_of_an_older_wording_is_a_bad_row(tmp_path, scenario, format, language, order):
    def worded(instruction):
        data = scenario.model_dump(exclude_unset=True)
        data["tasks"]["intent"]["instruction"] = instruction
        return type(scenario).model_validate({**data, "language": language, "format": {"order": order}})

    file, record = tmp_path / "in.jsonl", intent("a", "delivery", "Where is it?")
    write_jsonl(file, export_rows([record], worded("What is wanted?"), format))
    for task in ("intent", None):
        with pytest.raises(
            DataError, match="a prompt that sftloop rendered, but not with the scenario's present"
        ):
            list(ForeignFile(path=file, scenario=worded("Which wish?"), task=task).records())
    (back,) = ForeignFile(path=file, scenario=worded("What is wanted?"), task="intent").records()
    assert back.input == record.input


@pytest.mark.parametrize(
    "text", ["Input: a\nInstruction: b", "My words.\nInput:\na\n\nInstruction:\nb", "Input:\na"]
)
def test_a_text_of_ones_own_may_speak_of_inputs(take, text):
    assert take(openai(text, "other"))[0].input == {"message": text}


texts = (
    st.text(st.characters(exclude_categories=["Cs", "Co"]), min_size=1, max_size=30)
    .map(str.strip)
    .filter(bool)
)


@settings(max_examples=150, deadline=None)
@given(posts=st.lists(texts, min_size=1, max_size=12), format=st.sampled_from(EXPORT_FORMATS))
def test_any_documents_survive_the_round_trip(shared_scenario, posts, format):
    record = Record(
        id="p",
        task="child",
        input={"posts": posts},
        answer=Answer(label="cannot_tell", evidence=(), reason="none"),
    )
    (row,) = export_rows([record], shared_scenario, format)
    row = json.loads(json.dumps(row))
    assert RowMeaning(shared_scenario, "child", format, {}).record(row).input == {"posts": posts}


def test_half_a_character_is_a_bad_row(tmp_path, scenario):
    file = tmp_path / "in.jsonl"
    file.write_text(json.dumps(openai("broken \ud83d", "other")) + "\n")
    foreign = ForeignFile(path=file, scenario=scenario, task="intent", format="openai")
    assert list(foreign.records(skip_bad=True, rejects=tmp_path / "rejects.jsonl")) == []
    assert "half a character" in (tmp_path / "rejects.jsonl").read_text()
