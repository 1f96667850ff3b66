"""Memory that torch can't get, and any failure without a name, end in one message and exit code 3."""

from __future__ import annotations

from importlib import import_module
from typing import NoReturn

import pytest
import torch

cli = import_module("sftloop.cli.main")


def ends_with(monkeypatch: pytest.MonkeyPatch, verb: object) -> int:
    monkeypatch.setattr(cli.root, "main", verb)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert isinstance(ended.value.code, int)
    return ended.value.code


def test_torch_finds_no_memory(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    code = ends_with(monkeypatch, lambda **_: torch.empty(1 << 50))
    told = capsys.readouterr().err
    assert code == 3
    assert "memory" in told
    assert "--micro-batch-tokens" in told
    assert "Traceback" not in told


@pytest.mark.parametrize("error", [RuntimeError("the sizes\ndo not match"), KeyError("sizes do not match")])
def test_another_failure_is_a_defect_told_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: Exception
) -> None:
    def fail(**_: object) -> NoReturn:
        raise error

    assert ends_with(monkeypatch, fail) == 3
    told = capsys.readouterr().err
    assert "memory" not in told and "Traceback" not in told
    first, next_step = told.splitlines()
    assert "A defect of sftloop" in first and type(error).__name__ in first and "do not match" in first
    assert "--debug" in next_step


def test_with_debug_a_failure_shows_where_it_was(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(**_: object) -> NoReturn:
        raise ValueError("odd")

    monkeypatch.setattr("sys.argv", ["sftloop", "--debug", "eval"])
    assert ends_with(monkeypatch, fail) == 3
    assert "Traceback" in capsys.readouterr().err
