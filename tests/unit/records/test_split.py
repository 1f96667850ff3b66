import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from record_builders import intent

from sftloop.core.errors import UsageError
from sftloop.records import Record, input_key, linked_keys, normalise, split_records
from sftloop.scenario import Answer

SHARES = {"train": 0.8, "validation": 0.1, "test": 0.1}


def ids(parts):
    return {name: [record.id for record in records] for name, records in parts.items()}


def sides(parts):
    return {record.id: name for name, records in parts.items() for record in records}


def labels(records):
    return Counter(record.answer.label for record in records)


def test_shares_are_met_exactly_in_every_label():
    records = [intent(f"{label}{n}", label) for label in ("refund", "delivery", "other") for n in range(40)]
    parts = split_records(records, SHARES)
    for name, share in SHARES.items():
        assert labels(parts[name]) == dict.fromkeys(("refund", "delivery", "other"), 40 * share)


def test_many_rare_labels_still_fill_the_small_splits():
    """Rounding each label by itself would give them nothing."""
    records = [intent(f"{label}-{n}", f"label{label}") for label in range(30) for n in range(3)]
    parts = split_records(records, SHARES)
    assert {name: len(part) for name, part in parts.items()} == {"train": 72, "validation": 9, "test": 9}


def test_another_seed_is_another_division_of_the_same_sizes():
    records = [intent(f"r{n}", ("refund", "other")[n % 2]) for n in range(100)]
    one, same, other = (split_records(records, SHARES, seed=seed) for seed in (0, 0, 1))
    assert ids(one) == ids(same) != ids(other)
    assert {name: len(part) for name, part in one.items()} == {
        name: len(part) for name, part in other.items()
    }


def test_tasks_on_one_input_stay_together_and_are_each_stratified():
    records = []
    for n in range(60):
        records.append(intent(f"i{n}", ("refund", "delivery", "other")[n % 3], f"text {n}"))
        mood = Record(id=f"m{n}", task="mood", input={"message": f"text {n}"}, answer=Answer(score=3))
        records.append(mood)
    parts = split_records(records, SHARES)
    where = sides(parts)
    assert all(where[f"i{n}"] == where[f"m{n}"] for n in range(60))
    assert {name: len(part) for name, part in parts.items()} == {"train": 96, "validation": 12, "test": 12}


def test_known_inputs_go_where_they_already_are():
    records = [intent(f"r{n}", message=f"text {n}") for n in range(50)]
    pinned = {input_key({"m": "TEXT  7!"}): "test", input_key({"m": "text 8"}): "validation"}
    where = sides(split_records(records, SHARES, pinned=pinned))
    assert (where["r7"], where["r8"]) == ("test", "validation")


def test_known_groups_go_where_they_already_are():
    records = [intent(f"r{n}", message=f"text {n}", group=f"g{n % 25}") for n in range(50)]
    pinned = dict.fromkeys(linked_keys(intent("old", message="other", group="g7")), "test")
    where = sides(split_records(records, SHARES, pinned=pinned))
    assert (where["r7"], where["r32"]) == ("test", "test")


@pytest.mark.parametrize(
    "shares", [{}, {"train": 0.8}, {"train": 1.1, "test": -0.1}, {"train": float("nan")}]
)
def test_shares_must_make_sense(shares):
    with pytest.raises(UsageError):
        split_records([intent("a")], shares)


def test_normalisation_folds_spelling_and_keeps_meaning():
    assert normalise("Ｗhere is\tMY card?!") == normalise("where is my card")
    assert normalise("多少钱？") == normalise("多少钱")
    assert normalise("a b") != normalise("ab") and normalise("+5") != normalise("5")
    assert normalise("?!") == "?!" and normalise("👍") != normalise("👎")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("-5", "5"),
        ("−5", "5"),
        ("温度-5度", "温度5度"),
        ("1.5", "15"),
        ("1.5", "1 5"),
        ("1,5", "1 5"),
        ("8/2", "8-2"),
        ("8*2", "8/2"),
        ("5%", "5"),
        ("５％", "5"),
        ("C#", "C"),
        ("C++", "C"),
        ("F# or C", "F or C"),
    ],
)
def test_marks_that_change_a_number_or_a_name_stay(one, other):
    assert normalise(one) != normalise(other)
    assert input_key({"text": one}) != input_key({"text": other})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("It costs 5.", "it costs 5"),
        ("No. 5, please", "no 5 please"),
        ("#weather", "weather"),
        ("#天气#真好", "天气 真好"),
        ("5-", "5"),
        ("a-b", "a b"),
        ("C#.", "c#"),
    ],
)
def test_marks_that_end_a_sentence_do_not(one, other):
    assert normalise(one) == normalise(other)


def test_the_order_of_the_fields_does_not_matter():
    one, other = {"title": "A", "body": ["b", "c"]}, {"body": ["b", "c"], "title": "a"}
    assert input_key(one) == input_key(other) != input_key({"title": "A", "body": ["c", "b"]})
    records = [Record(id="r", task="t", input=fields, answer=Answer(label="x")) for fields in (one, other)]
    assert [record.text().lower() for record in records] == ["b\nc\na"] * 2


label = st.sampled_from(["refund", "delivery", "other"])
message = st.sampled_from(
    ["Hello", "hello!", "HELLO ", "bye", "Bye.", "where?", "x", "y", "z", "好的", "好的。"]
)
group = st.sampled_from([None, None, None, "g1", "g2"])
rows = st.lists(st.tuples(label, message, group), max_size=40)


def build(drawn):
    return [intent(f"r{n}", label, message, group=group) for n, (label, message, group) in enumerate(drawn)]


@settings(max_examples=200, deadline=None)
@given(drawn=rows, seed=st.integers(0, 5), order=st.randoms(use_true_random=False))
def test_properties_of_every_split(drawn, seed, order: random.Random):
    records = build(drawn)
    where = sides(split_records(records, SHARES, seed=seed))
    assert sorted(where) == sorted(record.id for record in records), "every record exactly once"
    by_input: dict[str, set[str]] = {}
    by_group: dict[str, set[str]] = {}
    for record in records:
        by_input.setdefault(input_key(record.input), set()).add(where[record.id])
        if record.group:
            by_group.setdefault(record.group, set()).add(where[record.id])
    assert all(len(found) == 1 for found in [*by_input.values(), *by_group.values()])
    shuffled = order.sample(records, len(records))
    assert sides(split_records(shuffled, SHARES, seed=seed)) == where, "the order given plays no part"


@settings(max_examples=100, deadline=None)
@given(counts=st.lists(st.integers(1, 60), min_size=1, max_size=8), seed=st.integers(0, 3))
def test_sizes_are_within_one_of_the_share(counts, seed):
    records = [
        intent(f"{index}-{n}", f"label{index}") for index, count in enumerate(counts) for n in range(count)
    ]
    parts = split_records(records, SHARES, seed=seed)
    for name, share in SHARES.items():
        assert abs(len(parts[name]) - share * len(records)) <= 1.5
        for index, count in enumerate(counts):
            assert abs(labels(parts[name])[f"label{index}"] - share * count) <= 2
