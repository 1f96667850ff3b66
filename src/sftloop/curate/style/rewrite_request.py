"""The request to write one text again in the style of the others, in English and Chinese.

Words and layout only: which texts are typical, and whether a reply is any good, is for its neighbours.
"""

from __future__ import annotations

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
    typical: str
    outlier: str
    """`{found}`: what is unlike the others."""
    rules: str


_ENGLISH = _Words(
    system="You edit training data. You change how a text is written and never what it says.",
    parts={"answer": "answers", "reason": "reasons"},
    style="The {part} of one task are all written in one style:",
    trait="- {feature}: {value}",
    length="- Length: about {low} to {high} characters",
    typical="Typical ones:",
    outlier="This one is written in another way ({found}):",
    rules="Write this one again in the style of the typical ones. Keep every fact, number, name and quotation; "
    "add nothing, leave nothing out, and take no facts from the typical ones. Answer with the rewritten text "
    "alone.",
)
_CHINESE = _Words(
    system="你负责修订训练数据：只改写法，不改内容。",
    parts={"answer": "答案", "reason": "理由"},
    style="同一任务的{part}都采用统一的写法：",
    trait="- {feature}：{value}",
    length="- 长度：约 {low} 到 {high} 个字符",
    typical="典型的写法：",
    outlier="下面这条的写法不同（{found}）：",
    rules="请按典型的写法改写这一条。保留所有事实、数字、名称和引文；不增添、不遗漏，也不要套用典型例子中的事实。"
    "只输出改写后的文本。",
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

    Args:
        style: what is usual.
        typical: two or three texts that keep to it.
        outlier: the text to write again.
        feature: in what it is unlike the others.
        found: its value of that feature.
        language: of the request.
    """
    words = _BY_LANGUAGE[language]
    deviation = words.trait.format(
        feature=_named(feature, language), value=_valued(feature, found, language)
    ).removeprefix("- ")
    sections = [
        "\n".join([words.style.format(part=words.parts[style.part]), *_traits(style, language)]),
        "\n".join([words.typical, *(f"{number}. {text}" for number, text in enumerate(typical, start=1))]),
        "\n".join([words.outlier.format(found=deviation), outlier.strip()]),
        words.rules,
    ]
    return [
        {"role": "system", "content": words.system},
        {"role": "user", "content": "\n\n".join(sections)},
    ]


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
