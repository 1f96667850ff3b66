"""Answers of a service are asked for and read as a local model's are."""

from __future__ import annotations

import json

import pytest
from tests.servers.misbehaving import Misbehaving

from sftloop.core.errors import UsageError
from sftloop.models.remote import Endpoint, Prices
from sftloop.scenario import render_prompt


def test_a_call_holds_the_local_prompt_and_asks_for_form_and_chances(case, some, remote) -> None:
    [record] = some(1, "why")
    with Misbehaving(answer=lambda body: '{"label": "yes", "reason": "so"}') as server:
        [prediction] = remote(server.url, options={"enable_thinking": False}).predict(case, "why", [record])
    [body] = server.bodies
    assert body["messages"] == render_prompt(case, case.tasks["why"], record.input).messages
    assert body["temperature"] == 0 and body["enable_thinking"] is False
    assert body["top_logprobs"] == 20
    form = body["response_format"]["json_schema"]
    assert form["strict"] is True
    assert form["schema"]["properties"]["label"] == {"type": "string", "enum": ["yes", "no"]}
    assert (prediction.answer.label, prediction.answer.reason) == ("yes", "so")
    assert prediction.format_valid and prediction.probabilities is None
    assert prediction.tokens == 4 and prediction.prompt_tokens > 10
    assert prediction.latency_seconds > 0


@pytest.mark.parametrize(
    ("part", "task", "calls", "told"),
    [
        ("logprobs", "kind", 3, "gives no log-probabilities"),
        ("response_format", "parts", 3, "can't be held to a JSON form"),
        ("temperature", "kind", 2, "doesn't take temperature 0"),
        ("max_tokens", "kind", 2, ""),
    ],
)
def test_a_part_that_is_refused_is_left_out_from_then_on(
    case, some, remote, capsys, part, task, calls, told
) -> None:
    text = {"kind": "w31", "parts": json.dumps({"name": "Ann", "age": 3})}[task]
    with Misbehaving(takes_no=(part,), answer=lambda body: text) as server:
        model = remote(server.url)
        predictions = [*model.predict(case, task, some(20, task)), *model.predict(case, task, some(20, task))]
    assert [p.error for p in predictions] == [None] * 40
    assert len(server.bodies) == 20 + calls - 1
    assert part not in server.bodies[-1]
    assert capsys.readouterr().err.count(told or "?") == (1 if told else 0)


def test_a_refusal_of_one_record_is_its_own(case, some, remote) -> None:
    def fate(body):
        return "400" if body["messages"][-1]["content"].endswith("message 3") else None

    with Misbehaving(fate_of=fate) as server:
        predictions = {p.id: p for p in remote(server.url).predict(case, "kind", some(6))}
    assert [name for name, p in predictions.items() if p.error] == ["r3"]
    assert predictions["r3"].error == "400: scripted"
    assert len(server.bodies) == 6


def test_an_answer_that_was_cut_off_has_not_the_right_format(case, some, remote) -> None:
    with Misbehaving(finish="length") as server:
        [prediction] = remote(server.url).predict(case, "kind", some(1))
    assert prediction.answer.label == "w30" and prediction.format_valid is False


def test_a_model_that_only_thinks_is_told_once(case, some, remote, capsys) -> None:
    with Misbehaving(finish="length", answer=lambda body: "") as server:
        predictions = list(remote(server.url).predict(case, "kind", some(3)))
    assert [(p.text, p.answer, p.error) for p in predictions] == [("", None, None)] * 3
    assert capsys.readouterr().err.count("without writing any of it") == 1


def test_a_withheld_answer_is_an_error_not_a_wrong_one(case, some, remote) -> None:
    with Misbehaving(finish="content_filter", answer=lambda body: "") as server:
        [prediction] = remote(server.url).predict(case, "kind", some(1))
    assert "withheld" in prediction.error and prediction.format_valid is None


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"base_url": "https://user:pass@host/v1"}, "holds more than an address"),
        ({"base_url": "https://host/v1?api-key=abc"}, "holds more than an address"),
        ({"base_url": "host/v1"}, "is no address of an API"),
        ({"base_url": "http://host:port/v1"}, "can't be read"),
        ({"model": " "}, "needs its name"),
        ({"options": {"stream": True}}, "'stream' is set by sftloop itself"),
        ({"options": {"x": object()}}, "can't be written as JSON"),
        ({"most_at_once": 0}, "'most_at_once' is 0; it must be above 0"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings, message) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        Endpoint(**{"base_url": "https://host/v1", "model": "m", **settings})
    assert "abc" not in str(caught.value) and "pass" not in str(caught.value)


@pytest.mark.parametrize("url", ["https://h/v1", "https://h/v1/", " https://h/v1/chat/completions"])
def test_an_address_has_one_spelling(url) -> None:
    assert Endpoint(base_url=url, model="m").address == "https://h/v1"


def test_a_price_below_zero_is_refused() -> None:
    with pytest.raises(UsageError, match="'output' is -1"):
        Prices(input=1, output=-1)


def test_a_cached_prompt_costs_less() -> None:
    prices = Prices(input=2.0, output=8.0, cached_input=0.5)
    assert prices.cost(1_000_000, 500_000, 600_000) == pytest.approx(0.4 * 2 + 0.6 * 0.5 + 4)
