"""Calls never cost more than allowed, and what they cost is counted."""

from __future__ import annotations

import pytest
from tests.servers.misbehaving import Misbehaving

from sftloop.core.errors import UsageError
from sftloop.models.remote import BudgetSpentError, Prices
from sftloop.models.remote.question import likely_tokens, questions

PRICES = Prices(input=1_000.0, output=2_000.0)


def _most(case, record) -> float:
    [question] = questions(case, case.tasks["kind"], [record])
    return PRICES.cost(question.most_prompt_tokens, question.most_tokens)


@pytest.mark.parametrize("calls", [0.5, 1.5, 4.0, 12.3])
def test_no_call_is_made_that_could_go_beyond_the_budget(case, some, remote, calls) -> None:
    records = some(150)
    budget = calls * _most(case, records[-1])
    found = []
    with Misbehaving(seconds=0.005, capacity=8, retry_after="0.01") as server:
        model = remote(server.url, budget=budget, prices=PRICES)
        with pytest.raises(BudgetSpentError, match="is used up"):
            found.extend(model.predict(case, "kind", records))
    assert model.costs.spent == pytest.approx(_true_of_answers(server))
    assert model.costs.spent <= budget
    assert len(found) == server.statuses["200"] >= int(calls)
    assert model.costs.spent + _most(case, records[-1]) > budget * 0.98


def _true_of_answers(server: Misbehaving) -> float:
    words = len(server.bodies[0]["messages"][0]["content"].split()) if server.bodies else 0
    words += len(server.bodies[0]["messages"][1]["content"].split()) if server.bodies else 0
    return PRICES.cost(words * server.statuses["200"], server.statuses["200"])


def test_lost_answers_count_at_the_most_they_can_have_cost(case, some, remote) -> None:
    records = some(1)
    with Misbehaving(script=["cut", "500", "ok"]) as server:
        model = remote(server.url, prices=PRICES)
        list(model.predict(case, "kind", records))
    assert model.costs.calls == 3
    assert model.costs.assumed == pytest.approx(_most(case, records[0]))
    assert model.costs.spent > model.costs.assumed


def test_a_service_that_counts_no_tokens_is_charged_the_most(case, some, remote) -> None:
    records = some(2)
    with Misbehaving(count_tokens=False) as server:
        model = remote(server.url, prices=PRICES)
        predictions = list(model.predict(case, "kind", records))
    assert [p.tokens for p in predictions] == [None, None]
    assert model.costs.spent == model.costs.assumed == pytest.approx(2 * _most(case, records[0]))


def test_unknown_prices_are_said(case, some, remote) -> None:
    model = remote("http://127.0.0.1:9/v1")
    assert model.costs.spent is None
    assert "the prices are unknown" in str(model.estimate(case, some(3)))
    with pytest.raises(UsageError, match="while the prices are unknown"):
        remote("http://127.0.0.1:9/v1", budget=1.0)


def test_an_estimate_leaves_out_what_is_cached_and_bounds_the_cost(case, some, remote) -> None:
    with Misbehaving() as server:
        model = remote(server.url, prices=PRICES)
        list(model.predict(case, "kind", some(4)))
        calls = len(server.bodies)
        estimate = model.estimate(case, [*some(10), *some(5, "why")])
    assert (estimate.calls, estimate.cached) == (11, 4)
    assert 0 < estimate.cost < estimate.most
    assert "11 calls" in str(estimate) and "4 records are answered from the cache" in str(estimate)
    assert len(server.bodies) == calls


@pytest.mark.parametrize(
    ("text", "tokens"), [("", 0), ("abcd", 1), ("abcdefghi", 3), ("有没有孩子", 4), ("ab有", 2)]
)
def test_tokens_are_guessed_from_characters(text, tokens) -> None:
    assert likely_tokens(text) == tokens
