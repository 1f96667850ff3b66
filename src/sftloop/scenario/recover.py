"""Finding what was meant in text that misses the required format.

Knows text, names and JSON; not tasks or answers. Everything here gives up rather than guess: when two
readings are possible, the result is None or empty.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any
from unicodedata import normalize

from sftloop.core.files import unique_keys

_THOUGHTS = re.compile(r"<think>.*?</think>", re.DOTALL)
_FENCE = re.compile(r"```[\w+-]*[ \t]*\n(.*?)\n?[ \t]*```", re.DOTALL)
_LEAD = re.compile(
    r"^(?:final answer|answer|labels?|score|标签|答案|回答|结果|得分|评分)\s*[:：]\s*", re.IGNORECASE
)
_WRAPPING = " \t\r\n\"'`*“”‘’「」『』《》【】[]<>"
_STOPS = ".。!！,，;；"
_BULLET = re.compile(r"^(?:[-*•·]|\d+(?:[)、]|\.(?!\d)))\s*(?=\S)")
_BRACKETED = re.compile(r"^[(（]([^()（）]+)[)）]$")
_CHINESE = r"\u3400-\u9fff"
_NUMBER = re.compile(rf"(?:(?<=[{_CHINESE}])|(?<![\w.]))[-+]?\d+(?:\.\d+)?(?![^\W{_CHINESE}]|\.\d|\s*[%％])")
_MULTIPLIED = re.compile(r"\d\s*(?:[十百万亿]|千(?![克米瓦]))")
"""A number that counts hundreds or thousands; 千克 and the like are units."""
_THOUSANDS = re.compile(r"(?<![\d,.])\d{1,3}(?:,\d{3})+(?!,?\d)")
_JSON_STRING = r'"(?:[^"\\]|\\.)*"'


def unwrapped(text: str) -> str:
    """Return `text` without its reasoning and without the code fence around its only fenced part."""
    text = without_thoughts(text)
    fenced = _FENCE.findall(text)
    return str(fenced[0]).strip() if len(fenced) == 1 else text


def without_thoughts(text: str) -> str:
    """Return `text` without its reasoning and white space around it.

    A reasoning block may lack its opening tag, which some chat templates write, and its closing one, where the
    tokens ran out: nothing behind an open tag is an answer.
    """
    return _THOUGHTS.sub("", text).rpartition("</think>")[2].partition("<think>")[0].strip()


def bare(text: str) -> str:
    """Return `text` without a bullet, a lead such as "Label:", quotes, brackets, emphasis and a trailing stop."""
    before = None
    while before != text:
        before = text
        text = _BRACKETED.sub(r"\1", text.strip(_WRAPPING))
        text = _LEAD.sub("", _BULLET.sub("", text.strip(_WRAPPING)).strip(_WRAPPING)).rstrip(
            _STOPS + _WRAPPING
        )
    return text


def match_name(text: str, names: Iterable[str]) -> str | None:
    """Return the name that `text` means: itself, or the only one equal but for case, width, quotes and stops."""
    names = list(names)
    for candidate in (text, text.strip(), bare(text)):
        if candidate in names:
            return candidate
    meant = {folded(text.strip()), folded(bare(text))}
    close = [name for name in names if folded(name) in meant]
    return close[0] if len(close) == 1 else None


def folded(text: str) -> str:
    """Return `text` with letters of one case, and full-width forms as the ordinary ones."""
    return normalize("NFKC", text).casefold()


def match_any_line(text: str, names: Iterable[str]) -> str | None:
    """Return the name that stands alone on a line of `text`, if only one does."""
    names = list(names)
    found = {match_name(line, names) for line in [text, *text.splitlines()]} - {None}
    return found.pop() if len(found) == 1 else None


def split_names(text: str, names: Iterable[str], separator: str) -> tuple[str, ...] | None:
    """Return the names listed in `text` in any usual punctuation; None if a piece is not a name."""
    names = list(names)
    for pattern in (re.escape(separator), r"[,，;；、\n]"):
        pieces = [piece for piece in re.split(pattern, bare(text)) if bare(piece)]
        matched = [match_name(piece, names) for piece in pieces]
        if matched and None not in matched:
            return tuple(dict.fromkeys(name for name in matched if name is not None))
    return None


def only_number(text: str) -> float | None:
    """Return the number in `text` if it holds exactly one, as it stands: no percentage, nothing like 3 万."""
    numbers = _NUMBER.findall(text)
    return float(numbers[0]) if len(numbers) == 1 and not _MULTIPLIED.search(text) else None


def without_thousands_commas(text: str) -> str:
    """Return `text` with 1,000 written as 1000."""
    return _THOUSANDS.sub(lambda found: found[0].replace(",", ""), text)


def only_object(text: str) -> dict[str, Any] | None:
    """Return the JSON object in `text`, whatever stands around it; None if there is none or several."""
    decoder = json.JSONDecoder(parse_constant=_refuse_constant)
    objects: list[dict[str, Any]] = []
    start = text.find("{")
    while start != -1:
        try:
            value, end = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            end = start + 1
        else:
            objects.append(value)
        start = text.find("{", end)
    same = all(value == objects[0] for value in objects)
    return objects[0] if objects and same else None


def looks_like_json(text: str) -> bool:
    """Whether `text` sets out to be a JSON object."""
    return bool(re.search(r'\{\s*"', text))


def cut_off_string(text: str, key: str) -> str | None:
    """Return the complete string value of `key` in JSON that breaks off later (tokens ran out)."""
    found = re.findall(rf'"{re.escape(key)}"\s*:\s*({_JSON_STRING})', text)
    if len(found) != 1:
        return None
    try:
        return str(json.loads(found[0], strict=False))
    except ValueError:
        return None


def strict_json(text: str) -> Any:
    """Parse JSON without NaN, Infinity or repeated keys.

    Raises:
        ValueError: not JSON by that measure.
    """
    try:
        return _STRICT.decode(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


_STRICT = json.JSONDecoder(parse_constant=_refuse_constant, object_pairs_hook=unique_keys)
