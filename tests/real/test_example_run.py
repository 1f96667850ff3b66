"""The whole loop on the real small model through the command line, on a handful of records."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from tests.command import call
from tests.real.conftest import EXAMPLES

pytestmark = pytest.mark.real


def test_run_on_a_few_records_of_the_support_example(smollm2: Path, tmp_path: Path) -> None:
    options = ("--model", smollm2, "--limit", "2", "--epochs", "1", "--learning-rate", "1e-6", "--out", "run")
    threads = os.environ.get("OMP_NUM_THREADS", str(os.cpu_count() or 1))
    result = call("run", EXAMPLES / "support", *options, cwd=tmp_path, OMP_NUM_THREADS=threads)
    assert result.returncode in {0, 1}, result.stderr
    assert "Traceback" not in result.stderr
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert set(summary["tasks"]) == {"intent", "urgency", "leave", "refund"}
    missed = [task for task in summary["tasks"].values() if task["target"] and not task["target"]["met"]]
    assert result.returncode == (1 if missed else 0)
    for task in summary["tasks"].values():
        assert (task["before"]["n"], task["after"]["n"], task["paired"]["n"]) == (2, 2, 2)
    assert summary["train"]["records"] == 4 * 2
    assert summary["train"]["shared_prefix"] is True
    report = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "Is a refund due?" in report
    assert 10_000 < len(report.encode()) <= 2 << 20
    for name in summary["tasks"]:
        assert any(line.startswith(f"{name}: ") and "→" in line for line in result.stdout.splitlines())
    assert "report.html" in result.stdout.splitlines()[-1]
    assert (tmp_path / "run" / "train" / "model" / "model.safetensors").is_file()
