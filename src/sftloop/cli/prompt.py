"""`sftloop prompt`: look at a scenario's prompts and find what weakens them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from sftloop.cli import options
from sftloop.cli.prompt_improve import command as improve

if TYPE_CHECKING:
    from sftloop.scenario import Finding
    from sftloop.workflow.prompts import LintReport, ShownPrompt


@click.group("prompt")
def command() -> None:
    """Show what the model sees; find what weakens it; improve it on evidence."""


command.add_command(improve)


@command.command("show")
@options.scenario_argument
@click.option("--task", metavar="TASK", help="By default the record's, else the first.")
@click.option("--record", "record_id", metavar="ID", help="By default the task's first record.")
@options.model_option
@options.json_option
def show(scenario: Path, task: str | None, record_id: str | None, model: str | None, as_json: bool) -> None:
    """Print exactly what the model sees for one record, with the part all records share marked.

    With the model on this machine its chat template and tokens are used, otherwise the plain text of the
    messages.
    """
    from sftloop.workflow.prompts import show_prompt

    shown = show_prompt(scenario, task, record_id, model)
    _print_notes(shown.notes)
    if as_json:
        options.print_json(shown.to_json())
    else:
        _print_prompt(shown)


@command.command("lint")
@options.scenario_argument
@options.task_option
@options.model_option
@options.json_option
def lint(scenario: Path, tasks: tuple[str, ...], model: str | None, as_json: bool) -> None:
    """Find what weakens the prompts before a model is called.

    Looks for labels without a definition or with a word or two, near-identical definitions, documents
    without prefixes, judgements without a way to abstain, a missing instruction or answer format, prompts
    near the model's context limit, and records whose labels the scenario doesn't know. Exit code 1 when a
    finding is an error.
    """
    from sftloop.workflow.prompts import lint_prompt

    report = lint_prompt(scenario, tasks=tasks, model=model)
    _print_notes(report.notes)
    if as_json:
        options.print_json(report.to_json())
    else:
        _print_findings(report)
    if report.failed:
        click.get_current_context().exit(1)


def _print_notes(notes: tuple[str, ...]) -> None:
    for note in notes:
        click.echo(note, err=True)


def _print_prompt(shown: ShownPrompt) -> None:
    whose = f"this record, '{shown.record}'" if shown.record else "no record, field names instead"
    same_line = "" if shown.prefix.endswith("\n") or not shown.prefix else "; goes on in the same line"
    _print_part(f"shared by every prompt of '{shown.task}'", shown.prefix_tokens, shown.prefix)
    _print_part(f"{whose}{same_line}", shown.suffix_tokens, shown.suffix)
    if shown.target is not None:
        _print_part("the answer to learn", shown.target_tokens, shown.target)


def _print_part(title: str, tokens: int | None, text: str) -> None:
    size = f" ({tokens} tokens)" if tokens is not None else ""
    click.secho(f"──── {title}{size} ────", fg="cyan")
    click.echo(text, nl=not text.endswith("\n"))


def _print_findings(report: LintReport) -> None:
    for finding in report.findings:
        click.echo(f"{report.file}:{finding.line}: {_title(finding)}")
        click.echo(f"  {finding.why}\n  Mend: {finding.mend}")
    summary = report.to_json()["summary"]
    counts = ", ".join(_count(number, severity) for severity, number in summary.items())
    tokens = f" and the tokens of {report.model}" if report.model else ""
    click.echo(f"{report.scenario}: {counts} (looked at {_count(report.records, 'record')}{tokens})")


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _title(finding: Finding) -> str:
    place = ", ".join(
        f"{name} '{value}'" for name, value in (("task", finding.task), ("label", finding.label)) if value
    )
    style = {"error": "red", "warning": "yellow"}[finding.severity]
    return f"{click.style(finding.severity, fg=style)} {finding.kind}{f' in {place}' if place else ''}"
