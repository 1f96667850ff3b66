"""How one task's answers are written: the shares of each trait that varies.

Lays shares out; what a trait is called is for `style_names.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sftloop.report.bar_table import Amounts, BarTable, bar_rows
from sftloop.report.figures import Figures
from sftloop.report.style_names import style_feature, style_value
from sftloop.report.wording import Words
from sftloop.report.wording.audit_words import AuditWords

Styles = Mapping[str, Mapping[str, float]]
"""Feature → value → its share."""

_STYLE_VALUES = 4
_WORTH_A_ROW = 0.0005
"""Less is a rounding error, or reads as 0.0%."""


def style_table(styles: Styles, shared: Words, words: AuditWords, *, most: int) -> BarTable | None:
    """Return the shares of each feature that varies, at most `most` rows; the other features are named below."""
    said = words.pictures
    amounts: list[Amounts] = []
    alike: list[str] = []
    for feature, shares in styles.items():
        name, ranked = style_feature(feature, shared.code), sorted(shares.items(), key=lambda item: -item[1])
        if len(ranked) > 1:
            amounts += _style_rows(feature, ranked, shared, words)
        elif ranked and ranked[0][0] != "none":
            value = style_value(feature, ranked[0][0], shared.code)
            alike.append(said.trait.format(feature=name, value=value))
    if not (amounts or alike):
        return None
    traits = said.alike.format(traits=Figures(shared.figures).names(alike)) if alike else ""
    missing = said.left_out.of(len(amounts) - most) if len(amounts) > most else ""
    return BarTable(
        caption=said.styles,
        headings=(said.style_value, said.share),
        rows=bar_rows(amounts[:most], scale=1.0),
        note=shared.verdict.sentence_join.join(
            filter(None, (missing, traits, said.styles_hint if amounts else ""))
        ),
    )


def _style_rows(
    feature: str, ranked: Sequence[tuple[str, float]], shared: Words, words: AuditWords
) -> list[Amounts]:
    """Return the most frequent values of a feature, and the rest in one row."""
    rows = [(style_value(feature, str(value), shared.code), share) for value, share in ranked[:_STYLE_VALUES]]
    rest = 1.0 - sum(share for _, share in rows)
    if rest >= _WORTH_A_ROW:
        rows.append((words.pictures.other, rest))
    return [
        Amounts(
            name=value,
            parts=[("amount", float(share))],
            cells=(Figures(shared.figures).percent(share),),
            title="" if index else style_feature(feature, shared.code),
        )
        for index, (value, share) in enumerate(rows)
    ]
