"""The first stage on two local Ray workers gives what the local path gives."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.unit.curate.test_filter_first_stage import CARDS, TARGET, made_up

from sftloop.core.errors import MissingDependency
from sftloop.curate.filter.first_stage import search_pool
from sftloop.curate.filter.pool import Pool
from sftloop.curate.filter.ray_stage import search_pool_on_ray


@pytest.fixture(scope="module")
def workers() -> Iterator[None]:
    ray = pytest.importorskip("ray", reason="the optional Ray is not installed")
    pytest.importorskip("ray.data", reason="the optional Ray is not installed")
    ray.init(num_cpus=2, include_dashboard=False, logging_level="ERROR")
    yield
    ray.shutdown()


@pytest.mark.usefixtures("workers")
def test_equals_the_local_path(tmp_path: Path) -> None:
    files = []
    for part in range(3):
        rows = [{"text": text} for text in (*made_up(100, seed=part), *CARDS[part : part + 2])]
        files.append(tmp_path / f"part{part}.jsonl")
        files[-1].write_text("".join(json.dumps(row) + "\n" for row in rows) + "{\n")
    pool = Pool(files=tuple(files), skip_bad=True)
    target = TARGET._replace(known=(CARDS[0],))
    found, counts = search_pool(pool, target, 20)
    assert counts.known == 1
    assert search_pool_on_ray(pool, target, 20) == (found, counts)


def test_without_ray_the_command_to_install_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    (tmp_path / "p.txt").write_text("a\n")
    with pytest.raises(MissingDependency, match=r"pip install 'sftloop\[ray\]'"):
        search_pool_on_ray(Pool(files=(tmp_path / "p.txt",)), TARGET, 1)
