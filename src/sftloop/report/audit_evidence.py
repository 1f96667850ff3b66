"""What a finding rests on, as lines to read: the known parts by kind, further plain values under their names.

Doesn't judge. What is missing is left out; what is nested too deep to read stays in audit.json.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sftloop.report.fact import Fact
from sftloop.report.figures import Figures
from sftloop.report.style_names import style_feature, style_value
from sftloop.report.wording import Words
from sftloop.report.wording.audit_words import AuditWords

Evidence = Mapping[str, Any]

_LONGEST = 300
"""Characters of one value."""
_MOST_IDS = 6
_SHOWN_ELSEWHERE = frozenset(
    {"keep", "drop", "text", "texts", "examples", "ids", "split", "against", "exact", "similarity"}
)
_READ = {
    "label_error": frozenset({"given", "suggested", "p_given", "p_suggested"}),
    "conflict": frozenset({"answers"}),
    "format_outlier": frozenset({"part", "feature", "usual", "found", "share"}),
    "unknown_knowledge": frozenset({"classes"}),
    "uncovered": frozenset({"splits", "labels"}),
}
"""Keys that a kind's own lines have used up."""


def evidence_facts(finding: Mapping[str, Any], shared: Words, words: AuditWords) -> tuple[Fact, ...]:
    """Return the evidence of a finding as names and values."""
    evidence: Evidence = finding.get("evidence") or {}
    own = _BY_KIND.get(finding["kind"])
    lines = [] if own is None else own(evidence, shared, words)
    if _is_number(evidence.get("similarity")):
        lines.append((words.evidence.similarity, Figures(shared.figures).percent(evidence["similarity"])))
    used = _SHOWN_ELSEWHERE | _READ.get(finding["kind"], frozenset())
    for key, value in evidence.items():
        if key not in used:
            share = _is_number(value) and (key == "share" or key.startswith("p_"))
            written = Figures(shared.figures).percent(value) if share else plain_value(value, shared)
            lines.append((words.evidence.names.get(key, key.replace("_", " ")), written))
    return tuple(Fact(name=name, value=_shortened(value)) for name, value in lines if value)


def quoted_texts(evidence: Evidence) -> list[str]:
    """Return the texts that the evidence quotes."""
    found = []
    for key in ("texts", "examples"):
        value = evidence.get(key)
        for item in value if isinstance(value, list) else ():
            text = _quoted(item) if isinstance(item, Mapping) else item
            if isinstance(text, str):
                found.append(text)
    return found


def quote_heading(finding: Mapping[str, Any], words: AuditWords) -> str:
    """Return what stands above the texts that the evidence quotes."""
    sides = _other_sides(finding.get("evidence") or {}) if finding["kind"] == "leak" else []
    if not sides:
        return words.evidence.examples
    split = sides[0][0]
    return words.evidence.other_side.format(split=words.verdict.splits.get(split, split))


def knowledge_class(name: str) -> str:
    """Return a class of knowledge as the wording spells it: `highly_known` is `HighlyKnown`."""
    known = ("HighlyKnown", "MaybeKnown", "WeaklyKnown", "Unknown")
    spelled = {one.lower(): one for one in known}
    return spelled.get(name.replace("_", "").lower(), name)


def plain_value(value: Any, shared: Words) -> str:
    """Return a number, a text, or a flat list or table of them as written; else nothing."""
    if isinstance(value, Mapping):
        parts = [f"{key} {_written(part, shared)}" for key, part in value.items() if _is_flat(part)]
        return shared.figures.comma.join(parts)
    if isinstance(value, list) and all(map(_is_flat, value)):
        return shared.figures.comma.join(_written(part, shared) for part in value)
    return _written(value, shared) if _is_flat(value) else ""


def id_list(ids: list[str], shared: Words, words: AuditWords) -> str:
    """Return the first ids, and how many more there are."""
    more = len(ids) - _MOST_IDS
    listed = shared.figures.comma.join(ids[:_MOST_IDS])
    return listed if more <= 0 else f"{listed} {words.findings.left_out_ids.of(more)}"


def _leak(evidence: Evidence, shared: Words, words: AuditWords) -> list[tuple[str, str]]:
    lines = []
    for split, ids in _other_sides(evidence):
        where = words.verdict.splits.get(split, split)
        if ids:
            where = words.evidence.also_in_ids.format(split=where, ids=id_list(ids, shared, words))
        lines.append((words.evidence.also_in, where))
    return lines


def _other_sides(evidence: Evidence) -> list[tuple[str, list[str]]]:
    """Return the splits that hold the same record too, with its ids there."""
    against = evidence.get("against")
    rows = against if isinstance(against, list) else [evidence]
    return [
        (str(row["split"]), _ids(row.get("records") or row.get("ids")))
        for row in rows
        if isinstance(row, Mapping) and row.get("split")
    ]


def _ids(value: Any) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else []


def _unknown_knowledge(evidence: Evidence, shared: Words, words: AuditWords) -> list[tuple[str, str]]:
    classes = evidence.get("classes")
    counts = classes.items() if isinstance(classes, Mapping) else ()
    names = words.pictures.classes
    return [
        (names.get(knowledge_class(key), key), plain_value(count, shared)) for key, count in counts if count
    ]


def _label_error(evidence: Evidence, shared: Words, words: AuditWords) -> list[tuple[str, str]]:
    lines = []
    for key, name in (("given", words.evidence.given), ("suggested", words.evidence.suggested)):
        label, p = evidence.get(key), evidence.get(f"p_{key}")
        if label is None:
            continue
        written = plain_value(label, shared)
        if _is_number(p):
            percent = Figures(shared.figures).percent(p)
            written = words.evidence.with_probability.format(label=written, p=percent)
        lines.append((name, written))
    return lines


def _conflict(evidence: Evidence, shared: Words, words: AuditWords) -> list[tuple[str, str]]:
    """Return how often each answer is given; takes {answer: ids}, {id: answer} or [{"answer", "ids"}]."""
    counts: dict[str, int] = {}
    answers = evidence.get("answers")
    if isinstance(answers, Mapping):
        for key, value in answers.items():
            answer, n = (key, len(value)) if isinstance(value, list) else (plain_value(value, shared), 1)
            counts[answer] = counts.get(answer, 0) + n
    for row in answers if isinstance(answers, list) else ():
        if isinstance(row, Mapping) and row.get("answer") is not None:
            ids = row.get("ids") or row.get("records")
            answer = plain_value(row["answer"], shared)
            counts[answer] = counts.get(answer, 0) + (len(ids) if isinstance(ids, list) else 1)
    times = [
        words.evidence.answer_times.format(answer=answer[:60], n=n) for answer, n in counts.items() if answer
    ]
    return [(words.evidence.answers, shared.figures.comma.join(times))]


def _format_outlier(evidence: Evidence, shared: Words, words: AuditWords) -> list[tuple[str, str]]:
    said = words.evidence
    feature = str(evidence.get("feature") or "")
    usual, found = (
        style_value(feature, value, shared.code) if value else ""
        for value in (plain_value(evidence.get(key), shared) for key in ("usual", "found"))
    )
    if usual and _is_number(evidence.get("share")):
        share = Figures(shared.figures).percent(evidence["share"])
        usual = said.usual_share.format(value=usual, share=share)
    return [(said.feature, style_feature(feature, shared.code)), (said.usual, usual), (said.found, found)]


def _uncovered(evidence: Evidence, shared: Words, words: AuditWords) -> list[tuple[str, str]]:
    """Return the splits, and of each label how many of its records are unlike any training record."""
    splits = [words.verdict.splits.get(split, split) for split in evidence.get("splits") or ()]
    labels = evidence.get("labels") or {}
    counted = [
        words.evidence.far_of.format(label=label, far=one["far"], n=one["n"]) for label, one in labels.items()
    ]
    join = shared.figures.comma.join
    return [(words.evidence.names["splits"], join(splits)), (words.evidence.names["labels"], join(counted))]


def _quoted(item: Mapping[str, Any]) -> Any:
    """Return the text of an example, or its question with the answer."""
    if "question" in item:
        return f"{item['question']}\n→ {item.get('answer')}"
    return item.get("text")


def _shortened(value: str) -> str:
    return value if len(value) <= _LONGEST else value[: _LONGEST - 1] + "…"


def _written(value: str | float, shared: Words) -> str:
    if isinstance(value, bool):
        return shared.wrong.yes if value else shared.wrong.no
    if isinstance(value, float):
        written = Figures(shared.figures).number(value)
        return written.rstrip("0").rstrip(".") if "." in written else written
    return f"{value:,}" if isinstance(value, int) else value


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_flat(value: Any) -> bool:
    return isinstance(value, (str, int, float))


_BY_KIND: Mapping[str, Callable[[Evidence, Words, AuditWords], list[tuple[str, str]]]] = {
    "leak": _leak,
    "label_error": _label_error,
    "conflict": _conflict,
    "format_outlier": _format_outlier,
    "unknown_knowledge": _unknown_knowledge,
    "uncovered": _uncovered,
}
