"""Confident learning: hand-worked joints, folds that keep copies together, flipped labels that are found."""

import random
from collections import Counter, defaultdict

import numpy as np
import pytest
from audit_cases import banking, needs_public_data, record, scenario, task

from sftloop.core.errors import DataError
from sftloop.curate.labels.confident import class_thresholds, doubts
from sftloop.curate.labels.label_errors import find_label_errors
from sftloop.curate.labels.out_of_fold import deal_folds

TOPICS = {
    "refund": "money back refund return cash",
    "parcel": "parcel late lost courier delivery",
    "login": "password account login reset mail",
}


def topical(count: int, seed: int = 0) -> list:
    """`count` records per topic whose words tell the topic."""
    draw = random.Random(seed)
    return [
        record(f"{label}-{n:03}", " ".join(draw.choices(words.split(), k=4)) + f" {n}", label=label)
        for label, words in TOPICS.items()
        for n in range(count)
    ]


def flipped(records, ids):
    names = list(TOPICS)
    turned = {label: names[(place + 1) % len(names)] for place, label in enumerate(names)}
    return [
        record(each.id, each.input["text"], label=turned[each.answer.label]) if each.id in ids else each
        for each in records
    ]


THREE = scenario(task("t", labels=dict.fromkeys(TOPICS, "m")))
PLANTED = {"refund-003", "refund-020", "parcel-007", "login-011"}


def test_the_joint_is_the_one_worked_by_hand():
    """Class 0: 0.9 0.9 0.9 0.1, class 1: 0.8 0.8; thresholds 0.7 and 0.8; the last of class 0 counts as 1."""
    given = np.array([0, 0, 0, 0, 1, 1])
    first = np.array([0.9, 0.9, 0.9, 0.1, 0.2, 0.2])
    chances = np.column_stack([first, 1 - first])
    np.testing.assert_allclose(class_thresholds(given, chances), [0.7, 0.8])
    result = doubts(given, chances)
    np.testing.assert_allclose(result.joint, [[3 / 6, 1 / 6], [0, 2 / 6]])
    assert result.pruned.tolist() == [False, False, False, True, False, False]
    assert result.suggested[3] == 1
    assert not result.doubtful.any(), "0.1 is more than a tenth of 0.7"
    first[3] = 0.01
    surer = doubts(given, np.column_stack([first, 1 - first]))
    assert np.flatnonzero(surer.doubtful).tolist() == [3]


def test_a_class_without_any_confident_record_keeps_its_labels():
    given = np.array([0, 0, 1, 1])
    chances = np.array([[1.0, 0.0], [1.0, 0.0], [0.6, 0.4], [0.6, 0.4]])
    chances[2:] = [[0.5, 0.4], [0.5, 0.39]]
    result = doubts(given, chances)
    assert result.joint.sum() == pytest.approx(1)
    assert not result.doubtful.any()


def test_planted_flips_are_found_and_named():
    found, (fact,) = find_label_errors(flipped(topical(40), PLANTED), THREE)
    assert {each.records[0] for each in found} == PLANTED
    assert all(each.severity == "warning" and each.kind == "label_error" for each in found)
    (one,) = (each for each in found if each.records == ("refund-003",))
    assert one.evidence["given"] == "parcel" and one.evidence["suggested"] == "refund"
    assert one.evidence["p_suggested"] > 0.5 > one.evidence["p_given"]
    assert "labelled 'parcel'; the other records say 'refund'" in one.why
    assert "标为“parcel”，而从其他记录看应为“refund”" in one.why_zh
    assert (fact.judged, fact.flagged, fact.trusted) == (120, 4, True)
    assert dict(((a, b), n) for a, b, n in fact.pairs) == Counter(
        (each.evidence["given"], each.evidence["suggested"]) for each in found
    )
    assert 0.02 < fact.noise_rate < 0.06 and fact.agreement > 0.9


def test_the_order_of_the_records_plays_no_part():
    records = flipped(topical(30), PLANTED)
    shuffled = random.Random(1).sample(records, len(records))
    assert find_label_errors(records, THREE) == find_label_errors(shuffled, THREE)


def test_exact_copies_and_groups_share_a_fold():
    records = topical(20)
    copies = [
        record(f"copy-{each.id}", f"  {str(each.input['text']).upper()}!", label=each.answer.label)
        for each in records
    ]
    grouped = [record(f"g{n}", f"person {n}", label="login", group="one") for n in range(7)]
    every = records + copies + grouped
    fold = dict(zip([each.id for each in every], deal_folds(every, 3), strict=True))
    assert all(fold[each.id] == fold[f"copy-{each.id}"] for each in records)
    assert len({fold[each.id] for each in grouped}) == 1
    sizes = Counter(fold[each.id] for each in records if each.answer.label == "refund")
    assert len(sizes) == 5 and max(sizes.values()) - min(sizes.values()) <= 2


def test_a_flipped_copy_can_not_vouch_for_itself():
    """The same wrong label on two copies: in different folds each would learn it from the other."""
    records = flipped(topical(40), {"refund-003"})
    wrong = next(each for each in records if each.id == "refund-003")
    copies = [record(f"copy{n}", wrong.input["text"], label=wrong.answer.label) for n in range(3)]
    found = find_label_errors(records + copies, THREE).findings
    assert {each.records[0] for each in found} >= {"refund-003", "copy0", "copy1", "copy2"}


def test_labels_with_too_few_records_are_said_and_not_judged():
    rare = [record(f"rare{n}", "money back refund", label="rare") for n in range(4)]
    of = scenario(task("t", labels=dict.fromkeys([*TOPICS, "rare", "never"], "m")))
    found, (fact,) = find_label_errors(topical(20) + rare, of)
    assert fact.too_few == {"rare": 4, "never": 0}
    assert not any(each.records[0].startswith("rare") for each in found) and fact.judged == 60


def test_probabilities_can_be_passed_in():
    records = topical(20)
    table = {
        each.id: {label: 0.98 if label == each.answer.label else 0.01 for label in TOPICS} for each in records
    }
    table["parcel-004"] = {"refund": 0.0, "parcel": 0.01, "login": 0.99}
    found, (fact,) = find_label_errors(records, THREE, probabilities=table)
    assert [each.records for each in found] == [("parcel-004",)]
    assert found[0].evidence == {
        "given": "parcel",
        "suggested": "login",
        "p_given": 0.01,
        "p_suggested": 0.99,
    }
    assert fact.agreement == pytest.approx(59 / 60) and fact.pairs == (("parcel", "login", 1),)
    del table["login-000"]
    with pytest.raises(DataError, match="no probabilities for record 'login-000'"):
        find_label_errors(records, THREE, probabilities=table)


def test_a_weak_model_s_doubts_are_withheld():
    records = topical(30)
    draw = random.Random(5)
    noise = [record(each.id, each.input["text"], label=draw.choice(list(TOPICS))) for each in records]
    found, (fact,) = find_label_errors(noise, THREE)
    assert fact.agreement < 0.7 and not fact.trusted
    assert found == []


def test_several_labels_are_judged_one_by_one():
    draw = random.Random(2)
    records = []
    for n in range(150):
        topics = draw.sample(list(TOPICS), draw.choice([0, 1, 2]))
        words = [word for name in topics for word in draw.choices(TOPICS[name].split(), k=4)]
        words += draw.choices(["well", "so", "then", "hm"], k=3)
        records.append(record(f"r{n:03}", " ".join(words), labels=topics))
    victim = next(each for each in records if each.labels() == ("refund",))
    extra = next(each for each in records if each.labels() == ("login",))
    turned = {victim.id: [], extra.id: ["parcel", "login"]}
    noisy = [
        record(each.id, each.input["text"], labels=turned[each.id]) if each.id in turned else each
        for each in records
    ]
    of = scenario(task("t", "multi", labels=dict.fromkeys(TOPICS, "m"), answer={"format": "json"}))
    found, (fact,) = find_label_errors(noisy, of)
    said = {each.records[0]: (each.evidence["given"], each.evidence["suggested"]) for each in found}
    assert said[victim.id] == ([], ["refund"])
    assert said[extra.id] == (["parcel", "login"], ["login"])
    assert len(said) <= 4 and fact.agreement > 0.9
    assert (None, "refund", 1) in fact.pairs and ("parcel", None, 1) in fact.pairs


def test_nothing_to_judge():
    assert find_label_errors([], THREE) == ([], [])
    wordless = [record(f"{label}{n}", "!?", label=label) for label in TOPICS for n in range(9)]
    assert find_label_errors(wordless, THREE) == ([], [])
    alone = [record(f"a{n}", f"word {n}", label="refund") for n in range(9)]
    assert find_label_errors(alone, THREE) == ([], [])


@needs_public_data
def test_flipped_labels_among_ten_banking_intents():
    by_intent = defaultdict(list)
    for text, intent in banking():
        by_intent[intent].append(text)
    intents = random.Random(1).sample(sorted(by_intent), 10)
    records = [
        record(f"{intent}-{n:03}", text, label=intent)
        for intent in intents
        for n, text in enumerate(by_intent[intent])
    ]
    draw = random.Random(0)
    planted = set(draw.sample([each.id for each in records], round(0.03 * len(records))))
    noisy = [
        record(
            each.id,
            each.input["text"],
            label=draw.choice([i for i in intents if i != each.answer.label])
            if each.id in planted
            else each.answer.label,
        )
        for each in records
    ]
    found = find_label_errors(noisy, scenario(task("t", labels=dict.fromkeys(intents, "m")))).findings
    flagged = {each.records[0] for each in found}
    assert len(flagged & planted) >= 0.7 * len(planted)
    assert len(flagged & planted) >= 0.75 * len(flagged)
