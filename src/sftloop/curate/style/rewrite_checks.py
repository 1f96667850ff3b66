"""Whether a model's reply may be proposed in place of an answer that is out of style.

Knows the answer, the reply and the dominant style; doesn't ask, and applies nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, NamedTuple, get_args

from sftloop.core.script import language_of
from sftloop.curate.style.dominant import PartStyle
from sftloop.curate.style.rewrite_facts import Change, Rewriting
from sftloop.records import Record, check_record
from sftloop.scenario import Answer, Scenario, Task, parse_answer
from sftloop.scenario.recover import unwrapped

Dropped = Literal["empty", "cut_off", "unchanged", "changed_answer", "language", "style", "misfit"] | Change

DROPPED: tuple[str, ...] = (*get_args(get_args(Dropped)[0]), *get_args(Change))
"""Every reason to drop a reply."""
_MAIN = ("label", "labels", "fields", "score", "evidence")
_LEAST_LABEL = 3
"""Characters of a label's name that can be told from ordinary words."""


class Judged(NamedTuple):
    """A reply: the answer it makes, or why it is dropped."""

    answer: Answer | None
    dropped: Dropped | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RewriteJudge:
    """Judges replies for one part of one task.

    Args:
        scenario: whose.
        task: of the records.
        style: the part's dominant style.
        words: `words_of_style` of its usual texts.
    """

    scenario: Scenario
    task: Task
    style: PartStyle
    words: frozenset[str]

    def judge(
        self, record: Record, reply: str, *, ended: bool, examples: list[str], shortened: bool
    ) -> Judged:
        """Return the record's answer with the reply in it, or why it can't be proposed.

        Args:
            record: whose text is out of style.
            reply: what the model wrote.
            ended: whether it came to its end.
            examples: the texts that the request showed.
            shortened: the text is out of style because it is too long.
        """
        before = text_of(record.answer, self.style.part)
        text = self._text_in(reply, record)
        if text is None:
            return Judged(None, "changed_answer")
        answer = with_text(record.answer, self.style.part, text)
        rewriting = Rewriting(
            before=before,
            after=text,
            source=record.text(),
            examples=examples,
            style=self.words,
            shortened=shortened,
        )
        dropped = (
            _of_form(before, text, ended=ended)
            or self._of_style(before, text, record)
            or ("changed_answer" if self._names_other_label(record, before, text) else None)
            or rewriting.change()
            or ("misfit" if check_record(replace(record, answer=answer), self.scenario) else None)
        )
        return Judged(None, dropped) if dropped else Judged(answer, None)

    def _text_in(self, reply: str, record: Record) -> str | None:
        """Return the part's text in a reply; None if the reply is a whole answer that differs otherwise."""
        text = unwrapped(reply).strip()
        if not text.startswith("{") or self.style.rules.get("structure") == "json":
            return text
        parsed = parse_answer(self.task, text, self.scenario.language).answer
        written = None if parsed is None else getattr(parsed, _KEY[self.style.part])
        if parsed is None or written is None:
            return text
        given = {name: getattr(record.answer, name) for name in _MAIN}
        same = all(
            getattr(parsed, name) == value
            for name, value in given.items()
            if getattr(parsed, name) is not None
        )
        return written.strip() if same else None

    def _of_style(self, before: str, text: str, record: Record) -> Dropped | None:
        wanted = self.style.rules.get("language", language_of(before))
        if language_of(text) not in (wanted, "none"):
            return "language"
        return "style" if self.style.deviation(text, record.text()) else None

    def _names_other_label(self, record: Record, before: str, text: str) -> bool:
        own = " ".join(record.labels())
        others = (label for label in self.task.labels if len(label) >= _LEAST_LABEL and label not in own)
        return any(label in text and label not in before for label in others)


_KEY = {"answer": "text", "reason": "reason"}
PARTS = (*_KEY,)
"""Of an answer, those that are free text."""


def text_of(answer: Answer, part: str) -> str:
    """Return the free text of a part of an answer."""
    return str(getattr(answer, _KEY[part]) or "")


def with_text(answer: Answer, part: str, text: str) -> Answer:
    """Return the answer with another free text in it."""
    return replace(answer, text=text) if part == "answer" else replace(answer, reason=text)


def same_but_for_text(one: Answer, other: Answer, part: str) -> bool:
    """Whether two answers are equal but for the free text of one part."""
    name = _KEY[part]
    return replace(other, **{name: getattr(one, name)}) == one


def _of_form(before: str, text: str, *, ended: bool) -> Dropped | None:
    if not text:
        return "empty"
    if not ended:
        return "cut_off"
    return "unchanged" if text == before.strip() else None
