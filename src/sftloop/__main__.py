"""`python -m sftloop`."""

from sftloop.cli import main

main()
