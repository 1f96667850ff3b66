"""The decision of a comparison in words, with the numbers behind it, in both languages.

Words a decision that was made elsewhere; compares nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sftloop.evaluate.measures import FALLING
from sftloop.report.figures import Figures
from sftloop.report.verdict import metric_name, named_in_sentence
from sftloop.report.wording import Words, report_words
from sftloop.report.wording.compare_chinese import CHINESE
from sftloop.report.wording.compare_english import ENGLISH
from sftloop.report.wording.compare_words import CompareWords

COMPARE_WORDS: Mapping[str, CompareWords] = {"en": ENGLISH, "zh": CHINESE}

_SHOWN_TASKS = 4
"""Tasks whose numbers stand in the decision; the table holds all."""

System = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A decision in one language."""

    headline: str
    because: str


def in_words(result: Mapping[str, Any]) -> dict[str, Any]:
    """Return {"headline", "because", "zh": {"headline", "because"}} for a comparison's `decision`."""
    english, chinese = (decision_said(result, language) for language in ("en", "zh"))
    return {
        "headline": english.headline,
        "because": english.because,
        "zh": {"headline": chinese.headline, "because": chinese.because},
    }


def decision_said(result: Mapping[str, Any], language: str) -> Said:
    """Return the decision in a language.

    Args:
        result: a comparison, with what `decide` found under `decision`.
        language: `en` or `zh`.
    """
    return _Speaker(result, language).said()


def money(cost: float | None, currency: str, shared: Words) -> str:
    """Return an amount with three significant digits and its currency."""
    if cost is None:
        return shared.figures.missing
    return f"{cost:,.2f} {currency}" if cost >= 10 else f"{cost:.3g} {currency}"


class _Speaker:
    """One decision being put into one language."""

    def __init__(self, result: Mapping[str, Any], language: str) -> None:
        self.result, self.decision = result, result["decision"]
        self.shared, self.words = report_words(language), COMPARE_WORDS[language].decision
        self.figures = Figures(self.shared.figures)
        self.systems = {system["name"]: system for system in result["systems"]}
        self.tasks = list(result["tasks"])[:_SHOWN_TASKS]

    def said(self) -> Said:
        rule = self.decision["rule"]
        if rule == "nothing":
            return Said(headline=self.words.nothing, because=self.words.nothing + self.shared.verdict.stop)
        shown = self.systems[self.decision["choice"] or self.decision["leader"]]
        sentences = {"meets": self._meets, "misses": self._misses, "split": self._split}.get(rule, self._best)
        parts = [*sentences(shown), *self._enough(), *self._spent(shown), *self._next(shown)]
        return Said(headline=self._headline(shown), because=self.shared.verdict.sentence_join.join(parts))

    def _headline(self, system: System) -> str:
        if self.decision["rule"] == "misses":
            targets = sum(found["target"] is not None for found in system["tasks"].values())
            return self.words.misses.of(targets)
        meets_api = system["kind"] == "api" and self.decision["rule"] == "meets"
        text = self.words.meets_api if meets_api else self.words.use[system["kind"]]
        if system["kind"] == "model" and self._untargeted:
            text = self.words.untargeted
        cost = system["cost"]
        paid = self.words.api_cost.format(cost=self._money(cost, "per_1000")) if cost else ""
        return text.format(name=system["name"]) + (paid if system["kind"] == "api" else "")

    @property
    def _untargeted(self) -> bool:
        return self.decision["rule"] not in ("meets", "misses")

    def _enough(self) -> list[str]:
        return [self.words.no_target] if self._untargeted else []

    def _meets(self, system: System) -> list[str]:
        also = self.decision["also"]
        others = (
            self.words.also_meet.format(names=self.figures.names(also)) if also else self.words.alone_meets
        )
        return [*self._reached(system), others]

    def _misses(self, system: System) -> list[str]:
        return [self.words.nearest.format(name=system["name"]), *self._reached(system)]

    def _split(self, system: System) -> list[str]:
        return [self.words.split.format(name=system["name"]), *self._reached(system)]

    def _best(self, system: System) -> list[str]:
        said = self._reached(system)
        if self.decision["rule"] == "best":
            said.append(self.words.best.format(n=len(self.systems)))
            if self.decision["also"]:
                said.append(self.words.also_best.format(names=self.figures.names(self.decision["also"])))
            if self.decision["unsettled"]:
                said.append(self.words.unsettled.format(names=self.figures.names(self.decision["unsettled"])))
            return said
        said.append(self.words.as_good.format(leader=self.decision["leader"]))
        return [*said, *self._behind(system)]

    def _behind(self, system: System) -> list[str]:
        """Return by how much the chosen system trails the best of each task, and what could not have been seen."""
        said = []
        for pair in self.result["pairs"]:
            if pair["a"] != system["name"] or not pair["against_best"] or pair["difference"] is None:
                continue
            metric = pair["metric"]
            if pair["difference"] < 0:
                ends = [None if pair[end] is None else -pair[end] for end in ("high", "low")]
                said.append(
                    self.words.lead.format(
                        task=pair["task"],
                        leader=pair["b"],
                        difference=self.figures.difference(metric, -pair["difference"], signed=False),
                        interval=self.figures.interval(metric, *ends, signed=False),
                    )
                )
            if pair["detectable"] is not None:
                smallest = self.figures.difference(metric, pair["detectable"], signed=False)
                said.append(self.words.blind.format(detectable=smallest))
        return said[: 2 * _SHOWN_TASKS]

    def _reached(self, system: System) -> list[str]:
        return [self._task(task, system["tasks"][task]) for task in self.tasks if task in system["tasks"]]

    def _task(self, task: str, found: Mapping[str, Any]) -> str:
        if found["target"] is not None:
            return self._target(task, found["target"])
        metric = self.result["tasks"][task]["metric"]
        entry, name = found["metrics"][metric], named_in_sentence(metric, self.shared)
        if entry["value"] is None:
            return self.words.unscored.format(task=task, metric=name)
        span = self.figures.interval(metric, entry["low"], entry["high"], signed=False)
        value = self.figures.value(metric, entry["value"])
        return self.words.scored.format(
            task=task, metric=metric_name(metric, self.shared), value=value, range=span
        )

    def _target(self, task: str, target: Mapping[str, Any]) -> str:
        metric, words = target["metric"], self.shared.target
        what = metric_name(metric, self.shared)
        if target["label"]:
            what = words.of_label.format(metric=what, label=target["label"])
        wanted = words.at_most if metric in FALLING else words.at_least
        state = "missed" if not target["met"] else "sure" if target["sure"] else "unsure"
        texts = {
            "sure": self.words.target_sure,
            "unsure": self.words.target_unsure,
            "missed": self.words.target_missed,
        }
        reached, asked = self.figures.apart(metric, target["value"], target["at_least"])
        return texts[state].format(
            task=task,
            what=what,
            value=reached,
            low=self.figures.value(metric, target["low"]),
            wanted=wanted.format(value=asked),
        )

    def _spent(self, system: System) -> Sequence[str]:
        if system["kind"] == "api":
            if system["cost"] is None:
                return [self.words.unknown_price]
            per_right = system["cost"]["per_correct"]
            text = self.words.price if per_right is None else self.words.price_right
            right = self._money(system["cost"], "per_correct")
            return [text.format(cost=self._money(system["cost"], "per_1000"), right=right)]
        if system["seconds"] is None or system["seconds"]["per_1000"] is None:
            return []
        return [self.words.time.format(duration=self.figures.duration(system["seconds"]["per_1000"]))]

    def _next(self, system: System) -> Sequence[str]:
        base = self.decision["fine_tune"]
        if self.decision["rule"] == "misses":
            return [self.words.tune_next.format(base=base) if base else self.words.more_next]
        if not base:
            return []
        text = self.words.tune_or_pay if system["kind"] == "api" else self.words.tune_too
        return [text.format(base=base)]

    def _money(self, cost: Mapping[str, Any], which: str) -> str:
        return money(cost[which], cost["currency"], self.shared)
