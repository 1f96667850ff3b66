"""Rounds of proposals with models behind real servers: what is tested again, what stops a gain, what is
refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.reading_scenario import GOOD, HARMFUL, YAML, write_reading_scenario
from tests.servers.definition_reader import ScriptedWriter, proposal, read_by_definitions
from tests.servers.misbehaving import Misbehaving

from sftloop.core.errors import DataError, SftloopError, UsageError
from sftloop.core.files import sha256_file
from sftloop.records import load_split
from sftloop.scenario import load_scenario
from sftloop.workflow.api_systems import Services
from sftloop.workflow.improve import Search, improve_prompt
from sftloop.workflow.improve_records import divide
from sftloop.workflow.put_in_place import put_in_place

Improve = Callable[..., dict[str, Any]]


@pytest.fixture
def improve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Improve]:
    """Improve a scenario with a reader and a writer of this script."""
    monkeypatch.setenv("SFTLOOP_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    reader = Misbehaving(model="reader", answer=read_by_definitions)
    with reader:

        def run(case: Path, *script: str, rounds: int = 1, proposals: int = 1, **more: Any) -> dict[str, Any]:
            with Misbehaving(model="writer", answer=ScriptedWriter(script=script)) as writer:
                search = Search(
                    model=f"reader@{reader.url}",
                    writer=f"writer@{writer.url}",
                    rounds=rounds,
                    proposals=proposals,
                )
                return improve_prompt(case, search, out=tmp_path / "run", **more)

        yield run


def test_a_change_that_was_better_too_is_tested_again_on_top(improve: Improve, tmp_path: Path) -> None:
    case = write_reading_scenario(tmp_path / "case", per_label=30)
    example = proposal(2, "When will the parcel come?")
    found = improve(case, proposal(1, GOOD), example, proposal(1, HARMFUL), rounds=2, proposals=2)
    kept = [(one["id"], one["again"], one["decision"]) for one in found["proposals"]]
    assert kept[:2] == [("1.1", None, "accepted"), ("1.2", None, "better")]
    assert kept[2:] == [("2.a1", "1.2", "inconclusive")], "nothing was left to gain, and nothing to ask"
    tests = [one["test"] for one in found["proposals"]]
    assert tests[0]["p_adjusted"] == pytest.approx(4 * tests[0]["p"]), "two tests, two rounds"
    assert tests[2]["difference"] == 0.0, "compared with the prompt that was taken"


def test_two_tasks_improve_side_by_side(improve: Improve, tmp_path: Path) -> None:
    case = write_reading_scenario(tmp_path / "case")
    text = (case / "scenario.yaml").read_text()
    start, end = text.index("  intent:"), text.index("data:")
    again = text[start:end].replace("  intent:", "  other:")
    (case / "scenario.yaml").write_text(text[:end] + again + text[end:])
    for split in ("validation", "test"):
        rows = (case / f"{split}.jsonl").read_text()
        twice = rows + rows.replace('"intent"', '"other"').replace(f'"id": "{split}', f'"id": "o-{split}')
        (case / f"{split}.jsonl").write_text(twice)
    found = improve(case, proposal(1, GOOD), proposals=2)
    assert [one["task"] for one in found["accepted"]] == ["intent", "other"]
    improved = Path(found["improved"]).read_text()
    assert improved.count(GOOD) == 2 and improved.count("# near misses") == 2
    assert set(found["test"]["paired"]) == {"intent", "other"}
    assert all(row["p_adjusted"] >= row["p"] for row in found["test"]["paired"].values())


def test_anchors_that_fall_stop_a_gain(improve: Improve, tmp_path: Path) -> None:
    greedy = proposal(1, "Asks where an order or parcel stays, or for the size, please.")
    free = improve(write_reading_scenario(tmp_path / "free"), proposal(1, GOOD), seed=1)
    assert free["accepted"]
    (tmp_path / "run").rename(tmp_path / "run-free")
    case = write_reading_scenario(tmp_path / "case", tag="anchor")
    found = improve(case, greedy)
    [one] = found["proposals"]
    assert one["test"]["anchors"] and one["decision"] in {"anchors", "inconclusive", "worse"}
    assert found["improved"] is None and found["test"] is None and found["accepted"] == []
    assert found["detectable"]["intent"] > 0
    assert not (tmp_path / "run" / "improved.yaml").exists()


def test_without_a_test_file_it_says_so(improve: Improve, tmp_path: Path) -> None:
    case = write_reading_scenario(tmp_path / "case")
    (case / "test.jsonl").unlink()
    found = improve(case, proposal(1, GOOD), apply=True)
    assert found["test"]["note"] == "no_test_file" and found["test"]["paired"] == {}
    assert (case / "scenario.yaml").read_text() == YAML.replace("Asks where an order stays.", GOOD)


def test_the_users_file_is_only_replaced_where_nothing_speaks_against_it(tmp_path: Path) -> None:
    case = write_reading_scenario(tmp_path / "case")
    file = case / "scenario.yaml"
    file.write_bytes(b"\xef\xbb\xbf" + YAML.replace("\n", "\r\n").encode())
    scenario, known = load_scenario(case), sha256_file(file)
    assert put_in_place(scenario, known, "new", ["intent"])["held_back"] == ["intent"]
    with pytest.raises(UsageError, match="changed since this command started"):
        put_in_place(scenario, "other", "new", [])
    before = file.read_bytes()
    found = put_in_place(scenario, known, "new\r\n", [])
    assert file.read_bytes() == b"\xef\xbb\xbfnew\r\n", "mark and line ends stay"
    assert Path(found["backup"]).read_bytes() == before


def test_nothing_wrong_leaves_nothing_to_ask(improve: Improve, tmp_path: Path) -> None:
    case = write_reading_scenario(tmp_path / "case")
    (case / "scenario.yaml").write_text(YAML.replace("Asks where an order stays.", GOOD))
    found = improve(case, proposal(1, HARMFUL))
    assert (found["asked"], found["groups"], found["accepted"], found["rounds"]) == (0, [], [], 0)
    assert "gets nothing wrong" in Path(found["page"]).read_text()


def test_the_division_is_the_same_every_time_and_follows_the_seed(improve: Improve, tmp_path: Path) -> None:
    records = load_split(load_scenario(write_reading_scenario(tmp_path / "case")), "validation")
    first, again, other = (divide(records, ["intent"], seed) for seed in (0, 0, 1))
    assert first == again != other
    seen, held_out = (part["intent"] for part in first)
    assert {one.id for one in seen} | {one.id for one in held_out} == {one.id for one in records}
    labels = [one.answer.label for one in seen]
    assert {labels.count(label) for label in set(labels)} == {len(labels) // 3}, "each label its share"


@pytest.mark.parametrize(
    ("search", "more", "told"),
    [
        (Search(model="reader@example"), {}, r"neither a model nor MODEL@URL"),
        (Search(writer="w@http://127.0.0.1:9/v1", services=Services(budget=1)), {}, r"prices of 'w'"),
        (Search(model="r@http://127.0.0.1:9/v1", services=Services(prices=["gpt=1,2"])), {}, "names 'gpt'"),
        (Search(), {"tasks": ["intents"]}, r"no task 'intents'"),
        (Search(), {"limit": 1}, r"too few to learn from some"),
    ],
)
def test_what_cannot_be_improved(tmp_path: Path, search: Search, more: dict[str, Any], told: str) -> None:
    case = write_reading_scenario(tmp_path / "case")
    with pytest.raises((UsageError, DataError, SftloopError), match=told):
        improve_prompt(case, search, out=tmp_path / "run", **more)
    assert not (tmp_path / "run").exists()
