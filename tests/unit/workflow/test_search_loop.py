"""The search with a simulated trainer and clock: budget, order, early ends, going on, never worse."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import optuna
import pytest

from sftloop.scenario.training import Training
from sftloop.workflow import search_loop
from sftloop.workflow.deadline import OutOfTime
from sftloop.workflow.search import _finals
from sftloop.workflow.search_clock import SearchClock
from sftloop.workflow.search_loop import Search
from sftloop.workflow.search_trial import Measured
from sftloop.workflow.trials import Trained

DEFAULT = {
    "batch_size": 16,
    "learning_rate": 1e-4,
    "epochs": 3.0,
    "rank": 16,
    "alpha": 32,
    "warmup": 0.05,
    "weight_decay": 0.0,
    "optimizer": "adamw",
}
RECORDS = 900


class Simulated:
    """A trainer whose score peaks at a rate of 1e-3 and rank 32, and whose seconds pass on a clock of its own.

    Args:
        noise: relative spread of the seconds.
        done: trainings that lie on disk; they cost nothing, and new ones are added.
        dies_after: raises KeyboardInterrupt, as a kill would end the process, in this training.
        beaten: whether there is anything better than the default plan.
    """

    def __init__(
        self,
        noise: float = 0.0,
        done: dict[str, Measured] | None = None,
        dies_after: int | None = None,
        *,
        beaten: bool = True,
    ) -> None:
        self.beaten = beaten
        self.done = {} if done is None else done
        self.time, self.noise, self.dies_after = 0.0, noise, dies_after
        self.calls: list[tuple[dict[str, Any], float]] = []
        self.draw = random.Random(0)

    def __call__(self, values: Mapping[str, Any], share: float, seconds: float) -> Measured:
        key = str((sorted(values.items()), share))
        if key in self.done:
            return self.done[key]
        if len(self.calls) == self.dies_after:
            raise KeyboardInterrupt
        self.calls.append((dict(values), share))
        used = {**DEFAULT, **values}
        steps = used["epochs"] * math.ceil(share * RECORDS / used["batch_size"])
        took = 4 + used["epochs"] + 0.2 * steps + 0.01 * used["epochs"] * share * RECORDS
        took *= self.draw.uniform(1 - self.noise, 1 + self.noise)
        self.time += min(took, seconds)
        if took > seconds:
            raise OutOfTime
        score = 0.5 + 0.3 * math.sqrt(share)
        score -= 0.1 * abs(math.log10(used["learning_rate"] / 1e-3)) + 0.01 * abs(
            math.log2(used["rank"] / 32)
        )
        if values and not self.beaten:
            score -= 0.5
        self.done[key] = Measured(score=score, seconds=took, settings=used)
        return self.done[key]


@pytest.fixture
def in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the trials in memory, where SQLite's waits for the disk are not what is tested."""
    storages: dict[Path, Any] = {}
    monkeypatch.setattr(
        search_loop, "storage_of", lambda path: storages.setdefault(path, optuna.storages.InMemoryStorage())
    )


def searched(
    place: Path,
    train: Simulated,
    minutes: float = 30,
    now: Callable[[], float] | None = None,
    fixed: frozenset[str] = frozenset(),
) -> Search:
    search = Search(
        train,
        method="lora",
        records=RECORDS,
        fixed=fixed,
        clock=SearchClock(place / "clock.json", 60 * minutes, now or (lambda: train.time)),
        storage=place / "trials.sqlite",
        seed=0,
        finals=6,
    )
    search.run()
    return search


@pytest.mark.usefixtures("in_memory")
def test_batch_then_rate_then_the_rest_and_the_default_first(tmp_path: Path) -> None:
    search = searched(tmp_path, Simulated())
    stages = [trial.stage for trial in search.trials]
    assert stages[0] == "default"
    assert list(dict.fromkeys(stages)) == ["default", "batch", "rate", "rest"]
    assert stages == sorted(stages, key=["default", "batch", "rate", "rest"].index)
    batches = {trial.values["batch_size"] for trial in search.trials if trial.stage == "batch"}
    assert batches and all(batch % 16 == 0 for batch in batches)


@pytest.mark.usefixtures("in_memory")
def test_it_finds_the_better_rate(tmp_path: Path) -> None:
    search = searched(tmp_path, Simulated())
    best = search.best()
    assert best.score is not None and search.trials[0].score is not None
    assert best.score > search.trials[0].score + 0.05
    assert 3e-4 < best.values["learning_rate"] < 4e-3


@pytest.mark.usefixtures("in_memory")
@pytest.mark.parametrize("minutes", [15, 40])
def test_it_stays_within_its_minutes_and_leaves_time_for_the_finalists(tmp_path: Path, minutes: int) -> None:
    """Seconds scatter by a fifth; six trainings or two fifths of the budget are to be left, less a quarter."""
    train = Simulated(noise=0.2)
    search = searched(tmp_path, train, minutes=minutes)
    assert train.time <= 60 * minutes * 1.0001
    whole = search.trials[0].rungs[-1]["seconds"]
    assert search.clock.left() >= 0.75 * min(6 * whole, 0.4 * 60 * minutes)


@pytest.mark.usefixtures("in_memory")
@pytest.mark.parametrize("minutes", [4, 15])
def test_where_nothing_is_ahead_the_finalists_time_goes_into_trials(tmp_path: Path, minutes: int) -> None:
    train = Simulated(beaten=False)
    search = searched(tmp_path, train, minutes=minutes)
    assert search.best() is search.trials[0]
    assert {"batch", "rate"} <= {trial.stage for trial in search.trials}
    values = [str(sorted(trial.values.items())) for trial in search.trials]
    assert len(set(values)) == len(values)
    whole = sum(rung["seconds"] for rung in search.trials[0].rungs)
    assert 60 * minutes - 1.3 * whole < train.time <= 60 * minutes


@pytest.mark.usefixtures("in_memory")
def test_hardly_promising_trials_are_given_up_early(tmp_path: Path) -> None:
    search = searched(tmp_path, Simulated(), minutes=60)
    given_up = [trial for trial in search.trials if trial.score is None]
    assert len(given_up) > 3
    assert all(trial.rungs[-1]["share"] < 1 for trial in given_up)
    lowest = min(trial.rungs[0]["score"] for trial in search.trials)
    assert any(trial.rungs[0]["score"] == lowest for trial in given_up)


def test_a_search_cut_short_goes_on_with_the_trial_in_flight(tmp_path: Path) -> None:
    """On SQLite. What was finished is not trained again."""
    first = Simulated(dies_after=8)
    with pytest.raises(KeyboardInterrupt):
        searched(tmp_path, first, minutes=10)
    second = Simulated(done=first.done)
    search = searched(tmp_path, second, minutes=14)
    assert first.calls[-1][0] in [trial.values for trial in search.trials]
    assert [call for call in second.calls if call in first.calls] == []
    assert second.calls


@pytest.mark.usefixtures("in_memory")
def test_more_minutes_go_on_where_the_last_ended(tmp_path: Path) -> None:
    short = searched(tmp_path, Simulated(), minutes=20)
    more = Simulated()
    longer = searched(tmp_path, more, minutes=60)
    assert [t.values for t in longer.trials][: len(short.trials)] != [] and len(longer.trials) > len(
        short.trials
    )
    assert longer.clock.spent() > short.clock.spent()
    assert {str(t.values) for t in short.trials} <= {str(t.values) for t in longer.trials}


@pytest.mark.usefixtures("in_memory")
def test_once_the_minutes_are_spent_the_same_search_is_there_again(tmp_path: Path) -> None:
    done: dict[str, Measured] = {}
    first = Simulated(done=done)
    search = searched(tmp_path, first)
    first.time = 1800.0
    search.clock.keep()
    again = Simulated(done=done)
    found = searched(tmp_path, again)
    assert again.calls == []
    assert [trial.rungs for trial in found.trials] == [trial.rungs for trial in search.trials]


@pytest.mark.usefixtures("in_memory")
def test_fixed_values_are_kept(tmp_path: Path) -> None:
    search = searched(tmp_path, Simulated(), fixed=frozenset({"learning_rate", "rank"}))
    for trial in search.trials:
        assert "learning_rate" not in trial.values
        assert "rank" not in trial.values


@pytest.mark.usefixtures("in_memory")
def test_too_short_for_the_default_plan(tmp_path: Path) -> None:
    train = Simulated()
    with pytest.raises(OutOfTime):
        searched(tmp_path, train, minutes=0.7)
    assert train.time <= 42


def test_trials_that_failed_on_all_of_the_data_are_no_finalists() -> None:
    """Their score of 0 has no predictions behind it."""
    default, failed = (
        SimpleNamespace(values=values, score=score) for values, score in (({}, 0.5), ({"rank": 8}, 0.0))
    )
    search: Any = SimpleNamespace(trials=[default, failed], clock=SimpleNamespace(budget=1.0))
    trainer: Any = SimpleNamespace(
        choices=SimpleNamespace(seed=0),
        trained=lambda values, *_: Trained(predictions=[], seconds=1.0, facts={}, failure="diverged"),
        training=lambda values: Training(),
    )
    found = _finals(search, trainer, 1)
    assert (found["chosen"], found["verdict"]) == ("default", "nothing_else")


def test_more_minutes_keep_what_was_trained_on_all_of_the_data_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A trial that was given up may be trained on all of the data after all, where no other was."""
    done: dict[str, Measured] = {}
    with monkeypatch.context() as early:
        early.setattr(search_loop, "goes_on", lambda *_: False)
        first = searched(tmp_path, Simulated(done=done), minutes=10)
    first.clock.budget *= 4
    first.trials = [trial for trial in first.trials if trial.stage == "default" or trial.score is None]
    first._promote()
    [promoted] = [trial for trial in first.trials[1:] if trial.score is not None]
    more = searched(tmp_path, Simulated(done=done), minutes=40)
    assert sum(trial.score is not None for trial in more.trials[1:]) > 1
    [same] = [trial for trial in more.trials if trial.values == promoted.values]
    assert same.score == promoted.score
