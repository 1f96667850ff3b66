"""The command line. One file per verb, loaded when it is called; `--help` imports none of them."""

from sftloop.cli.main import main

__all__ = ["main"]
