"""Near duplicates: shingles and their similarity by hand, MinHash against all pairs, groups that don't chain."""

import random
import string

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sftloop.core.errors import UsageError
from sftloop.curate.copies.near_duplicates import THRESHOLD, near_duplicate_groups, near_pairs_across
from sftloop.curate.similarity.jaccard import jaccard, similarities
from sftloop.curate.similarity.minhash import (
    STANDARD_ERROR,
    agreeing_pairs,
    estimated_similarity,
    rows_per_band,
    signatures,
)
from sftloop.curate.similarity.shingles import all_shingle_sets, normalised_texts, shingle_sets
from sftloop.records import normalise

MIXED = st.text(
    st.one_of(
        st.characters(), st.sampled_from("abAB ,.!?-−…+€ß①ﬁＡ好的家！，。\n\t\u3000\u200bあ한159#%％/")
    ),
    max_size=30,
)


def slow_shingles(text):
    """The definition, character by character."""
    text = f" {normalise(text)} "
    text = "".join(
        mark
        for place, mark in enumerate(text)
        if mark != " " or not any(map(is_ideograph, text[max(0, place - 1) : place + 2]))
    )
    lengths = [2 if is_ideograph(mark) else 3 for mark in text]
    found = {text[i : i + n] for i, n in enumerate(lengths) if i + n <= len(text)}
    return found or {text}


def is_ideograph(mark):
    ranges = ["\u2e80\u2fff", "\u3005\u3007", "\u3040\ua4cf", "\uac00\ud7af", "\uf900\ufaff"]
    return any(low <= mark <= high for low, high in [*ranges, "\U00020000\U000323af"])


def slow_similarity(one, other):
    a, b = slow_shingles(one), slow_shingles(other)
    return len(a & b) / len(a | b)


@given(st.lists(MIXED, max_size=8))
@example(["0\x1b0", "1\xad2", "-\x005", "1 2"])
def test_many_texts_are_normalised_as_one_by_one(texts):
    assert normalised_texts(texts) == [normalise(text) for text in texts]


@given(st.lists(MIXED, min_size=1, max_size=8))
def test_shingles_are_those_of_the_definition(texts):
    sizes = shingle_sets(texts).sizes.tolist()
    assert sizes == [len(slow_shingles(text)) for text in texts]
    pairs = [(i, j) for i in range(len(texts)) for j in range(len(texts))]
    assert similarities(texts, pairs) == [slow_similarity(texts[i], texts[j]) for i, j in pairs]


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("abcd", "abce", 2 / 6),  # _ab abc | bcd cd_ | bce ce_
        ("今天天气", "今天天色", 2 / 4),  # 今天 天天 | 天气 | 天色
        ("今天天气", "今天，天气！", 1),
        ("用app付款", "用 APP 付款", 1),
        ("Lost card", "lost, CARD!!", 1),
        ("ok", "on", 0),
        ("好", "坏", 0),
        ("好", "好！", 1),
        ("?", "!", 0),
        ("", " ", 1),
    ],
)
def test_similarity_by_hand(one, other, expected):
    assert similarities([one, other], [(0, 1)]) == [expected]


def test_the_estimate_is_as_good_as_128_functions_allow():
    draw = random.Random(0)
    texts = []
    for _ in range(400):
        words = draw.sample(range(1000), 30)
        changed = [word if draw.random() < 0.8 else draw.randrange(1000) for word in words]
        texts += [" ".join(map(str, words)), " ".join(map(str, changed))]
    sets = all_shingle_sets(texts)
    left, right = np.arange(0, 800, 2), np.arange(1, 800, 2)
    error = estimated_similarity(signatures(sets, rows=5), left, right) - jaccard(sets, left, right)
    assert abs(error.mean()) < 4 * STANDARD_ERROR / 400**0.5 + 1 / 256
    assert error.std() < 1.15 * STANDARD_ERROR


def test_bands_find_nineteen_of_twenty_pairs_at_the_threshold():
    assert [rows_per_band(threshold) for threshold in (0.5, 0.65, 0.8, 1)] == [3, 5, 7, 64]


def messages(count, seed=0):
    """Sentences over few words, so that many are somewhat alike."""
    draw = random.Random(seed)
    words = ["".join(draw.choices(string.ascii_lowercase, k=draw.randint(2, 9))) for _ in range(150)]
    texts = [" ".join(draw.choices(words, k=draw.randint(4, 14))) for _ in range(count // 2)]
    return texts + [near_copy(draw, text, words) for text in texts]


def near_copy(draw, text, words):
    parts = text.split()
    parts[draw.randrange(len(parts))] = draw.choice(words)
    return " ".join(parts)


def test_no_pair_below_the_threshold_and_nearly_all_above_it():
    texts = messages(800)
    shingles = [slow_shingles(text) for text in texts]
    expected = {}
    for left in range(400):
        for right in range(400, 800):
            shared = len(shingles[left] & shingles[right])
            similarity = shared / (len(shingles[left]) + len(shingles[right]) - shared)
            if similarity >= THRESHOLD:
                expected[left, right] = similarity
    sides = [0] * 400 + [1] * 400
    found = {(pair.left, pair.right): pair.similarity for pair in near_pairs_across(texts, sides)}
    assert found.items() <= expected.items()
    assert len(found) >= 0.97 * len(expected) and len(expected) > 200


def test_the_lower_side_stands_on_the_left_whatever_the_order():
    texts = [
        "Where is my card, please?",
        "How do I pay?",
        "where is my card please",
        "Where is my card now, please?",
    ]
    pairs = near_pairs_across(texts, [2, 0, 1, 1])
    assert sorted(pair[:2] for pair in pairs) == [(2, 0), (3, 0)]


def test_groups_hold_what_differs_little():
    texts = [
        "I still have not received my new card, I ordered over a week ago.",
        "手机屏幕摔碎了，请问换一块屏幕要多少钱？",
        "Why was I charged a fee for using the ATM?",
        "I still have not recieved my new card, I ordered over a week ago",
        "您好，手机屏幕摔碎了，请问换一块屏幕要多少钱",
        "Hello! i still have not received my new card - I ordered over a week ago.",
        "手机屏幕摔碎了，请问换一块玻璃要多少钱？",
        "How do I change my PIN?",
        "",
        "...",
        " ",
    ]
    groups = near_duplicate_groups(iter(texts))
    assert [sorted(group) for group in groups] == [[0, 3, 5], [1, 4, 6], [8, 10]]
    assert [group[1:] for group in groups] == [sorted(group[1:]) for group in groups]


def test_neither_order_nor_threads_change_what_is_grouped(monkeypatch):
    texts = messages(600, seed=2) * 2

    def grouped(order):
        return {
            frozenset(order[place] for place in group)
            for group in near_duplicate_groups([texts[place] for place in order])
        }

    straight = list(range(len(texts)))
    shuffled = random.Random(1).sample(straight, len(straight))
    first = grouped(straight)
    monkeypatch.setenv("SFTLOOP_THREADS", "1")
    assert grouped(shuffled) == first == grouped(straight) and len(first) > 200


def test_a_chain_of_small_steps_is_cut():
    draw = random.Random(3)
    line = [draw.choice(string.ascii_lowercase) for _ in range(400)]
    texts = ["".join(line[begin : begin + 60]) for begin in range(0, 340, 4)]
    groups = near_duplicate_groups(texts)
    assert len(groups) > 5
    for centre, *members in groups:
        assert all(slow_similarity(texts[centre], texts[member]) >= THRESHOLD for member in members)
    grouped = [place for group in groups for place in group]
    assert len(grouped) == len(set(grouped))


def test_a_mass_of_near_copies_costs_no_square():
    draw = random.Random(4)
    texts = [
        f"Your order {draw.randrange(10**6)} has been shipped and will be delivered on Monday morning."
        for _ in range(2000)
    ]
    (group,) = near_duplicate_groups(texts)
    assert len(group) == 2000
    bands = signatures(all_shingle_sets(texts), rows=rows_per_band(THRESHOLD)).bands
    assert len(agreeing_pairs(bands)) < 0.15 * 2000**2 / 2


def test_nothing_in_nothing_out():
    assert near_duplicate_groups([]) == [] == near_pairs_across([], [])
    assert similarities(["a"], []) == []


@pytest.mark.parametrize("threshold", [0, 1.5, float("nan")])
def test_a_threshold_out_of_range_is_refused(threshold):
    with pytest.raises(UsageError, match="above 0 and at most 1"):
        near_duplicate_groups(["a"], threshold=threshold)
