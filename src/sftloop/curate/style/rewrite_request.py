"""The request to write one text again in the style of the others, in English and Chinese.

Words and layout only: which texts are typical, and whether a reply is any good, is for its neighbours.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sftloop.curate.style.answer_styles import Part
from sftloop.curate.style.style_words import feature_name, value_name
from sftloop.scenario.wording import Language

_TOLD = ("structure", "keys", "language", "reason_position", "length", "closing", "opening_kind", "person")
"""Features that a request names; the others show in the examples."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Words:
    system: str
    parts: Mapping[Part, str]
    style: str
    """`{part}`."""
    trait: str
    length: str
    """`{low}`, `{high}`: characters."""
    rules: str
    rewrite: str
    """`{text}`: opens each text to write again."""


_ENGLISH = _Words(
    system="You edit training data. You change how a text is written and never what it says.",
    parts={"answer": "answers", "reason": "reasons"},
    style="The {part} of one task are all written in one style:",
    trait="- {feature}: {value}",
    length="- Length: about {low} to {high} characters",
    rules="Write each text again in this style. Keep every fact, number, name and quotation; add nothing, leave "
    "nothing out, and take nothing from the texts before. Answer with the rewritten text alone.",
    rewrite="Write in the usual style:\n{text}",
)
_CHINESE = _Words(
    system="你负责修订训练数据：只改写法，不改内容。",
    parts={"answer": "答案", "reason": "理由"},
    style="同一任务的{part}都采用统一的写法：",
    trait="- {feature}：{value}",
    length="- 长度：约 {low} 到 {high} 个字符",
    rules="请按这种写法改写每一条。保留所有事实、数字、名称和引文；不增添、不遗漏，也不要套用前面文本的内容。"
    "只输出改写后的文本。",
    rewrite="按通常的写法改写：\n{text}",
)
_BY_LANGUAGE: Mapping[str, _Words] = {"en": _ENGLISH, "zh": _CHINESE}


@dataclass(frozen=True, slots=True, kw_only=True)
class StyleTold:
    """What a request says of the usual style."""

    part: Part
    rules: Mapping[str, str]
    """Feature → usual value."""
    shortest: int
    """Characters of the shortest and of the longest text that is usual."""
    longest: int


def rewrite_messages(
    style: StyleTold, typical: Sequence[str], outlier: str, feature: str, found: str, language: Language
) -> list[dict[str, str]]:
    """Return the messages that ask for one text in the usual style.

    The typical texts stand there as answers to the same request: each was brought out of style as the outlier is,
    which shows a small model what to do where words don't.

    Args:
        style: what is usual.
        typical: two or three texts that keep to it.
        outlier: the text to write again.
        feature: in what it is unlike the others.
        found: its value of that feature.
        language: of the request.
    """
    words = _BY_LANGUAGE[language]
    told = "\n".join([words.style.format(part=words.parts[style.part]), *_traits(style, language)])
    messages = [{"role": "system", "content": f"{words.system}\n\n{told}\n\n{words.rules}"}]
    for text in typical:
        shown = out_of_style(text, feature, found, outlier)
        messages.append({"role": "user", "content": words.rewrite.format(text=shown)})
        messages.append({"role": "assistant", "content": text})
    return [*messages, {"role": "user", "content": words.rewrite.format(text=outlier.strip())}]


def out_of_style(text: str, feature: str, found: str, like: str) -> str:
    """Return a typical text as it would look with an outlier's deviation: roughly, as an example of what to mend.

    Args:
        text: in the usual style.
        feature: what the outlier deviates in.
        found: its value.
        like: the outlier.
    """
    bare = text.strip().rstrip("。.!！?？")
    if (feature, found) == ("structure", "json") or feature == "keys":
        key = next(iter(re.findall(r'"([^"]+)"\s*:', like)), "text")
        return json.dumps({key: text}, ensure_ascii=False)
    if feature == "length":
        return f"{text} {text}" if found == "longer" else bare
    if feature == "opening_kind" and found == "small":
        return text[:1].lower() + text[1:]
    if (feature, found) == ("structure", "code"):
        return f"```\n{text}\n```"
    return bare if feature == "closing" else f"- {bare}"


def _traits(style: StyleTold, language: Language) -> list[str]:
    words = _BY_LANGUAGE[language]
    lines = [
        words.trait.format(feature=_named(name, language), value=_valued(name, value, language))
        for name, value in style.rules.items()
        if name in _TOLD and name != "length" and value != "none"
    ]
    return [*lines, words.length.format(low=style.shortest, high=style.longest)]


def _named(feature: str, language: Language) -> str:
    name = feature_name(feature)
    return name.zh if language == "zh" else name.en


def _valued(feature: str, value: str, language: Language) -> str:
    name = value_name(feature, value)
    return name.zh if language == "zh" else name.en
