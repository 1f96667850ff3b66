import random
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st
from record_builders import intent

from sftloop.records import Record, cap_records, sample_records
from sftloop.scenario import Answer


def many(label, count, *, tags=(), start=0):
    return [intent(f"{label}-{'-'.join(tags)}{n + start}", label, tags=tags) for n in range(count)]


def labels(records):
    return Counter(label for record in records for label in record.labels())


def test_labels_are_balanced_and_a_rare_one_stays_whole(scenario):
    records = many("refund", 50) + many("delivery", 20) + many("other", 1)
    result = cap_records(records, scenario)
    assert labels(result.kept) == {"refund": 2, "delivery": 3, "other": 1} or labels(result.kept) == {
        "refund": 3,
        "delivery": 2,
        "other": 1,
    }
    assert [records.index(record) for record in result.kept] == sorted(map(records.index, result.kept))


def test_boundary_and_hard_stay_before_untagged_before_easy(scenario):
    records = many("refund", 9, tags=("easy",)) + many("refund", 2) + many("refund", 1, tags=("hard",))
    records += many("refund", 2, tags=("boundary", "returns"))
    kept = cap_records(records, scenario).kept
    assert Counter(record.tags[:1] for record in kept) == {
        ("hard",): 1,
        ("boundary",): 2,
        (): 2,
        ("easy",): 1,
    }


def test_a_repeated_input_waits_for_distinct_ones(scenario):
    records = [intent(f"same{n}", message="Hello!" if n % 2 else "hello", tags=("hard",)) for n in range(6)]
    records += [intent(f"easy{n}", message=f"text {n}", tags=("easy",)) for n in range(5)]
    kept = [record.id for record in cap_records(records, scenario).kept]
    assert sum(name.startswith("same") for name in kept) == 1 and len(kept) == 6


def test_the_report_says_what_was_dropped(scenario):
    records = many("refund", 7, tags=("hard",)) + many("other", 3)
    result = cap_records(records, scenario)
    report = result.tasks["intent"]
    assert (report.limit, report.before) == (6, 10)
    assert sorted(report.dropped) == sorted({r.id for r in records} - {r.id for r in result.kept})
    assert report.labels == {"refund": (7, 3), "other": (3, 3)}
    assert report.hard_dropped == 4
    assert str(report) == "6 of 10 records kept (max_records 6, 4 of the dropped are boundary or hard)"


def test_tasks_without_a_cap_and_below_it_are_untouched(scenario):
    moods = [
        Record(id=f"m{n}", task="mood", input={"message": f"{n}"}, answer=Answer(score=2)) for n in range(20)
    ]
    records = many("refund", 6) + moods
    result = cap_records(records, scenario)
    assert result.kept == records and result.tasks == {}


def test_several_labels_per_record(scenario):
    capped = scenario.tasks["topics"].model_copy(update={"max_records": 6})
    scenario = scenario.model_copy(update={"tasks": {"topics": capped}})
    sets = [("price",)] * 20 + [("quality",)] * 20 + [("price", "service")] * 2 + [()] * 20
    records = [
        Record(id=f"t{n}", task="topics", input={"message": f"{n}"}, answer=Answer(labels=names))
        for n, names in enumerate(sets)
    ]
    kept = cap_records(records, scenario).kept
    assert len(kept) == 6
    counts = labels(kept)
    assert counts["service"] == 2 and counts["price"] == 2 and counts["quality"] == 2
    assert sum(not record.labels() for record in kept) == 2


def test_a_sample_ignores_difficulty():
    records = many("refund", 400, tags=("easy",)) + many("refund", 400, tags=("hard",))
    hard = sum(record.is_hard() for record in sample_records(records, 200))
    assert 70 <= hard <= 130


drawn = st.lists(
    st.tuples(st.sampled_from(["refund", "delivery", "other"]), st.sampled_from([(), ("easy",), ("hard",)])),
    max_size=40,
)


@settings(max_examples=200, deadline=None)
@given(rows=drawn, order=st.randoms(use_true_random=False))
def test_properties_of_every_cap(shared_scenario, rows, order: random.Random):
    records = [intent(f"r{n}", label, tags=tags) for n, (label, tags) in enumerate(rows)]
    result = cap_records(records, shared_scenario)
    assert len(result.kept) == min(len(records), 6)
    dropped = set(result.tasks["intent"].dropped) if result.tasks else set()
    assert dropped | {record.id for record in result.kept} == {record.id for record in records}
    again = cap_records(order.sample(records, len(records)), shared_scenario)
    assert {record.id for record in again.kept} == {record.id for record in result.kept}
    before, after = labels(records), labels(result.kept)
    short = [after[label] for label in before if after[label] < before[label]]
    if short:
        assert max(after.values()) - min(short) <= 1, "a label loses records only to its equal share"
    for record in records:
        if record.id in dropped and record.is_hard():
            rivals = [other for other in result.kept if other.answer == record.answer]
            assert all(other.is_hard() for other in rivals)
