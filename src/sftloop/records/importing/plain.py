"""Values of Parquet, Excel and YAML as JSON has them: dates as text, decimals as numbers, bytes as their text.

Knows values; not what they are for.
"""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal
from typing import Any


def plain(value: Any) -> Any:
    """Return a value, or all that a list or an object holds, as JSON can hold it; bytes that are no UTF-8 stay.

    A time at midnight is its day, since spreadsheets and data frames write days so.
    """
    if isinstance(value, dict):
        return {str(plain(key)): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [plain(item) for item in value]
    return _text_of(value) if isinstance(value, bytes) else _scalar(value)


def without_bytes(value: Any) -> Any:
    """Return a plain value with nothing in place of bytes (pictures, sounds)."""
    if isinstance(value, dict):
        return {key: without_bytes(item) for key, item in value.items()}
    if isinstance(value, list):
        return [without_bytes(item) for item in value]
    return None if isinstance(value, bytes) else value


def holds_bytes(value: Any) -> bool:
    """Whether bytes that are no text are left in a plain value."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return isinstance(value, bytes) or any(holds_bytes(item) for item in inner)


def _text_of(value: bytes) -> str | bytes:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value


def _scalar(value: Any) -> str | int | float | bool | None:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, datetime):
        return (value.date() if value.time() == time() else value).isoformat()
    if isinstance(value, (date, time)):
        return value.isoformat()
    return value if isinstance(value, (str, int, float, bool, type(None))) else str(value)
