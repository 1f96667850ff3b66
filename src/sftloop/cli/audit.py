"""`sftloop audit`."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import Any

import click

from sftloop.cli import options

_COLOURS = {"error": "red", "warning": "yellow", "note": "cyan"}
_SHOWN = 3
"""Findings of one kind and severity that are written out; the page and the file hold all."""


@click.command("audit")
@options.scenario_argument
@click.option("--with-model", is_flag=True, help="Also ask the scenario's model: difficulty and knowledge.")
@click.option("--model", metavar="NAME", help="Ask this model instead.")
@click.option("--split", default="train", show_default=True, metavar="SPLIT", help="What is audited.")
@options.task_option
@options.limit_option
@click.option(
    "--fail-on",
    type=click.Choice(["error", "warning"]),
    help="Exit with 1 when there is a finding this severe.",
)
@click.option(
    "--sample",
    type=click.IntRange(0),
    metavar="N",
    default=200,
    show_default=True,
    help="With a model: ask about N records of each task; 0: all.",
)
@click.option(
    "--rewrites",
    type=click.IntRange(0),
    metavar="N",
    help="With a model: ask for at most N answers out of style to be written again (20).",
)
@click.option(
    "--apply-rewrites",
    "apply_to",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write the data with the rewrites to this new file.",
)
@options.out_option
@options.seed_option
@options.skip_bad_option
@options.json_option
def command(scenario: Path, tasks: tuple[str, ...], fail_on: str | None, as_json: bool, **given: Any) -> None:
    """Say what is wrong with a training set, the most harmful first.

    Duplicates, leaks into other splits, contradictions, likely label errors, answers out of style, imbalance,
    records that can't be trained on. With a model also how difficult the records are, which of them ask for
    facts that the model doesn't know, and how it would write the answers out of style again. Nothing is changed:
    rewrites are proposals in the run's rewrites.jsonl, to be read and edited; --apply-rewrites writes a new file.
    """
    from sftloop.workflow.audit import audit_scenario
    from sftloop.workflow.audit_rewrites import Asking

    asking = Asking(
        measured=given.pop("sample"), rewrites=given.pop("rewrites"), apply_to=given.pop("apply_to")
    )
    result = audit_scenario(scenario, tasks=tasks or None, asking=asking, **given)
    if as_json:
        options.print_json(result)
    else:
        _print(result)
    severe = {"error": ("error",), "warning": ("error", "warning")}.get(fail_on or "", ())
    failed = any(finding["severity"] in severe for finding in result["findings"])
    raise click.exceptions.Exit(1 if failed else 0)


def _print(result: dict[str, Any]) -> None:
    for (severity, kind), group in groupby(result["findings"], key=lambda f: (f["severity"], f["kind"])):
        found = list(group)
        touched = len({identifier for finding in found for identifier in finding["records"]})
        title = click.style(severity, fg=_COLOURS[severity])
        click.echo(f"{title} {kind}: {_count(len(found), 'finding')}, {_count(touched, 'record')}")
        for finding in found[:_SHOWN]:
            place = f"{finding['task']}: " if finding["task"] else ""
            click.echo(f"  {place}{finding['why']}\n    Mend: {finding['mend']}")
        if len(found) > _SHOWN:
            click.echo(f"  … and {len(found) - _SHOWN} more")
    for name, task in result["summary"]["tasks"].items():
        click.echo(f"{name}: {_count(task['n'], 'record')}{_difficulty(task)}{_knowledge(task)}")
    _print_rewrites(result["summary"]["rewrites"])
    for skipped in result["not_checked"]:
        click.echo(f"Not checked: {skipped['what']} ({skipped['why']})")
    severities = result["summary"]["by_severity"]
    counts = ", ".join(_count(number, name) for name, number in severities.items()) or "nothing found"
    click.echo(f"{result['scenario']}, {result['split']}: {_count(result['n'], 'record')}, {counts}")
    click.echo(f"Page: {result['page']}")


def _print_rewrites(rewrites: dict[str, Any] | None) -> None:
    if not rewrites or not (rewrites["asked"] or rewrites["not_asked"]):
        return
    told = [f"Rewrites: {rewrites['proposed']} proposed of {rewrites['asked']} asked for"]
    if rewrites["dropped"]:
        reasons = ", ".join(f"{_spelled(name)} {n}" for name, n in rewrites["dropped"].items())
        told.append(f"dropped: {reasons}")
    if rewrites["not_asked"]:
        reasons = ", ".join(f"{_spelled(name)} {n}" for name, n in rewrites["not_asked"].items())
        told.append(f"not asked for: {reasons}")
    if rewrites["left"]:
        told.append(f"{rewrites['left']:,} more with a larger --rewrites")
    click.echo("; ".join(told))
    if rewrites["proposed"]:
        click.echo(f"  Read and edit: {rewrites['file']}")
    if rewrites["applied"]:
        click.echo(f"  Applied in: {rewrites['applied']}")


def _spelled(name: str) -> str:
    return name.replace("_", " ")


def _difficulty(task: dict[str, Any]) -> str:
    found = task["difficulty"]
    if not found:
        return ""
    return ", " + ", ".join(f"{found[name]} {name}" for name in ("easy", "boundary", "hard"))


def _knowledge(task: dict[str, Any]) -> str:
    found = task["knowledge"]
    return f", {_count(found['unknown'], 'unknown fact')}" if found and found["unknown"] else ""


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
