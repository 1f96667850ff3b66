"""Label probabilities equal those of scoring every label's text by itself; generation equals transformers'."""

from __future__ import annotations

import random

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.tiny_models import ARCHITECTURES, VOCABULARY, tiny_model

from sftloop.models.generate import continue_greedily
from sftloop.models.label_tree import LabelTree
from sftloop.models.labels import _MARGIN_NATS, run_whole, score_labels
from sftloop.models.packed import PackedContext, pack

LABELS = {"a": [5, 6, 2], "b": [5, 6, 7, 2], "c": [9, 2], "d": [5, 11, 12, 13, 2]}


def prompts(seed: int = 0) -> tuple[list[int], list[list[int]]]:
    draw = random.Random(seed)
    prefix = [draw.randrange(3, VOCABULARY) for _ in range(17)]
    return prefix, [[draw.randrange(3, VOCABULARY) for _ in range(n)] for n in (1, 4, 9, 2, 6)]


def by_themselves(model: torch.nn.Module, prompt: list[int]) -> torch.Tensor:
    """Score every label with an ordinary forward over prompt + label."""
    totals = []
    for label in LABELS.values():
        ids = torch.tensor([prompt + label])
        logits = model(input_ids=ids).logits[0].log_softmax(-1)
        places = range(len(prompt) - 1, len(prompt) + len(label) - 1)
        totals.append(sum(logits[place, token] for place, token in zip(places, label, strict=True)))
    return torch.log_softmax(torch.stack(totals), 0)


def opened(model: torch.nn.Module, prefix: list[int], suffixes: list[list[int]]) -> tuple:
    context = PackedContext.from_prefix(model, prefix)
    last = torch.tensor([len(s) for s in suffixes]).cumsum(0) - 1
    root = context.extend(pack(suffixes, len(prefix), torch.device("cpu")), last)
    return context, root, [len(prefix) + len(s) for s in suffixes]


@pytest.mark.parametrize("whole", [True, False], ids=["whole tree", "search"])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
@torch.no_grad()
def test_tree_equals_label_by_label(architecture: str, whole: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sftloop.models.labels._LOGIT_ROWS", 9)
    model = tiny_model(architecture)
    prefix, suffixes = prompts()
    context, root, ends = opened(model, prefix, suffixes)
    got = score_labels(context, LabelTree.build(LABELS), root, ends, whole=whole).log_probabilities
    expected = torch.stack([by_themselves(model, prefix + suffix) for suffix in suffixes])
    left_out = got.isneginf()
    assert not (whole and left_out.any())
    behind = expected.amax(1, keepdim=True) - expected
    assert behind[left_out].ge(_MARGIN_NATS - 1e-3).all()
    torch.testing.assert_close(got.where(~left_out, expected), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("architecture", ["llama", "gemma3_text", "gpt2"])
@torch.no_grad()
def test_generation_equals_transformers(architecture: str) -> None:
    model = tiny_model(architecture)
    prefix, suffixes = prompts()
    context, root, ends = opened(model, prefix, suffixes)
    begun = [[token] for token in root.argmax(-1).tolist()]
    got = continue_greedily(context, begun, ends, stop={2}, limit=12)
    for suffix, ids in zip(suffixes, got, strict=True):
        whole = torch.tensor([prefix + suffix])
        expected = model.generate(whole, max_new_tokens=12, do_sample=False, eos_token_id=2, pad_token_id=0)
        assert ids == expected[0, whole.shape[1] :].tolist()


@pytest.mark.parametrize("whole", [True, False], ids=["whole tree", "search"])
@torch.no_grad()
def test_the_tree_begins_the_greedy_answer(whole: bool) -> None:
    model = tiny_model("llama")
    prefix, suffixes = prompts()
    context, root, ends = opened(model, prefix, suffixes)
    begun = [[token] for token in root.argmax(-1).tolist()]
    expected = continue_greedily(context.fork(), begun, ends, stop=set(), limit=12)
    labels = {str(i): [*tokens[: 3 + i], 7 + i] for i, tokens in enumerate(expected)} | {"all": expected[0]}
    greedy = score_labels(context.fork(), LabelTree.build(labels), root, ends, whole=whole).greedy
    assert max(len(tokens) for tokens in greedy) == 12, "one label is a whole greedy answer"
    assert all(tokens == all_[: len(tokens)] for tokens, all_ in zip(greedy, expected, strict=True))
    assert continue_greedily(context, greedy, ends, stop=set(), limit=12) == expected


@pytest.mark.parametrize("whole", [True, False], ids=["whole tree", "search"])
@torch.no_grad()
def test_results_do_not_depend_on_the_batch(whole: bool) -> None:
    model = tiny_model("llama")
    prefix, suffixes = prompts()
    tree = LabelTree.build(LABELS)
    context, root, ends = opened(model, prefix, suffixes)
    together = score_labels(context, tree, root, ends, whole=whole).log_probabilities
    for index, suffix in enumerate(suffixes):
        context, root, ends = opened(model, prefix, [suffix])
        alone = score_labels(context, tree, root, ends, whole=whole).log_probabilities
        torch.testing.assert_close(alone[0], together[index], rtol=1e-4, atol=1e-5)


def test_a_surer_model_searches() -> None:
    """The first batch runs the whole tree; what it needed decides for the next, both ways."""
    tree = LabelTree.build({str(i): [3 + i, 30 + i, 2] for i in range(20)})
    assert run_whole(tree, None)
    assert run_whole(tree, 0.9)
    assert not run_whole(tree, 0.1)
    assert run_whole(LabelTree.build(LABELS), 0.1), "a small tree isn't worth a search"


@torch.no_grad()
def test_what_mattered_is_told() -> None:
    """A label that the model finds e^-16 less likely than another didn't matter."""
    model = tiny_model("llama")
    prefix, suffixes = prompts()
    context, root, ends = opened(model, prefix, suffixes)
    tree = LabelTree.build(LABELS)
    assert score_labels(context, tree, root, ends, whole=True).needed == 1.0
    root[:, 9] += 40
    assert score_labels(context, tree, root, ends, whole=True).needed == pytest.approx(1 / len(tree.inner))
    assert score_labels(context, tree, root, ends, whole=False).needed == pytest.approx(1 / len(tree.inner))


sequences = st.lists(st.lists(st.integers(3, 8), min_size=1, max_size=5), min_size=2, max_size=6)


@given(sequences)
@settings(max_examples=60, deadline=None)
def test_tree_keeps_every_label(rows: list[list[int]]) -> None:
    named = {str(index): [*row, 2] for index, row in enumerate(rows)}
    if len({tuple(row) for row in named.values()}) < len(named):
        with pytest.raises(ValueError, match="same tokens"):
            LabelTree.build(named)
        return
    tree = LabelTree.build(named)
    spelled = [[tree.tokens[node] for node in path] for path in tree.paths]
    assert spelled == list(named.values())
    assert all(parent < node for node, parent in enumerate(tree.parents))
