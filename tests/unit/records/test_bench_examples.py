"""The benchmark scenarios: they lint clean, and the converter draws fairly, from public or made-up files."""

import csv
import json
import os
import sys
from collections import Counter
from pathlib import Path

import pytest
from tests.patience import run

from sftloop.records import input_key, read_records
from sftloop.scenario import lint, load_scenario

BENCH = Path(__file__).parents[3] / "examples" / "bench"
NAMES = ["banking77-15", "banking77", "eprstmt", "tnews", "ocnli", "bustm", "instruct"]
PUBLIC = os.environ.get("SFTLOOP_BENCH_DATA")
SIZES = {
    "banking77-15": (300, 75, 600),
    "banking77": (770, 154, 3080),
    "eprstmt": (160, 160, 610),
    "tnews": (1185, 1098, 2010),
    "ocnli": (160, 160, 2520),
    "bustm": (160, 160, 1772),
    "instruct": (899, 50, 50),
}


@pytest.fixture
def convert(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCH))
    from convert import convert

    return convert


@pytest.mark.parametrize("name", NAMES)
def test_scenarios_lint_clean(name):
    assert lint(load_scenario(BENCH / name)) == []


def test_the_small_banking_set_uses_labels_of_the_whole():
    small, whole = (set(load_scenario(BENCH / name).tasks["intent"].labels) for name in NAMES[:2])
    assert (len(small), len(whole)) == (15, 77) and small < whole


@pytest.fixture
def banking(tmp_path):
    """30 training and 3 test messages per intent; per intent, one stands in both and one comes twice."""
    home = tmp_path / "public" / "banking77"
    home.mkdir(parents=True)
    intents = load_scenario(BENCH / "banking77").tasks["intent"].labels
    train = [(f"{intent} {number}?", intent) for intent in intents for number in range(28)]
    train += [(f"{intent} test 0", intent) for intent in intents]
    train += [(f"{intent.upper()}  5", intent) for intent in intents]
    test = [(f"{intent} test {number}", intent) for intent in intents for number in range(3)]
    for name, rows in (("train", train), ("test", test)):
        with (home / f"{name}.csv").open("w", newline="") as stream:
            csv.writer(stream).writerows([("text", "category"), *rows])
    return home.parent


def records(out, name, split):
    return list(read_records(out / name / "data" / f"{split}.jsonl", load_scenario(BENCH / name)))


def test_banking_draws_so_many_per_intent_and_nothing_of_the_test_file(convert, banking, tmp_path):
    assert convert("banking77-15", banking, tmp_path) == {"train": 300, "validation": 75, "test": 45}
    parts = [records(tmp_path, "banking77-15", split) for split in ("train", "validation", "test")]
    for part, count in zip(parts, (20, 5, 3), strict=True):
        assert set(Counter(record.answer.label for record in part).values()) == {count}
    keys = [input_key(record.input) for part in parts for record in part]
    assert len(keys) == len(set(keys))


def test_what_is_drawn_does_not_depend_on_the_order_of_the_file(convert, banking, tmp_path):
    convert("banking77", banking, tmp_path / "one")
    file = banking / "banking77" / "train.csv"
    header, *rows = file.read_text().splitlines()
    file.write_text("\n".join([header, *reversed(rows)]) + "\n")
    convert("banking77", banking, tmp_path / "two")
    one, two = (
        {input_key(r.input) for r in records(tmp_path / n, "banking77", "train")} for n in ("one", "two")
    )
    assert one == two


def test_fewclue_rows_keep_their_split_and_get_the_scenario_s_labels(convert, tmp_path):
    home = tmp_path / "public" / "fewclue" / "bustm"
    home.mkdir(parents=True)
    row = {"id": 3, "sentence1": "叫我", "sentence2": "喊我", "label": "1"}
    for file in ("train_few_all", "dev_few_all", "test_public"):
        (home / f"{file}.json").write_text(json.dumps(row) + "\n")
    assert convert("bustm", tmp_path / "public", tmp_path) == {"train": 1, "validation": 1, "test": 1}
    (record,) = records(tmp_path, "bustm", "test")
    assert record.input == {"first": "叫我", "second": "喊我"} and record.answer.label == "相同"


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--data", "nowhere", "bustm"], 2, "README.md says where to get it"),
        (["--data", "nowhere", "bustn"], 2, "no scenario 'bustn'"),
        ([], 2, "SFTLOOP_BENCH_DATA"),
    ],
)
def test_the_script_says_what_is_missing(arguments, code, message):
    environment = {key: value for key, value in os.environ.items() if key != "SFTLOOP_BENCH_DATA"}
    done = run([sys.executable, BENCH / "convert.py", *arguments], env=environment)
    assert done.returncode == code and message in done.stderr and "Traceback" not in done.stderr


@pytest.mark.skipif(not PUBLIC, reason="SFTLOOP_BENCH_DATA names no directory with the public files")
@pytest.mark.parametrize("name", NAMES)
def test_the_public_files_give_the_sizes_in_the_readme(convert, tmp_path, name):
    sizes = convert(name, Path(PUBLIC or ""), tmp_path)
    assert tuple(sizes.values()) == SIZES[name]
    shown = " / ".join(f"{size:,}" for size in SIZES[name])
    assert f"| {shown} |" in (BENCH / "README.md").read_text(encoding="utf-8")
    scenario = load_scenario(BENCH / name)
    parts = [records(tmp_path, name, split) for split in sizes]
    labels = next(iter(scenario.tasks.values())).labels
    assert not labels or {record.answer.label for record in parts[0]} == set(labels)
    train, validation, test = ({input_key(record.input) for record in part} for part in parts)
    assert not train & test and not validation & test
