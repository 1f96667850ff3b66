"""When two values of an extracted field are the same: by type, not by spelling.

Knows single values only; counting over records is extract.py's.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Hashable
from datetime import date, datetime
from typing import Any

from sftloop.evaluate.text import normalise, overlap_f1, tokens


def value_keys(value: Any, kind: str) -> list[Hashable]:
    """Return comparable keys of the values in a field: none when empty, one per entry of a list, else one."""
    entries = value if isinstance(value, (list, tuple)) else [value]
    if kind != "list" and isinstance(value, (list, tuple)):
        entries = [value] if value else []
    return [_key(entry, kind) for entry in entries if not _empty(entry)]


def common_values(first: list[Hashable], second: list[Hashable]) -> int:
    """Return how many values two fields share, by their keys, without regard to order."""
    if len(first) <= 1 and len(second) <= 1:
        return int(first == second and len(first) == 1)
    return (Counter(first) & Counter(second)).total()


def same_values(first: Any, second: Any, kind: str) -> bool:
    """Return whether two values of a field of this type are the same; a list's order doesn't matter."""
    one, two = value_keys(first, kind), value_keys(second, kind)
    return len(one) == len(two) == common_values(one, two)


def value_f1(expected: Any, given: Any) -> float:
    """Return the token F1 of two values as they would be written."""
    return overlap_f1(tokens(_written(expected)), tokens(_written(given)))


def _empty(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _key(value: Any, kind: str) -> Hashable:
    if isinstance(value, bool):
        return ("boolean", value)
    if kind == "number" or isinstance(value, (int, float)):
        return _number_key(value)
    if kind == "date" and isinstance(value, str):
        return _date_key(value)
    if kind == "boolean" and isinstance(value, str):
        word = value.strip().casefold()
        return ("boolean", word == "true") if word in ("true", "false") else ("text", normalise(value))
    return ("text", normalise(_written(value)))


def _number_key(value: Any) -> Hashable:
    """Return the number rounded to 12 significant digits; 1, 1.0 and "1,000" -> 1000 are recognised."""
    try:
        found = float(value.replace(",", "")) if isinstance(value, str) else float(value)
    except (TypeError, ValueError):
        return ("text", normalise(_written(value)))
    return ("number", float(f"{found:.12g}")) if math.isfinite(found) else ("text", str(value))


def _date_key(value: str) -> Hashable:
    """Return an ISO 8601 date as a date, anything else as text."""
    text = normalise(value)
    try:
        return ("date", date.fromisoformat(text).isoformat())
    except ValueError:
        pass
    try:
        return ("date", datetime.fromisoformat(text).isoformat())
    except ValueError:
        return ("text", text)


def _written(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, (list, tuple)):
        return " ".join(_written(entry) for entry in value)
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
