"""One call's content: a record's messages, the answer's form and length, and the key it is remembered by.

The messages are those a local model gets. How many tokens they are is only known to the service, so it is
guessed from characters, and bounded by bytes. Doesn't know HTTP.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from sftloop.models.remote.answer_schema import answer_schema
from sftloop.models.remote.endpoint import Endpoint
from sftloop.records import Record
from sftloop.scenario import Scenario, Task, render_prompt

_ASCII_PER_TOKEN = 4.0
_TOKENS_PER_WIDE = 0.7
"""Tokens per character beyond ASCII: Chinese takes 0.6 to 0.8 in the vocabularies of today's services."""
_TURN_TOKENS = 4
"""What a chat template adds to each message, likely."""
_MOST_TURN_TOKENS = 32
_LEAD_BYTES = 64
"""In front of a label and behind it: white space, a brace, its key in JSON."""
_SPARE_TOKENS = 16
_BYTES_PER_TOKEN = 8
_FIELD_TOKENS, _TEXT_TOKENS = 60, 400
_BESIDE_TOKENS = {"evidence": 160, "reason": 160}
"""Room for parts whose length isn't known, ample: an unknown tokenizer and a talkative model have to fit."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of a service for one record."""

    messages: list[dict[str, str]]
    schema: dict[str, Any] | None
    """The answer's form; None: plain text."""
    most_tokens: int
    """Where the answer is cut off."""
    label_bytes: int
    """A choice's label has ended by then, and up to there log-probabilities are wanted; 0: no choice."""

    def key(self, endpoint: Endpoint) -> bytes:
        """Return a digest of all that decides the answer; what a service turned out not to take stays in it."""
        wish = {
            "address": endpoint.address,
            "model": endpoint.model,
            "options": dict(endpoint.options),
            "messages": self.messages,
            "temperature": 0,
            "most_tokens": self.most_tokens,
            "schema": self.schema,
            "chances": self.label_bytes > 0,
        }
        return hashlib.sha256(json.dumps(wish, sort_keys=True).encode()).digest()

    @property
    def likely_prompt_tokens(self) -> int:
        """The prompt's tokens, guessed."""
        return sum(likely_tokens(message["content"]) + _TURN_TOKENS for message in self.messages)

    @property
    def most_prompt_tokens(self) -> int:
        """No tokenizer makes more: a token has a byte at least, and a service may write out the schema."""
        texts = [message["content"] for message in self.messages]
        if self.schema is not None:
            texts.append(json.dumps(self.schema, ensure_ascii=False))
        return sum(len(text.encode()) + _MOST_TURN_TOKENS for text in texts)


def questions(scenario: Scenario, task: Task, records: Iterable[Record]) -> Iterator[Question]:
    """Yield one question per record of a task.

    Raises:
        DataError: an input lacks a field.
    """
    schema, limit = answer_schema(task), task.max_answer_tokens or answer_room(task)
    label_bytes = _label_bytes(task) if task.kind == "choice" else 0
    for record in records:
        rendered = render_prompt(scenario, task, record.input).messages
        messages = [message for message in rendered if message["content"].strip()]
        yield Question(messages, schema, limit, label_bytes)


def _label_bytes(task: Task) -> int:
    most = _LEAD_BYTES + max(len(label.encode()) for label in task.written_labels.values())
    if task.reasons_first:
        most += _BYTES_PER_TOKEN * sum(_BESIDE_TOKENS[key] for key in task.extras)
    return most


def likely_tokens(text: str) -> int:
    """Return about how many tokens a text is."""
    wide = sum(not character.isascii() for character in text)
    return math.ceil((len(text) - wide) / _ASCII_PER_TOKEN + wide * _TOKENS_PER_WIDE)


def answer_room(task: Task) -> int:
    """Return where answers to a task are cut off, with room to spare."""
    room = _SPARE_TOKENS
    if task.kind in {"choice", "multi"}:
        room += _room(task.written_labels.values(), together=task.kind == "multi")
    elif task.kind == "extract":
        room += _room(task.fields, together=True) + _FIELD_TOKENS * len(task.fields)
    elif task.kind == "generate":
        room += _TEXT_TOKENS
    room += 24 if task.written_as == "json" or task.in_lines else 0
    return room + sum(_BESIDE_TOKENS[key] for key in task.extras)


def _room(names: Iterable[str], *, together: bool) -> int:
    sizes = [2 * likely_tokens(name) + 3 for name in names]
    return sum(sizes) if together else max(sizes)
