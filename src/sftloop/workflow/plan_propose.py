"""`sftloop plan SCENARIO`: facts, then a proposal, then a plan file that `train` and `run` take."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from sftloop.core.files import atomic_write_json, sha256_file, sha256_json
from sftloop.core.progress import say
from sftloop.core.rundir import RunDirectory
from sftloop.plan import gpu_bytes
from sftloop.plan.base_model import LARGEST, largest_that_fits
from sftloop.plan.facts import Facts
from sftloop.plan.ladder import Fitted
from sftloop.plan.notes import Note
from sftloop.plan.plan_file import PLAN_FILE
from sftloop.plan.proposal import checked, fits_somehow, propose
from sftloop.records import split_path
from sftloop.scenario import Scenario, load_scenario, put_over
from sftloop.scenario.training import METHOD_OPTIONS
from sftloop.workflow.follow_up import follow_up
from sftloop.workflow.measure import input_hashes
from sftloop.workflow.model_language import language_gap
from sftloop.workflow.place import open_run
from sftloop.workflow.plan_earlier import rough_time
from sftloop.workflow.plan_facts import Base, candidates, find_base, gather
from sftloop.workflow.plan_measured import measured_method
from sftloop.workflow.training_case import TrainingData, load_training_data

RUNS = Path("runs")
"""Where earlier runs are looked for: where they are written by default."""


def plan_scenario(
    directory: Path,
    asked: Mapping[str, Any],
    *,
    model: str | None = None,
    gpu: str | None = None,
    tasks: Sequence[str] | None = None,
    limit: int | None = None,
    out: Path | None = None,
    skip_bad: bool = False,
) -> dict[str, Any]:
    """Propose how to train a scenario, write the plan, and return what `plan --json` prints.

    Args:
        directory: the scenario's.
        asked: settings of the training section that stay as they are.
        model: instead of the scenario's; `largest` for the largest known one that fits.
        gpu: plan for this GPU instead of this machine.
        tasks: only these.
        limit: at most so many records of each task.
        out: the run's directory.
        skip_bad: set bad rows aside.
    """
    if gpu:
        gpu_bytes(gpu)  # refused before anything long begins
    scenario = load_scenario(directory)
    seed = int(checked(asked).get("seed") or 0)
    data = load_training_data(scenario, tasks=tasks, limit=limit, seed=seed, skip_bad=skip_bad)
    base = find_base(scenario.model if model in {None, LARGEST} else str(model))
    facts = gather(scenario, data, base, gpu)
    if model == LARGEST:
        base, facts = _largest(scenario, base, facts)
    inputs = _inputs(scenario, base)
    facts = replace(facts, measured=measured_method(inputs, facts.records, RUNS))
    own = scenario.training.model_dump(exclude_none=True, exclude_unset=True) if scenario.training else {}
    others = candidates(scenario, base)
    proposal = propose(
        base.name, facts, asked, _rate(facts, put_over(own, checked(asked))), own=own, candidates=others
    )
    effective = put_over(own, proposal.training)
    settings = {
        "asked": dict(asked),
        "model": base.name,
        "gpu": gpu,
        "tasks": sorted(tasks or ()),
        "limit": limit,
    }
    run = _open(scenario, inputs, settings, out)
    earlier = None if gpu else rough_time(facts, effective, inputs.get("model"), RUNS)
    result = {
        "scenario": scenario.name,
        "model": base.name,
        "facts": facts.to_json(),
        "choices": [_with_scenario(choice.to_json(), own) for choice in proposal.choices],
        "training": proposal.training,
        "memory": _memory(proposal.fitted, facts),
        "time": earlier,
        "notes": [note._asdict() for note in (*_on_language(scenario, data, base), *proposal.notes)],
        "inputs": inputs,
        "plan": str(run.file(PLAN_FILE)),
        "command": follow_up("run", directory, run.file(PLAN_FILE), tasks, limit, skip_bad),
        "measure": follow_up("plan time", directory, run.file(PLAN_FILE), tasks, limit, skip_bad),
    }
    atomic_write_json(run.file(PLAN_FILE), result)
    run.mark_done("plan")
    return result


def _on_language(scenario: Scenario, data: TrainingData, base: Base) -> Iterator[Note]:
    if gap := language_gap(base.name, scenario, data.train):
        yield Note(f"{gap.why} {gap.mend}", gap.zh)


def _open(
    scenario: Scenario, inputs: Mapping[str, str], settings: Mapping[str, Any], out: Path | None
) -> RunDirectory:
    """Start the run, or take up the one of the same question."""
    return open_run("plan", scenario, inputs, settings, out)


def _largest(scenario: Scenario, base: Base, facts: Facts) -> tuple[Base, Facts]:
    """Return the largest known model that fits; the scenario's own where none is larger.

    Lengths stay those of the scenario's model: tokenizers differ little beside the margin.
    """
    larger = [c for c in candidates(scenario, base) if c.architecture.parameters > (facts.parameters or 0)]
    found = largest_that_fits(larger, lambda shape: fits_somehow(facts, shape))
    if found is None or facts.hardware.device == "cpu":
        say(f"No larger known model suits this machine: {base.name}")
        return base, facts
    chosen = find_base(found.name)
    return chosen, replace(facts, architecture=chosen.architecture)


def _rate(facts: Facts, said: Mapping[str, Any]) -> Callable[[str], float]:
    """Return the methods' starting rates for a model of this size; one of unknown size counts as large.

    Args:
        facts: the model's size.
        said: what scenario and user say of the training: rsLoRA, for one, starts at another rate than LoRA.
    """
    from sftloop.train import METHODS

    def rate(method: str) -> float:
        options = {name: said[name] for name in METHOD_OPTIONS[method] if name in said}
        return METHODS[method](**options).default_learning_rate(facts.parameters or 10**9)

    return rate


def _inputs(scenario: Scenario, base: Base) -> dict[str, str]:
    if base.folder is not None:
        return input_hashes(scenario, ["train", "validation"], base.folder, None)
    assert scenario.file is not None
    hashes = {split: sha256_file(split_path(scenario, split)) for split in ("train", "validation")}
    return {**hashes, "scenario": sha256_file(scenario.file), "model_name": sha256_json(base.name)}


def _with_scenario(choice: dict[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Add what the scenario's training section says, where that is something else."""
    said = own.get(choice["name"])
    return {**choice, "scenario_says": said if said != choice["value"] else None}


def _memory(fitted: Fitted | None, facts: Facts) -> dict[str, Any] | None:
    if fitted is None:
        return None
    ledger = fitted.ledger
    return {
        "memory_bytes": facts.hardware.memory_bytes,
        "fits": fitted.fits,
        "peak_allocated": ledger.peak_allocated,
        "reserved": ledger.reserved._asdict() if facts.hardware.device == "cuda" else None,
        "instant": ledger.instant,
        "components": ledger.components(),
        "trained_parameters": ledger.trained,
        "ladder": [{"step": rung.step, "saves": rung.saves, "costs": rung.costs} for rung in fitted.rungs],
    }
