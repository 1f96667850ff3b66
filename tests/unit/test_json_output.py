"""With --json, standard output holds one object, whatever a library prints."""

from __future__ import annotations

import json

import click
from click.testing import CliRunner

from sftloop.cli import options


@click.command()
@options.json_option
def talkative(as_json: bool) -> None:
    print("[INFO] a library is glad to be loaded")
    if as_json:
        options.print_json({"label": "退款"})
    else:
        click.echo("退款")


def test_what_libraries_print_is_kept_from_the_object() -> None:
    done = CliRunner().invoke(talkative, ["--json"])
    assert done.stderr == "[INFO] a library is glad to be loaded\n"
    assert done.stdout.count("\n") == 1 and json.loads(done.stdout) == {"label": "退款"}


def test_words_go_where_they_went() -> None:
    done = CliRunner().invoke(talkative)
    assert done.stdout.endswith("退款\n") and done.stderr == ""


def test_an_output_without_the_characters_gets_escapes() -> None:
    done = CliRunner(charset="ascii").invoke(talkative, ["--json"])
    assert "\\u9000" in done.stdout
    assert json.loads(done.stdout) == {"label": "退款"}
