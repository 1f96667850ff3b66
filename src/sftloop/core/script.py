"""Which script a text is written in, and with it whether it reads as Chinese or English."""

from __future__ import annotations

import re

IDEOGRAPH = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
"""One character of a script without spaces between words (kana among them)."""
_LATIN_WORD = re.compile(r"[A-Za-zÀ-ɏ]+")
_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]+`", re.DOTALL)


def language_of(text: str) -> str:
    """Return `zh`, `en`, `mixed` or `none`, by script, code aside; an ideograph weighs half a Latin word."""
    prose = _CODE.sub(" ", text)
    ideographs, words = len(IDEOGRAPH.findall(prose)), len(_LATIN_WORD.findall(prose))
    if ideographs + words == 0:
        return "none"
    share = ideographs / (ideographs + 2 * words)
    return "zh" if share >= 0.5 else "en" if share <= 0.05 else "mixed"
