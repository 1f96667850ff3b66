"""The cache: whole models only, one builder at a time, killed builders leave no trace."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest
from tests.patience import kill, start

from sftloop.core.errors import ExternalError
from sftloop.models import cache as cache_module
from sftloop.models.cache import ModelCache, cache_key, check_room


def test_the_place_comes_from_the_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SFTLOOP_HOME", str(tmp_path / "home"))
    assert ModelCache().root == tmp_path / "home"


def test_a_model_appears_whole_or_not_at_all(cache: ModelCache) -> None:
    with cache.workshop("a") as shop:
        (shop.build / "config.json").write_text("{}")
        assert cache.find("a") is None
        path = cache.publish("a", shop)
        assert cache.find("a") == path
    assert not (cache.root / "partial" / "a").exists()


def test_a_failed_build_leaves_the_downloads_and_no_model(cache: ModelCache) -> None:
    with pytest.raises(RuntimeError), cache.workshop("a") as shop:
        (shop.downloads / "part").write_text("kept")
        (shop.build / "config.json").write_text("{}")
        raise RuntimeError
    assert cache.find("a") is None
    with cache.workshop("a") as shop:
        assert (shop.downloads / "part").read_text() == "kept"
        assert not list(shop.build.iterdir())


def test_nothing_fetched_leaves_nothing(cache: ModelCache) -> None:
    with cache.workshop("a"):
        pass
    assert not (cache.root / "partial" / "a").exists()


def test_a_newer_model_replaces_the_older_one(cache: ModelCache) -> None:
    for text in ("old", "new"):
        with cache.workshop("a") as shop:
            (shop.build / "config.json").write_text(text)
            path = cache.publish("a", shop)
    assert (path / "config.json").read_text() == "new"


def test_a_second_builder_waits_and_says_so(cache: ModelCache) -> None:
    lines: list[str] = []
    order: list[str] = []

    def second() -> None:
        with ModelCache(cache.root).workshop("a", lines.append):
            order.append("second")

    thread = threading.Thread(target=second)
    with cache.workshop("a"):
        thread.start()
        deadline = time.monotonic() + 10
        while not lines and time.monotonic() < deadline:
            time.sleep(0.01)
        order.append("first")
    thread.join(10)
    assert lines == ["Another process is fetching a; waiting for it."]
    assert order == ["first", "second"]


def test_a_lock_that_is_never_given_back_is_named(cache: ModelCache, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache_module, "_LONGEST_WAIT_SECONDS", 0.1)
    with (
        cache.workshop("a"),
        pytest.raises(ExternalError, match=r"Another process has held '.*a\.lock'"),
        ModelCache(cache.root).workshop("a"),
    ):
        pass


def test_a_killed_builder_holds_no_lock(cache: ModelCache) -> None:
    code = f"""
        import time
        from pathlib import Path
        from sftloop.models.cache import ModelCache
        with ModelCache(Path({str(cache.root)!r})).workshop("a") as shop:
            (shop.build / "config.json").write_text("half")
            print("building", flush=True)
            time.sleep(60)
    """
    builder = start([sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, text=True)
    assert builder.stdout is not None
    assert builder.stdout.readline() == "building\n"
    kill(builder)
    builder.stdout.close()
    assert cache.find("a") is None
    with cache.workshop("a") as shop:
        assert not list(shop.build.iterdir())


def test_a_disk_that_is_too_small_is_said_before_the_download(tmp_path: Path) -> None:
    check_room(tmp_path, 1)
    with pytest.raises(ExternalError, match=r"too full: 1000000\.0 GB are needed"):
        check_room(tmp_path, 10**15)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_place_that_is_not_writable(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(ExternalError), ModelCache(tmp_path / "cache").workshop("a"):
        pass


def test_a_file_in_the_cache_directorys_place(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")
    with pytest.raises(ExternalError, match="Can't write"), ModelCache(tmp_path / "cache").workshop("a"):
        pass


def test_keys_are_single_directory_names() -> None:
    assert cache_key("org/name") == "org--name"
    assert cache_key("name") == "name"
