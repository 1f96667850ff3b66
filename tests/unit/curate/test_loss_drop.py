"""Loss drops tell what is like the target, per token, the same for the same seed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.tiny_scenario import write_scenario
from tests.unit.curate.test_less import examples

from sftloop.core.errors import DataError
from sftloop.curate.attribute.adapter_path import steps_for, walk
from sftloop.curate.attribute.loss_drop import loss_drops, text_loss_drops
from sftloop.train import TOKENS, LoraMethod, prepare

RATE = 0.02


@pytest.fixture(autouse=True)
def fp32(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SFTLOOP_DTYPE", "fp32")


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_scenario(tmp_path_factory.mktemp("drops") / "s")


def test_drop_is_the_share_lost_between_the_first_stop_and_the_last(directory: Path) -> None:
    """Against the ordinary step's loss of each record, before the first step and after the last."""
    target = examples(directory, "train", limit=16)
    drops = loss_drops(directory / "model", target, target, steps=4, learning_rate=RATE)
    method = LoraMethod(rank=1, alpha=2)
    trainable = prepare(directory / "model", method, device="cpu", seed=0)
    plan = steps_for(target, batch_size=16, seed=0, steps=4)
    losses = []
    for _ in walk(trainable, method, target, plan, (0, 4), learning_rate=RATE):
        with torch.no_grad():
            sums = [TOKENS.whole(trainable.model, [example]).item() for example in target]
        losses.append([total / len(example.target) for total, example in zip(sums, target, strict=True)])
    first, last = np.array(losses)
    np.testing.assert_allclose(drops, (first - last) / first, atol=1e-4)
    assert drops.mean() > 0.1


def test_wrong_labels_drop_less(directory: Path) -> None:
    train, target = examples(directory, "train"), examples(directory, "validation")
    other = {example.label: example.target for example in train}
    labels = sorted(other)
    wrong = set(range(0, len(train), 6))
    for place in wrong:
        label = labels[(labels.index(train[place].label) + 1) % 3]
        train[place] = replace(train[place], target=other[label], label=label)
    drops = loss_drops(directory / "model", target, train, steps=40, learning_rate=0.05)
    good = [drops[place] for place in range(len(train)) if place not in wrong]
    assert np.mean([[drops[place] < each for each in good] for place in wrong]) > 0.8


def test_repeatable_and_independent_of_the_candidates(directory: Path) -> None:
    target, train = examples(directory, "validation"), examples(directory, "train", limit=9)
    first = loss_drops(directory / "model", target, train, steps=3, learning_rate=RATE)
    turned = loss_drops(directory / "model", target, train[::-1], steps=3, learning_rate=RATE)
    other = loss_drops(directory / "model", target, train, steps=3, learning_rate=RATE, seed=1)
    np.testing.assert_allclose(turned[::-1], first, atol=1e-5)
    assert np.abs(other - first).max() > 1e-3


def test_texts_like_the_target_drop_more(directory: Path) -> None:
    target = [f"w50 w51 w{60 + n} w52 w53" for n in range(8)]
    like = [f"w50 w51 w{80 + n} w52 w53" for n in range(4)]
    unlike = [f"w{100 + n} w{90 - n} w{71 + n} w{101 - n} w{120 - n}" for n in range(4)]
    drops = text_loss_drops(directory / "model", target, [*unlike, *like, ""], steps=30, learning_rate=RATE)
    assert drops[:4].max() < drops[4:8].min()
    assert drops[8] == 0


def test_length_does_not_count(directory: Path) -> None:
    """A text said twice is no better than once, roughly: nats are per token."""
    target = ["w50 w51 w52 w53 w50 w51 w52 w53"] * 8
    once, many = "w50 w51 w52 w53 w50", " ".join(["w50 w51 w52 w53"] * 5)
    drops = text_loss_drops(directory / "model", target, [once, many], steps=20, learning_rate=RATE)
    assert drops[1] < 1.5 * drops[0]


def test_no_target_is_refused(directory: Path) -> None:
    with pytest.raises(DataError, match="empty"):
        text_loss_drops(directory / "model", ["", "w50"], ["w50 w51"])


@pytest.mark.parametrize(("records", "steps"), [(5, 20), (100, 3)])
def test_so_many_steps(directory: Path, records: int, steps: int) -> None:
    some = (examples(directory, "train") * 2)[:records]
    plan = steps_for(some, batch_size=16, seed=0, steps=steps)
    assert len(plan) == steps
    assert all(plan)
