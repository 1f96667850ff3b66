"""Rewrites on disk: asked once, kept over a kill, the user's to edit, applied to a new file only."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.tiny_models import tiny_model
from tests.tiny_scenario import tiny_encoder

from sftloop.core.errors import DataError, UsageError
from sftloop.core.rundir import RunDirectory
from sftloop.curate.style import find_format_outliers
from sftloop.models import LocalModel
from sftloop.models import sample as sampling
from sftloop.models.sample import Written
from sftloop.records import load_split
from sftloop.scenario import load_scenario
from sftloop.workflow.apply_rewrites import apply_rewrites, require_new_file, require_own_file
from sftloop.workflow.audit_rewrites import REPLIES, REWRITES, propose_rewrites
from sftloop.workflow.rewrite_proposals import ProposalFile, read_proposals, with_rewrites

TOPICS = ("a late card", "a lost parcel", "a refund", "the exchange rate", "a declined payment")
PHRASES = ("The customer asks about {}.", "The message is about {}.", "The sender needs help with {} today.")
OUTLIERS = {5: "- a late card\n- a refund", 23: '{"reason": "a lost parcel"}', 40: "n/a"}
GOOD = {
    "r23": "The customer asks about a lost parcel.",
    "r05": "The customer asks about a late card and a refund.",
}
YAML = """\
name: reasons
model: tiny
tasks:
  t: {kind: choice, input: [text], instruction: x, labels: {yes: a b, no: c d}, answer: {reason: true}}
data: {train: train.jsonl}
"""


@pytest.fixture
def case(tmp_path: Path):
    """Return a scenario with outliers, its records and findings, and a run."""
    rows = [
        {
            "id": f"r{n:02}",
            "task": "t",
            "input": {"text": f"message {n}"},
            "answer": {"label": "yes", "reason": OUTLIERS.get(n, PHRASES[n % 3].format(TOPICS[n % 5]))},
        }
        for n in range(60)
    ]
    (tmp_path / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "scenario.yaml").write_text(YAML)
    scenario = load_scenario(tmp_path)
    records = load_split(scenario, "train")
    return scenario, records, find_format_outliers(records, scenario).findings, opened(tmp_path)


def opened(directory: Path) -> RunDirectory:
    return RunDirectory.open(directory / "run", verb="audit", command=["audit"], inputs={}, settings={})


@pytest.fixture
def local() -> LocalModel:
    return LocalModel(tiny_model("llama"), tiny_encoder(), "tiny")


@pytest.fixture
def writes(monkeypatch: pytest.MonkeyPatch):
    """Put texts into the model's mouth (a random one writes nothing useful); return what it was asked."""
    asked: list[int] = []

    def answer(model, encoder, prompts, *, numbers, **how):
        asked.append(len(prompts))
        replies = list(GOOD.values()) if numbers[0] == [0] else ["nothing"] * 2
        return [[Written(replies[place], ended=True)] for place in range(len(prompts))]

    monkeypatch.setattr(sampling, "write_answers", answer)
    return asked


def rows_of(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_random_model_proposes_nothing_and_every_reply_is_counted(case, local):
    scenario, records, findings, run = case
    found = propose_rewrites(run, scenario, records, findings, local)
    assert (found.asked, len(found.proposals), found.left) == (2, 0, 0)
    assert sum(found.dropped.values()) == 2 and found.not_asked == {"incomplete": 1}
    replies = rows_of(run.file(REPLIES))
    assert not run.file(REWRITES).exists()
    assert {row["id"] for row in replies} <= {"r05", "r23"} and all(row["dropped"] for row in replies)
    stamp = run.file(REPLIES).stat().st_mtime_ns
    assert propose_rewrites(run, scenario, records, findings, local) == found
    assert run.file(REPLIES).stat().st_mtime_ns == stamp, "what was asked is not asked again"


def test_proposals_stand_with_their_findings(case, local, writes):
    scenario, records, findings, run = case
    found = propose_rewrites(run, scenario, records, findings, local)
    assert found.summary() == {
        "asked": 2,
        "proposed": 2,
        "dropped": {},
        "not_asked": {"incomplete": 1},
        "left": 0,
        "file": str(run.file(REWRITES)),
    }
    shown = [one for each in with_rewrites(findings, found.proposals) for one in each.rewrites]
    assert {one["record"]: one["after"] for one in shown} == GOOD
    assert {one["record"]: one["before"] for one in shown} == {"r05": OUTLIERS[5], "r23": OUTLIERS[23]}


def test_the_limit_says_what_it_left_and_may_be_raised(case, local, writes):
    scenario, records, findings, run = case
    first = propose_rewrites(run, scenario, records, findings, local, most=1)
    assert (first.asked, first.left, len(first.proposals)) == (1, 1, 1)
    assert propose_rewrites(run, scenario, records, findings, local, most=0).asked == 0
    second = propose_rewrites(run, scenario, records, findings, local, most=2)
    assert second.asked == 2 and writes == [1, 1, 1, 1], "only the new one is asked for, three times"


def test_a_kill_between_two_lines_loses_nothing(case, local, writes):
    scenario, records, findings, run = case
    found = propose_rewrites(run, scenario, records, findings, local)
    whole = run.file(REPLIES).read_text()
    run.file(REPLIES).write_text(whole[: whole.index("\n") + 20])
    again = propose_rewrites(run, scenario, records, findings, local)
    assert len(rows_of(run.file(REWRITES))) == 2, "no proposal stands there twice"
    assert [one.record for one in again.proposals] == [one.record for one in found.proposals]


def test_what_the_user_edits_holds(case, local, writes):
    scenario, records, findings, run = case
    propose_rewrites(run, scenario, records, findings, local)
    kept, _ = rows_of(run.file(REWRITES))
    kept["after"]["reason"] = "The customer wants a late card and a refund."
    run.file(REWRITES).write_text(json.dumps(kept))
    found = propose_rewrites(run, scenario, records, findings, local)
    assert [one.after.reason for one in found.proposals] == ["The customer wants a late card and a refund."]
    assert found.dropped == {"taken_out": 1}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda row: row["after"].update(label="no"), "changes more than the text"),
        (lambda row: row["before"].update(reason="other"), "changes more than the text"),
        (lambda row: row.update(id="r99"), "no record 'r99' of task 't'"),
        (lambda row: row.pop("after"), "has no 'after'"),
        (lambda row: row["after"].update(mood="x"), "unknown key 'mood'"),
        (lambda row: row["after"].update(text="Hello."), "more than the text of its reason"),
        (lambda row: row.update(part="reasons"), "no part 'reasons'"),
    ],
)
def test_an_edit_that_cannot_be_applied_is_refused_with_its_line(case, local, writes, change, told):
    scenario, records, findings, run = case
    propose_rewrites(run, scenario, records, findings, local)
    rows = rows_of(run.file(REWRITES))
    change(rows[1])
    run.file(REWRITES).write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(DataError, match=told) as raised:
        read_proposals(run.file(REWRITES), scenario, records)
    assert f"{run.file(REWRITES)}:2: " in str(raised.value)


def test_edits_made_while_the_model_is_asked_hold(case, local, writes):
    scenario, records, findings, run = case
    first, second = propose_rewrites(run, scenario, records, findings, local).proposals
    proposals = ProposalFile(run.file(REWRITES))
    run.file(REWRITES).unlink()
    proposals.add(first)
    [row] = rows_of(run.file(REWRITES))
    row["after"]["reason"] = "By hand."
    run.file(REWRITES).write_text(json.dumps(row) + "\n")
    proposals.add(second)
    assert [one["after"]["reason"] for one in rows_of(run.file(REWRITES))] == [
        "By hand.",
        second.after.reason,
    ]


def test_rewrites_are_applied_to_a_new_file_only(case, local, writes, tmp_path):
    scenario, records, findings, run = case
    before = (tmp_path / "train.jsonl").read_bytes()
    found = propose_rewrites(run, scenario, records, findings, local)
    new = tmp_path / "new.jsonl"
    assert apply_rewrites(new, run, scenario, "train", found.proposals) == 2
    written = {row["id"]: row["answer"] for row in rows_of(new)}
    assert list(written) == [record.id for record in records], "ids and order stay"
    assert {name: written[name]["reason"] for name in GOOD} == GOOD
    others = {record.id: record.answer.to_json() for record in records if record.id not in GOOD}
    assert {name: answer for name, answer in written.items() if name not in GOOD} == others
    assert (tmp_path / "train.jsonl").read_bytes() == before
    assert apply_rewrites(new, opened(tmp_path), scenario, "train", found.proposals) == 2, "its own may go"
    assert not run.file("applied.jsonl").exists()
    new.write_text(new.read_text() + "\n")
    with pytest.raises(UsageError, match="wasn't written by this audit"):
        apply_rewrites(new, run, scenario, "train", found.proposals)


def test_killed_before_the_manifest_knows_the_new_file_it_goes_on(case, local, writes, tmp_path, monkeypatch):
    scenario, records, findings, run = case
    found = propose_rewrites(run, scenario, records, findings, local)
    new = tmp_path / "new.jsonl"

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(type(run), "mark_done", killed)
        with pytest.raises(KeyboardInterrupt):
            apply_rewrites(new, run, scenario, "train", found.proposals)
    assert new.exists()
    require_own_file(new, opened(tmp_path))
    assert apply_rewrites(new, opened(tmp_path), scenario, "train", found.proposals) == 2


def test_the_users_own_files_are_refused_before_anything_is_asked(case, tmp_path):
    scenario = case[0]
    for place, told in (
        ("train.jsonl", "own train file"),
        ("scenario.yaml", "own scenario.yaml"),
        (".", "a folder"),
    ):
        with pytest.raises(UsageError, match=told):
            require_new_file(tmp_path / "run" / ".." / place, scenario)
    require_new_file(tmp_path / "new.jsonl", scenario)
