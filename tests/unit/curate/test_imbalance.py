"""Counts of tasks, labels and difficulties, and what the cap drops."""

import random

from audit_cases import record, scenario, task

from sftloop.curate.spread.imbalance import find_imbalance
from sftloop.records import cap_records

AB = {"a": "m", "b": "m"}


def many(label, count, *, of="t", tags=()):
    return [
        record(f"{of}-{label}-{'-'.join(tags)}{n:04}", f"text {n}", of=of, label=label, tags=tags)
        for n in range(count)
    ]


def kinds(findings):
    return [(each.kind, each.task, each.severity) for each in findings]


def test_an_even_set_has_no_finding_and_is_counted():
    found, (fact,) = find_imbalance(many("a", 30) + many("b", 30), scenario(task("t", labels=AB)))
    assert found == []
    assert fact.to_json() == {
        "task": "t",
        "n": 60,
        "characters": sum(len(f"text {n}") + 1 for n in range(30)) * 2,
        "labels": {"a": 30, "b": 30},
        "difficulty": None,
        "cap": None,
    }


def test_tasks_ten_to_one_and_a_task_without_records():
    of = scenario(task("big", labels=AB), task("small", labels=AB), task("none", labels=AB))
    records = many("a", 111, of="big") + many("b", 111, of="big")
    records += many("a", 10, of="small") + many("b", 10, of="small")
    found = find_imbalance(records, of).findings
    assert kinds(found) == [("imbalance", "none", "warning"), ("imbalance", None, "warning")]
    assert found[1].evidence == {"most": "big", "fewest": "small", "ratio": 11.1}
    assert "'big' has 11 times as many records as task 'small' (222 to 20)" in found[1].why
    assert "222 对 20" in found[1].why_zh
    fewer = [each for each in records if each.task == "small" or int(each.id[-4:]) < 100]
    assert kinds(find_imbalance(fewer, of).findings) == [("imbalance", "none", "warning")]


def test_labels_without_and_with_too_few_records():
    of = scenario(task("t", labels={"a": "m", "b": "m", "c": "m"}))
    found = find_imbalance(many("a", 95) + many("b", 9), of).findings
    assert kinds(found) == [("imbalance", "t", "warning")] * 2
    assert found[0].evidence == {"labels": {"b": 9, "c": 0}}
    assert found[0].records == tuple(each.id for each in many("b", 9))
    assert "fewer than 10 records of: 'c' (0), 'b' (9)" in found[0].why
    assert "不足 10 条记录：“c”（0）、“b”（9）。" in found[0].why_zh
    assert found[1].evidence == {"most": "a", "fewest": "b", "ratio": 10.6}
    many_labels = scenario(task("t", labels={f"l{n:02}": "m" for n in range(12)}))
    (scarce,) = find_imbalance(many("l00", 20), many_labels).findings
    assert "'l08' (0) and 3 more." in scarce.why and "“l08”（0）等 11 个。" in scarce.why_zh


def test_the_cap_of_the_scenario_is_a_note_the_default_a_warning():
    records = many("a", 900) + many("b", 201)
    of = scenario(task("t", labels=AB))
    (finding,), (fact,) = find_imbalance(records, of)
    assert kinds([finding]) == [("over_cap", "t", "warning")]
    assert len(finding.records) == 101 and all("-a-" in each for each in finding.records)
    assert finding.evidence["labels"] == {"a": [900, 799], "b": [201, 201]}
    assert fact.to_json()["cap"] == {"limit": 1000, "dropped": 101}

    chosen = scenario(task("t", labels=AB, max_records=50))
    (finding,) = find_imbalance(records, chosen, seed=3).findings
    assert finding.severity == "note" and finding.evidence["after"] == 50
    assert (
        finding.records == cap_records(sorted(records, key=lambda r: r.id), chosen, seed=3).tasks["t"].dropped
    )
    assert find_imbalance(records[:1000], of).findings == []


def test_difficulty_from_tags_counts_untagged_as_easy():
    records = many("a", 40) + many("b", 40, tags=("easy",)) + many("b", 5, tags=("hard",))
    (finding,), (fact,) = find_imbalance(records, scenario(task("t", labels=AB)))
    assert finding.kind == "few_boundary"
    assert finding.evidence == {"n": 85, "hard": 5, "share": 0.0588}
    assert "5 of 85 records of task 't' are boundary or hard (6%)" in finding.why
    assert fact.difficulty == {"easy": 80, "boundary": 0, "hard": 5}
    assert fact.by_label["b"] == {"easy": 40, "boundary": 0, "hard": 5}


def test_labels_that_lack_boundary_records():
    records = many("a", 40) + many("b", 30) + many("b", 10, tags=("boundary",))
    (finding,) = find_imbalance(records, scenario(task("t", labels=AB))).findings
    assert finding.kind == "few_boundary" and finding.evidence == {"labels": {"a": 40}}
    assert find_imbalance([*records, *many("a", 1, tags=("hard",))], scenario(task("t", labels=AB)))[0] == []


def test_measured_difficulty_goes_before_tags():
    records = many("a", 20, tags=("hard",)) + many("b", 20)
    measured = {each.id: "easy" for each in records[5:]}
    found, (fact,) = find_imbalance(records, scenario(task("t", labels=AB)), difficulty=measured)
    assert found == [], "who measured it tells what is lacking"
    assert fact.difficulty == {"easy": 35, "boundary": 0, "hard": 0}


def test_several_labels_a_record_and_tasks_without_labels():
    of = scenario(task("t", "multi", labels=AB), task("g", "generate"))
    records = [record(f"r{n:02}", labels=["a", "b"] if n % 2 else []) for n in range(40)]
    records += [record(f"g{n:02}", of="g", text="four") for n in range(20)]
    found, facts = find_imbalance(records, of)
    assert found == [] and facts[0].labels == {"a": 20, "b": 20} and facts[1].labels == {}
    assert facts[1].characters == 20 * len("hellofour")


def test_the_order_of_the_records_plays_no_part():
    records = many("a", 1500) + many("b", 30, tags=("hard",))
    shuffled = random.Random(0).sample(records, len(records))
    of = scenario(task("t", labels=AB))
    assert find_imbalance(records, of) == find_imbalance(shuffled, of)
