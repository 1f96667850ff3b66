"""`sftloop prompt improve` through the command line: real servers that read definitions and write proposals."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.command import SFTLOOP, call, environment
from tests.reading_scenario import GOOD, HARMFUL, YAML, write_reading_scenario
from tests.servers.definition_reader import ScriptedWriter, proposal, read_by_definitions
from tests.servers.misbehaving import Misbehaving

USELESS = "Asks about money due back."
SCRIPT = (proposal(1, GOOD), proposal(1, USELESS), "I would rather not.", proposal(1, HARMFUL))
"""For the one group, delivery taken for refund; the choices left are numbered anew each time."""


class Servers:
    """A model that reads definitions and a writer with a script, and the arguments that name them."""

    def __init__(self, writer: ScriptedWriter) -> None:
        self.writer = writer
        self.reader_server = Misbehaving(model="reader", answer=read_by_definitions)
        self.writer_server = Misbehaving(model="writer", answer=writer)

    @property
    def arguments(self) -> list[str]:
        return ["--model", f"reader@{self.reader_server.url}", "--writer", f"writer@{self.writer_server.url}"]

    @property
    def calls(self) -> tuple[int, int]:
        return len(self.reader_server.bodies), len(self.writer_server.bodies)


@contextmanager
def servers(*script: str, hold_from: int | None = None) -> Iterator[Servers]:
    both = Servers(ScriptedWriter(script=script, hold_from=hold_from))
    with both.reader_server, both.writer_server:
        try:
            yield both
        finally:
            both.writer.released.set()


@pytest.fixture
def case(tmp_path: Path) -> Path:
    return write_reading_scenario(tmp_path / "case")


def improve(case: Path, *arguments: str, home: str = "home") -> subprocess.CompletedProcess[str]:
    place = case.parent
    command = ["prompt", "improve", case, "--rounds", "1", "--out", "run", *arguments]
    return call(*command, cwd=place, SFTLOOP_HOME=str(place / home))


def test_the_good_change_is_taken_the_others_are_not_and_nothing_is_asked_twice(case: Path) -> None:
    with servers(*SCRIPT) as both:
        result = improve(case, *both.arguments, "--json")
        assert result.returncode == 0, result.stderr
        calls = both.calls
        assert calls[1] == 4
        assert (case / "scenario.yaml").read_text() == YAML
        applied = improve(case, *both.arguments, "--apply", home="other")
        assert both.calls == calls, "the run directory holds every answer"
    assert result.stdout.count("\n") == 1
    found = json.loads(result.stdout)
    assert found["n"] == {"seen": 18, "held_out": 36}
    assert found["reading"]["intent"]["n"] == 18 and found["reading"]["intent"]["reads"]
    [group] = found["groups"]
    assert (group["gold"], group["answered"], group["wrong"]) == ("delivery", "refund", 6)
    assert [one["decision"] for one in found["proposals"]] == ["accepted", None, None, "worse"]
    assert found["refused"] == {"nothing_new": 1, "malformed": 1} and found["tested"] == 2
    [taken] = found["accepted"]
    assert taken["difference"] == pytest.approx(6 / 36)
    assert 0 < taken["low"] and taken["p_adjusted"] < 0.05
    assert "+        means: Asks where an order or parcel stays." in taken["diff"]
    accuracy = [found["test"][side]["intent"]["value"] for side in ("before", "after")]
    assert accuracy == [pytest.approx(42 / 54), 1.0]
    assert found["test"]["paired"]["intent"]["verdict"] == "better"

    run = case.parent / "run"
    assert (run / "improved.yaml").read_text() == YAML.replace("Asks where an order stays.", GOOD)
    events = [json.loads(line)["event"] for line in (run / "history.jsonl").read_text().splitlines()]
    assert events == ["group", "reading", *["proposal"] * 4, *["test"] * 2, *["decision"] * 2, "test_split"]
    assert (run / "improve.html").stat().st_size > 10_000

    assert applied.returncode == 0, applied.stderr
    assert "1.1 intent, definition of 'delivery': accepted" in applied.stdout
    assert "1.2 intent, what does not count of 'refund': refused (nothing new" in applied.stdout
    assert (case / "scenario.yaml").read_text() == (run / "improved.yaml").read_text()
    [backup] = case.glob("scenario.yaml.*.bak")
    assert backup.read_text() == YAML and str(backup) in applied.stdout


def test_killed_while_the_writer_thinks_it_goes_on_from_there(case: Path) -> None:
    place = case.parent
    with servers(*SCRIPT, hold_from=2) as both:
        command = ["prompt", "improve", str(case), "--rounds", "1", "--out", "run", *both.arguments]
        quiet = subprocess.DEVNULL
        process = subprocess.Popen(
            [*SFTLOOP, *command],
            cwd=place,
            env=environment(SFTLOOP_HOME=str(place / "home")),
            stdout=quiet,
            stderr=quiet,
        )
        try:
            assert both.writer.reached.wait(90)
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait(20)
        both.writer.released.set()
        assert both.calls == (2 * 18, 3), "the seen records, also with their definitions exchanged"
        assert len((place / "run" / "history.jsonl").read_text().splitlines()) == 4
        result = improve(case, *both.arguments, "--json", home="other")
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout)
    assert found["accepted"] and found["refused"] == {"nothing_new": 1, "malformed": 1}
    # held-out records in three wordings, test records in two; the seen ones were answered before
    assert both.calls == (2 * 18 + 3 * 36 + 2 * 54, 3 + 2), "only the question in flight was asked again"


def test_a_service_that_fails_for_good_ends_with_3(case: Path) -> None:
    with servers(*SCRIPT) as both:
        result = improve(case, "--model", f"other@{both.reader_server.url}")
    assert result.returncode == 3, result.stderr
    assert "Traceback" not in result.stderr and "no model 'other'" in result.stderr


def test_a_local_model_and_a_writer_behind_an_api(own_case: Path) -> None:
    with servers(proposal(1, "w15 w16 w50 w60 w61")) as both:
        options = ["--proposals", "1", "--task", "kind", "--json", *both.arguments[2:]]
        result = improve(own_case, *options)
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout)
    assert (found["model"], found["writer"], found["asked"]) == ("model", "writer", 1)
    assert found["tasks"]["kind"]["held_out"] == 6
    assert both.calls == (0, 1)
    assert found["tested"] == 1 and found["improved"] is None, "six records prove nothing"
    assert 0 < found["detectable"]["kind"] <= 1
    assert (own_case.parent / found["page"]).exists()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--budget", "1"], ["--budget", "neither"]),
        (["--task", "words"], ["'words' is a generate", "labels"]),
    ],
)
def test_what_cannot_be_improved_is_refused(
    own_case: Path, refused: Callable[..., str], arguments: list[str], told: list[str]
) -> None:
    text = (own_case / "scenario.yaml").read_text()
    more = "  words: {kind: generate, input: [text], instruction: w21}\ndata:"
    (own_case / "scenario.yaml").write_text(text.replace("data:", more))
    message = refused("prompt", "improve", own_case, *arguments, cwd=own_case)
    assert all(each in message for each in told), message
