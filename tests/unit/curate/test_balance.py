"""Labels get equal shares, tasks proportional ones, whatever the size at which the order is cut."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from sftloop.curate.prune.balance import in_balance


def queues(sizes: dict[tuple[str, str], int], protected: int = 0) -> dict:
    places = iter(range(10_000))
    return {stratum: [(next(places), at < protected) for at in range(n)] for stratum, n in sizes.items()}


def test_labels_take_turns_the_rarest_first() -> None:
    order = in_balance(queues({("t", "many"): 4, ("t", "few"): 2}), floor=1)
    assert list(order) == [
        (4, "floor"),
        (0, "floor"),
        (5, "coverage"),
        (1, "coverage"),
        (2, "coverage"),
        (3, "coverage"),
    ]


def test_the_floor_comes_before_the_protected_and_those_before_the_rest() -> None:
    given_ = {("t", "a"): [(0, True), (1, True), (2, True), (3, False)], ("t", "b"): [(4, False), (5, False)]}
    phases = [phase for _, phase in in_balance(given_, floor=1)]
    places = [place for place, _ in in_balance(given_, floor=1)]
    assert phases == ["floor"] * 2 + ["protected"] * 2 + ["coverage"] * 2
    assert places == [4, 0, 1, 2, 5, 3]


STRATA = st.dictionaries(
    st.tuples(st.sampled_from("st"), st.sampled_from("abcd")), st.integers(1, 40), min_size=1
)


@given(STRATA, st.integers(0, 6), st.integers(0, 5))
def test_every_place_comes_once_and_each_queue_keeps_its_order(sizes, floor, protected) -> None:
    given_ = queues(sizes, protected)
    order = [place for place, _ in in_balance(given_, floor)]
    assert sorted(order) == sorted(place for queue in given_.values() for place, _ in queue)
    for queue in given_.values():
        mine = {place for place, _ in queue}
        assert [place for place in order if place in mine] == [place for place, _ in queue]


@given(STRATA)
def test_at_every_size_labels_are_even_and_tasks_proportional(sizes) -> None:
    given_ = queues(sizes)
    stratum = {place: name for name, queue in given_.items() for place, _ in queue}
    total = Counter()
    for (task, _), size in sizes.items():
        total[task] += size
    taken: Counter = Counter()
    for at, (place, _) in enumerate(in_balance(given_, floor=0), 1):
        taken[stratum[place]] += 1
        for task in total:
            mine = {name: taken[name] for name in sizes if name[0] == task}
            open_ = [count for name, count in mine.items() if count < sizes[name]]
            assert max(mine.values()) - min(open_, default=max(mine.values())) <= 1
            assert abs(sum(mine.values()) - at * total[task] / total.total()) <= 1 + 1e-9
