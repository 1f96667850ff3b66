"""Help comes at once: asking for it loads nothing heavy, for any verb."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator

import click
import pytest
from tests.patience import run

from sftloop.cli.main import root

HEAVY = {"torch", "transformers", "peft", "accelerate", "sklearn", "scipy", "polars", "numpy"}
ASK = """
import json, sys
sys.argv = ["sftloop", *json.loads(sys.argv[1])]
from sftloop.cli import main
try:
    main()
except SystemExit as stop:
    print(json.dumps({"code": stop.code, "modules": sorted(sys.modules)}), file=sys.stderr)
"""


def asked(*arguments: str) -> tuple[str, set[str]]:
    """Run the command line in a fresh interpreter; return what it prints and which modules it has loaded."""
    command = [sys.executable, "-c", ASK, json.dumps(arguments)]
    done = run(command, check=True)
    facts = json.loads(done.stderr.splitlines()[-1])
    assert facts["code"] == 0, done.stderr
    assert len(done.stderr.splitlines()) == 1
    return done.stdout, set(facts["modules"])


def verbs(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield every verb, and the verbs below it, as the command line names them."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield (*path, name)
        if isinstance(command, click.Group):
            yield from verbs(command, (*path, name))


VERBS = list(verbs(root))


def test_a_probe_would_be_seen() -> None:
    """What the test looks for is there once a module is really imported."""
    code = ASK.replace("from sftloop.cli", "import numpy\nfrom sftloop.cli")
    done = run([sys.executable, "-c", code, '["--help"]'], check=True)
    assert "numpy" in json.loads(done.stderr.splitlines()[-1])["modules"]


def test_help_lists_the_verbs_and_loads_nothing() -> None:
    text, modules = asked("--help")
    assert modules & (HEAVY | {"pydantic", "yaml", "jinja2", "rich"}) == set()
    for name, *below in VERBS:
        if not below:
            assert f"\n  {name} " in text


def test_version_loads_nothing() -> None:
    text, modules = asked("--version")
    assert text.startswith("sftloop, version ")
    assert modules & (HEAVY | {"pydantic"}) == set()


@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
def test_every_verb_explains_itself_without_torch(verb: tuple[str, ...]) -> None:
    text, modules = asked(*verb, "--help")
    assert text.startswith(f"Usage: sftloop {' '.join(verb)} ")
    assert len(text.splitlines()) > 4
    assert modules & {"torch", "transformers", "sklearn"} == set()
