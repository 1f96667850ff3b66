"""What a service failed to answer is asked again by the same comparison, and nothing else is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path

import pytest
from tests.servers.misbehaving import Misbehaving
from tests.tiny_scenario import YAML

from sftloop.core.rundir import RunDirectory
from sftloop.evaluate.predict import read_predictions
from sftloop.models.remote import Endpoint, RemoteModel, client
from sftloop.records import Prediction, Record
from sftloop.scenario import Answer, Scenario, load_scenario
from sftloop.workflow.answering import answers_of, asks_again, name_of_test, unanswered
from sftloop.workflow.improve_asking import Asking, Voice
from sftloop.workflow.improve_formats_asking import FormatAsker
from sftloop.workflow.improve_formats_variants import format_space
from sftloop.workflow.system import System
from sftloop.workflow.system_figures import system_figures

RECORDS = [
    Record(id=f"r{n}", task="kind", input={"text": f"w5{n}"}, answer=Answer(label="w30")) for n in range(8)
]


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "_FIRST_PAUSE_SECONDS", 0.001)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


@pytest.fixture
def service(tmp_path: Path) -> Callable[[str], System]:
    (tmp_path / "scenario.yaml").write_text(YAML)

    def at(url: str) -> System:
        endpoint = Endpoint(base_url=url, model="small", answer_seconds=0.2)

        @contextmanager
        def opened() -> Iterator[RemoteModel]:
            with RemoteModel(endpoint, cache=tmp_path / "cache.sqlite") as model:
                yield model

        scenario = load_scenario(tmp_path)
        return System(
            name="small",
            kind="api",
            scenario=scenario,
            tasks=tuple(scenario.tasks),
            runs=(opened,),
            identities=("0123456789",),
        )

    return at


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    return RunDirectory.open(tmp_path / "cmp", verb="compare", command=["x"], inputs={}, settings={})


def fails(kind: str, *words: str) -> Callable[[dict], str | None]:
    """Say what the calls on some records meet."""
    return lambda body: kind if asked(body) in words else None


def asked(body: dict) -> str:
    """Return the record's own word."""
    [word] = {f"w5{n}" for n in range(8)}.intersection(body["messages"][-1]["content"].split())
    return word


def asked_for(server: Misbehaving) -> set[str]:
    return set(map(asked, server.bodies))


@pytest.mark.parametrize("fault", ["429", "500", "cut", "hang", "400"])
def test_only_what_failed_is_asked_again(service, run, fault) -> None:
    with Misbehaving(fate_of=fails(fault, "w52", "w55"), retry_after=None) as server:
        system = service(server.url)
        [first] = answers_of(run, system, RECORDS)
        assert [one.id for one in unanswered(system, first)] == ["r2", "r5"]
        assert system_figures(system.scenario, system, RECORDS, [first], seed=0)["unanswered"] == 2
        assert {one.answer for one in first if one.id not in ("r2", "r5")} == {Answer(label="w30")}
        server.fate_of = fails(fault, "w55")
        server.bodies.clear()
        [second] = answers_of(run, system, RECORDS)
        assert asked_for(server) == {"w52", "w55"}
        assert [one.id for one in second] == [record.id for record in RECORDS]
        assert [one.id for one in unanswered(system, second)] == ["r5"]
        server.fate_of = lambda body: None
        server.bodies.clear()
        [third] = answers_of(run, system, RECORDS)
        assert asked_for(server) == {"w55"} and not unanswered(system, third)
        server.bodies.clear()
        assert answers_of(run, system, RECORDS) == [third]
        assert server.bodies == []
    [path] = run.path.rglob("predictions.jsonl")
    assert len(path.read_text().splitlines()) == len(RECORDS)


def test_a_service_that_is_gone_takes_no_answer_away(service, run, capsys) -> None:
    with Misbehaving(fate_of=fails("400", "w52")) as server:
        url = server.url
        [first] = answers_of(run, service(url), RECORDS)
    [path] = run.path.rglob("predictions.jsonl")
    before = path.read_bytes()
    assert answers_of(run, service(url), RECORDS) == [first]
    assert path.read_bytes() == before
    told = capsys.readouterr().err
    assert "small: still 1 record without an answer" in told and "can't be reached" in told


def test_an_interrupted_run_asks_again_too_and_the_later_answer_counts(service, run) -> None:
    folder = run.file("systems/small-01234567")
    folder.mkdir(parents=True)
    path = folder / "predictions.jsonl"
    path.write_text(
        '{"id": "r0", "task": "kind", "text": "w31", "answer": {"label": "w31"}}\n'
        '{"id": "r1", "task": "kind", "error": "6 tries failed"}\n'
    )
    with Misbehaving() as server:
        [found] = answers_of(run, service(server.url), RECORDS)
        assert len(server.bodies) == 7, "the first record has its answer"
    assert found[0].answer == Answer(label="w31") and found[1].answer == Answer(label="w30")
    assert len(path.read_text().splitlines()) == 9, "appended to, as any evaluation"
    assert {one.id: one.error for one in read_predictions(path)} == {record.id: None for record in RECORDS}


def test_what_a_service_withholds_is_not_asked_again(service, run) -> None:
    with Misbehaving(answer=lambda body: "no", finish="content_filter") as server:
        system = service(server.url)
        [found] = answers_of(run, system, RECORDS)
        assert all(one.error and "withheld" in one.error for one in found)
        calls = len(server.bodies)
        assert answers_of(run, system, RECORDS) == [found]
        assert len(server.bodies) == calls


def test_a_local_model_is_not_asked_again() -> None:
    failed = [Prediction(id="r0", task="kind", error="the prompt is too long")]
    scenario = None
    for kind, count in (("model", 0), ("classifier", 0), ("api", 1)):
        system = System(
            name="s",
            kind=kind,  # type: ignore[arg-type]
            scenario=scenario,  # type: ignore[arg-type]
            tasks=(),
            runs=(),
            identities=(),
        )
        assert len(unanswered(system, failed)) == count


class Shaky:
    """A service that fails on r2 until it is mended."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.mended = False

    def predict(self, scenario: Scenario, task: str, records: Sequence[Record]) -> Iterator[Prediction]:
        for record in records:
            self.asked.append(record.id)
            fails = record.id == "r2" and not self.mended
            said = {"error": "timed out"} if fails else {"text": "w30", "answer": Answer(label="w30")}
            yield Prediction(id=record.id, task=task, **said)


def test_prompt_improve_asks_again_once_for_each_command(service, run) -> None:
    scenario, shaky = service("http://unused").scenario, Shaky()
    voice = Voice(name="small", kind="api", identity="x", open=lambda stack: shaky)
    for command in (1, 2):
        with Asking(run) as asking:
            shaky.asked.clear()
            for _ in range(2):
                found = asking.answers(voice, scenario, RECORDS, "seen", reasons=False)
            assert shaky.asked == ([r.id for r in RECORDS] if command == 1 else ["r2"])
            shaky.asked.clear()
            assert asking.write(voice, scenario, RECORDS[2]).unanswered == (command == 1)
            assert shaky.asked == ["r2"]
        shaky.mended = True
    assert not any(one.unanswered for one in found)
    assert not asks_again("model", run.file("x.jsonl"), set()), "what it left out it would leave out again"


def test_formats_are_asked_again_for_what_a_service_did_not_answer(service, run) -> None:
    system, shaky = service("http://unused"), Shaky()
    variant = format_space(system.scenario, ["kind"], ["labels"]).variants[0]
    for command in (1, 2):
        with ExitStack() as stack:
            asker = FormatAsker(run, replace(system, runs=(lambda: nullcontext(shaky),)), stack)
            shaky.asked.clear()
            asker.ask(variant, RECORDS[:4], "halving")
            found = asker.ask(variant, RECORDS, "halving")
            assert shaky.asked == ([r.id for r in RECORDS] if command == 1 else ["r2"])
        shaky.mended = True
    assert not any(one.unanswered for one in found)


def test_a_changed_test_file_is_asked_anew(service, tmp_path) -> None:
    scenario = service("http://unused").scenario
    path = tmp_path / "test.jsonl"
    path.write_text("1")
    first = name_of_test(scenario)
    path.write_text("2")
    assert first.startswith("test-") and name_of_test(scenario) != first
