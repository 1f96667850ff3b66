"""How one service wants to be asked: what it turns out not to take is left out from then on.

Services that call themselves compatible refuse different parts of a call. Each refusal names the part; the
call is then made again with less. Knows bodies and messages, no HTTP.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from sftloop.core.progress import say
from sftloop.models.remote.endpoint import Endpoint
from sftloop.models.remote.question import Question

Body = dict[str, Any]


class _Part(NamedTuple):
    """An optional part of a call."""

    refused_by: re.Pattern[str]
    levels: tuple[Any, ...]
    """Ways to ask for it, best first; the last asks for nothing."""
    without: str
    """What the user is told once the last is reached."""


_PARTS = {
    "chances": _Part(
        re.compile("logprob", re.I),
        (20, 5, None),
        "gives no log-probabilities",
    ),
    "schema": _Part(
        re.compile(r"json_schema|response_format|json_object|schema|structured", re.I),
        ("json_schema", "json_object", None),
        "can't be held to a JSON form",
    ),
    "temperature": _Part(
        re.compile("temperature", re.I),
        (0, None),
        "doesn't take temperature 0: its answers may differ from call to call",
    ),
    "limit": _Part(
        re.compile(r"max_tokens.*unsupported|unsupported.*max_tokens|max_tokens.*not supported", re.I | re.S),
        ("max_tokens", "max_completion_tokens"),
        "",
    ),
}


class Dialect:
    """What one service is asked for, at first everything.

    Args:
        endpoint: the service.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._level = dict.fromkeys(_PARTS, 0)

    def body(self, question: Question) -> Body:
        """Return the call's body."""
        chances, schema, temperature, limit = (
            part.levels[self._level[name]] for name, part in _PARTS.items()
        )
        body: Body = {"model": self._endpoint.model, "messages": question.messages}
        body[limit] = question.most_tokens
        if temperature is not None:
            body["temperature"] = temperature
        if chances is not None and question.label_bytes:
            body |= {"logprobs": True, "top_logprobs": chances}
        if schema is not None and question.schema is not None:
            body["response_format"] = _response_format(schema, question.schema)
        return body | dict(self._endpoint.options)

    def give_way(self, body: Body, question: Question, refusal: str) -> bool:
        """Leave out what a refusal names.

        Args:
            body: the call that was refused.
            question: what it asked.
            refusal: the service's words.

        Returns:
            Whether asking again makes sense: the body would be another one now.
        """
        if self.body(question) != body:
            return True
        for name, part in _PARTS.items():
            if not part.refused_by.search(refusal) or self._level[name] + 1 == len(part.levels):
                continue
            before = self._level[name]
            while self.body(question) == body and self._level[name] + 1 < len(part.levels):
                self._level[name] += 1
            if self.body(question) != body:
                if self._level[name] + 1 == len(part.levels) and part.without:
                    say(f"'{self._endpoint.model}' {part.without}; going on without.")
                return True
            self._level[name] = before
        return False


def _response_format(level: str, schema: dict[str, Any]) -> Body:
    if level == "json_object":
        return {"type": "json_object"}
    return {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": schema}}
