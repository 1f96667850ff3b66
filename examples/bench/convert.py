"""Write the records of the benchmark scenarios from the public files (README.md says where to get those).

    python examples/bench/convert.py --data DIR [NAME …]

Same files, same records: what is drawn depends on the messages alone. Doesn't know models or prompts.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import sys
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from sftloop.core.errors import DataError, SftloopError
from sftloop.core.files import sha256_json
from sftloop.core.jsonl import read_jsonl
from sftloop.core.seeds import derive_seed
from sftloop.records import Record, check_record, split_path, write_records
from sftloop.scenario import Answer, Scenario, load_scenario

HERE = Path(__file__).parent
FEWCLUE_FILES = {"train": "train_few_all.json", "validation": "dev_few_all.json", "test": "test_public.json"}
BUSTM_LABELS = {"0": "不同", "1": "相同"}


class Message(NamedTuple):
    """One row of banking77."""

    name: str
    """File and number of the row, from 1."""
    text: str
    intent: str


def banking77(data: Path, scenario: Scenario, train: int, validation: int) -> Iterator[tuple[str, Record]]:
    """Yield split and record: per intent `train` + `validation` messages, and all test messages.

    A training message that stands in the test file as well, or for a second time, is not drawn.
    """
    test = list(_messages(data / "banking77" / "test.csv", "test"))
    taken = {_key(message) for message in test}
    by_intent: dict[str, list[Message]] = defaultdict(list)
    for message in _messages(data / "banking77" / "train.csv", "train"):
        key = _key(message)
        if key not in taken:
            taken.add(key)
            by_intent[message.intent].append(message)
    intents = scenario.tasks["intent"].labels
    for intent in intents:
        drawn = sorted(by_intent[intent], key=_draw)
        if len(drawn) < train + validation:
            raise DataError(f"banking77 holds {len(drawn)} usable training messages of '{intent}'.")
        for position, message in enumerate(drawn[: train + validation]):
            yield ("train" if position < train else "validation"), _intent_record(message)
    for message in test:
        if message.intent in intents:
            yield "test", _intent_record(message)


def _messages(path: Path, split: str) -> Iterator[Message]:
    with _existing(path).open(encoding="utf-8", newline="") as stream:
        for number, row in enumerate(csv.DictReader(stream), start=1):
            yield Message(f"{split}-{number:05}", " ".join(row["text"].split()), row["category"])


def _draw(message: Message) -> int:
    return derive_seed("banking77", _key(message))


def _key(message: Message) -> str:
    """Return what equal messages share; the draw depends on it, so it must never change."""
    folded = unicodedata.normalize("NFKC", message.text).casefold()
    letters = "".join(" " if unicodedata.category(mark)[0] in "PZC" else mark for mark in folded)
    return sha256_json([" ".join(letters.split()) or " ".join(folded.split())])


def _intent_record(message: Message) -> Record:
    return Record(
        id=message.name,
        task="intent",
        input={"message": message.text},
        answer=Answer(label=message.intent),
        source="banking77",
    )


def fewclue(
    data: Path, name: str, task: str, read: Callable[[Mapping[str, Any]], tuple[dict[str, Any], str]]
) -> Iterator[tuple[str, Record]]:
    """Yield split and record of one FewCLUE set; `read` takes a row to its input and label."""
    for split, file in FEWCLUE_FILES.items():
        for line, row in read_jsonl(_existing(data / "fewclue" / name / file), what=name):
            found, label = read(row)
            yield (
                split,
                Record(
                    id=f"{split}-{line:05}",
                    task=task,
                    input=found,
                    answer=Answer(label=label),
                    source=f"fewclue/{name}",
                    group=row.get("prem_id"),
                ),
            )


def _topics(data: Path) -> dict[str, str]:
    """Return the English name in tnews → the Chinese one, which is the label here."""
    index = read_jsonl(_existing(data / "fewclue" / "tnews" / "label_index2en2zh.json"), what="tnews labels")
    return {row["label_desc"]: row["label_zh"] for _, row in index}


def _tnews(data: Path, scenario: Scenario) -> Iterator[tuple[str, Record]]:
    topics = _topics(data)
    return fewclue(
        data, "tnews", "topic", lambda row: ({"title": row["sentence"]}, topics[row["label_desc"]])
    )


def _instructions(data: Path, scenario: Scenario) -> Iterator[tuple[str, Record]]:
    """Yield the open instructions: of every twenty, one validates and one tests."""
    path = _existing(data / "instruct" / "alpaca_en_demo.json")
    for number, row in enumerate(json.loads(path.read_text(encoding="utf-8"))):
        request = "\n\n".join(part for part in (row["instruction"], row["input"]) if part)
        split = {0: "validation", 1: "test"}.get(number % 20, "train")
        answer = Answer(text=row["output"].strip())
        yield (
            split,
            Record(
                id=f"{number:05}",
                task="reply",
                input={"request": request},
                answer=answer,
                source="alpaca_en_demo",
            ),
        )


CONVERTERS: dict[str, Callable[[Path, Scenario], Iterator[tuple[str, Record]]]] = {
    "banking77-15": lambda data, scenario: banking77(data, scenario, train=20, validation=5),
    "banking77": lambda data, scenario: banking77(data, scenario, train=10, validation=2),
    "eprstmt": lambda data, scenario: fewclue(
        data, "eprstmt", "sentiment", lambda row: ({"review": row["sentence"]}, row["label"])
    ),
    "tnews": _tnews,
    "ocnli": lambda data, scenario: fewclue(
        data,
        "ocnli",
        "relation",
        lambda row: ({"premise": row["sentence1"], "hypothesis": row["sentence2"]}, row["label"]),
    ),
    "bustm": lambda data, scenario: fewclue(
        data,
        "bustm",
        "meaning",
        lambda row: ({"first": row["sentence1"], "second": row["sentence2"]}, BUSTM_LABELS[row["label"]]),
    ),
    "instruct": _instructions,
}
"""Scenario's folder → what reads its records."""


def convert(name: str, data: Path, out: Path = HERE) -> dict[str, int]:
    """Write one scenario's three files below `out` and return split → records.

    Raises:
        DataError: a file is missing, or a row doesn't fit the scenario.
    """
    scenario = load_scenario(HERE / name)
    splits: dict[str, list[Record]] = {"train": [], "validation": [], "test": []}
    for split, record in CONVERTERS[name](data, scenario):
        problem = check_record(record, scenario)
        if problem is not None:
            raise DataError(f"{name}, {split}, record '{record.id}': {problem}")
        splits[split].append(record)
    for split, records in splits.items():
        write_records(out / split_path(scenario, split).relative_to(HERE), records)
    return {split: len(records) for split, records in splits.items()}


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise DataError(f"'{path}' does not exist.", hint="examples/bench/README.md says where to get it.")
    return path


def main(arguments: Iterable[str] | None = None) -> int:
    """Convert the named scenarios, or all of them; return the exit code."""
    parser = argparse.ArgumentParser(description="Write the records of the benchmark scenarios.")
    parser.add_argument(
        "--data",
        type=Path,
        default=os.environ.get("SFTLOOP_BENCH_DATA"),
        metavar="DIR",
        help="holds banking77/, fewclue/ and instruct/; by default SFTLOOP_BENCH_DATA",
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(CONVERTERS))
    options = parser.parse_args(None if arguments is None else list(arguments))
    if options.data is None:
        parser.error("--data or SFTLOOP_BENCH_DATA must name the directory with the public files")
    unknown = [name for name in options.names if name not in CONVERTERS]
    if unknown:
        parser.error(f"there is no scenario '{unknown[0]}'; choose from {', '.join(CONVERTERS)}")
    try:
        for name in options.names or CONVERTERS:
            print(json.dumps({"scenario": name, **convert(name, Path(options.data))}))
    except SftloopError as error:
        print(f"Error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
