import pytest

from sftloop.core.errors import DataError, UsageError
from sftloop.records import detect_format


def write(path, content, encoding="utf-8"):
    path.write_bytes(content.encode(encoding))
    return path


@pytest.mark.parametrize(
    ("name", "content", "found"),
    [
        ("a.jsonl", '{"messages": []}', "openai"),
        ("a.json", '[{"conversations": []}]', "sharegpt"),
        ("a.json", '\n [\n{"instruction": "", "output": ""}]', "alpaca"),
        ("a.jsonl", '{"id": "a", "task": "t", "input": {}, "answer": {}}', "records"),
        ("a.jsonl", 'oops\n{"text": "x"}', "jsonl"),
        ("a.TSV", "a\tb", "csv"),
        ("a.csv", '{"messages": []}', "csv"),
    ],
)
def test_detection(tmp_path, name, content, found):
    assert detect_format(write(tmp_path / name, content)) == found


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.txt", b"hello", "Can't tell the format"),
        ("a.xlsx", b"PK\x03\x04....", "Save the sheet as CSV"),
        ("a.jsonl", b"{\n{\n", ":1: Malformed JSON"),
        ("a.json", b"[]", "holds no rows"),
        ("a.jsonl", b"  \n", "is empty"),
    ],
)
def test_what_cannot_be_detected_is_explained(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError) as caught:
        detect_format(tmp_path / name)
    assert message in str(caught.value)


def test_a_forced_format_wins_over_the_name(tmp_path, take):
    file = write(tmp_path / "a.txt", "message,label\nhi,other\n")
    assert take(file, format="csv")[0].answer.label == "other"
    with pytest.raises(UsageError, match=r"no format 'exel'\. Did you mean 'excel'"):
        take(file, format="exel")


def test_a_json_array_counts_lines_and_says_where_it_breaks(tmp_path, take):
    file = write(
        tmp_path / "a.json",
        '[\n {"message": "x",\n  "label": "other"},\n\n {"message": "y", "label": "refund"}\n]',
    )
    assert [record.source for record in take(file)] == ["a.json:2", "a.json:5"]
    with pytest.raises(DataError, match=r"b.json:2:\d+: malformed JSON"):
        take(write(tmp_path / "b.json", '[{"message": "x", "label": "other"}\n {"message": "y"}]'))
    with pytest.raises(DataError, match="ends inside"):
        take(write(tmp_path / "c.json", '[{"message": "x", "label": "other"},'))


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv", "a.yaml"])
def test_an_encoding_that_the_file_does_not_have_at_all(tmp_path, take, name):
    file = write(tmp_path / name, "message,label\nhi,other\n")
    with pytest.raises(DataError, match=r"is not utf-16: .* Name the file's own encoding with --encoding"):
        take(file, encoding="utf-16")


@pytest.mark.parametrize(
    "text", ['{"message": "hi", "label": "other", "n": %s}', '[{"message": "hi", "n": %s}]']
)
def test_a_number_of_too_many_digits(tmp_path, take, text):
    file = write(tmp_path / "a.jsonl", text % ("9" * 5000) + "\n")
    with pytest.raises(DataError, match=r"a\.jsonl:1: [mM]alformed JSON: Exceeds the limit \(4300 digits\)"):
        take(file)


@pytest.mark.parametrize(("behind", "line"), [('\n\n[{"message": "b"}]\n', 3), (" {}", 1), ("\n]", 2)])
def test_text_behind_an_array_is_refused(tmp_path, take, behind, line):
    array = '[{"message": "a", "label": "other"}]'
    file = write(tmp_path / "a.json", array + behind)
    with pytest.raises(DataError, match=rf"a\.json:{line}: text behind the end of the JSON array"):
        take(file)
    assert len(take(write(tmp_path / "a.json", array + "\n \n"))) == 1


def test_an_array_nested_too_deeply(tmp_path, take):
    with pytest.raises(DataError, match="nested too deeply"):
        take(write(tmp_path / "a.json", "[" * 100_000))
