"""`sftloop diagnose hallucination`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from sftloop.cli import options

_SHOWN = 8
"""Suggestions that are written out; the page and the file hold all."""


@click.group("diagnose")
def command() -> None:
    """Find out what goes wrong inside a model's answers, and what would mend it."""


@command.command("hallucination")
@options.scenario_argument
@options.model_option
@options.adapter_option
@click.option(
    "--before",
    metavar="MODEL",
    help="Compare with this: 'base' (the model without training), what another run trained, or another model.",
)
@click.option("--split", default="test", show_default=True, metavar="SPLIT", help="What is diagnosed.")
@options.task_option
@options.limit_option
@click.option(
    "--quick", is_flag=True, help="Ask the records only: no evidence taken away, no generated traps."
)
@options.out_option
@options.seed_option
@options.skip_bad_option
@options.json_option
def hallucination(
    scenario: Path,
    model: str | None,
    adapter: Path | None,
    before: str | None,
    tasks: tuple[str, ...],
    as_json: bool,
    **given: Any,
) -> None:
    """Say where a model claims more than its input says.

    Precision beside recall, claims without evidence, traps made from the scenario's own rules and records, answers
    with the evidence taken away, the probability from which a claim can be believed. For tasks that choose labels
    or extract fields. Ends with a few records to add.
    """
    from sftloop.workflow.diagnose import diagnose_hallucination
    from sftloop.workflow.diagnose_sides import Wanted

    wanted = Wanted(model=model, adapter=adapter, before=before)
    result = diagnose_hallucination(scenario, wanted=wanted, tasks=tasks or None, **given)
    if as_json:
        options.print_json(result)
    else:
        _print(result)


def _print(result: dict[str, Any]) -> None:
    for name, task in result["tasks"].items():
        unsupported = options.percent(task["unsupported_positive_rate"])
        click.echo(f"{name}: claims without support {unsupported}")
        for label, row in task["labels"].items():
            precision, recall = options.percent(row["precision"]), options.percent(row["recall"])
            click.echo(f"  {label}: precision {precision}, recall {recall}")
        for family, row in task["traps"].items():
            which = "of your own" if family == "own" else family
            click.echo(f"  trap {which}: {row['passed']} of {row['n']} passed")
        if found := task["threshold"]:
            click.echo(f"  {_threshold(found)}")
    for row in (result["compared"] or {}).get("tests", ()):
        if row["verdict"] != "inconclusive":
            item = f" {row['item']}" if row["item"] else ""
            click.echo(
                f"{row['task']} {row['what']}{item}: {row['verdict']}, {row['before']:.3f} → {row['after']:.3f}"
            )
    for suggestion in result["suggestions"][:_SHOWN]:
        click.echo(f"{suggestion['task']}: {suggestion['why']}\n  → {suggestion['mend']}")
    if len(result["suggestions"]) > _SHOWN:
        click.echo(f"… and {len(result['suggestions']) - _SHOWN} more suggestions")
    if result["skipped"]:
        click.echo(
            f"Not diagnosed, since their answers claim nothing to check: {', '.join(result['skipped'])}"
        )
    click.echo(f"Drafts to read: {result['drafts']}")
    click.echo(f"Page: {result['page']}")


def _threshold(found: dict[str, Any]) -> str:
    from sftloop.diagnose.threshold import threshold_in_words

    wanted = f"{found['metric']} of {found['label']} ≥ {found['at_least']}"
    chosen = found["chosen"]
    if not chosen:
        return f"no threshold is shown to reach {wanted} ({found['why_not'].replace('_', ' ')})"
    reached = options.percent(chosen["test"][found["metric"]])
    return f"{wanted}: believe it from probability {threshold_in_words(chosen['value'])}; on this split {reached}"
