"""Memory that torch can't get ends in one message and exit code 3; any other failure stays visible."""

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


def test_another_failure_is_not_taken_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_: object) -> NoReturn:
        raise RuntimeError("the sizes do not match")

    monkeypatch.setattr(cli.root, "main", fail)
    with pytest.raises(RuntimeError, match="sizes"):
        cli.main()
