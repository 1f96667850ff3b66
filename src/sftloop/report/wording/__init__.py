"""Every built-in word of the report, in English and Chinese."""

from __future__ import annotations

from collections.abc import Mapping

from sftloop.report.wording.chinese import CHINESE
from sftloop.report.wording.english import ENGLISH
from sftloop.report.wording.words import Words

__all__ = ["LANGUAGES", "Words", "report_words"]

_BY_LANGUAGE: Mapping[str, Words] = {"en": ENGLISH, "zh": CHINESE}
LANGUAGES = tuple(_BY_LANGUAGE)


def report_words(language: str) -> Words:
    """Return the report's words; `language` is one of `LANGUAGES`."""
    return _BY_LANGUAGE[language]
