"""One question and one answer out of OpenAI messages and evals, ShareGPT conversations and Alpaca rows.

Knows the forms; not the scenario, and not what the question's text is made of.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sftloop.core.errors import DataError

_ROLES = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "human": "user",
    "assistant": "assistant",
    "gpt": "assistant",
    "chatgpt": "assistant",
    "model": "assistant",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One question and its answer."""

    system: str
    user: str
    """The whole text of the user's turn; for Alpaca instruction and input, one below the other."""
    answer: str
    input: str = ""
    """Alpaca's `input` alone."""


def read_exchange(format: str, row: Mapping[str, Any]) -> Exchange:
    """Return the exchange in a row of `openai`, `openai-evals`, `sharegpt` or `alpaca` form.

    Raises:
        DataError: the row lacks a part, holds several questions, or something that is not text.
    """
    return _READERS[format](row)


def keys_read(format: str) -> frozenset[str]:
    """Return the keys of a row that `read_exchange` looks at."""
    return _KEYS[format]


def _openai(row: Mapping[str, Any]) -> Exchange:
    return _from_turns(_turns(row, "messages", "role", "content"), "")


def _sharegpt(row: Mapping[str, Any]) -> Exchange:
    return _from_turns(_turns(row, "conversations", "from", "value"), _string(row, "system"))


def _alpaca(row: Mapping[str, Any]) -> Exchange:
    if row.get("history"):
        raise DataError("The row has a 'history'; a record is one question and one answer.")
    instruction, extra = _string(row, "instruction"), _string(row, "input")
    if not (instruction.strip() or extra.strip()):
        raise DataError("'instruction' and 'input' are both empty.")
    return Exchange(
        system=_string(row, "system"),
        user="\n".join(text for text in (instruction, extra) if text.strip()),
        answer=_filled(_string(row, "output"), "output"),
        input=extra,
    )


def _evals(row: Mapping[str, Any]) -> Exchange:
    """Read a sample of OpenAI's evals; of several right answers the first is taken."""
    asked, ideal = row.get("input"), row.get("ideal")
    if isinstance(ideal, list) and ideal:
        ideal = ideal[0]
    if not isinstance(ideal, str):
        raise DataError(f"'ideal' must be text or a list of texts, got {type(ideal).__name__}.")
    if isinstance(asked, str):
        return Exchange(system="", user=_filled(asked, "input"), answer=ideal)
    turns = _turns(row, "input", "role", "content")
    if [role for role, _ in turns if role != "system"] != ["user"]:
        roles = ", ".join(role for role, _ in turns)
        raise DataError(f"A record is one question; 'input' has the turns {roles}.")
    return _from_turns([*turns, ("assistant", ideal)], "", empty=True)


def _turns(row: Mapping[str, Any], key: str, role_key: str, text_key: str) -> list[tuple[str, str]]:
    turns = row.get(key)
    if not isinstance(turns, list) or not turns:
        raise DataError(f"'{key}' must be a list of turns, got {turns!r}.")
    result = []
    for number, turn in enumerate(turns, start=1):
        if not isinstance(turn, dict) or role_key not in turn:
            raise DataError(f"Turn {number} of '{key}' has no '{role_key}'.")
        role = _ROLES.get(str(turn[role_key]).lower())
        if role is None:
            raise DataError(
                f"Turn {number} has the role '{turn[role_key]}'; only system, user and assistant fit."
            )
        result.append((role, _content(turn.get(text_key), number)))
    return result


def _content(value: Any, number: int) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, Sequence):
        parts = [part.get("text") if isinstance(part, dict) else None for part in value]
        if parts and all(isinstance(part, str) for part in parts):
            return "".join(part for part in parts if part is not None)
    raise DataError(f"The content of turn {number} must be text, got {type(value).__name__}.")


def _from_turns(turns: list[tuple[str, str]], system: str, *, empty: bool = False) -> Exchange:
    """Return the exchange in some turns; `empty` allows an answer without text."""
    roles = [role for role, _ in turns]
    asked = [text for role, text in turns if role == "user"]
    if roles.count("system") > 1 or "system" in roles[1:]:
        raise DataError("A system message must come first, and only once.")
    if [role for role in roles if role != "system"] != ["user", "assistant"]:
        raise DataError(
            f"A record is one question and one answer; the row has {len(asked)} user "
            f"and {roles.count('assistant')} assistant turns ({', '.join(roles)})."
        )
    return Exchange(
        system=turns[0][1] if roles[0] == "system" else system,
        user=_filled(asked[0], "user"),
        answer=turns[-1][1] if empty else _filled(turns[-1][1], "assistant"),
    )


def _string(row: Mapping[str, Any], key: str) -> str:
    value = row.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise DataError(f"'{key}' must be text, got {type(value).__name__}.")
    return value


def _filled(text: str, name: str) -> str:
    if not text.strip():
        raise DataError(f"The text of '{name}' is empty.")
    return text


_READERS: dict[str, Callable[[Mapping[str, Any]], Exchange]] = {
    "openai": _openai,
    "openai-evals": _evals,
    "sharegpt": _sharegpt,
    "alpaca": _alpaca,
}
_KEYS = {
    "openai": frozenset({"messages"}),
    "openai-evals": frozenset({"input", "ideal", "metadata"}),
    "sharegpt": frozenset({"conversations", "system"}),
    "alpaca": frozenset({"instruction", "input", "output", "system", "history"}),
}
CHAT_FORMATS = tuple(_READERS)
