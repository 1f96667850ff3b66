"""Difficulty by hand-worked leads and losses; a model's liking for a label is taken out; what lacks is said."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import check_grad
from tests.tiny_models import tiny_model
from tests.tiny_scenario import scenario, tiny_encoder

from sftloop.curate.difficulty import answer_losses
from sftloop.curate.difficulty.difficulty import (
    Losses,
    by_labels,
    by_loss,
    judge_difficulty,
    measure_difficulty,
)
from sftloop.curate.difficulty.few_boundary import few_boundary
from sftloop.curate.difficulty.label_bias import LabelBias, _loss
from sftloop.models import LocalModel, TaskTokens
from sftloop.records import Prediction, Record
from sftloop.scenario import Answer
from sftloop.train import encode_examples


def record(name: str, **answer: Any) -> Record:
    task = "both" if "labels" in answer else "kind"
    return Record(id=name, task=task, input={"text": "w5"}, answer=Answer(**answer))


def two_sided(count: int, sharp: float, shift: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of a model whose log-odds are `sharp` times the true ones plus `shift`, and labels drawn."""
    draw = np.random.default_rng(seed)
    odds = draw.normal(0, 2, count)
    second = draw.random(count) < 1 / (1 + np.exp(-odds))
    p = 1 / (1 + np.exp(-(sharp * odds + shift)))
    return np.stack([1 - p, p], 1), np.stack([~second, second], 1)


def test_liking_and_sharpness_are_found() -> None:
    given_, wanted = two_sided(4000, sharp=2.0, shift=3.0)
    bias = LabelBias.fit(given_, wanted, exclusive=True)
    assert bias.sharpness == pytest.approx(0.5, abs=0.05)
    # log-odds (2 x + 3) / 2 = x + 1.5, so the offsets differ by 1.5
    assert bias.offsets[0] - bias.offsets[1] == pytest.approx(1.5, abs=0.15)


def test_odds_of_three_come_true_three_times_of_four() -> None:
    given_, wanted = two_sided(20_000, sharp=3.0, shift=-2.0)
    fair = LabelBias.fit(given_, wanted, exclusive=True).apply(given_)
    near = np.abs(fair[:, 1] - 0.75) < 0.02
    assert wanted[near, 1].mean() == pytest.approx(0.75, abs=0.05)


def test_mean_probability_becomes_the_share() -> None:
    given_, wanted = two_sided(5000, sharp=1.0, shift=4.0)
    fair = LabelBias.fit(given_, wanted, exclusive=True).apply(given_)
    assert fair.mean(0) == pytest.approx(wanted.mean(0), abs=0.005)
    assert given_.mean(0) != pytest.approx(wanted.mean(0), abs=0.1)


def test_a_handful_is_not_fitted_by_heart() -> None:
    """Three records of one label: without the prior, the offset would grow without end."""
    given_ = np.array([[0.6, 0.4], [0.5, 0.5], [0.55, 0.45]])
    bias = LabelBias.fit(given_, np.array([[True, False]] * 3), exclusive=True)
    assert 0 < bias.offsets[0] - bias.offsets[1] < 6


@pytest.mark.parametrize("exclusive", [True, False])
@settings(max_examples=20, deadline=None)
@given(x=arrays(float, 4, elements=st.floats(-1.5, 1.5)), seed=st.integers(0, 99))
def test_the_gradient_is_the_losss_own(exclusive: bool, x: np.ndarray, seed: int) -> None:
    draw = np.random.default_rng(seed)
    scores = np.log(draw.dirichlet(np.ones(3), 6))
    wanted = np.eye(3, dtype=bool)[draw.integers(0, 3, 6)]
    off = check_grad(
        lambda y: _loss(y, scores, wanted, exclusive)[0], lambda y: _loss(y, scores, wanted, exclusive)[1], x
    )
    assert off < 1e-3


def test_labels_by_their_lead(monkeypatch: pytest.MonkeyPatch) -> None:
    fair = LabelBias(np.zeros(3), 1.0, True)
    monkeypatch.setattr(LabelBias, "fit", lambda *_, **__: fair)
    tables = [
        (record("easy", label="w30"), {"w30": 0.71, "w31": 0.2, "w32": 0.1}),
        (record("near", label="w30"), {"w30": 0.5, "w31": 0.3, "w32": 0.2}),
        (record("wrong by little", label="w31"), {"w30": 0.5, "w31": 0.3, "w32": 0.2}),
        (
            record("hard", label="w32"),
            {"w30": 0.8, "w31": 0.2, "w32": 0.0},
        ),  # 0 : 0.8, the search left it out
    ]
    rows, said = by_labels(tables)
    assert [row.level for row in rows] == ["easy", "boundary", "boundary", "hard"]
    assert [row.margin for row in rows] == pytest.approx([0.51 / 1.01, 0.2, -0.2, -0.8], abs=1e-6)
    assert (said["right"], said["moved_by_calibration"]) == (0.5, 0.0)


def test_of_several_labels_the_least_sure_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    fair = LabelBias(np.zeros(2), 1.0, False)
    monkeypatch.setattr(LabelBias, "fit", lambda *_, **__: fair)
    tables = [
        (record("easy", labels=("w40",)), {"w40": 0.9, "w41": 0.1}),
        (record("boundary", labels=("w40", "w41")), {"w40": 0.9, "w41": 0.6}),
        (record("hard", labels=()), {"w40": 0.9, "w41": 0.1}),
    ]
    rows, _ = by_labels(tables)
    assert [row.level for row in rows] == ["easy", "boundary", "hard"]
    assert rows[1].margin == pytest.approx(0.6 - 0.4)


def test_calibration_frees_a_model_from_its_favourite() -> None:
    """It gives the second label 95 % at least, but a little less where the first is right."""
    draw = np.random.default_rng(0)
    rows = []
    for number in range(400):
        first = number % 2 == 0
        p = 1 / (1 + math.exp(4.5 - (2 if first else 0) + draw.normal(0, 0.3)))
        rows.append((record(str(number), label="w30" if first else "w31"), {"w30": p, "w31": 1 - p}))
    found, said = by_labels(rows)
    assert said["right_before"] == 0.5
    assert said["right"] > 0.95
    assert said["moved_by_calibration"] > 0.4
    assert said["bias"]["w30"] > said["bias"]["w31"]
    assert sum(row.level == "easy" for row in found) > 300


def test_a_model_that_cannot_tell_labels_apart_gains_nothing() -> None:
    draw = np.random.default_rng(1)
    wanted = np.eye(4, dtype=bool)[draw.integers(0, 4, 2000)]
    given_ = draw.dirichlet(np.ones(4), 2000)
    assert LabelBias.fit(given_, wanted, exclusive=True).gained_nats(given_, wanted) == pytest.approx(
        0, abs=0.01
    )
    sure = np.where(wanted, 0.97, 0.01)
    gained = LabelBias.fit(sure, wanted, exclusive=True).gained_nats(sure, wanted)
    assert gained == pytest.approx(math.log(4), abs=0.05)
    halves = np.where(wanted, 0.99, 0.01)
    each = -0.25 * math.log(0.25) - 0.75 * math.log(0.75)  # entropy of one label's yes and no
    gained = LabelBias.fit(halves, wanted, exclusive=False).gained_nats(halves, wanted)
    assert gained == pytest.approx(4 * each, abs=0.05)


def test_losses_by_quarter_and_by_themselves() -> None:
    ifd = [0.2, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.2]
    rows = [(record(str(n), label="w30"), Losses(2 * value, 2.0)) for n, value in enumerate(ifd)]
    found, said = by_loss(rows)
    levels = [row.level for row in found]
    assert levels == ["easy", "easy", *["boundary"] * 4, "hard", "hard"]
    assert said["ifd_quartiles"] == pytest.approx([0.475, 0.65, 0.825])
    assert said["prompt_does_not_help"] == 1
    assert found[7].ifd == pytest.approx(1.2)


def test_what_the_model_writes_anyway_is_easy_however_it_ranks() -> None:
    rows = [(record(str(n), label="w30"), Losses(0.01 * (n + 1), 1.0)) for n in range(8)]
    assert {row.level for row in by_loss(rows)[0]} == {"easy"}
    rows = [(record(str(n), label="w30"), Losses(2.0 + n, 1.0)) for n in range(8)]
    assert {row.level for row in by_loss(rows)[0]} == {"hard"}


def prediction(own: Record, table: Mapping[str, float] | None) -> Prediction:
    return Prediction(id=own.id, task=own.task, probabilities=None if table is None else dict(table))


def test_tasks_are_judged_apart_and_what_was_not_measured_is_counted() -> None:
    choice = [record(f"c{n}", label="w30") for n in range(3)]
    several = [record(f"m{n}", labels=("w40",)) for n in range(5)]
    table = {"w30": 0.5, "w31": 0.5}
    predictions = {(r.task, r.id): prediction(r, table) for r in choice[:2]}
    predictions["kind", "c2"] = prediction(choice[2], None)
    losses = {(r.task, r.id): Losses(1.0 + n, 9.0) for n, r in enumerate(several)}
    report = judge_difficulty([*several, *choice], predictions, losses)
    assert [row.record_id for row in report.records] == ["m0", "m1", "m2", "m3", "m4", "c0", "c1"]
    assert (report.tasks["kind"]["by"], report.tasks["kind"]["unmeasured"]) == ("labels", 1)
    assert (report.tasks["both"]["by"], report.tasks["both"]["unmeasured"]) == ("loss", 0)
    row = report.records[0].to_json()
    assert row == {"id": "m0", "task": "both", "difficulty": "easy", "loss": 1.0, "ifd": 0.111111}


def rows(task: str, label: str, boundary: int, total: int) -> list[tuple[str, str, bool, tuple[str, ...]]]:
    return [(f"{label}{n}", task, n < boundary, (label,)) for n in range(total)]


def test_a_task_that_lacks_boundary_records_is_a_finding() -> None:
    [finding] = few_boundary(rows("a", "x", 1, 30))
    assert (finding.kind, finding.severity, finding.task, finding.records) == (
        "few_boundary",
        "warning",
        "a",
        (),
    )
    assert "Only 1 of 30 records of task 'a' (3%)" in finding.why
    assert "“a”的 30 条记录中，只有 1 条" in finding.why_zh


def test_a_label_that_lacks_them_is_one_where_the_task_does_not() -> None:
    [finding] = few_boundary([*rows("a", "x", 15, 30), *rows("a", "y", 1, 30), *rows("a", "z", 0, 3)])
    assert (finding.severity, finding.evidence) == ("note", {"boundary": 1, "of": 30, "label": "y"})
    assert "Label 'y' of task 'a' has 1 near-misses among 30" in finding.why


def test_of_a_handful_nothing_is_said() -> None:
    assert few_boundary(rows("a", "x", 0, 19)) == []
    assert few_boundary(rows("a", "x", 3, 30)) == []


def test_with_a_tiny_model_from_records_to_levels(tmp_path: Path) -> None:
    own = scenario()
    records = [
        Record(id=f"k{n}", task="kind", input={"text": f"w{50 + n}"}, answer=Answer(label=f"w{30 + n % 3}"))
        for n in range(9)
    ] + [
        Record(id=f"b{n}", task="both", input={"text": f"w{60 + n}"}, answer=Answer(labels=("w40",)))
        for n in range(6)
    ]
    local = LocalModel(tiny_model("llama"), tiny_encoder(), "tiny")
    report = measure_difficulty(local, own, records, directory=tmp_path)
    assert [row.record_id for row in report.records] == [r.id for r in records]
    assert all(row.margin is not None for row in report.records[:9])
    tokens = {"both": TaskTokens.of(own, "both", local.encoder)}
    [example] = encode_examples(records[9:10], tokens, context_tokens=None)
    ids = torch.tensor([example.prefix + example.prompt + example.target])
    with torch.no_grad():
        logs = local.model(input_ids=ids).logits[0].log_softmax(-1)
    first = len(example.prefix) + len(example.prompt) - 1
    nats = -sum(float(logs[first + n, token]) for n, token in enumerate(example.target))
    assert report.records[9].loss == pytest.approx(nats / len(example.target), rel=1e-4)


def test_losses_are_kept_and_measured_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answer_losses, "_AT_ONCE", 2)
    own = scenario()
    records = [
        Record(id=f"b{n}", task="both", input={"text": f"w{60 + n}"}, answer=Answer(labels=("w40",)))
        for n in range(5)
    ]
    local, file = LocalModel(tiny_model("llama"), tiny_encoder(), "tiny"), tmp_path / "losses.jsonl"
    whole = answer_losses.answer_losses(local, own, records, file)
    assert len(whole) == 5
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join(lines[:3]) + lines[3][:10])
    measured: list[int] = []
    real = answer_losses.record_losses
    monkeypatch.setattr(
        answer_losses, "record_losses", lambda model, part: measured.append(len(part)) or real(model, part)
    )
    again = answer_losses.answer_losses(local, own, records, file)
    assert measured == [2], "the torn line's and the missing one"
    assert again.keys() == whole.keys()
    for key, losses in whole.items():
        assert again[key] == pytest.approx(losses, rel=1e-5)
