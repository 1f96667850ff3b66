"""Which answers out of style a model can be asked to write again, and the asking.

Knows a model, its prompts and the texts; keeps no files. Missing parts, fields and texts that break off have
nothing that could be written again: a person must fill them in.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

from sftloop.curate.finding import DataFinding
from sftloop.curate.style.answer_styles import FORM, Part
from sftloop.curate.style.dominant import PartStyle, part_styles
from sftloop.curate.style.rewrite_checks import Judged, RewriteJudge, text_of
from sftloop.curate.style.rewrite_facts import words_of_style
from sftloop.curate.style.rewrite_request import StyleTold, rewrite_messages
from sftloop.curate.style.style import FEATURES
from sftloop.models.sampling import GREEDY, Sampling
from sftloop.records import Record
from sftloop.scenario import Scenario

if TYPE_CHECKING:
    from sftloop.models import LocalModel

NotAsked = Literal["missing", "field", "incomplete", "no_examples", "too_long"]

NOT_ASKED: tuple[NotAsked, ...] = get_args(NotAsked)
"""Why an answer out of style isn't asked for again."""
TRIES = 3
"""The likeliest reply, then drawn ones where a check fails."""
_SAMPLING = Sampling(temperature=0.7, top_k=40)
_BATCH = 8
"""Requests side by side: what a kill loses at most."""
_FEWEST_EXAMPLES = 2
_ROOM = 1.5
"""Tokens a reply may take, over those of the longest text that is shown."""
_LEAST_ROOM, _MOST_ROOM = 32, 768


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One text to be written again."""

    record: Record
    part: Part
    feature: str
    found: str
    examples: tuple[str, ...]

    @property
    def key(self) -> tuple[str, str, str]:
        """Task, record's id, part."""
        return self.record.task, self.record.id, self.part


class Reply(NamedTuple):
    """What the model wrote at one of its tries."""

    wanted: Wanted
    number: int
    """0 is the likeliest one, the others are drawn."""
    text: str
    judged: Judged


class Rewriter:
    """Finds what can be written again, and asks for it.

    Args:
        scenario: whose records.
        records: all that were audited: they say what is usual.
    """

    def __init__(self, scenario: Scenario, records: Sequence[Record]) -> None:
        self.scenario = scenario
        self._records = {record.id: record for record in records}
        self._styles: dict[tuple[str, Part], PartStyle] = {}
        self._judges: dict[tuple[str, Part], RewriteJudge] = {}

    def wanted(self, findings: Sequence[DataFinding]) -> tuple[list[Wanted], Counter[str]]:
        """Return what can be asked for in the findings' order, and why the rest can't.

        Args:
            findings: of any kind.
        """
        found: list[Wanted] = []
        passed: Counter[str] = Counter()
        for finding in findings:
            if finding.kind != "format_outlier" or finding.task is None:
                continue
            for name in finding.records:
                one = self._wanted(self._records[name], finding.evidence)
                if isinstance(one, Wanted):
                    found.append(one)
                else:
                    passed[one] += 1
        return found, passed

    def _wanted(self, record: Record, evidence: Mapping[str, Any]) -> Wanted | NotAsked:
        part: Part = evidence["part"]
        feature = bare_feature(evidence["feature"], part)
        if feature.startswith(FORM):
            return "field"
        if feature not in FEATURES:
            return "missing"
        if feature == "content" and evidence["found"] != "repeats":
            return "incomplete"
        examples = self.style(record.task, part).typical(text_of(record.answer, part))
        if len(examples) < _FEWEST_EXAMPLES:
            return "no_examples"
        return Wanted(
            record=record, part=part, feature=feature, found=evidence["found"], examples=tuple(examples)
        )

    def style(self, task: str, part: Part) -> PartStyle:
        """Return the dominant style of a part of a task's answers."""
        if (task, part) not in self._styles:
            styles = part_styles(list(self._records.values()), self.scenario.tasks[task])
            self._styles.update({(task, own): style for own, style in styles.items()})
        return self._styles[task, part]

    def ask(
        self, local: LocalModel, wanted: Sequence[Wanted], number: int, *, seed: int = 0
    ) -> Iterator[Reply]:
        """Yield a reply to each request as batches are done; none where the request doesn't fit the model.

        Args:
            local: the model.
            wanted: what to ask for.
            number: which try.
            seed: of drawn replies.
        """
        from sftloop.models.sample import write_answers

        for start in range(0, len(wanted), _BATCH):
            batch = wanted[start : start + _BATCH]
            prompts = [local.encoder.prompt_ids(self.messages(one)) for one in batch]
            limit = self._room(local, batch)
            context = local.encoder.context_tokens or 1 << 30
            fitting = [place for place, prompt in enumerate(prompts) if len(prompt) + limit <= context]
            written = write_answers(
                local.model,
                local.encoder,
                [prompts[place] for place in fitting],
                numbers=[[number]] * len(fitting),
                sampling=_SAMPLING if number else GREEDY,
                stop="\n" if self._on_one_line(batch) else None,
                limit=limit,
                seed=seed,
            )
            for place, [reply] in zip(fitting, written, strict=True):
                judged = self.judged(batch[place], reply.text, ended=reply.ended)
                yield Reply(batch[place], number, reply.text, judged)

    def messages(self, wanted: Wanted) -> list[dict[str, str]]:
        """Return the request for one text."""
        style = self.style(wanted.record.task, wanted.part)
        sizes = sorted(len(style.texts[name].strip()) for name in style.usual)
        told = StyleTold(
            part=wanted.part,
            rules=style.rules,
            shortest=sizes[len(sizes) // 20],
            longest=sizes[-1 - len(sizes) // 20],
        )
        outlier = text_of(wanted.record.answer, wanted.part)
        language = self.scenario.language
        return rewrite_messages(told, wanted.examples, outlier, wanted.feature, wanted.found, language)

    def judged(self, wanted: Wanted, reply: str, *, ended: bool) -> Judged:
        """Check a reply."""
        place = wanted.record.task, wanted.part
        if place not in self._judges:
            style = self.style(*place)
            self._judges[place] = RewriteJudge(
                scenario=self.scenario,
                task=self.scenario.tasks[wanted.record.task],
                style=style,
                words=words_of_style([style.texts[name] for name in style.usual]),
            )
        return self._judges[place].judge(
            wanted.record,
            reply,
            ended=ended,
            examples=list(wanted.examples),
            shortened=(wanted.feature, wanted.found) == ("length", "longer"),
        )

    def _on_one_line(self, batch: Sequence[Wanted]) -> bool:
        """Whether all usual texts are on one line: what a small model adds below isn't waited for."""
        styles = {(one.record.task, one.part) for one in batch}
        return not any(
            "\n" in self.style(*place).texts[name] for place in styles for name in self.style(*place).usual
        )

    @staticmethod
    def _room(local: LocalModel, batch: Sequence[Wanted]) -> int:
        texts = [text for one in batch for text in (*one.examples, text_of(one.record.answer, one.part))]
        longest = max(len(local.encoder.answer_ids(text)) for text in texts)
        return min(_MOST_ROOM, max(_LEAST_ROOM, round(_ROOM * longest)))


def bare_feature(name: str, part: Part) -> str:
    """Return a feature without the part's name that evidence may put in front."""
    return name.removeprefix("reason_") if part == "reason" and name not in FEATURES else name
