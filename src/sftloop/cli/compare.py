"""`sftloop compare`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from sftloop.cli import options


@click.command("compare")
@options.scenario_argument
@click.option("--model", "models", multiple=True, metavar="NAME", help="An open model (repeatable).")
@click.option(
    "--adapter",
    "adapters",
    multiple=True,
    metavar="[NAME=]PATH[,PATH…]",
    help="A fine-tuned model: an adapter or a run's directory; several are seeds of one training (repeatable).",
)
@click.option(
    "--prompt",
    "prompts",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Ask every model in the words of this scenario.yaml too (repeatable).",
)
@click.option("--api", "apis", multiple=True, metavar="MODEL@URL", help="A model behind an API (repeatable).")
@options.service_options
@click.option(
    "--classifiers/--no-classifiers",
    default=True,
    show_default=True,
    help="Also train two classifiers on the training records.",
)
@click.option("--split", default="test", show_default=True, metavar="SPLIT", help="What is asked.")
@options.task_option
@options.limit_option
@click.option(
    "--export",
    "exports",
    multiple=True,
    nargs=2,
    type=(str, click.Path(path_type=Path, dir_okay=False)),
    metavar="FORMAT FILE",
    help="Write the same questions as promptfoo or openai-evals (repeatable).",
)
@options.out_option
@options.seed_option
@options.skip_bad_option
@options.json_option
def command(scenario: Path, tasks: tuple[str, ...], as_json: bool, **given: Any) -> None:
    """Put models, fine-tuned models, APIs, prompts and classifiers on the same records, and decide.

    Quality with intervals, valid format, seconds, tokens and cost; every pair is tested, corrected for their
    number. What a system answered is kept: the same command goes on and asks again only for what an API failed
    to answer, and a system added later doesn't ask the others again. Exit code 1 says that a target is stated and
    nothing meets it.
    """
    from sftloop.workflow.api_systems import Services
    from sftloop.workflow.compare import compare_scenario
    from sftloop.workflow.contestants import Contestants

    services = Services(**{name: given.pop(name) for name in ("apis", "prices", "keys", "budget")})
    names = ("models", "adapters", "prompts", "classifiers")
    contestants = Contestants(**{name: given.pop(name) for name in names}, services=services)
    result = compare_scenario(scenario, contestants, tasks=tasks or None, **given)
    if as_json:
        options.print_json(result)
    else:
        _print(result)
    stated = any(found["target"] for one in result["systems"] for found in one["tasks"].values())
    raise click.exceptions.Exit(1 if stated and result["decision"]["choice"] is None else 0)


def _print(result: dict[str, Any]) -> None:
    for task, facts in result["tasks"].items():
        click.echo(f"{task}: {facts['metric']} on {facts['n']:,} records, the best first")
        systems = {one["name"]: one for one in result["systems"]}
        verdicts = {
            pair["a"]: pair for pair in result["pairs"] if pair["task"] == task and pair["against_best"]
        }
        width = max(len(name) for name in facts["ranked"])
        for name in facts["ranked"]:
            click.echo(
                f"  {name:<{width}}  {_line(systems[name], task, facts['metric'], verdicts.get(name))}"
            )
    for one in result["systems"]:
        if one["unanswered"]:
            missing = f"{one['unanswered']:,} without an answer"
            click.echo(f"{one['name']}: {missing}; the same command asks again for these alone")
    for one in result["left_out"]:
        click.echo(f"Left out: {one['what']} ({one['why']})")
    click.echo(f"{result['decision']['headline']}\n  {result['decision']['because']}")
    click.echo(f"Page: {result['page']}")


def _line(system: dict[str, Any], task: str, metric: str, pair: dict[str, Any] | None) -> str:
    found = system["tasks"][task]
    parts = [options.percent(found["metrics"][metric])]
    if found["format_valid"] is not None:
        parts.append(f"format valid {found['format_valid']:.3f}")
    if system["latency"]["median"] is not None:
        parts.append(_seconds(system["latency"]["median"]))
    if system["cost"] is not None and system["cost"]["per_1000"] is not None:
        parts.append(f"{system['cost']['per_1000']:.3g} {system['cost']['currency']} per 1,000")
    if found["errors"]:
        parts.append(f"{found['errors']} calls failed")
    if pair is not None:
        more = f", {pair['more_records']:,} more records would settle it" if pair["more_records"] else ""
        parts.append(f"{pair['verdict']} ({options.p_value(pair['p_adjusted'])}{more})")
    return ", ".join(parts)


def _seconds(seconds: float) -> str:
    return f"{seconds:.3g} s" if seconds >= 0.001 else "< 0.001 s"
