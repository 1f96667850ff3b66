"""Where a service is, which of its models is asked, and what that costs.

Plain settings, checked without touching network or disk. The key is named here and read elsewhere.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from sftloop.core.errors import UsageError

_OURS = ("model", "messages", "stream", "n", "max_tokens", "logprobs", "top_logprobs", "response_format")


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """What a million tokens cost."""

    input: float
    """Per million prompt tokens."""
    output: float
    """Per million answer tokens."""
    cached_input: float | None = None
    """Per million prompt tokens that the service found in its own cache; None: as much as others."""
    currency: str = "USD"

    def __post_init__(self) -> None:
        for name in ("input", "output", "cached_input"):
            price = getattr(self, name)
            if price is not None and not (math.isfinite(price) and price >= 0):
                raise UsageError(f"The price '{name}' is {price}; it must be 0 or more per million tokens.")

    def cost(self, prompt_tokens: int, answer_tokens: int, cached_tokens: int = 0) -> float:
        """Return what so many tokens cost; `cached_tokens` are among the prompt's."""
        cached_price = self.input if self.cached_input is None else self.cached_input
        fresh = prompt_tokens - cached_tokens
        return (fresh * self.input + cached_tokens * cached_price + answer_tokens * self.output) / 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One model of one service that speaks OpenAI's chat completions."""

    base_url: str
    """Up to and including `/v1`, for example `https://api.deepseek.com/v1` or `http://localhost:11434/v1`."""
    model: str
    """The name the service knows it by."""
    key_variable: str = "OPENAI_API_KEY"
    """The environment variable that holds the key; where it is empty, none is sent."""
    prices: Prices | None = None
    """None: unknown, which every figure about cost then says."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Sent along with every call, for example `{"enable_thinking": False}`."""
    most_at_once: int = 64
    """Calls under way at a time, at most; how many there are below that, the service's answers decide."""
    connect_seconds: float = 10.0
    answer_seconds: float = 120.0
    """How long a call may take in all."""

    def __post_init__(self) -> None:
        _check_url(self.base_url)
        if not self.model.strip():
            raise UsageError("A model behind an API needs its name.", hint="Give it with `--model NAME`.")
        for name in self.options:
            if name in _OURS:
                raise UsageError(f"The option '{name}' is set by sftloop itself.", hint="Leave it out.")
        try:
            json.dumps(dict(self.options), allow_nan=False)
        except (TypeError, ValueError) as error:
            raise UsageError(f"The options can't be written as JSON: {error}.") from None
        for name in ("most_at_once", "connect_seconds", "answer_seconds"):
            if getattr(self, name) <= 0:
                raise UsageError(f"'{name}' is {getattr(self, name)}; it must be above 0.")

    @property
    def address(self) -> str:
        """The base URL in one spelling, without `/chat/completions` or a slash at its end."""
        return self.base_url.strip().rstrip("/").removesuffix("/chat/completions")


def _check_url(url: str) -> None:
    hint = "It looks like 'https://api.openai.com/v1'."
    try:
        parts = urlsplit(url.strip())
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise UsageError(f"The API's URL can't be read: {error}.", hint=hint) from None
    if parts.username is not None or parts.query or parts.fragment:
        raise UsageError(
            "The API's URL holds more than an address (a user, a query or a fragment).",
            hint="Put the key into an environment variable; URLs end up in logs.",
        )
    if parts.scheme not in ("http", "https") or not host:
        raise UsageError(f"'{url}' is no address of an API.", hint=hint)
