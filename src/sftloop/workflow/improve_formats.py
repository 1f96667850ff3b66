"""`sftloop prompt improve --formats`: which form of prompt and answer suits a model, found by measurement.

Formats are halved on one half of the validation records; the best ones meet the present format on the other half.
Every answer is kept: the same command goes on after a kill, and with a larger budget it asks only what is new.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sftloop.core.errors import ModelError, UsageError
from sftloop.core.files import atomic_write_json, atomic_write_text, read_text, sha256_file
from sftloop.core.rundir import RunDirectory
from sftloop.records import Record, load_split, split_path
from sftloop.scenario import Format, Scenario, load_scenario
from sftloop.scenario.format_block import put_format
from sftloop.scenario.yaml_edit import scenario_diff
from sftloop.workflow.api_systems import Services, api_systems, require_service, service_endpoints
from sftloop.workflow.improve_formats_asking import FormatAsker
from sftloop.workflow.improve_formats_hunt import MINUTES, Budget, FormatHunt
from sftloop.workflow.improve_formats_rounds import halves, schedule_for
from sftloop.workflow.improve_formats_variants import FormatSpace, format_space
from sftloop.workflow.local_systems import find_bases, model_systems
from sftloop.workflow.place import named_tasks, open_run
from sftloop.workflow.prompt_variants import load_variants
from sftloop.workflow.put_in_place import put_in_place
from sftloop.workflow.search_clock import SearchClock
from sftloop.workflow.system import System

if TYPE_CHECKING:
    from sftloop.models import PromptEncoder

_FEWEST_VALIDATION = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class FormatSearch:
    """What is searched, as the command line says it."""

    factors: Sequence[str] = ()
    """Vary only these; empty: all."""
    budget: Budget = field(default_factory=Budget)
    services: Services = field(default_factory=Services)
    """One service to ask in place of a model."""
    apply: bool = False
    """Write an accepted format into the scenario's file."""


def improve_formats(
    directory: Path,
    search: FormatSearch,
    *,
    model: str | None = None,
    tasks: Collection[str] | None = None,
    out: Path | None = None,
    seed: int = 0,
    skip_bad: bool = False,
) -> dict[str, Any]:
    """Search for a better format and return what `prompt improve --formats --json` prints.

    Args:
        directory: the scenario's directory.
        search: what is varied, how long, and whether it is written.
        model: instead of the scenario's.
        tasks: only these.
        out: the run's directory.
        seed: of the records' division and the bootstrap.
        skip_bad: set bad rows aside.

    Raises:
        UsageError: nothing can vary, too few records, or too small a budget.
    """
    from sftloop.report.formats_page import FORMATS, FORMATS_PAGE, build_formats_page
    from sftloop.report.formats_told import in_words

    scenario = load_scenario(directory)
    records = load_split(scenario, "validation", tasks=tasks, skip_bad=skip_bad)
    asked = [name for name in scenario.tasks if any(record.task == name for record in records)]
    space = format_space(scenario, asked, search.factors)
    pool, held_out = _divided(records, seed)
    if search.budget.answers is not None:  # a budget that can't do is refused before anything is loaded
        schedule_for(len(space.variants), len(pool), len(held_out), search.budget.answers)
    system = _system(scenario, model, search.services)
    run = _open(scenario, system, space, tasks, seed, out)
    with ExitStack() as stack:
        hunt = FormatHunt(
            run=run,
            scenario=scenario,
            asked=asked,
            asker=FormatAsker(run, system, stack),
            pool=pool,
            held_out=held_out,
            seed=seed,
            clock=SearchClock(run.file("clock.json"), 60 * (search.budget.minutes or MINUTES)),
            encoder=_encoder(model or scenario.model),
        )
        result = hunt.search(space, search.budget)
        result |= hunt.test(result, skip_bad)
    result = {
        "kind": "formats",
        "scenario": scenario.name,
        "language": scenario.language,
        "model": system.name,
        "tasks": asked,
        "split": "validation",
        **result,
        **_improved(run, scenario, result, apply=search.apply),
        "page": str(run.file(FORMATS_PAGE)),
        "seconds": round(hunt.clock.spent(), 2),
    }
    result["decision"] |= in_words(result)
    atomic_write_json(run.file(FORMATS), result)
    build_formats_page(run.path)
    run.mark_done("formats", seconds=result["seconds"])
    return result


def _divided(records: Sequence[Record], seed: int) -> tuple[list[Record], list[Record]]:
    if len(records) < _FEWEST_VALIDATION:
        raise UsageError(
            f"{len(records)} validation records are too few to choose a format by; "
            f"{_FEWEST_VALIDATION} are the least, some hundred are better.",
            hint="Add more to the validation file: new records, or lines moved there from the training file.",
        )
    pool, held_out = halves(records, seed)
    if not held_out:
        raise UsageError(
            "All validation records belong to one group, so none can be held out for the final comparison.",
            hint="Add records of other groups.",
        )
    return pool, held_out


def _system(scenario: Scenario, model: str | None, services: Services) -> System:
    own = load_variants(scenario, [])
    if not services.apis:
        service_endpoints(services, option="--model")  # refuses prices and keys that belong to none
        require_service(services, "no model", "--model")
        return model_systems(find_bases([model or scenario.model]), own)[0]
    return api_systems(services, own)[0]


def _encoder(name: str) -> PromptEncoder | None:
    """Return the tokenizer that counts what prompts share; a service has the scenario's model's, if it is here."""
    from sftloop.models import PromptEncoder, resolve_model

    try:
        return PromptEncoder.from_directory(resolve_model(name, allow_download=False))
    except ModelError:
        return None


def _open(
    scenario: Scenario,
    system: System,
    space: FormatSpace,
    tasks: Collection[str] | None,
    seed: int,
    out: Path | None,
) -> RunDirectory:
    """Start or take up the run; another budget is the same run."""
    assert scenario.file is not None
    settings = {
        "tasks": named_tasks(tasks),
        "factors": {factor: list(levels) for factor, levels in space.factors.items()},
        "seed": seed,
    }
    inputs = {
        "scenario": sha256_file(scenario.file),
        "validation": sha256_file(split_path(scenario, "validation")),
        "model": system.identities[0],
    }
    return open_run("prompt improve", scenario, inputs, settings, out, name="formats")


def _improved(
    run: RunDirectory, scenario: Scenario, result: Mapping[str, Any], *, apply: bool
) -> dict[str, Any]:
    """Write the scenario with an accepted format beside the result, and over the scenario if asked to."""
    name = result["decision"]["accepted"]
    if name is None:
        return {"improved": None, "diff": "", "applied": None}
    assert scenario.file is not None
    said = next(one["format"] for one in result["variants"] if one["name"] == name)
    old = read_text(scenario.file, "the scenario")
    new = put_format(old, Format.model_validate(said), str(scenario.file))
    path = run.file("improved.yaml")
    atomic_write_text(path, new)
    tested = (result["test"] or {"tasks": {}})["tasks"]
    worse = [task for task, row in tested.items() if row["verdict"] == "worse"]
    known = run.manifest["inputs"]["scenario"]
    return {
        "improved": str(path),
        "diff": scenario_diff(old, new, scenario.file.name),
        "applied": put_in_place(scenario, known, new, worse) if apply else None,
    }
