"""Whether a proposal is worth a test: what it must not be, each with a kind and a reason.

Looks at texts and files only; calls no model. The limits are wide: what passes is decided by records.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sftloop.core.errors import SftloopError
from sftloop.core.script import IDEOGRAPH
from sftloop.records import normalise
from sftloop.scenario import Finding, Scenario, Task, lint, load_scenario
from sftloop.scenario.similarity import ngram_similarity, ngrams, normalised, word_count
from sftloop.scenario.yaml_edit import Change, apply_change

REFUSALS = (
    "no_answer",
    "malformed",
    "too_long",
    "other_language",
    "nothing_new",
    "drops_meaning",
    "copies_record",
    "not_loadable",
    "lint",
)
"""Why a proposal is refused before any test, in the order of the checks."""
_SAME = 0.95
"""Two texts with this share of their 3-grams in common (Dice) say the same."""
_KEPT = 0.25
"""A rewritten definition keeps at least this part of the present one's 3-grams …"""
_SHRUNK = 0.5
"""… and this part of its words."""
_MOST_WORDS = {"means": 80, "not": 40, "examples": 60}
_COPIED = 40
"""Characters in a row that stand in a record too are a copy; ideographs count three."""
_FEWEST_COPIED = 4
_FEWEST_REPEATED = 4
"""Words of a definition or rule that a new rule must not repeat whole."""
_PLACEHOLDER = re.compile(r"<[^<>]{1,20}>")


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a proposal isn't tested."""

    kind: str
    """One of `REFUSALS`."""
    why: str
    detail: str = ""
    """The words or figures it rests on, for pages in any language."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A proposal that may be tested: the file's text with it, and the scenario that holds."""

    text: str
    scenario: Scenario


def check_proposal(
    change: Change,
    text: str,
    scenario: Scenario,
    documents: Iterable[str],
    said: Sequence[Change],
    keep: Callable[[str], Path],
) -> Checked | Refusal:
    """Return the changed scenario, or why the change is refused.

    Args:
        change: what is proposed.
        text: the scenario's file as it is now.
        scenario: what it holds.
        documents: inputs that must not be copied.
        said: earlier proposals.
        keep: writes a scenario's text to a file and returns its path.
    """
    task = scenario.tasks[change.task]
    refusal = (
        _form(change)
        or _language(change, scenario)
        or _old_news(change, task, said)
        or _lost_meaning(change, task)
        or _copy(change, task, documents)
    )
    return refusal or _load(change, text, scenario, keep)


def _form(change: Change) -> Refusal | None:
    if not change.text or not normalised(change.text):
        return Refusal(kind="malformed", why="It holds no words.")
    if _PLACEHOLDER.fullmatch(change.text) or "{" in change.text or "}" in change.text:
        return Refusal(kind="malformed", why="It holds a placeholder or JSON, not a sentence.")
    words, most = word_count(change.text), _MOST_WORDS[change.part]
    if words > most:
        return Refusal(
            kind="too_long", why=f"It has {words} words, more than {most}.", detail=f"{words} > {most}"
        )
    return None


def _language(change: Change, scenario: Scenario) -> Refusal | None:
    if scenario.language == "zh" and not IDEOGRAPH.search(change.text):
        return Refusal(kind="other_language", why="It holds no Chinese, and the scenario is in Chinese.")
    if scenario.language == "en" and len(IDEOGRAPH.findall(change.text)) > len(change.text) / 2:
        return Refusal(kind="other_language", why="It is not in English, and the scenario is.")
    return None


def _old_news(change: Change, task: Task, said: Sequence[Change]) -> Refusal | None:
    own = normalised(change.text)
    for other in said:
        place = (other.task, other.name, other.part) == (change.task, change.name, change.part)
        if place and _same(own, normalised(other.text)):
            return Refusal(kind="nothing_new", why="The same was proposed before.", detail=other.text)
    for standing in _standing(change, task):
        if _same(own, normalised(standing)) or (change.part != "means" and _repeats(own, standing)):
            why = f"The prompt says so already: '{standing}'."
            return Refusal(kind="nothing_new", why=why, detail=standing)
    names = {normalised(name) for name in (*task.labels, *task.fields)}
    if own in names:
        return Refusal(kind="nothing_new", why="It is only the name of a label.", detail=change.text)
    return None


def _standing(change: Change, task: Task) -> list[str]:
    """Return what the prompt says already in the place of the change."""
    if change.group == "fields":
        return [task.fields[change.name].means]
    label = task.labels[change.name]
    if change.part == "means":
        return [label.means]
    rules = [rule for one in task.labels.values() for rule in (*one.not_, *one.examples)]
    return [*rules, *(one.means for one in task.labels.values()), task.instruction]


def _same(one: str, other: str) -> bool:
    return bool(other) and (one == other or ngram_similarity(one, other) >= _SAME)


def _repeats(own: str, standing: str) -> bool:
    """Whether a rule or example holds a whole text of the prompt, long enough not to be there by chance."""
    return word_count(standing) >= _FEWEST_REPEATED and normalised(standing) in own


def _lost_meaning(change: Change, task: Task) -> Refusal | None:
    if change.part != "means":
        return None
    own = task.fields[change.name] if change.group == "fields" else task.labels[change.name]
    if not own.means.strip():
        return None
    had, has = ngrams(own.means), ngrams(change.text)
    kept = (had & has).total() / had.total()
    words, before = word_count(change.text), word_count(own.means)
    if kept < _KEPT:
        share = f"{kept:.0%}"
        why = f"It keeps {share} of the present definition's wording."
        return Refusal(kind="drops_meaning", why=why, detail=share)
    if words < _SHRUNK * before:
        why = f"It has {words} words, the present definition {before}."
        return Refusal(kind="drops_meaning", why=why, detail=f"{words} < {before}")
    return None


def _copy(change: Change, task: Task, documents: Iterable[str]) -> Refusal | None:
    """Find a run of the text that stands literally in a record, and not in the prompt already.

    An example is a copy as a whole already, a rule or definition from `_COPIED` characters on: short
    phrases meet by chance.
    """
    own = normalise(change.text)
    width = _width(own)
    if len(own) < width and change.part == "examples":
        width = len(own)
    known = " ".join(normalise(text) for text in _standing(change, task))
    runs = [run for at in range(len(own) - width + 1) if (run := own[at : at + width]) not in known]
    for document in documents:
        plain = normalise(document)
        copied = own if own == plain else next((run for run in runs if run in plain), None)
        if copied is not None and len(copied) >= min(_FEWEST_COPIED, width):
            why = f"'{copied.strip()}' is copied from a record."
            return Refusal(kind="copies_record", why=why, detail=copied.strip())
    return None


def _width(text: str) -> int:
    wide = len(IDEOGRAPH.findall(text))
    return _COPIED // 3 if wide > len(text) / 2 else _COPIED


def _load(change: Change, text: str, scenario: Scenario, keep: Callable[[str], Path]) -> Checked | Refusal:
    try:
        changed = apply_change(text, change)
        loaded = load_scenario(keep(changed))
    except SftloopError as error:
        return Refusal(kind="not_loadable", why=str(error))
    before = {_key(finding) for finding in lint(scenario)}
    new = [finding for finding in lint(loaded) if _key(finding) not in before]
    if new:
        return Refusal(kind="lint", why=new[0].why, detail=new[0].label or "")
    return Checked(text=changed, scenario=loaded)


def _key(finding: Finding) -> tuple[str, str | None, str | None]:
    return finding.kind, finding.task, finding.label
