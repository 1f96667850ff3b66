"""The course of a search for formats: how much is asked, halving, the final comparison, the test.

Every step reads answers that are there and asks for the others. Doesn't know the command line or pages.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sftloop.core.errors import ModelError, UsageError
from sftloop.core.files import atomic_write_json, read_json
from sftloop.core.progress import clock as written_time
from sftloop.core.progress import say
from sftloop.core.rundir import RunDirectory
from sftloop.records import Prediction, Record, has_split, load_split
from sftloop.scenario import Scenario
from sftloop.workflow.answering import name_of_test
from sftloop.workflow.improve_formats_asking import FormatAsker, SharedTokens, shared_tokens
from sftloop.workflow.improve_formats_effects import main_effects
from sftloop.workflow.improve_formats_figures import compared_on_test, format_figures
from sftloop.workflow.improve_formats_finals import compare_finalists, decide, detectable, format_score
from sftloop.workflow.improve_formats_rounds import Schedule, halve, schedule_for
from sftloop.workflow.improve_formats_variants import FormatSpace, FormatVariant
from sftloop.workflow.search_clock import SearchClock

if TYPE_CHECKING:
    from sftloop.models import PromptEncoder

MINUTES = 15.0
"""The budget where none is given."""
_PACE_RECORDS = 16
"""As many as in a first round, whose answers share the cost of the prefix in the same way."""
_HALVING_SHARE = 0.6
"""Of the minutes, beyond which no further round begins."""
_SCHEDULE = "schedule.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What the search may take."""

    minutes: float | None = None
    answers: int | None = None
    """Answers in all, the test aside."""

    @property
    def timed(self) -> bool:
        """Whether minutes count; they do where nothing is said."""
        return self.minutes is not None or self.answers is None


@dataclass(slots=True, kw_only=True)
class FormatHunt:
    """One search: asks, halves, compares."""

    run: RunDirectory
    scenario: Scenario
    asked: Sequence[str]
    asker: FormatAsker
    pool: Sequence[Record]
    held_out: Sequence[Record]
    seed: int
    clock: SearchClock
    encoder: PromptEncoder | None
    """None: what prompts share isn't counted."""
    variants: dict[str, FormatVariant] = field(default_factory=dict)

    def search(self, space: FormatSpace, budget: Budget) -> dict[str, Any]:
        """Halve the formats, compare the finalists, decide."""
        divided, left_out = self._measurable(space)
        current, names = space.variants[0].name, list(self.variants)
        schedule = self._schedule(names, budget)
        say(f"{len(names)} formats, {', '.join(f'{n} on {r} records' for n, r in schedule.rounds)}")

        def score(name: str, count: int, number: int) -> float:
            own = self.pool[:count]
            return format_score(self.scenario, own, self.asker.ask(self.variants[name], own, "halving"))

        rounds, finalists = halve(names, current, schedule, score, lambda number: self._go_on(number, budget))
        final = self.held_out[: schedule.final]
        answered = {
            name: self.asker.ask(self.variants[name], final, "held-out") for name in (current, *finalists)
        }
        self.clock.keep()
        tasks = [self.scenario.tasks[name] for name in self.asked]
        tasks = [task for task in tasks if any(record.task == task.name for record in final)]
        others = {name: answered[name] for name in finalists}
        compared = compare_finalists(tasks, final, answered[current], others, seed=self.seed)
        scores = {name: format_score(self.scenario, final, found) for name, found in answered.items()}
        decision = decide(compared, scores, current)
        first = self.pool[: rounds[0]["records"]]
        halved = {name: self._halving(name, rounds) for name in names}
        return {
            "n": {"halving": len(self.pool), "held_out": len(self.held_out), "final": len(final)},
            "factors": {factor: list(levels) for factor, levels in space.factors.items()},
            "variants": [
                format_figures(
                    variant,
                    [self.scenario.tasks[name] for name in self.asked],
                    *((final, answered[name]) if name in answered else halved[name]),
                    held_out=name in answered,
                    score=scores.get(name),
                    rounds=sum(name in each["scores"] for each in rounds),
                    divided=divided[name],
                    present=divided[current],
                    seed=self.seed,
                )
                for name, variant in self.variants.items()
            ],
            "left_out": left_out,
            "rounds": rounds,
            "effects": main_effects(
                FormatSpace(factors=space.factors, variants=list(self.variants.values()), left_out=[]),
                [self.scenario.tasks[name] for name in dict.fromkeys(record.task for record in first)],
                first,
                {name: found[: len(first)] for name, (_, found) in halved.items()},
                rounds[0]["scores"],
                seed=self.seed,
            ),
            "finalists": compared,
            "decision": {"current": current, **decision},
            "detectable": detectable(compared, decision["best"]),
        }

    def test(self, result: Mapping[str, Any], skip_bad: bool) -> dict[str, Any]:
        """Open the test split for an accepted format, and for nothing else."""
        name = result["decision"]["accepted"]
        if name is None or not has_split(self.scenario, "test"):
            return {"test": None}
        records = load_split(self.scenario, "test", tasks=self.asked, skip_bad=skip_bad)
        current = result["decision"]["current"]
        which = name_of_test(self.scenario)
        before, after = (self.asker.ask(self.variants[each], records, which) for each in (current, name))
        tasks = [self.scenario.tasks[each] for each in dict.fromkeys(record.task for record in records)]
        return {"test": compared_on_test(self.run, which, tasks, records, before, after, seed=self.seed)}

    def _measurable(
        self, space: FormatSpace
    ) -> tuple[dict[str, dict[str, SharedTokens] | None], list[dict[str, str]]]:
        """Count what prompts share; a format whose labels this tokenizer can't tell apart is left out."""
        samples = {
            name: next(r for r in (*self.pool, *self.held_out) if r.task == name) for name in self.asked
        }
        found: dict[str, dict[str, SharedTokens] | None] = {}
        left_out = [dict(each) for each in space.left_out]
        for variant in space.variants:
            try:
                found[variant.name] = shared_tokens(variant, samples, self.encoder)
            except ValueError as error:
                if variant.current:
                    raise ModelError(f"The present format can't be scored: {error}.") from None
                left_out.append({"name": variant.name, "why": str(error)})
                continue
            self.variants[variant.name] = variant
        if len(self.variants) < 2:
            raise UsageError(
                f"No other format can be tried: {left_out[0]['why']}.", hint="Vary other factors (--factor)."
            )
        return found, left_out

    def _schedule(self, names: Sequence[str], budget: Budget) -> Schedule:
        """Return how much is asked; settled once for each budget, since it rests on how fast answers came."""
        key = {"minutes": budget.minutes, "answers": budget.answers, "formats": len(names)}
        kept = self._settled()
        if kept.get("budget") != key:
            answers = math.inf if budget.answers is None else float(budget.answers)
            if budget.timed:
                answers = min(answers, self._affordable(names))
            schedule = schedule_for(len(names), len(self.pool), len(self.held_out), answers)
            kept = {"budget": key, "rounds": schedule.rounds, "final": schedule.final, "went_on": {}}
            atomic_write_json(self.run.file(_SCHEDULE), kept)
        rounds = tuple((formats, records) for formats, records in kept["rounds"])
        return Schedule(rounds=rounds, final=kept["final"])

    def _settled(self) -> dict[str, Any]:
        path = self.run.file(_SCHEDULE)
        return dict(read_json(path, "the search's schedule")) if path.exists() else {}

    def _affordable(self, names: Sequence[str]) -> float:
        """Return how many answers the minutes have room for, judging by the present format's first ones."""
        current = self.variants[names[0]]
        began = self.clock.spent()
        self.asker.ask(current, self.pool[:_PACE_RECORDS], "halving")
        asked = self.asker.answers.get(current.name, 0)
        if not asked:  # they lie on disk: a new budget for an old search
            self.asker.ask(current, self.pool[:_PACE_RECORDS], "pace")
            asked = self.asker.answers.get(current.name, _PACE_RECORDS)
        self.clock.keep()
        seconds = self.asker.seconds.get(current.name, self.clock.spent() - began) / asked
        return max(0.0, self.clock.left() / max(seconds, 1e-6))

    def _go_on(self, number: int, budget: Budget) -> bool:
        """Whether another round follows; written down, so that it is the same when asked again."""
        self.clock.keep()
        if not budget.timed:
            return True
        kept = self._settled()
        decided = kept["went_on"].get(str(number))
        if decided is None:
            decided = self.clock.spent() <= _HALVING_SHARE * self.clock.budget
            kept["went_on"][str(number)] = decided
            atomic_write_json(self.run.file(_SCHEDULE), kept)
            if not decided:
                spent = written_time(self.clock.spent())
                say(f"No further round after {spent}: what is left is for the finalists")
        return bool(decided)

    def _halving(
        self, name: str, rounds: Sequence[Mapping[str, Any]]
    ) -> tuple[Sequence[Record], list[Prediction]]:
        """Return the records that a format answered in the rounds, and its answers: all lie on disk."""
        count = max(each["records"] for each in rounds if name in each["scores"])
        own = self.pool[:count]
        return own, self.asker.ask(self.variants[name], own, "halving")
