"""Every epoch shows every example once, and the order depends on the seed alone."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from sftloop.train.schedule import plan_steps

tasks = st.lists(st.sampled_from("abc"), min_size=1, max_size=60)


@given(tasks, st.integers(1, 3), st.integers(1, 9), st.booleans(), st.integers(0, 5))
def test_every_epoch_shows_every_example_once(
    names: list[str], epochs: int, size: int, mix: bool, seed: int
) -> None:
    labels = [None if name == "c" else name + str(place % 3) for place, name in enumerate(names)]
    plan = plan_steps(names, labels, epochs=epochs, batch_size=size, seed=seed, mix_tasks=mix)
    seen = Counter(index for step in plan for index in step)
    assert seen == dict.fromkeys(range(len(names)), epochs)
    assert all(1 <= len(step) <= size for step in plan)
    assert plan == plan_steps(names, labels, epochs=epochs, batch_size=size, seed=seed, mix_tasks=mix)


def test_batches_hold_one_task_where_they_can() -> None:
    plan = plan_steps(["a"] * 20 + ["b"] * 12, [None] * 32, epochs=1, batch_size=4, seed=1)
    assert all(len({index < 20 for index in step}) == 1 for step in plan)


@given(st.integers(0, 50))
def test_every_batch_holds_the_labels_in_their_shares(seed: int) -> None:
    labels = ["yes"] * 12 + ["no"] * 24
    plan = plan_steps(["a"] * 36, labels, epochs=1, batch_size=6, seed=seed)
    counts = [sum(labels[index] == "yes" for index in step) for step in plan]
    assert all(1 <= count <= 3 for count in counts), counts
    order = [index for step in plan for index in step]
    assert order != sorted(order)


def test_epochs_differ() -> None:
    plan = plan_steps(["a"] * 16, [None] * 16, epochs=2, batch_size=4, seed=1)
    assert plan[:4] != plan[4:]


def test_a_fraction_of_an_epoch() -> None:
    assert len(plan_steps(["a"] * 40, [None] * 40, epochs=1.5, batch_size=4, seed=1)) == 15


def test_weights_say_how_often_a_task_comes() -> None:
    tasks = ["a"] * 10 + ["b"] * 10 + ["c"] * 10
    steps = plan_steps(tasks, [None] * 30, epochs=1, batch_size=4, seed=0, weights={"a": 2.5, "b": 0.3})
    seen = Counter(tasks[index] for step in steps for index in step)
    assert seen == {"a": 25, "b": 3, "c": 10}
    each = Counter(index for step in steps for index in step)
    assert {each[index] for index in range(10)} == {2, 3}


def test_a_small_weight_lets_no_task_disappear() -> None:
    tasks = ["a"] * 20 + ["b"] * 20
    steps = plan_steps(tasks, [None] * 40, epochs=2, batch_size=4, seed=0, weights={"a": 0.02})
    assert Counter(tasks[index] for step in steps for index in step) == {"a": 2, "b": 40}
    assert plan_steps(["a"] * 20, [None] * 20, epochs=1, batch_size=4, seed=0, weights={"a": 0.02})


def test_a_fraction_draws_others_in_every_epoch() -> None:
    tasks = ["a"] * 40 + ["b"] * 40
    drawn = []
    for epoch in (1, 2):
        steps = plan_steps(tasks, [None] * 80, epochs=epoch, batch_size=8, seed=0, weights={"a": 0.25})
        drawn.append(Counter(index for step in steps for index in step if index < 40))
    second = drawn[1] - drawn[0]
    assert sum(drawn[0].values()) == sum(second.values()) == 10
    assert set(second) != set(drawn[0])
