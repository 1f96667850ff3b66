"""Statuses, headers and error bodies as services send them, and the answer's form as they take it."""

from __future__ import annotations

import email.utils
import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sftloop.core.errors import ExternalError
from sftloop.models.remote.answer_schema import answer_schema
from sftloop.models.remote.endpoint import Endpoint
from sftloop.models.remote.outcome import (
    Broken,
    NoSuchModelError,
    Refused,
    Rejected,
    read_response,
    retry_after,
)
from sftloop.models.remote.question import Question, answer_room
from sftloop.models.remote.reply import MalformedError, Reply, read_reply
from sftloop.scenario import Answer, Task, format_answer

SERVICE = Endpoint(base_url="https://h/v1", model="m")


def error(message: str, code: str = "") -> str:
    return json.dumps({"error": {"message": message, "code": code}})


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (429, error("Rate limit reached", "rate_limit_exceeded"), Refused),
        (
            429,
            error(
                "Rate limit reached for gpt-4o-mini on requests per min (RPM): Limit 3, Used 3, Requested 1. "
                "Please try again in 20s. Visit https://platform.openai.com/account/billing to add a "
                "payment method.",
                "rate_limit_exceeded",
            ),
            Refused,
        ),
        (429, error("Slow down, see https://x.com/account/billing?why=insufficient_quota"), Refused),
        (429, error("Check your plan and billing details"), Refused),
        (403, error("Your chosen model requires moderation and your input was flagged for hate"), Rejected),
        (403, error("Refused", "content_policy_violation"), Rejected),
        (403, error("You are not allowed to request logprobs from this model"), Rejected),
        (503, "overloaded", Refused),
        (529, error("Overloaded"), Refused),
        (500, "<html>oops</html>", Broken),
        (502, "", Broken),
        (408, "", Broken),
        (400, error("maximum context length is 8192 tokens", "context_length_exceeded"), Rejected),
        (422, json.dumps({"detail": [{"loc": ["body", "top_logprobs"], "msg": "too large"}]}), Rejected),
        (413, "", Rejected),
        (200, "{", Broken),
        (200, "{}", Broken),
        (200, "[" * 100_000, Broken),
        (500, "[" * 100_000, Broken),
    ],
)
def test_whose_turn_it_is(status, body, kind) -> None:
    assert isinstance(read_response(SERVICE, status, {}, body, 0.1), kind)


@pytest.mark.parametrize(
    ("status", "body", "message"),
    [
        (401, error("Incorrect API key"), "doesn't accept the key in OPENAI_API_KEY"),
        (403, "", "doesn't accept the key"),
        (402, error("Insufficient Balance"), "account at https://h/v1 is used up"),
        (429, error("You exceeded your quota", "insufficient_quota"), "is used up"),
        (429, json.dumps({"error": {"type": "exceeded_current_quota_error", "message": "x"}}), "is used up"),
        (400, json.dumps({"code": "Arrearage", "message": "Access denied"}), "is used up"),
        (429, error("Your account has an insufficient balance"), "is used up"),
        (429, error("您的账户已欠费，请充值后重试", "1113"), "is used up"),
        (400, error("Check your plan and billing details"), "is used up"),
        (403, error("no access", "insufficient_quota"), "is used up"),
        (404, "404 page not found", "isn't where this API is"),
        (307, "", "isn't where this API is"),
    ],
)
def test_what_ends_the_run(status, body, message) -> None:
    with pytest.raises(ExternalError, match=message):
        read_response(SERVICE, status, {}, body, 0.1)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (404, error("The model `m` does not exist or you do not have access to it.", "model_not_found")),
        (404, error('model "m" not found, try pulling it first')),
        (400, error("Model Not Exist", "invalid_request_error")),
    ],
)
def test_services_that_do_not_know_the_model(status, body) -> None:
    with pytest.raises(NoSuchModelError, match="has no model 'm'"):
        read_response(SERVICE, status, {}, body, 0.1)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "2"}, 2.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "9", "retry-after-ms": "250"}, 0.25),
    ],
)
def test_how_long_to_wait(headers, seconds) -> None:
    assert retry_after(headers) == seconds


def test_a_wait_until_a_date() -> None:
    until = email.utils.formatdate(time.time() + 30, usegmt=True)
    assert retry_after({"retry-after": until}) == pytest.approx(30, abs=2)
    assert retry_after({"retry-after": "Mon, 01 Jan 2001 00:00:00 GMT"}) == 0


@pytest.mark.parametrize(
    "usage", [{"prompt_tokens_details": {"cached_tokens": 4}}, {"prompt_cache_hit_tokens": 4}]
)
def test_a_reply_is_read(usage) -> None:
    body = {
        "model": "m-1",
        "choices": [{"message": {"content": "w30"}, "finish_reason": "stop", "logprobs": {"content": []}}],
        "usage": {"prompt_tokens": 9, "completion_tokens": 2, **usage},
    }
    expected = Reply(
        text="w30", finish="stop", model="m-1", prompt_tokens=9, answer_tokens=2, cached_tokens=4, seconds=0.5
    )
    assert read_reply(body, 0.5) == expected


@pytest.mark.parametrize(
    "body",
    [
        [],
        {"choices": []},
        {"choices": [{}]},
        {"choices": [{"message": {"content": None}}]},
        {"choices": [{"message": {"content": ["a"]}, "finish_reason": "stop"}]},
    ],
)
def test_what_is_no_reply(body) -> None:
    with pytest.raises(MalformedError):
        read_reply(body, 0.1)


TASKS = {
    "choice": (
        Task(kind="choice", input=["t"], labels={"a": "", "b": ""}, answer={"reason": True}),
        {"label": "b"},
    ),
    "multi": (
        Task(kind="multi", input=["t"], labels={"a": "", "b": ""}, answer={"reason": True}),
        {"labels": ("b",)},
    ),
    "score": (Task(kind="score", input=["t"], range=(0, 5), answer={"reason": True}), {"score": 4.0}),
    "generate": (
        Task(kind="generate", input=["t"], answer={"reason": True, "evidence": True}),
        {"text": "x"},
    ),
    "extract": (
        Task(kind="extract", input=["t"], fields={"n": {"type": "number"}, "l": {"type": "list"}, "s": {}}),
        {"fields": {"n": 1, "l": ["x"], "s": None}},
    ),
}


@pytest.mark.parametrize("kind", TASKS)
def test_right_answers_have_the_form_that_is_asked_for_and_others_not(kind) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    task, main = TASKS[kind]
    extras = {"reason": "so"} if task.answer.reason else {}
    extras |= {"evidence": ("q",)} if task.answer.evidence else {}
    form = answer_schema(task)
    right = json.loads(format_answer(task, Answer(**main, **extras), "en"))
    jsonschema.validate(right, form)
    for key in right:
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({name: value for name, value in right.items() if name != key}, form)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**right, "more": 1}, form)


def test_plain_answers_have_no_form() -> None:
    assert answer_schema(Task(kind="choice", input=["t"], labels={"a": "", "b": ""})) is None


@given(st.text(max_size=200))
def test_no_prompt_has_more_tokens_than_are_set_aside(text) -> None:
    question = Question([{"role": "user", "content": text}], None, 8, 0)
    assert (
        question.most_prompt_tokens >= len(text.encode())
        and question.most_prompt_tokens >= question.likely_prompt_tokens
    )


def test_there_is_room_for_the_longest_answer() -> None:
    many = Task(kind="multi", input=["t"], labels={f"label number {n}": "" for n in range(50)})
    assert answer_room(many) > 50 * 5


def test_half_a_character_is_replaced_and_a_whole_one_is_kept() -> None:
    body = '{"model": "m\\udc00", "choices": [{"message": {"content": "a\\ud83d b \\ud83d\\ude00"}}]}'
    reply = read_response(SERVICE, 200, {}, body, 0.1)
    assert isinstance(reply, Reply) and (reply.text, reply.model) == ("a\ufffd b \U0001f600", "m\ufffd")


def test_half_a_character_in_an_answer_kept_before_is_replaced() -> None:
    kept = Reply(text="a\ud83d b", finish="stop", model="m")
    assert Reply.from_bytes(kept.to_bytes()).text == "a\ufffd b"
