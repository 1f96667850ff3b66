"""The search over hyper-parameters: which trial comes next, which is given up early, when to end.

Optuna proposes and keeps the trials in SQLite; the order of the stages, the shares of the data and the budget are
kept here. Doesn't know how a trial is trained and measured: that is passed in.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from sftloop.core.progress import clock as words
from sftloop.core.progress import say
from sftloop.core.seeds import derive_seed
from sftloop.plan.search_space import (
    STAGES,
    Stage,
    goes_on,
    scaled_rate,
    shares,
    stage_of,
)
from sftloop.plan.trial_time import Timing
from sftloop.workflow.deadline import OutOfTime
from sftloop.workflow.search_clock import SearchClock
from sftloop.workflow.search_study import add_known, distributions_of, sampler_of, storage_of
from sftloop.workflow.search_trial import Measured, Trial, Values, told

if TYPE_CHECKING:
    from optuna import Study

_PROMOTED = "promoted"
_IDLE = 5
"""Proposals in a row that were known or did not fit, after which a stage ends."""


class Train(Protocol):
    """Trains and measures."""

    def __call__(self, values: Values, share: float, seconds: float) -> Measured:
        """Train with these values on this share of the data.

        Raises:
            OutOfTime: it took longer than so many seconds.
        """
        ...


class Search:
    """A search that goes on from what its storage holds.

    Args:
        train: trains and measures.
        method: the training method.
        records: how many there are to train on.
        fixed: keys of the `training` section that keep their value.
        clock: the budget.
        storage: the SQLite file.
        seed: of the proposals.
        finals: trainings on all of the data to leave time for at the end, as far as two fifths of the budget go.
    """

    def __init__(
        self,
        train: Train,
        *,
        method: str,
        records: int,
        fixed: frozenset[str],
        clock: SearchClock,
        storage: Path,
        seed: int,
        finals: int,
    ) -> None:
        self.train, self.method, self.records, self.fixed = train, method, records, fixed
        self.clock, self.storage, self.seed, self.finals = clock, storage, seed, finals
        self.shares = shares(records)
        self.trials: list[Trial] = []
        self.settings: dict[str, Any] = {}
        """The default plan's values; known once it has been trained."""

    def run(self) -> None:
        """Train the default plan, then search until the time is up.

        Raises:
            OutOfTime: the time doesn't even suffice for the default plan.
        """
        self._try_default()
        whole = self.trials[0].rungs[-1]["seconds"]
        reserve = min(self.finals * whole, 0.4 * self.clock.budget)
        self._go_through(reserve)
        for less in (2 * whole, 0.0):  # no finalist, no finals: their time is better spent on trials
            if less < reserve and self.best() is self.trials[0]:
                self._go_through(less)
        if all(trial.score is None for trial in self.trials[1:]):
            self._promote()

    def _go_through(self, reserve: float) -> None:
        """Search stage by stage, and leave the reserve."""
        began = self.clock.spent()
        for name in STAGES:
            best = self.best()
            settings = {**self.settings, **best.values}
            stage = stage_of(name, self.method, settings, self.records, self.fixed)
            if stage is not None:
                until = began + stage.share * max(0.0, self.clock.budget - reserve - began)
                self._search(stage, best, settings, until, reserve)

    def best(self) -> Trial:
        """Return the trial with the highest score on all of the data; the default wins a tie."""
        whole = [trial for trial in self.trials if trial.score is not None]
        return max(whole, key=lambda trial: trial.score or 0.0)

    def _promote(self) -> None:
        """Train the best of the trials that were given up on all of the data, as far as the time goes."""
        given_up = [trial for trial in self.trials[1:] if trial.rungs]
        best = max(given_up, key=lambda trial: (len(trial.rungs), trial.rungs[-1]["score"]), default=None)
        if best is None:
            return
        rest = self.shares[len(best.rungs) :]
        if self.clock.fits([self.timing(best.values, share) for share in rest], 0.0):
            with suppress(OutOfTime):
                for share in rest:
                    self._climb(best, share, 0.0)
                    self._keep_promoted(best)

    def _keep_promoted(self, trial: Trial) -> None:
        """Note how far a trial came after it was given up: what its study holds of it is final."""
        import optuna

        study = optuna.load_study(storage=storage_of(self.storage), study_name=trial.stage)
        study.set_user_attr(_PROMOTED, {"values": dict(trial.values), "rungs": trial.rungs})

    def timing(self, values: Values, share: float) -> Timing:
        """Return the size of a training, as forecasts want it."""
        used = {**self.settings, **values}
        return Timing(
            records=max(1, round(share * self.records)),
            epochs=float(used.get("epochs", 1.0)),
            batch_size=int(used.get("batch_size", 1)),
            seconds=0.0,
        )

    def _try_default(self) -> None:
        trial = Trial(stage="default", values={})
        self.trials.append(trial)
        trained = bool(self._begun())  # by an earlier process: a stage begins behind the default plan
        for place, share in enumerate(self.shares):
            rest = [self.timing({}, each) for each in self.shares[place:]]
            if self.settings and not trained and not self.clock.fits(rest, -self.clock.left()):
                raise OutOfTime  # not even half of what the first forecasts say, which are high, would fit
            self._climb(trial, share, 0.0)
        self._say(trial)

    def _say(self, trial: Trial) -> None:
        spent = f"{words(self.clock.spent())} of {words(self.clock.budget)} spent"
        say(f"Trial {len(self.trials) - 1} ({trial.stage}): {told(trial)}; {spent}")

    def _climb(self, trial: Trial, share: float, reserve: float) -> None:
        """Train on one share and note what it gave."""
        measured = self.train(trial.values, share, max(0.0, self.clock.left() - reserve / 2))
        if trial.stage == "default":
            self.settings.update(measured.settings)
            if "rank" in self.settings:
                self.settings["alpha_over_rank"] = self.settings["alpha"] / self.settings["rank"]
        trial.rungs.append({"share": share, "score": measured.score, "seconds": measured.seconds})
        self._learn(trial, trial.rungs[-1])
        self.clock.keep()

    def _learn(self, trial: Trial, rung: Mapping[str, float]) -> None:
        size = self.timing(trial.values, rung["share"])
        self.clock.timings.append(
            Timing(
                records=size.records,
                epochs=size.epochs,
                batch_size=size.batch_size,
                seconds=rung["seconds"],
            )
        )

    def _search(self, stage: Stage, best: Trial, settings: Values, until: float, reserve: float) -> None:
        if not (self._affordable(best.values, reserve) or stage.name in self._begun()):
            return  # its first proposals are kept for a time with room for them
        study = self._study(stage, best, settings)
        if not self._begun().isdisjoint(STAGES[STAGES.index(stage.name) + 1 :]):
            return  # an earlier process has gone on to a later stage
        tried = sum("trial" in trial.user_attrs for trial in study.trials)
        idle = 0
        while (
            tried < stage.most
            and idle < _IDLE
            and self._affordable(best.values, reserve)
            and (tried == 0 or self.clock.spent() < until)
        ):
            outcome = self._next(study, stage, best, settings, reserve)
            if outcome == "over":
                return
            idle = 0 if outcome == "tried" else idle + 1
            tried += outcome == "tried"

    def _affordable(self, values: Values, reserve: float) -> tuple[float, ...]:
        """Return the shares that a trial has time for: each in turn, late only all of the data, or none."""
        for some in (self.shares, self.shares[-1:]):
            if self.clock.fits([self.timing(values, share) for share in some], reserve):
                return some
        return ()

    def _begun(self) -> set[str]:
        """Return the stages that were begun, by earlier processes too."""
        from optuna import get_all_study_names

        return set(get_all_study_names(storage_of(self.storage)))

    def _next(self, study: Study, stage: Stage, best: Trial, settings: Values, reserve: float) -> str:
        """Take one proposal: "tried", "idle" (it is known, or takes too long), or "over" (the time is)."""
        from optuna.trial import TrialState

        sampler_seed = derive_seed(self.seed, stage.name, len(study.trials))
        study.sampler = sampler_of(sampler_seed)
        proposal = study.ask(distributions_of(stage))
        trial = Trial(stage=stage.name, values=self._values(stage, best, settings, proposal.params))
        known = next((one for one in self.trials if self._same(one, trial)), None)
        if known is not None:
            study.tell(proposal, known.rungs[-1]["score"])
            return "idle"
        affordable = self._affordable(trial.values, reserve)
        if not affordable:
            study.tell(proposal, state=TrialState.FAIL)
            return "idle"
        self.trials.append(trial)
        for share in affordable:
            try:
                self._climb(trial, share, reserve)
            except OutOfTime:
                self.trials.remove(trial)
                study.tell(proposal, state=TrialState.FAIL)
                return "over"
            score = trial.rungs[-1]["score"]
            proposal.report(score, self.shares.index(share))
            if share < 1.0 and not goes_on(score, self._others(trial, share)):
                break
        proposal.set_user_attr("trial", {"values": dict(trial.values), "rungs": trial.rungs})
        if trial.score is None:
            study.tell(proposal, state=TrialState.PRUNED)
        else:
            study.tell(proposal, trial.score)
        self._say(trial)
        return "tried"

    def _same(self, one: Trial, other: Trial) -> bool:
        """Whether two trials are the same plan."""
        return {**self.settings, **one.values} == {**self.settings, **other.values}

    def _others(self, trial: Trial, share: float) -> list[float]:
        """Return what the other trials reached on this share."""
        return [
            rung["score"]
            for other in self.trials
            if other is not trial
            for rung in other.rungs
            if rung["share"] == share
        ]

    def _values(self, stage: Stage, best: Trial, settings: Values, proposed: Values) -> dict[str, Any]:
        """Return the best values so far with the proposed ones over them."""
        values = {**best.values, **proposed}
        if stage.name == "batch" and "learning_rate" not in self.fixed:
            rate, batch = settings["learning_rate"], settings["batch_size"]
            values["learning_rate"] = scaled_rate(rate, proposed["batch_size"], batch)
        return values

    def _study(self, stage: Stage, best: Trial, settings: Values) -> Study:
        """Open the stage's study: what it holds is taken up, a trial that was cut short comes again."""
        import optuna

        study = optuna.create_study(
            storage=storage_of(self.storage), study_name=stage.name, direction="maximize", load_if_exists=True
        )
        if not study.trials:
            for values in stage.first:
                study.enqueue_trial(dict(values))
            if stage.name != "batch":
                add_known(study, stage, settings, best.score)
        for found in study.get_trials(states=[optuna.trial.TrialState.RUNNING]):
            study.tell(found.number, state=optuna.trial.TrialState.FAIL)
            study.enqueue_trial(found.params)
        promoted = study.user_attrs.get(_PROMOTED, {})
        for found in study.trials:
            if "trial" not in found.user_attrs:
                continue
            kept = found.user_attrs["trial"]
            if promoted.get("values") == kept["values"]:
                kept = promoted
            trial = Trial(stage=stage.name, **kept)
            if not any(self._same(one, trial) for one in self.trials):
                self.trials.append(trial)
                for rung in trial.rungs:
                    self._learn(trial, rung)
        return study
