"""What people's files hold: cells of other types, Excel's own lines, pipes, repeated keys, rows without ids."""

from __future__ import annotations

import json
import multiprocessing
import os
import time
from pathlib import Path

import polars
import pytest

from sftloop.core.errors import DataError
from sftloop.records import ForeignFile
from sftloop.scenario import Scenario
from sftloop.workflow.data import Destination, import_records


def case(**task: object) -> Scenario:
    parts = {"kind": "choice", "input": ["text"], "labels": {"true": "It is.", "false": "It isn't."}, **task}
    return Scenario.model_validate({"name": "s", "model": "m", "tasks": {"t": parts}})


def take(file: Path, scenario: Scenario, **options: str) -> list:
    return list(ForeignFile(path=file, scenario=scenario, task="t", **options).records())


def test_booleans_and_whole_floats_are_written_as_people_write_them(tmp_path: Path) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"text": "a", "label": true, "id": 7.0}\n{"text": "b", "label": false, "id": 8}\n')
    found = take(rows, case())
    assert [(one.id, one.answer.label) for one in found] == [("7", "true"), ("8", "false")]
    table = tmp_path / "table.parquet"
    polars.DataFrame({"text": ["a", "b"], "label": [1.0, 0.0], "group": [3.0, None]}).write_parquet(table)
    found = take(table, case(labels={"1": "Yes.", "0": "No."}))
    assert [(one.answer.label, one.group) for one in found] == [("1", "3"), ("0", None)]


def test_a_missing_label_in_a_column_of_numbers_is_a_bad_row(tmp_path: Path) -> None:
    table = tmp_path / "table.parquet"
    polars.DataFrame({"text": ["a"], "label": [float("nan")]}).write_parquet(table)
    with pytest.raises(DataError, match="'label' is empty"):
        take(table, case(labels={"1": "Yes.", "0": "No."}))


def test_list_cells_lose_blanks_and_numbers_have_no_underscores(tmp_path: Path) -> None:
    fields = {"parts": {"means": "What.", "type": "list"}, "sum": {"means": "How much.", "type": "number"}}
    own = case(kind="extract", labels={}, fields=fields)
    file = tmp_path / "a.csv"
    file.write_text("text,parts,sum\nx,a; b;,12\n")
    assert take(file, own)[0].answer.fields == {"parts": ["a", "b"], "sum": 12}
    file.write_text("text,parts,sum\nx,a,1_000\n")
    with pytest.raises(DataError, match="'sum' must be a number"):
        take(file, own)


def test_excel_s_empty_rows_and_its_line_for_the_delimiter(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_bytes(b"sep=;\r\ntext;label\r\n1,5 cm;true\r\n;\r\n;\r\n")
    [record] = take(file, case())
    assert (record.input, record.source) == ({"text": "1,5 cm"}, "a.csv:3")


def test_a_repeated_key_is_a_bad_row(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text('{"text": "a", "label": "true", "label": "false"}\n')
    with pytest.raises(DataError, match="the key 'label' appears twice"):
        take(file, case())


def test_a_pipe_is_refused(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.jsonl"
    os.mkfifo(pipe)
    with pytest.raises(DataError, match="no ordinary file"):
        take(pipe, case())
    with pytest.raises(DataError, match="a folder"):
        take(tmp_path, case())


def test_records_of_the_package_s_own_form_may_lack_ids_or_have_numbers(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    row = {"task": "t", "input": {"text": "a"}, "answer": {"label": "true"}}
    file.write_text(f"{json.dumps(row)}\n{json.dumps(row | {'id': 7, 'input': {'text': 'b'}})}\n")
    first, second = take(file, case(), format="records")
    assert first.id.startswith("t-") and second.id == "7"


def test_somebody_else_s_headings_are_no_prompt_of_ours(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    said = "Input:\nMy lamp broke\n\nInstruction:\nClassify"
    messages = [{"role": "user", "content": said}, {"role": "assistant", "content": "true"}]
    file.write_text(json.dumps({"messages": messages}) + "\n")
    assert take(file, case(instruction="Is it so?"))[0].input == {"text": said}


SCENARIO = "name: s\nmodel: m\ntasks: {t: {kind: choice, input: [text], labels: {a: One., b: Two.}}}\n"
SCENARIO += "data: {train: train.jsonl}\n"


def _import(directory: Path, file: Path) -> None:
    import_records(directory, file, Destination(split="train"))


def test_two_imports_at_once_keep_both_files_records(tmp_path: Path) -> None:
    (tmp_path / "scenario.yaml").write_text(SCENARIO)
    for name in "xy":
        rows = [json.dumps({"text": f"{name}{n}", "label": "a"}) for n in range(1500)]
        (tmp_path / f"{name}.jsonl").write_text("\n".join(rows))
    started = multiprocessing.get_context("fork")
    both = [started.Process(target=_import, args=(tmp_path, tmp_path / f"{name}.jsonl")) for name in "xy"]
    for one in both:
        one.start()
    deadline = time.monotonic() + 120
    for one in both:
        one.join(max(0.0, deadline - time.monotonic()))
    assert [one.exitcode for one in both] == [0, 0]
    assert len((tmp_path / "train.jsonl").read_text().splitlines()) == 3000
