"""Greedy answers are those of transformers; samples follow the model and depend on seed and number only."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest
import torch
from scipy.stats import chisquare
from tests.tiny_models import VOCABULARY, tiny_model
from tests.tiny_scenario import tiny_encoder
from tests.unit.models.test_in_full import other_model
from transformers import PreTrainedModel

from sftloop.models import answer_chances as chances
from sftloop.models import sample
from sftloop.models.answer_chances import answer_chances
from sftloop.models.packed import PackedContext, PackedTokens
from sftloop.models.prompt_groups import bounded, groups_by_prefix
from sftloop.models.sample import write_answers
from sftloop.models.sampling import Sampling

NEVER = None
WARM = Sampling(0.7, 20)


def prompts(seed: int = 0) -> list[list[int]]:
    """Three with one beginning, two with another, one alone."""
    draw = random.Random(seed)

    def tokens(count: int) -> list[int]:
        return [draw.randrange(3, VOCABULARY) for _ in range(count)]

    first, second = tokens(14), tokens(11)
    return [
        first + tokens(3),
        second + tokens(1),
        first + tokens(5),
        tokens(4),
        second + tokens(6),
        [*first, 9],
    ]


def model_of(architecture: str) -> PreTrainedModel:
    return other_model(architecture) if architecture in {"gpt_neox", "mamba"} else tiny_model(architecture)


@pytest.mark.parametrize("architecture", ["llama", "gemma3_text", "gpt2", "gpt_neox", "mamba"])
def test_greedy_answers_are_those_of_transformers(architecture: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sample, "_LOGIT_ROWS", 2)
    model, encoder = model_of(architecture), tiny_encoder()
    got = write_answers(model, encoder, prompts(), stop=NEVER, limit=10)
    for prompt, [answer] in zip(prompts(), got, strict=True):
        expected = model.generate(
            torch.tensor([prompt]), max_new_tokens=10, do_sample=False, eos_token_id=2, pad_token_id=0
        )
        written = expected[0, len(prompt) :].tolist()
        assert answer == (encoder.decode(written).strip(), written[-1] == 2)


@pytest.mark.parametrize("architecture", ["llama", "mistral", "gpt_neox"])
def test_samples_depend_on_seed_and_number_only(architecture: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model, encoder, asked = model_of(architecture), tiny_encoder(), prompts()
    how = {"sampling": WARM, "stop": NEVER, "limit": 6, "seed": 5}
    together = write_answers(model, encoder, asked, numbers=[[0, 1, 2, 3]] * 6, **how)
    monkeypatch.setattr(sample, "_BATCH_TOKENS", 1)
    reversed_ = write_answers(model, encoder, asked[::-1], numbers=[[3, 1]] * 6, **how)
    for own, later in zip(together, reversed_[::-1], strict=True):
        assert [own[3], own[1]] == later
    assert len({answer for own in together for answer in own}) > 12
    other = write_answers(model, encoder, asked, numbers=[[0, 1, 2, 3]] * 6, **{**how, "seed": 6})
    assert other != together


def test_first_tokens_are_drawn_as_often_as_the_model_says() -> None:
    model, encoder, prompt = tiny_model("llama"), tiny_encoder(), prompts()[0]
    [drawn] = write_answers(
        model, encoder, [prompt], numbers=[range(2000)], sampling=Sampling(0.9, 6), stop=NEVER, limit=1
    )
    with torch.no_grad():
        logits = model(input_ids=torch.tensor([prompt])).logits[0, -1].double() / 0.9
    best, tokens = logits.topk(6)
    names = [encoder.decode([token]).strip() for token in tokens.tolist()]
    counts = Counter(each.text for each in drawn)
    assert set(counts) <= set(names)
    expected = best.softmax(0).numpy() * 2000
    assert chisquare([counts[name] for name in names], expected).pvalue > 0.001


def test_second_tokens_follow_the_first_that_was_drawn() -> None:
    """Branches of one prompt must not see each other."""
    model, encoder, prompt = tiny_model("llama"), tiny_encoder(), prompts()[2]
    cold = Sampling(1.0, 1)  # draws, but has no choice
    [answers] = write_answers(
        model, encoder, [prompt], numbers=[range(5)], sampling=cold, stop=NEVER, limit=8
    )
    [greedy] = write_answers(model, encoder, [prompt], stop=NEVER, limit=8)
    assert set(answers) == set(greedy)


def test_an_answer_ends_at_its_stop() -> None:
    model, encoder, asked = tiny_model("llama"), tiny_encoder(), prompts()
    [[whole], *_] = write_answers(model, encoder, asked, stop=NEVER, limit=10)
    third = whole.text.split()[2]
    [[cut], *_] = write_answers(model, encoder, asked, stop=third, limit=10)
    assert cut == (whole.text.partition(third)[0].rstrip(), True)


@pytest.mark.parametrize("architecture", ["llama", "gemma2", "gpt_neox"])
def test_chances_are_products_of_the_models_own(architecture: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chances, "_LOGIT_ROWS", 5)
    model, asked = model_of(architecture), prompts()
    answers = [[5, 6, 2], [7], [8, 9], [10, 11, 12], [13, 2], [14]]
    found = answer_chances(model, asked, answers, sampling=Sampling(2.0))
    for prompt, answer, chance in zip(asked, answers, found, strict=True):
        with torch.no_grad():
            logits = model(input_ids=torch.tensor([prompt + answer])).logits[0, len(prompt) - 1 : -1].double()
        own = (logits / 2.0).softmax(-1)[range(len(answer)), answer]
        assert chance.probability == pytest.approx(float(own.prod()), rel=1e-4)


def test_what_is_written_greedily_has_a_greedy_chance() -> None:
    model, asked = tiny_model("qwen2"), prompts()
    for prompt in asked:
        ids = model.generate(
            torch.tensor([prompt]), max_new_tokens=3, do_sample=False, eos_token_id=2, pad_token_id=0
        )
        written = ids[0, len(prompt) :].tolist()
        changed = [*written[:-1], (written[-1] + 1) % VOCABULARY]
        same, other = answer_chances(model, [prompt] * 2, [written, changed], sampling=WARM)
        assert same.greedy and not other.greedy
        assert same.probability > other.probability


def test_a_token_that_cannot_be_drawn_has_no_chance() -> None:
    model, [prompt, *_] = tiny_model("llama"), prompts()
    with torch.no_grad():
        worst = int(model(input_ids=torch.tensor([prompt])).logits[0, -1].argmin())
    [chance] = answer_chances(model, [prompt], [[worst]], sampling=Sampling(0.5, 40))
    assert chance == (False, 0.0)


def test_each_beginning_and_each_prompt_run_once(monkeypatch: pytest.MonkeyPatch) -> None:
    run: list[list[int]] = []
    usual = PackedContext.extend

    def noted(self: PackedContext, tokens: PackedTokens, *more: Any, **named: Any) -> torch.Tensor:
        run.append(tokens.ids.tolist())
        return usual(self, tokens, *more, **named)

    monkeypatch.setattr(PackedContext, "extend", noted)
    asked = [[7, 8, *prompt] for prompt in prompts()]
    write_answers(tiny_model("llama"), tiny_encoder(), asked, numbers=[[0, 1, 2]] * 6, stop=NEVER, limit=3)
    common, asking, *steps = run
    assert common == [7, 8]
    assert len(asking) == 14 + 3 + 5 + 1 + 11 + 1 + 6 + 4
    assert [len(step) for step in steps] == [18, 18]


def test_prompts_are_grouped_once_each() -> None:
    groups = list(groups_by_prefix(tiny_model("llama"), prompts()))
    assert sorted(index for _, group in groups for index in group) == list(range(6))
    for prefix, group in groups:
        assert all(prompts()[index][: len(prefix)] == prefix for index in group)


def test_runs_stay_within_their_limits() -> None:
    runs = list(bounded([3, 3, 9, 1, 1, 1], lambda size: (size, 1), (6, 2)))
    assert runs == [[3, 3], [9], [1, 1], [1]]
