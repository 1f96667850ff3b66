"""The `sftloop` command: finds the verb, turns errors into one message and an exit code.

Exit codes: 0 done · 1 done and a stated target is not met · 2 the input is wrong · 3 something outside
failed, or a defect of sftloop · 130 interrupted.
"""

from __future__ import annotations

import io
import os
import sys
import traceback
import warnings
from contextlib import suppress
from importlib import import_module

import click

from sftloop import __version__
from sftloop.core.errors import ExternalError, SftloopError, nearest
from sftloop.core.memory import is_out_of_memory, keep_freed_memory

_VERBS = {
    "init": ("init", "Start a scenario: a commented scenario.yaml and a few records."),
    "import": ("import_", "Turn OpenAI, ShareGPT, Alpaca, CSV, Excel or Parquet files into records."),
    "export-data": ("export_data", "Write records for other trainers (OpenAI, ShareGPT, Alpaca)."),
    "models": ("models", "List and fetch base models."),
    "prompt": ("prompt", "Show what the model sees, find what is wrong with it, improve it."),
    "plan": ("plan", "Propose how to train; foresee memory and time; search, learning curve, shrink."),
    "audit": ("audit", "Say what is wrong with a training set, the most harmful first."),
    "select": ("select_", "Choose the records to train on: prune, filter a pool, attribute."),
    "diagnose": ("diagnose", "Find where a model claims more than its input says."),
    "eval": ("eval_", "Evaluate a model, with or without an adapter, on a split."),
    "compare": ("compare", "Put models, APIs, prompts and classifiers side by side, and decide."),
    "train": ("train", "Fine-tune a model on a scenario."),
    "merge": ("merge", "Add a trained adapter to its base model: a plain model."),
    "run": ("run", "The whole loop: evaluate, fine-tune, evaluate again, report."),
    "report": ("report", "Build a finished run's HTML page again."),
}

_THREADING = {"TOKENIZERS_PARALLELISM": "false", "GOMP_SPINCOUNT": "10000"}
"""Set before torch is loaded, unless the user has. Threads that spin long while they wait make matrix products
ten times slower as soon as another process wants a core; never spinning costs a third of an idle machine's
speed."""


class _Verbs(click.Group):
    """Subcommands that are imported when they are called; the help text comes from the table above."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _VERBS:
            return None
        command: click.Command = import_module(f"sftloop.cli.{_VERBS[cmd_name][0]}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and not args[0].startswith("-") and args[0] not in _VERBS:
            raise click.UsageError(f"There is no verb '{args[0]}'. {nearest(args[0], _VERBS)}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Verbs"):
            formatter.write_dl([(name, text) for name, (_, text) in _VERBS.items()])


@click.group(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="sftloop")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.pass_context
def root(context: click.Context, debug: bool) -> None:
    """The supervised fine-tuning loop for a business scenario.

    The first argument of most verbs is the scenario's directory, the one that holds scenario.yaml.
    """
    context.obj = {"debug": debug}


def main() -> None:
    """Run the command line and leave the process with the right exit code."""
    warnings.filterwarnings("ignore", category=FutureWarning)
    for name, value in _THREADING.items():
        os.environ.setdefault(name, value)
    keep_freed_memory()
    _show_any_character()
    try:
        code = root.main(prog_name="sftloop", standalone_mode=False)  # click returns the code of an Exit
        sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        code = 2
    except (KeyboardInterrupt, click.Abort):
        print("\nInterrupted. The same command goes on from here.", file=sys.stderr)
        code = 130
    except SftloopError as error:
        code = _explain(error)
    except BrokenPipeError:
        _drop_unwritten_output()
        code = 0
    except OSError as error:
        _drop_unwritten_output()
        place = f" '{error.filename}'" if error.filename else " to read or write"
        reason = error.strerror or str(error)
        code = _explain(
            ExternalError(
                f"The system refused{place}: {reason}.", hint="Mend that, then run the same command again."
            ),
            cause=error,
        )
    except Exception as error:  # the last door: whoever raised it has a name for it or a defect
        code = _explain(_out_of_memory() if is_out_of_memory(error) else _defect(error), cause=error)
    sys.exit(code if isinstance(code, int) else 0)


def _out_of_memory() -> ExternalError:
    return ExternalError(
        "Out of memory.", hint="Try a smaller micro-batch (--micro-batch-tokens) or a smaller model."
    )


def _defect(error: Exception) -> ExternalError:
    told = " ".join(str(error).split())
    return ExternalError(
        f"A defect of sftloop: {type(error).__name__}{f': {told}' if told else ''}.",
        hint="Please report it with what `sftloop --debug …` shows.",
    )


def _show_any_character() -> None:
    """Let a terminal or file in GBK, say, take an emoji as its code instead of ending the command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _drop_unwritten_output() -> None:
    """Let the interpreter end without writing once more what standard output did not take."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _explain(error: SftloopError, cause: BaseException | None = None) -> int:
    """Print what went wrong and what to do; return the exit code."""
    if "--debug" in sys.argv:
        traceback.print_exception(cause or error)
    print(f"Error: {error.message}", file=sys.stderr)
    if error.hint:
        print(f"  → {error.hint}", file=sys.stderr)
    return error.exit_code
