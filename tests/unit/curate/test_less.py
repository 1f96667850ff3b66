"""LESS against its formula worked out record by record, and whether it finds planted harm."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.tiny_scenario import scenario, tiny_encoder, write_scenario
from torch.nn.functional import normalize

from sftloop.core.errors import DataError
from sftloop.core.seeds import derive_seed
from sftloop.curate.attribute import GRADIENT_COSINE, LessOptions, less_scores, warm_up
from sftloop.curate.attribute.projection import Projection
from sftloop.curate.attribute.warm_up import Adam, Checkpoint, adam_direction
from sftloop.models import TaskTokens
from sftloop.records import load_split
from sftloop.train import Example, LoraMethod, encode_examples, plain_step, prepare, record_gradients

OPTIONS = LessOptions(checkpoints=2, through_prefix=1, bits=8, dimensions=4096, learning_rate=0.01, rank=4)


@pytest.fixture(autouse=True)
def fp32(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SFTLOOP_DTYPE", "fp32")


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_scenario(tmp_path_factory.mktemp("less") / "s")


def examples(directory: Path, split: str, *, limit: int | None = None) -> list[Example]:
    """Of the task that can be learned: a word of the text decides the label."""
    loaded = scenario(directory)
    tokens = {"kind": TaskTokens.of(loaded, "kind", tiny_encoder())}
    records = load_split(loaded, split, tasks=["kind"], limit=limit)
    return encode_examples(records, tokens, context_tokens=None)


def test_adam_direction_is_the_optimizers_next_step() -> None:
    """Three steps of torch's Adam, then a fourth with a gradient of one record: Δ = −rate · Γ."""
    weight = torch.nn.Parameter(torch.zeros(2, 3))
    optimizer = torch.optim.AdamW([weight], lr=0.1, weight_decay=0.0)
    draw = torch.Generator().manual_seed(0)
    for _ in range(3):
        weight.grad = torch.randn(2, 3, generator=draw)
        optimizer.step()
    state = optimizer.state[weight]
    adam = Adam({"w": state["exp_avg"].clone()}, {"w": state["exp_avg_sq"].clone()}, 3, (0.9, 0.999), 1e-8)
    gradient = torch.randn(1, 2, 3, generator=draw)
    direction = adam_direction({"w": gradient}, adam)["w"]
    before = weight.detach().clone()
    weight.grad = gradient[0].clone()
    optimizer.step()
    torch.testing.assert_close(weight.detach() - before, -0.1 * direction[0])


def test_first_direction_is_the_sign() -> None:
    """Without a past Γ is g / (|g| + ε), whatever β."""
    zero = {"w": torch.zeros(1, 3)}
    adam = Adam(zero, zero, 0, (0.9, 0.999), 1e-8)
    gradient = torch.tensor([[[2.0, -0.5, 0.0]]])
    assert adam_direction({"w": gradient}, adam)["w"].tolist() == [[[1.0, -1.0, 0.0]]]


def reference(
    base: Path, checkpoints: list[Checkpoint], train: list[Example], target: list[Example]
) -> np.ndarray:
    """The formula, one full sequence after another."""
    method = LoraMethod(rank=OPTIONS.rank, alpha=2 * OPTIONS.rank)
    model = prepare(base, method, device="cpu", seed=0).model.eval()
    project = Projection(OPTIONS.dimensions, seed=derive_seed(0, "less"))
    total = np.zeros(len(train))
    for checkpoint in checkpoints:
        adam = checkpoint.load(model, method)

        def gradient(example: Example) -> dict[str, torch.Tensor]:
            model.zero_grad(set_to_none=True)
            plain_step(model, [example], micro_batch=1, precision=None)
            return {n: p.grad[None] for n, p in model.named_parameters() if p.grad is not None}

        units = [normalize(project(gradient(example))) for example in target]
        towards = torch.cat(units).mean(0, keepdim=True)
        for place, example in enumerate(train):
            own = project(adam_direction(gradient(example), adam))
            total[place] += checkpoint.rate * float(torch.cosine_similarity(own, towards))
    return total / sum(checkpoint.rate for checkpoint in checkpoints)


def test_equal_to_the_formula_worked_out_record_by_record(directory: Path, tmp_path: Path) -> None:
    train, target = examples(directory, "train", limit=20), examples(directory, "validation", limit=4)
    found = less_scores(directory / "model", train, target, directory=tmp_path, options=OPTIONS)
    folders = [tmp_path / f"checkpoint-{number}" for number in (1, 2)]
    checkpoints = [
        Checkpoint(each, json.loads((each / "checkpoint.json").read_text())["rate"]) for each in folders
    ]
    expected = reference(directory / "model", checkpoints, train, target)
    assert np.ptp(expected) > 0.1
    np.testing.assert_allclose(found.scores, expected, atol=0.005)


@pytest.mark.parametrize("method", [LessOptions(), GRADIENT_COSINE])
def test_planted_wrong_labels_come_last(directory: Path, tmp_path: Path, method: LessOptions) -> None:
    """Every sixth training record carries another label than its text asks for; the defaults find them."""
    train, target = examples(directory, "train"), examples(directory, "validation")
    other = {example.label: example.target for example in train}
    labels = sorted(other)
    wrong = set(range(0, len(train), 6))
    for place in wrong:
        label = labels[(labels.index(train[place].label) + 1) % 3]
        train[place] = replace(train[place], target=other[label], label=label)
    options = replace(method, checkpoints=6, learning_rate=0.01)
    scores = less_scores(directory / "model", train, target, directory=tmp_path, options=options).scores
    good = [scores[place] for place in range(len(train)) if place not in wrong]
    below = np.mean([[scores[place] < each for each in good] for place in wrong])
    assert below > 0.9, "area under the curve"


def test_sub_tasks(directory: Path, tmp_path: Path) -> None:
    """With a sub-task per label the best one counts."""
    train, target = examples(directory, "train", limit=9), examples(directory, "validation")
    options = replace(OPTIONS, sub_tasks="label", checkpoints=1)
    found = less_scores(directory / "model", train, target, directory=tmp_path, options=options)
    assert sorted(found.sub_tasks) == ["kind/w30", "kind/w31", "kind/w32"]
    assert found.by_sub_task.shape == (9, 3)
    assert np.array_equal(found.scores, found.by_sub_task.max(axis=1))
    best = [found.sub_tasks[place] for place in found.by_sub_task.argmax(axis=1)]
    assert np.mean([name == f"kind/{example.label}" for name, example in zip(best, train, strict=True)]) > 0.5


def test_the_order_of_records_does_not_matter(directory: Path, tmp_path: Path) -> None:
    train, target = examples(directory, "train", limit=20), examples(directory, "validation", limit=3)
    order = random.Random(1).sample(range(20), 20)
    found = [
        less_scores(
            directory / "model", rows, target, directory=tmp_path / str(number), options=OPTIONS
        ).scores
        for number, rows in enumerate((train, [train[place] for place in order]))
    ]
    np.testing.assert_allclose(found[1], found[0][order], atol=0.002)


def test_goes_on_where_it_was_interrupted(
    directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second call neither trains again nor computes features twice."""
    train, target = examples(directory, "train", limit=20), examples(directory, "validation", limit=3)
    base = directory / "model"
    monkeypatch.setattr(record_gradients, "_records_per_block", lambda *_: 4)
    whole = less_scores(base, train, target, directory=tmp_path / "whole", options=OPTIONS)
    projected: list[int] = []
    usual = Projection.__call__

    def failing(self: Projection, tensors: dict[str, torch.Tensor]) -> torch.Tensor:
        if len(projected) == 3:
            raise KeyboardInterrupt
        projected.append(len(next(iter(tensors.values()))))
        return usual(self, tensors)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Projection, "__call__", failing)
        less_scores(base, train, target, directory=tmp_path / "torn", options=OPTIONS)
    assert sum(projected) == 12
    monkeypatch.setattr(warm_up, "walk", lambda *_, **__: pytest.fail("trained again"))
    counted: list[int] = []
    monkeypatch.setattr(
        Projection,
        "__call__",
        lambda self, t: (counted.append(len(next(iter(t.values())))), usual(self, t))[1],
    )
    again = less_scores(base, train, target, directory=tmp_path / "torn", options=OPTIONS)
    assert sum(counted) == (20 - 12) + 3 + 20 + 3, "the rest of the first checkpoint, and the second"
    np.testing.assert_allclose(again.scores, whole.scores, atol=1e-5)


def test_features_of_other_records_are_refused(directory: Path, tmp_path: Path) -> None:
    train, target = examples(directory, "train", limit=8), examples(directory, "validation", limit=2)
    options = replace(OPTIONS, checkpoints=1)
    less_scores(directory / "model", train, target, directory=tmp_path, options=options)
    with pytest.raises(DataError, match="other records"):
        less_scores(directory / "model", train[1:] + train[:1], target, directory=tmp_path, options=options)


def test_no_target_is_refused(directory: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="8 and 0"):
        less_scores(directory / "model", examples(directory, "train", limit=8), [], directory=tmp_path)
