"""Which system to use: the simplest that is good enough, by targets or by not being told apart from the best."""

from __future__ import annotations

from typing import Any

import pytest

from sftloop.evaluate.decision import Candidate, decide

TASKS = ["intent"]


def one(name: str, kind: str, rank: int = 1, **parts: Any) -> Candidate:
    met = {"intent": parts.pop("met")} if "met" in parts else {}
    sure = {"intent": parts.pop("sure")} if "sure" in parts else {}
    return Candidate(name=name, kind=kind, ranks={"intent": rank}, met=met, sure=sure, **parts)  # type: ignore[arg-type]


def test_the_simplest_that_meets_the_target() -> None:
    found = decide(
        [
            one("api", "api", 1, met=True),
            one("tuned", "adapter", 2, met=True),
            one("words", "classifier", 3, met=True),
            one("raw", "model", 4, met=False),
        ],
        TASKS,
        {"intent"},
    )
    assert (found.choice, found.rule, set(found.also)) == ("words", "meets", {"api", "tuned"})
    assert found.leader == "api" and found.fine_tune is None


def test_the_api_where_only_it_meets_the_target() -> None:
    systems = [one("api", "api", 1, met=True), one("raw", "model", 2, met=False)]
    found = decide(systems, TASKS, {"intent"})
    assert (found.choice, found.rule, found.fine_tune) == ("api", "meets", "raw")
    tuned = decide([*systems, one("tuned", "adapter", 3, met=False)], TASKS, {"intent"})
    assert tuned.choice == "api" and tuned.fine_tune is None, "fine-tuning was tried"


def test_within_a_kind_the_sure_one_then_the_better_then_the_faster() -> None:
    kinds = [
        one("b", "model", 1, met=True, sure=False),
        one("a", "model", 3, met=True, sure=True, seconds=2.0),
        one("c", "model", 3, met=True, sure=True, seconds=1.0),
    ]
    assert decide(kinds, TASKS, {"intent"}).choice == "c"


def test_nothing_meets_the_target() -> None:
    missed = [one("words", "classifier", 1, met=False), one("raw", "model", 2, met=False)]
    found = decide(missed, TASKS, {"intent"})
    assert (found.choice, found.rule, found.leader, found.fine_tune) == (None, "misses", "words", "raw")


def test_without_targets_the_simplest_of_those_not_told_apart() -> None:
    systems = [
        one("tuned", "adapter", 1),
        one("words", "classifier", 2),
        one("raw", "model", 3, worse=["intent"]),
    ]
    found = decide(systems, TASKS, set())
    assert (found.choice, found.rule, found.leader) == ("words", "as_good", "tuned")
    assert found.fine_tune is None, "a fine-tuned one was compared"
    assert decide(systems[1:], TASKS, set()).fine_tune == "raw"
    behind = [systems[0], one("words", "classifier", 2, worse=["intent"]), systems[2]]
    assert (decide(behind, TASKS, set()).choice, decide(behind, TASKS, set()).rule) == ("tuned", "best")


def test_words_alone_are_simpler_than_hidden_states() -> None:
    words = one("words", "classifier", 3, needs_model=False, seconds=1.0)
    states = one("states", "classifier", 2, seconds=0.5)
    assert decide([one("tuned", "adapter", 1), words, states], TASKS, set()).choice == "words"
    worse = one("words", "classifier", 3, needs_model=False, worse=["intent"])
    assert decide([one("tuned", "adapter", 1), worse, states], TASKS, set()).choice == "states"


def test_on_few_records_a_simple_system_far_behind_is_not_called_as_good() -> None:
    systems = [one("tuned", "adapter", 1), one("words", "classifier", 2, behind=["intent"])]
    found = decide(systems, TASKS, set())
    assert (found.choice, found.rule, found.also, found.unsettled) == ("tuned", "best", (), ("words",))


def test_no_system_is_among_the_best_everywhere() -> None:
    tasks = ["a", "b", "c"]
    first = Candidate(name="x", kind="model", ranks={"a": 1, "b": 1, "c": 2}, worse=["c"])
    second = Candidate(name="y", kind="classifier", ranks={"a": 2, "b": 2, "c": 1}, worse=["a", "b"])
    found = decide([first, second], tasks, set())
    assert (found.choice, found.rule) == ("x", "split")


def test_a_target_does_not_excuse_losing_another_task() -> None:
    simple = Candidate(name="x", kind="classifier", ranks={"a": 2, "b": 2}, met={"a": True}, worse=["b"])
    whole = Candidate(name="y", kind="adapter", ranks={"a": 1, "b": 1}, met={"a": True})
    assert decide([simple, whole], ["a", "b"], {"a"}).choice == "y"


@pytest.mark.parametrize("targets", [set(), {"a"}])
def test_what_cannot_answer_every_task_is_never_chosen(targets: set[str]) -> None:
    partly = Candidate(name="x", kind="classifier", ranks={"a": 1}, met={"a": True})
    whole = Candidate(name="y", kind="api", ranks={"a": 2, "b": 1}, met={"a": True})
    assert decide([partly, whole], ["a", "b"], targets).choice == "y"
    assert decide([partly], ["a", "b"], targets).rule == "nothing"


def test_who_is_worse_somewhere_is_not_called_level() -> None:
    """The first by mean place may be out of the running: nobody is simpler than it and as good."""
    words = Candidate(name="words", kind="classifier", ranks={"a": 1, "b": 2}, worse=["b"], seconds=0.1)
    api = Candidate(name="gpt", kind="api", ranks={"a": 2, "b": 1}, seconds=1.0)
    found = decide([words, api], ["a", "b"], set())
    assert (found.choice, found.rule, found.leader) == ("gpt", "best", "gpt")
