"""An answer of several parts as plain lines, `key: value` each: written, and read back to the same values.

A text stands as it is where it can't be mistaken for anything else, otherwise as a JSON string; every other value
is JSON. Knows keys and values; not tasks, and not what a part means.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sftloop.scenario import recover


def text_as_line(text: str) -> str:
    """Return a text as it stands behind its key."""
    whole = bool(text) and text == text.strip() and "\n" not in text and "\r" not in text
    return text if whole and text != "null" and not text.startswith('"') else as_json(text)


def line_as_text(line: str) -> str | None:
    """Return the text behind a key; None where it is null.

    Raises:
        ValueError: it begins like a JSON string and is none.
    """
    if line == "null":
        return None
    if not line.startswith('"'):
        return line
    try:
        value = recover.strict_json(line)
    except ValueError:
        value = None
    if not isinstance(value, str):
        raise ValueError(f"{line[:40]} opens a quote and is no JSON string")
    return value


def as_json(value: Any) -> str:
    """Return any value as JSON on one line."""
    return json.dumps(value, ensure_ascii=False)


def joined(parts: Sequence[tuple[str, str]]) -> str:
    """Return one line per part."""
    return "\n".join(f"{key}: {value}" for key, value in parts)


def split(text: str, keys: Sequence[str]) -> list[str]:
    """Return what stands behind each key, one line each and in this order.

    Raises:
        ValueError: a line is missing, too many, or begins otherwise.
    """
    lines = text.split("\n")
    if len(lines) != len(keys):
        raise ValueError(f"{_count(len(lines))} in place of {len(keys)}")
    for line, key in zip(lines, keys, strict=True):
        if not line.startswith(f"{key}:"):
            raise ValueError(f"the line '{key}: …' is missing")
    return [line[len(key) + 1 :].strip() for line, key in zip(lines, keys, strict=True)]


def split_loosely(text: str, keys: Sequence[str]) -> dict[str, str]:
    """Return what stands behind the keys that open exactly one line each, in any order, case and colon."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        head, colon, rest = line.strip(" \t-*•").replace("：", ":", 1).partition(":")
        key = recover.match_name(head, keys) if colon else None
        if key is not None:
            found.setdefault(key, []).append(rest.strip())
    return {key: values[0] for key, values in found.items() if len(values) == 1}


def _count(lines: int) -> str:
    return "1 line" if lines == 1 else f"{lines} lines"
