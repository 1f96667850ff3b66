"""`sftloop prompt improve`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from sftloop.cli import options

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
@click.option(
    "--price",
    "prices",
    multiple=True,
    metavar="MODEL=IN,OUT[,CUR]",
    help="What a million prompt and answer tokens of a model behind an API cost.",
)
@click.option(
    "--key-variable",
    "keys",
    multiple=True,
    metavar="MODEL=VARIABLE",
    help="The environment variable with such a model's key, by default OPENAI_API_KEY.",
)
@click.option("--budget", type=click.FloatRange(0, min_open=True), help="The most that each API may cost.")
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
@options.json_option
def command(
    scenario: Path, model: str | None, writer: str | None, tasks: tuple[str, ...], as_json: bool, **given: Any
) -> None:
    """Learn better definitions from wrong answers, and take only what held-out records prove.

    The model answers the validation records. From the mistakes on a third of them a writer proposes
    changes, each to one definition, rule or example; each is tested on the other two thirds. The test split
    is opened once, at the end, if something was taken. scenario.yaml is not touched without --apply.
    """
    from sftloop.workflow.api_systems import Services
    from sftloop.workflow.improve import Search, improve_prompt

    services = Services(**{name: given.pop(name) for name in ("prices", "keys", "budget")})
    trying = {name: given.pop(name) for name in ("rounds", "proposals")}
    search = Search(model=model, writer=writer, services=services, **trying)
    result = improve_prompt(scenario, search, tasks=tasks or None, **given)
    if as_json:
        options.print_json(result)
    else:
        _print(result)


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
    return f"{found['difference']:+.3f} [{low}, {high}], p {found['p_adjusted']:.3f}"


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
    elif applied.get("held_back"):
        click.echo(
            f"{applied['file']} was left as it is: worse on the test records of {', '.join(applied['held_back'])}."
        )
    else:
        click.echo(f"{applied['file']} was replaced; the file as it was: {applied['backup']}")
