"""Whether a rewritten text still says the same: its numbers, quotations, names and words.

Knows texts and character classes only, so it can refuse what is plainly changed and can't prove that nothing is:
a person reads every rewrite.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from sftloop.core.script import language_of

Change = Literal[
    "new_number",
    "lost_number",
    "new_quote",
    "lost_quote",
    "new_name",
    "lost_name",
    "from_an_example",
    "other_content",
]

_LIST_MARK = re.compile(r"^\s*(?:[-*•·]|\d{1,2}[.)、．]|[（(]\d{1,2}[)）])\s*", re.MULTILINE)
_MARKS = re.compile(r"```[\w+-]*|\*\*|^#{1,6}\s", re.MULTILINE)
_NUMBER = re.compile(r"\d+(?:[.,:/-]\d+)*")
_QUOTE = re.compile(r"“([^”]{2,})”|\"([^\"\n]{2,})\"|「([^」]{2,})」|『([^』]{2,})』|《([^》]{2,})》")
_WORD = re.compile(r"[A-Za-zÀ-ɏ][\w'’-]*")
_IDEOGRAPHS = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]+")
_OPENS = '.!?:…。！？：\n"“‘「『•*-(（'
"""Behind these a capital letter says nothing."""
_STEM, _SHORTEST = 5, 4
"""Words are compared by their first letters, so that `asks` and `asked` are one; shorter ones say little."""
_COMMON = 0.05
"""A word that so many of a task's texts hold belongs to their style."""
_KEPT = 0.5
"""Share of a text's own words that must stand in the rewrite."""
_GROUNDED = 0.7
"""Share of the rewrite's words that must come from the text, its input or the style; joining ideographs anew makes
new pairs, so that half is enough there."""
_GROUNDED_IDEOGRAPHS = 0.5


def words_of_style(texts: Collection[str]) -> frozenset[str]:
    """Return the words that belong to the style of some texts: those that many of them hold."""
    counts = Counter(word for text in texts for word in set(_words(text)))
    return frozenset(word for word, n in counts.items() if n >= max(2, _COMMON * len(texts)))


def plain_content(text: str) -> str:
    """Return what a text says without the marks of its form: JSON, lists, emphasis, fences."""
    text = unicodedata.normalize("NFKC", text)
    try:
        values = list(_leaves(json.loads(text)))
    except (ValueError, RecursionError):
        return _MARKS.sub(" ", _LIST_MARK.sub("", text))
    return " \n".join(values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewriting:
    """A text, what stands in for it, and where its words may come from."""

    before: str
    after: str
    source: str
    """The record's input."""
    examples: Collection[str]
    """The texts that the request showed."""
    style: frozenset[str]
    """`words_of_style` of the task's usual texts."""
    shortened: bool = False
    """The text was too long: the rewrite needn't keep most of its words."""

    def change(self) -> Change | None:
        """Return the first thing that was plainly changed, or None."""
        before, after = plain_content(self.before), plain_content(self.after)
        allowed = f"{before}\n{unicodedata.normalize('NFKC', self.source)}"
        changes: dict[Change, bool] = {
            "lost_number": bool(_numbers(before) - _numbers(after)),
            "new_number": bool(_numbers(after) - _numbers(allowed)),
            "lost_quote": any(_squeezed(quote) not in _squeezed(after) for quote in _quotes(before)),
            "new_quote": any(_squeezed(quote) not in _squeezed(allowed) for quote in _quotes(after)),
            **self._names(before, after, allowed),
            "from_an_example": self._borrows(before, after, allowed),
            "other_content": self._drifts(before, after, allowed),
        }
        return next((change for change, found in changes.items() if found), None)

    def _names(self, before: str, after: str, allowed: str) -> dict[Change, bool]:
        same = language_of(before) == language_of(after)
        folded, there = after.casefold(), allowed.casefold()
        return {
            "lost_name": same and any(name.casefold() not in folded for name in _names(before)),
            "new_name": any(
                name.casefold() not in there and name.casefold()[:_STEM] not in self.style
                for name in _names(after)
            ),
        }

    def _borrows(self, before: str, after: str, allowed: str) -> bool:
        """Whether an example stands in for the text, or words come from one and from nowhere else."""
        copied = _squeezed(after) in {_squeezed(example) for example in self.examples}
        if copied and not set(_words(before)) <= set(_words(after)):
            return True
        shown = {word for example in self.examples for word in _words(example)}
        borrowed = (set(_words(after)) & shown) - set(_words(allowed)) - self.style
        ideographs = sum(bool(_IDEOGRAPHS.match(word)) for word in borrowed)
        return len(borrowed) > ideographs or ideographs > 1

    def _drifts(self, before: str, after: str, allowed: str) -> bool:
        """Whether too few of the words are kept, or too many are new; across languages only the latter shows."""
        own, written = set(_words(before)) - self.style, set(_words(after))
        language = language_of(after)
        new = written - set(_words(allowed)) - self.style
        if language_of(before) == language and not self.shortened:
            lost = len(own - written)
            if lost > max(1, (1 - _KEPT) * len(own)) or (new and 0 < lost == len(own)):
                return True
        if language not in (language_of(before), language_of(self.source)):
            return False
        least = _GROUNDED_IDEOGRAPHS if language == "zh" else _GROUNDED
        return len(new) > max(1, (1 - least) * len(written))


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _leaves(part)
    elif value is not None:
        yield str(value)


def _numbers(text: str) -> set[str]:
    return {number.replace(",", "") for number in _NUMBER.findall(text)}


def _quotes(text: str) -> list[str]:
    return [next(filter(None, groups)).strip() for groups in _QUOTE.findall(text)]


def _names(text: str) -> set[str]:
    """Return the words that a capital letter inside a sentence, or several of them, mark as names."""
    found = set()
    for match in _WORD.finditer(text):
        word, ahead = match.group(), text[: match.start()].rstrip(" ")
        inside = bool(ahead) and ahead[-1] not in _OPENS
        capitals = sum(letter.isupper() for letter in word)
        if capitals > 1 or (inside and word[0].isupper() and len(word) > 1 and word[1] not in "'’"):
            found.add(word.removesuffix("'s").removesuffix("’s"))
    return found


def _words(text: str) -> Iterable[str]:
    """Yield the stems of longer words, and every two ideographs in a row."""
    for match in _WORD.finditer(text):
        if len(match.group()) >= _SHORTEST:
            yield match.group().casefold()[:_STEM]
    for run in _IDEOGRAPHS.findall(text):
        yield from (run[at : at + 2] for at in range(len(run) - 1))


def _squeezed(text: str) -> str:
    return "".join(filter(str.isalnum, text)).casefold()
