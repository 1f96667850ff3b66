"""Rows come back as directions, in any order of writing, and after a kill the whole ones are known."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from sftloop.core.errors import DataError, ExternalError
from sftloop.curate.attribute.gradient_store import Bits, GradientStore

FACTS = {"base": "x"}


def store(directory: Path, rows: int = 40, dimensions: int = 4096, bits: Bits = 1) -> GradientStore:
    return GradientStore(directory, rows=rows, dimensions=dimensions, bits=bits, facts=FACTS)


def numbers(rows: int, dimensions: int = 4096, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((rows, dimensions)).astype(np.float32)


def cosines(rows: np.ndarray, targets: np.ndarray) -> np.ndarray:
    units = [each / np.linalg.norm(each, axis=1, keepdims=True) for each in (rows, targets)]
    return units[0] @ units[1].T


@pytest.mark.parametrize(("bits", "error"), [(8, 0.002), (1, 0.06)])
def test_cosines(tmp_path: Path, bits: Bits, error: float) -> None:
    """Four standard deviations of √(π/2 − 1)/√d for signs; rows are related to the targets to a varying degree."""
    targets = numbers(3, seed=1)
    rows = numbers(40) + np.linspace(-1, 1, 40)[:, None] * targets[0]
    kept = store(tmp_path / "s", bits=bits)
    order = np.random.default_rng(2).permutation(40)
    for part in np.split(order, 4):
        kept.write(part.tolist(), rows[part] * 1e-3)
    expected = cosines(rows, targets)
    assert np.abs(expected).max() > 0.6
    assert np.abs(kept.cosines(targets) - expected).max() <= error
    np.testing.assert_allclose(kept.lengths(), np.linalg.norm(rows, axis=1) * 1e-3, rtol=1e-5)


def test_hand_worked_signs(tmp_path: Path) -> None:
    kept = store(tmp_path / "s", rows=1, dimensions=8)
    kept.write([0], np.array([[3, -1, 2, -5, 1, 1, -1, -1]], dtype=np.float32))
    target = np.array([[1, 1, 1, 1, 1, 1, 1, -1]], dtype=np.float32)
    signs_agree = 5 - 3
    expected = signs_agree / 8 * (np.pi / 2) ** 0.5
    np.testing.assert_allclose(kept.cosines(target), [[expected]], rtol=1e-5)


def test_a_row_of_zeros_has_no_direction(tmp_path: Path) -> None:
    for bits in (1, 8):
        kept = store(tmp_path / str(bits), rows=1, dimensions=8, bits=bits)
        kept.write([0], np.zeros((1, 8), dtype=np.float32))
        assert kept.cosines(np.ones((1, 8), dtype=np.float32)) == 0
        assert not len(kept.missing())


def test_missing_rows_are_nan(tmp_path: Path) -> None:
    kept = store(tmp_path / "s", rows=3)
    kept.write([1], numbers(1))
    found = kept.cosines(numbers(2, seed=1))
    assert np.isnan(found[[0, 2]]).all()
    assert not np.isnan(found[1]).any()


def test_goes_on_after_a_kill(tmp_path: Path) -> None:
    """A process that is killed between two rows loses nothing that it had written."""
    script = (
        "import os, signal, sys; sys.path.insert(0, '.')\n"
        "from pathlib import Path\n"
        "from tests.unit.curate.test_gradient_store import numbers, store\n"
        f"kept = store(Path({str(tmp_path / 's')!r}))\n"
        "kept.write([5, 7], numbers(2))\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], env=os.environ, check=False, timeout=120)
    assert done.returncode == -signal.SIGKILL
    kept = store(tmp_path / "s")
    assert kept.missing().tolist() == [place for place in range(40) if place not in {5, 7}]
    found = kept.cosines(numbers(2))
    assert found[5, 0] > 0.9 and found[7, 1] > 0.9


def test_another_origin_is_refused(tmp_path: Path) -> None:
    store(tmp_path / "s")
    with pytest.raises(DataError, match="other records"):
        GradientStore(tmp_path / "s", rows=40, dimensions=4096, bits=1, facts={"base": "y"})


def test_270_000_records_take_1_1_gigabytes(tmp_path: Path) -> None:
    """At the defaults of `LessOptions`: measured on a hundred rows."""
    from sftloop.curate.attribute.less import LessOptions

    options = LessOptions()
    kept = store(tmp_path / "s", rows=100, dimensions=options.dimensions, bits=options.bits)
    on_disk = sum(path.stat().st_size for path in (tmp_path / "s").glob("*.bin"))
    assert kept.bytes == on_disk
    assert on_disk / 100 * options.checkpoints * 270_000 <= 1.1e9


def test_a_full_disk_is_said_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(ExternalError, match=r"Can't write .*codes.bin"):
        store(tmp_path / "s", rows=1 << 40)
