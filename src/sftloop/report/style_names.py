"""What a feature of style and its values are called on a page; unknown ones keep their own names."""

from __future__ import annotations

from sftloop.curate.style.style_words import Name, feature_name, value_name

_OF_REASON = "reason_"
_FACTS = {"sentences": Name("Sentences", "句数")}
"""Features that no finding names."""


def style_feature(feature: str, language: str) -> str:
    """Return a feature's name, by its language tag; a reason's feature says that it is the reason's."""
    name = _feature(feature)
    if name is not None:
        return _in(name, language)
    own, reason = _feature(feature.removeprefix(_OF_REASON)), _feature("reason")
    if own is None or reason is None or not feature.startswith(_OF_REASON):
        return feature.replace("_", " ")
    return f"{_in(reason, language)} · {_in(own, language)}"


def style_value(feature: str, value: str, language: str) -> str:
    """Return a value's name, by its language tag."""
    own = feature if _feature(feature) else feature.removeprefix(_OF_REASON)
    try:
        return _in(value_name(own, value), language)
    except KeyError:
        return value


def _feature(feature: str) -> Name | None:
    try:
        return feature_name(feature)
    except KeyError:
        return _FACTS.get(feature)


def _in(name: Name, language: str) -> str:
    return name.zh if language.startswith("zh") else name.en
