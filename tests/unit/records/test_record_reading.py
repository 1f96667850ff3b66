import json

import pytest
from record_builders import intent, lines, row

from sftloop.core.errors import DataError, UsageError
from sftloop.records import load_split, read_records, write_records


@pytest.fixture
def file(directory):
    (directory / "data").mkdir()
    return directory / "data" / "train.jsonl"


def test_records_come_back_as_written(file, scenario):
    records = [intent("a"), intent("b", "other", tags=("hard",)), intent("c", "delivery", "Où est-il ? 😀")]
    assert write_records(file, records) == 3
    assert list(read_records(file, scenario)) == records


def test_reading_is_streaming(file, scenario):
    file.write_bytes(lines(row("a"), row("b"), "{"))
    first = next(read_records(file, scenario))
    assert first.id == "a"


def test_byte_order_mark_and_blank_lines_are_no_rows(file, scenario):
    file.write_bytes(b"\xef\xbb\xbf" + lines(row("a"), "", row("b")))
    assert [record.id for record in read_records(file, scenario)] == ["a", "b"]


def test_all_bad_rows_stand_in_one_error_with_file_line_and_reason(file, scenario):
    file.write_bytes(
        lines(row("a"), '{"id": "b"', row("c", "refnd"), row("a"), "[1]")
        + b'{"id": "d", "task": "intent", "input": {"message": "caf\xe9"}, "answer": {"label": "other"}}\n'
    )
    with pytest.raises(DataError) as caught:
        list(read_records(file, scenario))
    text = caught.value.message
    assert "5 bad rows" in text
    assert f"{file}:2: malformed JSON" in text
    assert f"{file}:3: Task 'intent' has no label 'refnd'. Did you mean 'refund'?" in text
    assert f"{file}:4: The id 'a' was used before, on line 1." in text
    assert f"{file}:5: expected one JSON object per line, got list." in text
    assert f"{file}:6: not UTF-8 (byte 0xe9" in text
    assert "--skip-bad" in caught.value.hint


def test_a_single_bad_row_is_the_message(file, scenario):
    file.write_bytes(lines(row("a", "nope")))
    with pytest.raises(DataError) as caught:
        list(read_records(file, scenario))
    assert caught.value.message.startswith(f"{file}:1: Task 'intent' has no label 'nope'")


def test_nothing_is_yielded_behind_a_bad_row(file, scenario):
    file.write_bytes(lines(row("a"), "{", row("b")))
    seen = []
    with pytest.raises(DataError):
        for record in read_records(file, scenario):
            seen.append(record.id)
    assert seen == ["a"]


def test_gathering_stops_at_the_cap(file, scenario):
    file.write_bytes(lines(*[row(f"r{n}", f"label{n}") for n in range(500)]))
    with pytest.raises(DataError) as caught:
        list(read_records(file, scenario))
    assert "20 bad rows (stopped after 20)" in caught.value.message
    assert f"{file}:20:" in caught.value.message and f"{file}:21:" not in caught.value.message


def test_rows_bad_for_the_same_reason_are_counted(file, scenario):
    """A wrong label in half of the rows doesn't hide what else is wrong."""
    file.write_bytes(lines(*["{", row("a", "nope")] * 250, row("b", "noo")))
    with pytest.raises(DataError) as caught:
        list(read_records(file, scenario))
    header, *rows = caught.value.message.splitlines()
    assert header == f"'{file}' has 501 bad rows:"
    assert [row.split(":")[1] for row in rows] == ["1", "3", "5", "2", "4", "6", "501"]
    assert [row.endswith("(and 247 more)") for row in rows] == [False, False, True, False, False, True, False]


def test_skip_bad_sets_rows_aside_and_goes_on(file, scenario, capsys):
    raw = b'{"id": "d", "x": "\xff"}\n'
    file.write_bytes(lines(row("a"), "{", row("b", "nope")) + raw + lines(row("c")))
    assert [record.id for record in read_records(file, scenario, skip_bad=True)] == ["a", "c"]
    rejects = [json.loads(line) for line in (file.parent / "train.rejects.jsonl").read_text().splitlines()]
    assert [reject["line"] for reject in rejects] == [2, 3, 4]
    assert rejects[0]["row"] == "{" and rejects[1]["row"]["answer"] == {"label": "nope"}
    assert rejects[2]["row"] == '{"id": "d", "x": "\\xff"}'
    assert all(reject["file"] == str(file) and reject["reason"] for reject in rejects)
    assert "3 bad rows skipped" in capsys.readouterr().err


def test_rejects_go_where_they_are_told(file, scenario, tmp_path):
    file.write_bytes(lines(row("a"), "{"))
    elsewhere = tmp_path / "new" / "bad.jsonl"
    list(read_records(file, scenario, skip_bad=True, rejects=elsewhere))
    assert len(elsewhere.read_text().splitlines()) == 1
    assert not (file.parent / "train.rejects.jsonl").exists()


def test_without_bad_rows_there_is_no_rejects_file(file, scenario):
    file.write_bytes(lines(row("a")))
    list(read_records(file, scenario, skip_bad=True))
    assert [path.name for path in file.parent.iterdir()] == ["train.jsonl"]


@pytest.mark.parametrize("content", [b"", b"\n  \n", b"\xef\xbb\xbf"])
def test_an_empty_file_is_refused(file, scenario, content):
    file.write_bytes(content)
    with pytest.raises(DataError, match="is empty"):
        list(read_records(file, scenario))


def test_utf16_is_refused_naming_the_byte(file, scenario):
    file.write_bytes(row("a").encode("utf-16"))
    with pytest.raises(DataError, match=r"not UTF-8 \(byte 0xff"):
        list(read_records(file, scenario))


def test_load_split_filters_tasks(file, directory, scenario):
    other = '{"id": "m", "task": "mood", "input": {"message": "x"}, "answer": {"score": 2}}'
    file.write_bytes(lines(row("a"), other, row("b")))
    assert [record.id for record in load_split(scenario, "train")] == ["a", "m", "b"]
    assert [record.id for record in load_split(scenario, "train", tasks=["mood"])] == ["m"]


def test_load_split_limit_spreads_over_labels_of_a_sorted_file(file, scenario):
    labels = ["refund"] * 30 + ["delivery"] * 30 + ["other"] * 2
    write_records(file, [intent(f"r{number:02}", label) for number, label in enumerate(labels)])
    taken = load_split(scenario, "train", limit=8)
    assert [record.answer.label for record in taken] == ["refund"] * 3 + ["delivery"] * 3 + ["other"] * 2
    assert [record.id for record in taken] == sorted(record.id for record in taken)
    assert taken == load_split(scenario, "train", limit=8)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"split": "tests"}, "no split 'tests'. Did you mean 'test'?"),
        ({"split": "train", "tasks": ["intnt"]}, "no task 'intnt'. Did you mean 'intent'?"),
        ({"split": "train", "limit": 0}, "limit must be at least 1"),
    ],
)
def test_load_split_refuses_what_is_not_there(file, scenario, arguments, message):
    file.write_bytes(lines(row("a")))
    with pytest.raises(UsageError) as caught:
        load_split(scenario, **arguments)
    assert message in str(caught.value)


def test_a_missing_file_and_a_task_without_records_are_told(file, scenario):
    with pytest.raises(DataError, match="does not exist"):
        load_split(scenario, "test")
    file.write_bytes(lines(row("a")))
    with pytest.raises(DataError, match="no usable record of the tasks mood"):
        load_split(scenario, "train", tasks=["mood"])


def test_a_split_that_the_scenario_does_not_name(directory, scenario):
    bare = scenario.model_copy(update={"data": type(scenario.data)(train="data/train.jsonl")})
    with pytest.raises(UsageError, match="names no test file"):
        load_split(bare, "test")


def test_half_a_character_is_a_bad_row(file, scenario):
    file.write_bytes(lines(row("a", message="broken \\ud83d")))
    with pytest.raises(DataError, match="half a character"):
        list(read_records(file, scenario))


def test_json_nested_too_deeply_is_a_bad_row(file, scenario):
    file.write_bytes(lines(row("a"), '{"a":' * 100_000))
    with pytest.raises(DataError, match=f"{file}:2: malformed JSON: nested too deeply"):
        list(read_records(file, scenario))
