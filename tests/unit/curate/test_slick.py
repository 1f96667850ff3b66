"""The class with few generations is the class of all 170, on simulated models of many kinds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sftloop.curate.knowledge.slick import PROMPTS, SAMPLES, Inquiry, Wanted, full_class

Rng = np.random.Generator


class Chance(NamedTuple):
    greedy: bool
    probability: float


class World(NamedTuple):
    """What a model would answer to one fact, everywhere."""

    greedy: Sequence[bool]
    samples: Sequence[Sequence[bool]]
    chances: list[Chance]


def means(draw: Rng, count: int, kind: str) -> np.ndarray:
    """Draw each fact's mean success; the first mixture has about the shares that the paper reports."""
    if kind == "any magnitude":
        return 10 ** -draw.uniform(0, 6, count)
    if kind == "all or nothing":
        return draw.beta(0.15, 0.4, count)
    shares = {
        "paper": [0.3, 0.22, 0.22, 0.26],
        "known": [0.7, 0.15, 0.1, 0.05],
        "new": [0.05, 0.05, 0.1, 0.8],
    }
    parts = [draw.beta(30, 1, count), draw.beta(1.5, 1.5, count), draw.beta(0.5, 15, count)]
    return np.choose(draw.choice(4, size=count, p=shares[kind]), [*parts, 10 ** -draw.uniform(3, 9, count)])


def world(draw: Rng, mean: float, *, alike: float, other_forms: float) -> World:
    """Prompts differ in success around the fact's mean; the samples of one share it, greedy writing follows it.

    A right answer is often, not always, in exactly the expected form: what can be scored is less than success.
    """
    success = draw.beta(max(mean * alike, 1e-8), max((1 - mean) * alike, 1e-8), PROMPTS)
    greedy = success > (1 - success) * draw.beta(2, 2, PROMPTS)
    exact = draw.beta(1.2, 2) if draw.random() < other_forms else draw.beta(12, 1)
    form = draw.beta(exact * 20 + 0.1, (1 - exact) * 20 + 0.1, PROMPTS)
    written = greedy & (draw.random(PROMPTS) < form)
    chances = [Chance(bool(g), float(p)) for g, p in zip(written, success * form, strict=True)]
    return World(greedy.tolist(), (draw.random((PROMPTS, SAMPLES)) < success[:, None]).tolist(), chances)


def decide(told: World) -> Inquiry:
    inquiry = Inquiry(told.chances)
    while wanted := inquiry.wanted():
        inquiry.tell(
            {
                w: told.greedy[w.prompt] if w.sample is None else told.samples[w.prompt][w.sample]
                for w in wanted
            }
        )
    return inquiry


def whole(told: World) -> str:
    return full_class(told.greedy, [right for own in told.samples for right in own])


@pytest.mark.parametrize("kind", ["paper", "known", "new", "any magnitude", "all or nothing"])
@pytest.mark.parametrize("alike", [3, 20])
@pytest.mark.parametrize("other_forms", [0.1, 0.4])
def test_agreement_and_cost(kind: str, alike: float, other_forms: float) -> None:
    draw = np.random.default_rng(7)
    worlds = [world(draw, m, alike=alike, other_forms=other_forms) for m in means(draw, 400, kind)]
    done = [decide(told) for told in worlds]
    agreed = np.mean([inquiry.verdict == whole(told) for inquiry, told in zip(done, worlds, strict=True)])
    generations = np.mean([inquiry.generations for inquiry in done])
    assert agreed >= 0.95
    assert generations <= 8


def test_the_paper_defines_the_classes() -> None:
    none = [False] * PROMPTS
    assert full_class([True] * PROMPTS, [False]) == "highly_known"
    assert full_class([True, *none[1:]], [False]) == "maybe_known"
    assert full_class(none, [False, True]) == "weakly_known"
    assert full_class(none, [False] * 160) == "unknown"


def fact(greedy: int, probability: float) -> list[Chance]:
    return [Chance(place < greedy, probability) for place in range(PROMPTS)]


def test_known_everywhere_needs_nothing_written() -> None:
    inquiry = Inquiry(fact(PROMPTS, 0.9))
    assert (inquiry.verdict, inquiry.wanted(), inquiry.generations) == ("highly_known", [], 0)


def test_one_wrong_answer_makes_a_maybe() -> None:
    inquiry = Inquiry(fact(9, 0.9))
    assert inquiry.verdict is None
    assert inquiry.wanted() == [Wanted(9, None)]
    inquiry.tell({Wanted(9, None): False})
    assert (inquiry.verdict, inquiry.generations) == ("maybe_known", 1)


def test_four_wrong_greedy_answers_speak_for_all() -> None:
    inquiry = Inquiry([Chance(False, place / 1e9) for place in range(PROMPTS)])
    assert inquiry.wanted() == [Wanted(place, None) for place in (9, 8, 7, 6)]  # the likeliest
    inquiry.tell(
        {Wanted(9, None): False, Wanted(8, None): True, Wanted(7, None): True, Wanted(6, None): True}
    )
    assert (inquiry.verdict, inquiry.generations) == ("maybe_known", 4)


def test_right_in_another_form_four_times_is_asked_on() -> None:
    inquiry = Inquiry(fact(0, 0.0))
    while wanted := inquiry.wanted():
        assert all(want.sample is None for want in wanted)
        inquiry.tell(dict.fromkeys(wanted, True))
    assert (inquiry.verdict, inquiry.generations) == ("highly_known", PROMPTS)


def test_another_form_of_the_last_answer_still_counts() -> None:
    inquiry = Inquiry(fact(9, 0.9))
    inquiry.tell({Wanted(9, None): True})
    assert inquiry.verdict == "highly_known"


def missed_everywhere(probability: float) -> Inquiry:
    inquiry = Inquiry(fact(0, probability))
    while (wanted := inquiry.wanted()) and wanted[0].sample is None:
        inquiry.tell(dict.fromkeys(wanted, False))
    return inquiry


def test_what_scoring_makes_certain_is_not_sampled() -> None:
    """160 samples hit with 1 − (1 − p)^160: 0.0016 % at 1e-7, 96 % at 0.02."""
    assert missed_everywhere(1e-7).verdict == "unknown"
    assert missed_everywhere(0.02).verdict == "weakly_known"
    between = missed_everywhere(0.002)  # 27 %
    assert between.verdict is None
    assert between.wanted() == [Wanted(0, sample) for sample in range(8)]


def test_one_right_sample_decides() -> None:
    inquiry = missed_everywhere(0.002)
    before = inquiry.generations
    inquiry.tell({want: want.sample == 5 for want in inquiry.wanted()})
    assert inquiry.verdict == "weakly_known"
    assert inquiry.generations == before + 8  # all were written


def test_sampling_ends_without_a_hit() -> None:
    inquiry = missed_everywhere(0.006)  # 62 %, after 24 misses still 56 %
    while wanted := inquiry.wanted():
        inquiry.tell(dict.fromkeys(wanted, False))
    assert inquiry.verdict == "weakly_known"
    assert sum(inquiry.missed.values()) == 24


@given(
    st.lists(st.tuples(st.booleans(), st.floats(0, 1)), min_size=PROMPTS, max_size=PROMPTS),
    st.randoms(use_true_random=False),
)
def test_it_always_ends_and_never_asks_twice(chances: list[tuple[bool, float]], luck: object) -> None:
    inquiry = Inquiry([Chance(*chance) for chance in chances])
    asked: set[Wanted] = set()
    while wanted := inquiry.wanted():
        assert not asked & set(wanted)
        asked |= set(wanted)
        inquiry.tell({want: luck.random() < 0.3 for want in wanted})
    assert inquiry.verdict is not None
    assert inquiry.generations <= PROMPTS + 24
