"""The diagnosis's first screen, its threshold and its suggestions in words.

Chooses sentences by saved figures; computes none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sftloop.diagnose.threshold import threshold_in_words
from sftloop.report.cut import cut
from sftloop.report.figures import Figures
from sftloop.report.verdict import Statement
from sftloop.report.wording import Words
from sftloop.report.wording.diagnose_words import DiagnoseWords

Diagnosis = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class DiagnosisOutcome:
    """The first screen."""

    headline: str
    lead: str
    clean: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A record to be read before it is used."""

    id: str
    tags: tuple[str, ...]
    text: str
    answer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownSuggestion:
    """One thing to do."""

    task: str
    why: str
    mend: str
    drafts: tuple[Draft, ...]
    drafts_heading: str


def diagnosis_outcome(diagnosis: Diagnosis, shared: Words, words: DiagnoseWords) -> DiagnosisOutcome:
    """Return the first screen: the task that claims most without support, then traps and changes."""
    figures, said = Figures(shared.figures), words.outcome
    rates = {
        name: rate
        for name, task in diagnosis["tasks"].items()
        if (rate := task["unsupported_positive_rate"])["value"] is not None
    }
    worst = max(rates, key=lambda name: (rates[name]["low"], rates[name]["value"]), default=None)
    clean = not any(rate["value"] for rate in rates.values())
    if worst is None:
        headline = said.unknown
    elif clean:
        headline = said.clean.format(n=figures.count(sum(rate["n"] for rate in rates.values())))
    else:
        rate = rates[worst]
        headline = said.claims.format(
            task=worst, rate=figures.percent(rate["value"]), n=figures.count(rate["n"])
        )
    lead = [_traps(diagnosis, words), _changes(diagnosis, words)]
    return DiagnosisOutcome(
        headline=headline,
        lead=shared.verdict.sentence_join.join(filter(None, lead)),
        clean=clean and worst is not None,
    )


def threshold_statements(task: Mapping[str, Any], shared: Words, words: DiagnoseWords) -> list[Statement]:
    """Say from which probability the target's label can be believed; nothing where there is no target."""
    found = task.get("threshold")
    if not found:
        return []
    said = words.threshold
    facts = {
        "label": found["label"],
        "metric": {"precision": words.precision, "recall": words.recall}.get(
            found["metric"], found["metric"]
        ),
        "wanted": Figures(shared.figures).percent(found["at_least"]),
        "n": found["n"],
        "needed": found["needed"] or "∞",
    }
    if found["chosen"]:
        state, ending = ("good", said.held) if found["chosen"]["sure"] else ("unsure", said.unsure)
        if not found["chosen"]["met"]:
            state, ending = "bad", said.missed
        sentence = _reached(said.chosen, found["chosen"], found["metric"], facts, shared)
        join = shared.verdict.sentence_join
        return [Statement(state=state, badge="", text=f"{sentence}{join}{ending.format(**facts)}")]
    statements = [Statement(state="unsure", badge="", text=said.why_not[found["why_not"]].format(**facts))]
    if found["by_value"]:
        sentence = _reached(said.by_value, found["by_value"], found["metric"], facts, shared)
        statements.append(Statement(state="unsure", badge="", text=sentence))
    return statements


def shown_suggestions(
    diagnosis: Diagnosis, shared: Words, words: DiagnoseWords, *, most: int, characters: int
) -> tuple[ShownSuggestion, ...]:
    """Return at most `most` suggestions with their drafts."""
    found = []
    for one in diagnosis["suggestions"][:most]:
        text = one if diagnosis["language"] == "en" else {**one, **one["zh"]}
        drafts = tuple(_draft(record, shared, characters) for record in one["records"])
        found.append(
            ShownSuggestion(
                task=one["task"],
                why=cut(text["why"], shared, characters),
                mend=text["mend"],
                drafts=drafts,
                drafts_heading=words.drafts.of(len(drafts)),
            )
        )
    return tuple(found)


def _draft(record: Mapping[str, Any], shared: Words, characters: int) -> Draft:
    parts = [
        text for value in record["input"].values() for text in (value if isinstance(value, list) else [value])
    ]
    answer = record["answer"]
    label = answer.get("label") or ", ".join(answer.get("labels") or ())
    return Draft(
        id=record["id"],
        tags=tuple(record.get("tags") or ()),
        text=cut("\n".join(parts), shared, characters),
        answer=" · ".join(filter(None, [label, answer.get("reason")])),
    )


def _traps(diagnosis: Diagnosis, words: DiagnoseWords) -> str:
    rows = [row for task in diagnosis["tasks"].values() for row in task["traps"].values()]
    n = sum(row["n"] for row in rows)
    return words.outcome.traps.format(passed=sum(row["passed"] for row in rows), n=n) if n else ""


def _changes(diagnosis: Diagnosis, words: DiagnoseWords) -> str:
    if not diagnosis["compared"]:
        return ""
    verdicts = [row["verdict"] for row in diagnosis["compared"]["tests"]]
    better, worse = verdicts.count("better"), verdicts.count("worse")
    template = words.outcome.changed if better or worse else words.outcome.unchanged
    return template.format(better=better, worse=worse, n=len(verdicts))


def _reached(
    template: str, chosen: Mapping[str, Any], metric: str, facts: Mapping[str, Any], shared: Words
) -> str:
    figures, test = Figures(shared.figures), chosen["test"]
    return template.format(
        **facts,
        value=threshold_in_words(chosen["value"]),
        reached=figures.percent(test[metric]["value"]),
        interval=figures.range("", test[metric]["low"], test[metric]["high"]),
        claimed=figures.percent(test["claimed"]["value"]),
    )
