"""`sftloop prompt improve`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from sftloop.cli import options
from sftloop.cli.prompt_formats import applied_line, print_formats
from sftloop.core.errors import UsageError

_OF_FORMATS = {"factors": "--factor", "minutes": "--minutes", "records": "--records"}
_OF_DEFINITIONS = {"writer": "--writer", "rounds": "--rounds", "proposals": "--proposals", "limit": "--limit"}
"""Parameter → option of one of the two searches, which the other doesn't take."""
_PARTS = {"means": "definition", "not": "what does not count", "examples": "example"}


@click.command("improve")
@options.scenario_argument
@click.option(
    "--model",
    metavar="NAME|MODEL@URL",
    help="Whose prompt it is, here or behind an API; the scenario's by default.",
)
@click.option(
    "--writer",
    metavar="NAME|MODEL@URL",
    help="Who proposes changes; by default the model itself. Stronger is better.",
)
@options.service_options
@click.option(
    "--rounds",
    type=click.IntRange(1, 20),
    default=2,
    show_default=True,
    help="Rounds of proposals and tests.",
)
@click.option(
    "--proposals",
    type=click.IntRange(1, 50),
    default=4,
    show_default=True,
    help="Proposals asked for in each round.",
)
@options.task_option
@options.limit_option
@options.out_option
@options.seed_option
@options.skip_bad_option
@click.option("--apply", is_flag=True, help="Replace scenario.yaml by the improved one; a backup is kept.")
@click.option(
    "--formats", is_flag=True, help="Search for the form of prompt and answer that suits the model."
)
@click.option(
    "--factor",
    "factors",
    multiple=True,
    metavar="FACTOR",
    help="With --formats, vary only this: order, labels, reason, answer, wording (repeatable).",
)
@click.option(
    "--minutes", type=click.FloatRange(0, min_open=True), help="With --formats, how long; 15 by default."
)
@click.option(
    "--records", type=click.IntRange(1), help="With --formats, at most so many answers, the test aside."
)
@options.json_option
def command(scenario: Path, tasks: tuple[str, ...], formats: bool, as_json: bool, **given: Any) -> None:
    """Learn better definitions from wrong answers, and take only what held-out records prove.

    The model answers the validation records. From the mistakes on a third of them a writer proposes
    changes, each to one definition, rule or example; each is tested on the other two thirds. The test split
    is opened once, at the end, if something was taken. scenario.yaml is not touched without --apply.

    With --formats, instead: every combination of the order of the sections, label names or letters, where the
    reason stands, JSON or plain text and the language of the built-in wording is halved on validation records;
    the best ones meet the present format on held-out ones, and one is taken only if it is significantly better.
    """
    _refuse_foreign(formats)
    for name in _OF_DEFINITIONS if formats else _OF_FORMATS:
        given.pop(name)
    search, show = (_formats, print_formats) if formats else (_definitions, _print)
    result = search(scenario, tasks=tasks or None, **given)
    if as_json:
        options.print_json(result)
    else:
        show(result)


def _refuse_foreign(formats: bool) -> None:
    """Refuse an option that the search asked for doesn't know, rather than pass it over."""
    context = click.get_current_context()
    for name, option in (_OF_DEFINITIONS if formats else _OF_FORMATS).items():
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            raise UsageError(
                f"{option} {'is not for' if formats else 'belongs to'} --formats.",
                hint=f"Leave out {option}, or {'leave out' if formats else 'add'} --formats.",
            )


def _definitions(scenario: Path, **given: Any) -> dict[str, Any]:
    from sftloop.workflow.api_systems import Services
    from sftloop.workflow.improve import Search, improve_prompt

    services = Services(**{name: given.pop(name) for name in ("prices", "keys", "budget")})
    asked = {name: given.pop(name) for name in ("model", "writer", "rounds", "proposals")}
    return improve_prompt(scenario, Search(services=services, **asked), **given)


def _formats(scenario: Path, model: str | None, **given: Any) -> dict[str, Any]:
    from sftloop.workflow.api_systems import Services
    from sftloop.workflow.improve_formats import FormatSearch, improve_formats
    from sftloop.workflow.improve_formats_hunt import Budget

    services = {name: given.pop(name) for name in ("prices", "keys", "budget")}
    remote = model if model and "@http" in model else None
    search = FormatSearch(
        factors=given.pop("factors"),
        budget=Budget(minutes=given.pop("minutes"), answers=given.pop("records")),
        services=Services(apis=[remote] if remote else [], **services),
        apply=given.pop("apply"),
    )
    return improve_formats(scenario, search, model=None if remote else model, **given)


def _print(result: dict[str, Any]) -> None:
    for group in [one for one in result["groups"] if one["round"] == 1][:8]:
        click.echo(f"{group['id']}: {group['wrong']} wrong, {group['unsure']} unsure")
    for one in result["proposals"]:
        what = f"{_PARTS[one['part']]} of '{one['name']}'" if one["part"] else "no readable change"
        click.echo(f"{one['id']} {one['task']}, {what}: {_ending(one)}")
    if not result["proposals"]:
        click.echo("Nothing to improve: no answer is wrong in a way that a definition could mend.")
    elif not result["accepted"]:
        _print_blindness(result)
    test = result["test"] or {"n": 0, "before": {}, "after": {}, "paired": {}}
    for task, paired in test["paired"].items():
        sides = [options.percent(test[side][task]) for side in ("before", "after")]
        change = f"{paired['metric']} {sides[0]} → {sides[1]}, {_difference(paired)}"
        click.echo(f"Test split, {task}: {change}, {paired['verdict']}")
    if result["accepted"] and not test["n"]:
        click.echo("There are no test records of what changed: the gain rests on the validation split alone.")
    _print_file(result)
    click.echo(f"Page: {result['page']}")


def _ending(one: dict[str, Any]) -> str:
    if one["refused"]:
        return f"refused ({one['refused']['kind'].replace('_', ' ')}: {one['refused']['why']})"
    return f"{one['decision']}, {_difference(one['test'])}"


def _difference(found: dict[str, Any]) -> str:
    if found["difference"] is None:
        return "nothing compared"
    low, high = (f"{found[end]:+.3f}" if found[end] is not None else "–" for end in ("low", "high"))
    return f"{found['difference']:+.3f} [{low}, {high}], {options.p_value(found['p_adjusted'])}"


def _print_blindness(result: dict[str, Any]) -> None:
    click.echo("No change was taken; scenario.yaml stays as it is.")
    for task, smallest in result["detectable"].items():
        if smallest is not None:
            held_out = result["tasks"][task]["held_out"]
            click.echo(
                f"  {task}: on {held_out} held-out records a gain below {smallest:.3f} would probably not show"
            )


def _print_file(result: dict[str, Any]) -> None:
    if not result["improved"]:
        return
    click.echo(f"Improved: {result['improved']} (diff: {result['diff']})")
    applied = result["applied"]
    if not applied:
        click.echo(f"Take it over: {result['apply']}")
    else:
        click.echo(applied_line(applied))
