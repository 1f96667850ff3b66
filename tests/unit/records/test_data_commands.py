"""`import`, `export-data` and `init` through the command line: files, exit codes, one JSON object."""

import json
import os
import sys
from pathlib import Path

import pytest
from tests.patience import run

from sftloop.cli import main
from sftloop.core.errors import UsageError
from sftloop.records import load_split, read_records
from sftloop.records.suites import write_suite
from sftloop.scenario import lint, load_scenario

ROWS = [(f"text {n}", ("refund", "delivery", "other")[n % 3]) for n in range(60)]


@pytest.fixture
def sftloop(monkeypatch, capsys):
    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["sftloop", *map(str, arguments)])
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = stop.code or 0
        out, err = capsys.readouterr()
        return code, out, err

    return run


@pytest.fixture
def table(tmp_path):
    file = tmp_path / "mail.csv"
    file.write_text("text,category\n" + "".join(f"{text},{label}\n" for text, label in ROWS))
    return file


MAPPING = ("--task", "intent", "--map", "message=text", "--map", "label=category")


def test_import_divides_and_prints_one_json_object(sftloop, directory, table):
    code, out, err = sftloop("import", directory, table, *MAPPING, "--split-by", "0.8,0.1,0.1", "--json")
    assert (code, err) == (0, "")
    result = json.loads(out)
    assert (result["format"], result["read"], result["added"], result["bad"]) == ("csv", 60, 60, 0)
    assert {name: part["records"] for name, part in result["files"].items()} == {
        "train": 48,
        "validation": 6,
        "test": 6,
    }
    assert len(load_split(load_scenario(directory), "train")) == 48


def test_importing_twice_changes_nothing(sftloop, directory, table):
    sftloop("import", directory, table, *MAPPING, "--split-by", "0.8,0.1,0.1")
    before = {path.name: path.read_bytes() for path in (directory / "data").iterdir()}
    code, out, _ = sftloop("import", directory, table, *MAPPING, "--split-by", "0.5,0.25,0.25", "--json")
    assert code == 0 and (json.loads(out)["added"], json.loads(out)["unchanged"]) == (0, 60)
    assert {path.name: path.read_bytes() for path in (directory / "data").iterdir()} == before


def test_a_later_import_keeps_inputs_on_their_side(sftloop, directory, table, tmp_path):
    sftloop("import", directory, table, *MAPPING, "--split-by", "0.8,0.1,0.1")
    loaded = load_scenario(directory)
    parts = {split: load_split(loaded, split) for split in ("train", "test")}
    where = {record.input["message"]: split for split, part in parts.items() for record in part}
    moods = tmp_path / "moods.csv"
    moods.write_text("message,score\n" + "".join(f"{text.upper()}!,3\n" for text, _ in ROWS))
    code, _, _ = sftloop("import", directory, moods, "--task", "mood", "--split-by", "0.5,0.25,0.25")
    assert code == 0
    scenario = load_scenario(directory)
    for split in ("train", "test"):
        for record in load_split(scenario, split, tasks=["mood"]):
            assert where[record.input["message"].lower().rstrip("!")] == split


def test_a_bad_row_ends_it_and_nothing_is_written(sftloop, directory, table):
    table.write_text(table.read_text() + "oops,unknown\n")
    code, out, err = sftloop("import", directory, table, *MAPPING, "--split", "train", "--json")
    assert (code, out) == (2, "")
    assert f"{table}:62: Task 'intent' has no label 'unknown'." in err and "Traceback" not in err
    assert not (directory / "data").exists()


def test_skip_bad_keeps_what_it_leaves_out(sftloop, directory, table):
    table.write_text(table.read_text() + "oops,unknown\n")
    code, out, err = sftloop("import", directory, table, *MAPPING, "--split", "train", "--skip-bad", "--json")
    result = json.loads(out)
    assert (code, result["added"], result["bad"]) == (0, 60, 1)
    (reject,) = [json.loads(line) for line in open(result["rejects"], encoding="utf-8")]
    assert reject["row"] == {"text": "oops", "category": "unknown"} and reject["line"] == 62
    assert "1 bad rows skipped" in err
    assert not list(table.parent.glob("*.rejects.jsonl")), "the user's own folder is left alone"


def test_an_import_with_only_bad_rows_is_an_error(sftloop, directory, tmp_path):
    file = tmp_path / "a.csv"
    file.write_text("message,label\nx,unknown\n")
    code, _, err = sftloop("import", directory, file, "--task", "intent", "--split", "train", "--skip-bad")
    assert code == 2 and "None of the 1 rows" in err


def test_an_id_may_not_change_its_meaning(sftloop, directory, tmp_path):
    for text, expected in (("hello", 0), ("hello", 0), ("goodbye", 2)):
        file = tmp_path / "a.csv"
        file.write_text(f"id,message,label\n7,{text},other\n")
        code, _, err = sftloop("import", directory, file, "--task", "intent", "--split", "train")
        assert code == expected
    assert "The id '7' belongs to a different record" in err and "--map id=" in err


def test_files_that_disagree_on_an_input_are_both_kept(sftloop, directory, tmp_path):
    added = []
    for label in ("refund", "other", "other", "refund", "delivery"):
        file = tmp_path / f"{label}.csv"
        file.write_text(f"message,label\n第一条,{label}\n")
        words = ("import", directory, file, "--task", "intent", "--split", "train", "--json")
        code, out, _ = sftloop(*words)
        added.append((code, json.loads(out)["added"]))
    assert added == [(0, 1), (0, 1), (0, 0), (0, 0), (0, 1)]
    records = load_split(load_scenario(directory), "train")
    assert [record.answer.label for record in records] == ["refund", "other", "delivery"]


def test_only_a_table_has_a_column_of_ids_to_leave_out(sftloop, directory, tmp_path):
    file = tmp_path / "a.jsonl"
    for text in ("hello", "goodbye"):
        row = {"id": "7", "task": "intent", "input": {"message": text}, "answer": {"label": "other"}}
        file.write_text(json.dumps(row) + "\n")
        code, _, err = sftloop("import", directory, file, "--split", "train")
    assert code == 2 and "The id '7' belongs to a different record" in err
    assert "Give the row another id" in err and "--map" not in err


def test_inputs_that_stand_in_another_split_are_told(sftloop, directory, table):
    sftloop("import", directory, table, *MAPPING, "--split", "test")
    code, _, err = sftloop("import", directory, table, *MAPPING, "--split", "train")
    assert code == 0 and "60 of the new inputs also stand in" in err


def test_a_later_import_keeps_groups_on_their_side(sftloop, directory, tmp_path):
    for turn in range(3):
        file = tmp_path / f"{turn}.csv"
        rows = [f"text {turn} {n},other,author {n % 20}" for n in range(20 + 20 * turn)]
        file.write_text("text,category,group\n" + "\n".join(rows) + "\n")
        code, _, err = sftloop("import", directory, file, *MAPPING, "--split-by", "0.5,0.25,0.25")
        assert (code, err) == (0, "")
    sides: dict[str, set[str]] = {}
    for split in ("train", "validation", "test"):
        for record in load_split(load_scenario(directory), split):
            sides.setdefault(record.group, set()).add(split)
    assert len(sides) == 20 and all(len(found) == 1 for found in sides.values())


@pytest.mark.parametrize("linked", [False, True])
def test_splits_that_are_one_file_are_not_divided_into(sftloop, directory, table, linked):
    text = (directory / "scenario.yaml").read_text()
    kept = directory / "data" / "test.jsonl"
    if linked:
        kept.parent.mkdir()
        kept.write_text("")
        (directory / "data" / "validation.jsonl").symlink_to(kept)
    else:
        (directory / "scenario.yaml").write_text(text.replace("data/validation", "./data/../data/test"))
    code, _, err = sftloop("import", directory, table, *MAPPING, "--split-by", "0.8,0.1,0.1")
    assert code == 2 and "validation and test are the same file" in err and "--split" in err
    assert not (directory / "data" / "train.jsonl").exists()
    assert not kept.exists() or kept.read_text() == ""
    assert sftloop("import", directory, table, *MAPPING, "--split", "test")[0] == 0
    assert len(load_split(load_scenario(directory), "validation")) == 60


def test_groups_that_stand_in_another_split_are_told(sftloop, directory, tmp_path):
    for split, text in (("train", "one"), ("test", "two")):
        file = tmp_path / f"{split}.csv"
        file.write_text(f"text,category,group\n{text},other,author 1\n")
        code, _, err = sftloop("import", directory, file, *MAPPING, "--split", split)
    assert code == 0 and "1 of the new groups also stand in" in err and "(train)" in err


def test_out_writes_elsewhere(sftloop, directory, table, tmp_path):
    out = tmp_path / "records.jsonl"
    code, _, _ = sftloop("import", directory, table, *MAPPING, "--out", out)
    assert code == 0 and len(list(read_records(out, load_scenario(directory)))) == 60
    assert not (directory / "data").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "Where shall the records go?"),
        (("--split", "train", "--split-by", "0.8,0.1,0.1"), "exclude each other"),
        (("--split", "trian"), "no split 'trian'"),
        (("--split-by", "0.8,0.2"), "wants the shares of train, validation, test"),
        (("--split-by", "0.8,0.1,0.2"), "must sum to 1"),
        (("--split", "train", "--map", "message"), "--map wants PART=COLUMN"),
        (("--split", "train", "--map", "message=text"), "--map names 'message' twice"),
        (("--split", "train", "--format", "xls"), "no format 'xls'"),
        (("--split", "train", "--task", "intents"), "no task 'intents'. Did you mean 'intent'?"),
    ],
)
def test_wrong_options_end_with_2_and_say_why(sftloop, directory, table, arguments, message):
    code, out, err = sftloop("import", directory, table, *MAPPING, *arguments)
    assert (code, out) == (2, "")
    assert message in err.replace("\n  → ", " ")


def test_a_missing_scenario_or_file(sftloop, directory, tmp_path):
    assert sftloop("import", tmp_path / "none", tmp_path / "x.csv", "--split", "train")[0] == 2
    code, _, err = sftloop("import", directory, tmp_path / "x.csv", "--split", "train")
    assert code == 2 and "does not exist" in err


@pytest.mark.parametrize("format", ["openai", "sharegpt", "alpaca"])
def test_export_and_import_give_the_same_records(sftloop, directory, table, format, tmp_path):
    sftloop("import", directory, table, *MAPPING, "--split", "train")
    file = tmp_path / "out.jsonl"
    code, out, _ = sftloop(
        "export-data", directory, "--format", format, "--no-cap", "--ids", "--out", file, "--json"
    )
    result = json.loads(out)
    assert (code, result["n"], result["tasks"], result["dropped"]) == (0, 60, {"intent": 60}, {})
    back = tmp_path / "back.jsonl"
    assert sftloop("import", directory, file, "--out", back)[0] == 0
    assert back.read_bytes() == (directory / "data" / "train.jsonl").read_bytes()


def test_export_leaves_out_what_training_leaves_out(sftloop, directory, table):
    sftloop("import", directory, table, *MAPPING, "--split", "train")
    _, out, _ = sftloop("export-data", directory, "--json")
    result = json.loads(out)
    assert (result["n"], result["dropped"]) == (6, {"intent": 54})
    assert result["path"] == str(directory / "export" / "train.openai.jsonl")
    _, out, _ = sftloop("export-data", directory, "--limit", "3", "--no-cap")
    assert "3 records of train as openai" in out


def test_export_refuses_what_is_not_there(sftloop, directory):
    code, _, err = sftloop("export-data", directory, "--split", "test")
    assert code == 2 and "does not exist" in err
    code, _, err = sftloop("export-data", directory, "--split", "tst")
    assert code == 2 and "Did you mean 'test'?" in err


@pytest.mark.parametrize("name", ["scenario.yaml", "data/train.jsonl", "data/../data/test.jsonl"])
def test_an_export_never_overwrites_the_scenario(sftloop, directory, table, name):
    sftloop("import", directory, table, *MAPPING, "--split-by", "0.5,0.25,0.25")
    before = (directory / name).read_bytes()
    code, _, err = sftloop("export-data", directory, "--split", "test", "--out", directory / name)
    assert code == 2 and "the scenario's own" in err and "Name a new file" in err
    with pytest.raises(UsageError, match="the scenario's own"):
        write_suite(load_scenario(directory), [], "promptfoo", directory / name)
    assert (directory / name).read_bytes() == before


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_starter_loads_lints_clean_and_holds_three_records_per_split(sftloop, tmp_path, language):
    home = tmp_path / "new" / "case"
    code, out, _ = sftloop("init", home, "--language", language, "--json")
    assert code == 0
    assert json.loads(out)["files"] == [
        "data/test.jsonl",
        "data/train.jsonl",
        "data/validation.jsonl",
        "scenario.yaml",
    ]
    scenario = load_scenario(home)
    assert scenario.language == language
    records = [record for split in ("train", "validation", "test") for record in load_split(scenario, split)]
    assert len(records) == 9 and len({record.id for record in records}) == 9
    for split in ("train", "validation", "test"):
        labels = [record.answer.label for record in load_split(scenario, split)]
        assert sorted(labels) == sorted(scenario.tasks["concern"].labels)
    assert lint(scenario, records) == []


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_starters_records_make_way_for_the_users_own(sftloop, table, tmp_path, language):
    """As the README says: the task is put in, then the records are imported."""
    home = tmp_path / "case"
    sftloop("init", home, "--language", language)
    (home / "scenario.yaml").write_text(
        "name: mail\nmodel: tiny\ntasks:\n  topic:\n    kind: choice\n    input: [message]\n"
        "    labels: {refund: a b c, delivery: d e f, other: g h i}\n"
        "data: {train: data/train.jsonl, validation: data/validation.jsonl, test: data/test.jsonl}\n"
    )
    code, _, err = sftloop("import", home, table, *MAPPING[2:], "--split-by", "0.8,0.1,0.1")
    assert code == 0 and err.count("the 3 records that `init` wrote made way for yours") == 3
    for split, count in (("train", 48), ("validation", 6), ("test", 6)):
        records = load_split(load_scenario(home), split)
        assert len(records) == count and all(record.task == "topic" for record in records)
    code, out, err = sftloop("import", home, table, *MAPPING[2:], "--split-by", "0.8,0.1,0.1", "--json")
    assert (code, err, json.loads(out)["unchanged"]) == (0, "", 60)


def test_an_import_into_one_split_names_the_starters_in_the_others(sftloop, tmp_path):
    home, file = tmp_path / "case", tmp_path / "own.csv"
    sftloop("init", home)
    file.write_text("message,label\nmy own text,booking\n")
    own = home / "data" / "train.jsonl"
    edited = own.read_text().splitlines()[0].replace("one more night", "two more nights")
    own.write_text(own.read_text() + edited.replace("concern-train-1", "mine") + "\n")
    code, _, err = sftloop("import", home, file, "--split", "train")
    assert code == 0 and "the 3 records" in err
    assert "(test) still holds 3 records that `init` wrote" in err
    assert len(load_split(load_scenario(home), "train")) == 2, "an edited text is the user's own"


def test_a_split_that_gets_nothing_keeps_no_starter(sftloop, tmp_path):
    home, file = tmp_path / "case", tmp_path / "own.csv"
    sftloop("init", home)
    file.write_text("message,label\nmy own text,booking\n")
    code, _, err = sftloop("import", home, file, "--split-by", "0.8,0.1,0.1")
    assert code == 0 and "No record fell to test" in err and "is empty now" in err
    assert (home / "data" / "test.jsonl").read_text() == ""


def test_bad_rows_that_are_there_already_are_not_for_skip_bad(sftloop, directory, table):
    (directory / "data").mkdir()
    train = directory / "data" / "train.jsonl"
    train.write_text("not json\n")
    code, _, err = sftloop("import", directory, table, *MAPPING, "--split", "train", "--skip-bad")
    assert code == 2 and "train.jsonl:1" in err and "--skip-bad is for new rows" in err
    code, _, err = sftloop("import", directory, table, *MAPPING, "--split", "test")
    assert code == 0 and "The train file was not searched" in err and "train.jsonl:1" in err
    assert train.read_text() == "not json\n"


def test_each_source_keeps_its_rejects(sftloop, directory, tmp_path):
    found = []
    for folder, bad in (("a", "one"), ("b", "two"), ("a", "one")):
        (tmp_path / folder).mkdir(exist_ok=True)
        file = tmp_path / folder / "mail.csv"
        file.write_text(f"text,category\n{folder} text,other\n{bad},nonsense\n")
        words = ("import", directory, file, *MAPPING, "--split", "train", "--skip-bad", "--json")
        found.append(json.loads(sftloop(*words)[1])["rejects"])
    assert [Path(path).name for path in found] == [
        "mail.rejects.jsonl",
        "mail-2.rejects.jsonl",
        "mail.rejects.jsonl",
    ]
    for path, bad in zip(found, ("one", "two"), strict=False):
        (row,) = [json.loads(line) for line in Path(path).read_text().splitlines()]
        assert row["row"]["text"] == bad


@pytest.mark.parametrize("name", ["hotel", "机票 客服", "no", "2026", "a: b"])
def test_init_names_the_scenario_after_its_directory(sftloop, tmp_path, name):
    assert sftloop("init", tmp_path / name)[0] == 0
    assert load_scenario(tmp_path / name).name == name


def test_init_takes_an_empty_directory_and_refuses_any_other(sftloop, tmp_path):
    assert sftloop("init", tmp_path)[0] == 0
    before = (tmp_path / "scenario.yaml").read_bytes()
    code, _, err = sftloop("init", tmp_path, "--language", "zh")
    assert code == 2 and "is not empty" in err
    assert (tmp_path / "scenario.yaml").read_bytes() == before
    code, _, err = sftloop("init", tmp_path / "scenario.yaml")
    assert code == 2 and "is a file" in err
    code, _, err = sftloop("init", tmp_path / "other", "--language", "de")
    assert code == 2 and "'de'" in err and not (tmp_path / "other").exists()


def test_help_imports_nothing_heavy():
    script = (
        "import sys; sys.argv = ['sftloop', VERB, '--help']\n"
        "from sftloop.cli import main\n"
        "try: main()\nexcept SystemExit: pass\n"
        "heavy = {'torch', 'transformers', 'polars', 'numpy', 'pydantic'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    for verb in ("import", "export-data", "init"):
        done = run([sys.executable, "-c", script.replace("VERB", repr(verb))])
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("as_json", [True, False])
def test_what_a_terminal_cannot_show_ends_nothing(directory, tmp_path, as_json):
    """Windows consoles in Chinese speak GBK, which has no emoji."""
    file = tmp_path / "好👍.csv"
    file.write_text("message,label\nhi,other\n")
    words = [
        "import",
        directory,
        file,
        "--task",
        "intent",
        "--split",
        "train",
        *(["--json"] if as_json else []),
    ]
    command = [sys.executable, "-m", "sftloop", *map(str, words)]
    found = run(command, cwd=tmp_path, env={**os.environ, "PYTHONIOENCODING": "gbk"}, text=False)
    assert found.returncode == 0, found.stderr
    out = found.stdout.decode("gbk")
    if as_json:
        assert json.loads(out)["source"] == str(file)
    else:
        assert "\\U0001f44d.csv (csv): 1 rows, 1 records added" in out and "好" in out
