import pytest

from sftloop.core.errors import DataError
from sftloop.records import Prediction, Record, check_record, unquoted_evidence
from sftloop.scenario import Answer

WHOLE = {
    "id": "c-1",
    "task": "child",
    "input": {"posts": ["my son is three", "rain again"]},
    "answer": {"label": "yes_child", "reason": "He says so.", "evidence": ["my son is three"]},
    "tags": ["hard"],
    "source": "hand",
    "group": "author-7",
}


def test_json_round_trip_keeps_everything():
    assert Record.from_json(WHOLE).to_json() == WHOLE


def test_unset_parts_are_left_out_of_the_json():
    record = Record(id="a", task="intent", input={"message": "hi"}, answer=Answer(label="other"))
    assert record.to_json() == {
        "id": "a",
        "task": "intent",
        "input": {"message": "hi"},
        "answer": {"label": "other"},
    }


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"id": None}, "'id' must be a text"),
        ({"id": 7}, "'id' must be a text that is not empty, got 7"),
        ({"task": ""}, "'task' must be a text"),
        ({"input": "hello"}, "'input' must be an object"),
        ({"input": {"posts": [1, 2]}}, "The input 'posts' must be a text or a list of texts"),
        ({"answer": "yes"}, "'answer' must be an object"),
        ({"answer": {"labell": "x"}}, "unknown key 'labell' in 'answer'. Did you mean 'label'?"),
        ({"answer": {"evidence": "my son"}}, "must be a list of texts"),
        ({"tags": "hard"}, "'tags' must be a list"),
        ({"group": 3}, "'group' must be a text"),
        ({"lable": "x"}, "Unknown key 'lable' in the record"),
    ],
)
def test_malformed_records_are_refused_with_the_key(change, message):
    with pytest.raises(DataError) as caught:
        Record.from_json({**WHOLE, **change})
    assert message in str(caught.value)


@pytest.mark.parametrize("missing", ["id", "task", "input", "answer"])
def test_missing_keys_are_named(missing):
    with pytest.raises(DataError, match=f"'{missing}'"):
        Record.from_json({key: value for key, value in WHOLE.items() if key != missing})


@pytest.mark.parametrize(
    ("task", "input", "answer", "problem"),
    [
        ("intent", {"message": "x"}, {"label": "refund"}, None),
        ("intent", {"message": "x"}, {"label": "refunds"}, "no label 'refunds'. Did you mean 'refund'?"),
        ("intents", {"message": "x"}, {"label": "refund"}, "no task 'intents'. Did you mean 'intent'?"),
        ("intent", {"mesage": "x"}, {"label": "refund"}, "no input 'mesage'. Did you mean 'message'?"),
        ("intent", {"message": " \n"}, {"label": "refund"}, "The input is empty"),
        ("intent", {"message": ["x"]}, {"label": "refund"}, "must be one text, got a list of 1"),
        ("intent", {"message": "x"}, {"labels": ["refund"]}, "of kind choice: give 'label'"),
        ("intent", {"message": "x"}, {"reason": "why"}, "has no 'label'"),
        ("child", {"posts": "x"}, {"label": "yes_child"}, "must be a list of texts"),
        ("child", {"posts": ["x"]}, {"label": "yes_child"}, None),
        ("pair", {"first": "x"}, {"label": "same"}, "The input 'second' of task 'pair' is missing"),
        ("topics", {"message": "x"}, {"labels": []}, None),
        ("topics", {"message": "x"}, {"labels": ["price", "prize"]}, "no label 'prize'"),
        ("topics", {"message": "x"}, {"labels": ["price", "price"]}, "twice"),
        ("order", {"message": "x"}, {"fields": {"count": 3}}, None),
        ("order", {"message": "x"}, {"fields": {"count": "3"}}, "'count'"),
        ("order", {"message": "x"}, {"fields": {"day": "1 May"}}, "'day'"),
        ("order", {"message": "x"}, {"fields": {"prodct": "x"}}, "'prodct'"),
        ("reply", {"message": "x"}, {"text": "  "}, "empty"),
        ("mood", {"message": "x"}, {"score": 5}, None),
        ("mood", {"message": "x"}, {"score": 5.5}, "outside 1 to 5"),
    ],
)
def test_check_record(scenario, task, input, answer, problem):
    record = Record(id="r", task=task, input=input, answer=Answer.from_json(answer))
    found = check_record(record, scenario)
    if problem is None:
        assert found is None
    else:
        assert found is not None and problem in found


def test_evidence_that_is_not_in_the_input_is_found():
    record = Record.from_json(
        {**WHOLE, "answer": {"label": "yes_child", "evidence": ["my son", "My son", "three rain"]}}
    )
    assert unquoted_evidence(record) == ("My son", "three rain")


def test_prediction_round_trip():
    row = {
        "id": "a",
        "task": "intent",
        "text": "refund",
        "answer": {"label": "refund"},
        "format_valid": False,
        "probabilities": {"refund": 0.75, "other": 0.25},
        "tokens": 0,
        "latency_seconds": 0.5,
    }
    prediction = Prediction.from_json(row)
    assert prediction.answer == Answer(label="refund")
    assert prediction.to_json() == row


def test_prediction_from_a_newer_version_is_still_read():
    prediction = Prediction.from_json({"id": "a", "task": "intent", "error": "timeout", "cost": 3})
    assert prediction.error == "timeout" and prediction.answer is None


def test_prediction_without_id_is_refused():
    with pytest.raises(DataError, match="'id'"):
        Prediction.from_json({"task": "intent"})
