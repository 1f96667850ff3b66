"""What a service answered, read out of its JSON and kept in as little.

Knows the shape of chat completions; not tasks or what the text means.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple


class MalformedError(ValueError):
    """The service's answer isn't a chat completion; says what is wrong with it."""


class Token(NamedTuple):
    """One written token, and what else could have stood in its place."""

    piece: bytes
    log_probability: float
    others: tuple[tuple[bytes, float], ...]
    """The likeliest tokens here with their log-probabilities, the written one among them or not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One whole answer."""

    text: str
    finish: str
    """Why it ended: `stop`, `length`, `content_filter` …"""
    model: str
    """The name the service gave; empty if none."""
    prompt_tokens: int | None = None
    answer_tokens: int | None = None
    """None where the service doesn't count."""
    cached_tokens: int = 0
    """Prompt tokens the service had in its cache."""
    tokens: tuple[Token, ...] | None = None
    """With log-probabilities, where it gives them."""
    seconds: float = 0.0
    """From sending to the answer's last byte."""

    def with_tokens_up_to(self, place: int) -> Reply:
        """Return the reply without the tokens that begin at byte `place` of its text or later."""
        kept: list[Token] = []
        for token in self.tokens or ():
            if place <= 0:
                break
            kept.append(token)
            place -= len(token.piece)
        return replace(self, tokens=tuple(kept) or None)

    def to_bytes(self) -> bytes:
        """Return the reply in a compact form."""
        row = {name: getattr(self, name) for name in self.__slots__ if name != "tokens"}
        if self.tokens is not None:
            row["tokens"] = [
                [_text(token.piece), token.log_probability, [[_text(p), v] for p, v in token.others]]
                for token in self.tokens
            ]
        return zlib.compress(json.dumps(row).encode())

    @classmethod
    def from_bytes(cls, packed: bytes) -> Reply:
        """Return the reply that `to_bytes` packed."""
        row = json.loads(zlib.decompress(packed))
        tokens = row.pop("tokens", None)
        row |= {name: whole(row[name]) for name in ("text", "finish", "model")}
        reply = cls(**row)
        if tokens is None:
            return reply
        return replace(
            reply,
            tokens=tuple(
                Token(_bytes(piece), value, tuple((_bytes(p), v) for p, v in others))
                for piece, value, others in tokens
            ),
        )


def read_reply(body: Any, seconds: float) -> Reply:
    """Read the body of a chat completion.

    Raises:
        MalformedError: it isn't one.
    """
    if not isinstance(body, Mapping):
        raise MalformedError("the answer is no JSON object")
    choices = body.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], Mapping):
        raise MalformedError("the answer holds no 'choices'")
    message = choices[0].get("message")
    if not isinstance(message, Mapping):
        raise MalformedError("the answer's first choice holds no 'message'")
    text = message.get("content") or message.get("refusal") or ""
    finish = choices[0].get("finish_reason")
    if not isinstance(text, str) or (not text and not finish):
        raise MalformedError("the answer's message holds no text")
    usage = body.get("usage")
    usage = usage if isinstance(usage, Mapping) else {}
    return Reply(
        text=whole(text),
        finish=whole(str(finish or "stop")),
        model=whole(str(body.get("model") or "")),
        prompt_tokens=_count(usage, "prompt_tokens"),
        answer_tokens=_count(usage, "completion_tokens"),
        cached_tokens=_cached(usage),
        tokens=_read_tokens(choices[0].get("logprobs")),
        seconds=seconds,
    )


def whole(text: str) -> str:
    """Return `text` with � for every half of a character, which no file can keep."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _count(usage: Mapping[str, Any], name: str) -> int | None:
    value = usage.get(name)
    return value if isinstance(value, int) and value >= 0 else None


def _cached(usage: Mapping[str, Any]) -> int:
    details = usage.get("prompt_tokens_details")
    found = _count(details, "cached_tokens") if isinstance(details, Mapping) else None
    if found is None:
        found = _count(usage, "prompt_cache_hit_tokens")
    return min(found or 0, _count(usage, "prompt_tokens") or 0)


def _read_tokens(part: Any) -> tuple[Token, ...] | None:
    """Read log-probabilities; None where they are absent or unreadable, for an answer does without them."""
    content = part.get("content") if isinstance(part, Mapping) else None
    if not isinstance(content, Sequence) or not content:
        return None
    try:
        return tuple(
            Token(*_piece(entry), tuple(_piece(other) for other in entry.get("top_logprobs") or ()))
            for entry in content
        )
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


def _piece(entry: Mapping[str, Any]) -> tuple[bytes, float]:
    raw = entry.get("bytes")
    piece = bytes(raw) if raw is not None else str(entry["token"]).encode(errors="surrogatepass")
    return piece, float(entry["logprob"])


def _text(piece: bytes) -> str:
    return piece.decode("utf-8", "surrogateescape")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
