"""`sftloop plan shrink`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from sftloop.cli import options
from sftloop.cli.training_options import chosen, training_options


@click.command("shrink")
@options.scenario_argument
@click.option(
    "--models", required=True, metavar="A,B,…", help="Two or more names or directories, in any order."
)
@click.option(
    "--seeds", type=click.IntRange(1), default=3, show_default=True, help="Trainings of each model."
)
@click.option(
    "--split",
    default="test",
    show_default=True,
    metavar="SPLIT",
    help="Split that the trained models are measured on.",
)
@options.task_option
@training_options
@options.out_option
@options.skip_bad_option
@options.json_option
def command(scenario: Path, models: str, as_json: bool, **given: Any) -> None:
    """Find the smallest model that surely meets the scenario's targets.

    Fine-tunes from the largest down and ends at the first that misses. A target is met when the lower end of its
    interval reaches it. Exit code 1: none does.
    """
    from sftloop.workflow.shrink import shrink

    names = ("seeds", "split", "tasks", "out", "skip_bad")
    of_verb = {name: given.pop(name) for name in names}
    named = [name.strip() for name in models.split(",") if name.strip()]
    result = shrink(scenario, chosen(given), models=named, **of_verb)
    if as_json:
        options.print_json(result)
    else:
        _print(result)
    if result["smallest"] is None:
        click.get_current_context().exit(1)


def _print(result: dict[str, Any]) -> None:
    for each in result["candidates"]:
        click.echo(f"{each['model']}: {each['parameters']:,} parameters")
        if each["failure"]:
            click.echo(f"  could not be trained: {each['failure']}")
        for task in each["tasks"]:
            target = task["target"]
            label = f" of '{target['label']}'" if target["label"] else ""
            state = "met" if target["sure"] else "met, but maybe by luck" if target["met"] else "missed"
            value = "–" if target["value"] is None else f"{target['value']:.3f}, surely {target['low']:.3f}"
            spread = "" if target["spread"] is None else f", seeds' spread {target['spread']:.3f}"
            click.echo(
                f"  {task['task']}: {target['metric']}{label} {value}{spread}; "
                f"target {target['at_least']}: {state}"
            )
    click.echo(f"Smallest that meets the targets: {result['smallest'] or 'none'}")
    if result["untried"]:
        click.echo(f"Not tried: {', '.join(result['untried'])}")
    click.echo(f"Page: {result['page']}")
