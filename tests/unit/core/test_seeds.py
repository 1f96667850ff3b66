"""Seeds follow from names alone, in every process."""

from __future__ import annotations

import sys

import numpy
from hypothesis import given
from hypothesis import strategies as st
from tests.patience import run

from sftloop.core.seeds import derive_seed

parts = st.lists(st.text(st.characters(exclude_characters="\x1f", codec="utf-8")) | st.integers(), max_size=4)


@given(parts)
def test_every_seed_suits_numpy_and_torch(names: list[str | int]) -> None:
    seed = derive_seed(*names)
    assert 0 <= seed < 2**32
    assert seed == derive_seed(*names)
    numpy.random.default_rng(seed)
    numpy.random.RandomState(seed)


@given(st.lists(st.text(st.characters(exclude_characters="\x1f", codec="utf-8")), min_size=1, max_size=4))
def test_the_parts_and_their_borders_count(names: list[str]) -> None:
    assert derive_seed(*names) != derive_seed(*names, "")
    assert derive_seed("a", *names) != derive_seed("a" + names[0], *names[1:])


def test_the_figure_is_pinned_because_results_depend_on_it() -> None:
    """The first eight digits of `printf 'split\\x1f0' | sha256sum`."""
    assert derive_seed("split", 0) == 0xC73205BE


def test_another_process_with_another_hash_seed_agrees() -> None:
    code = "from sftloop.core.seeds import derive_seed; print(derive_seed('标签', 7))"
    found = run([sys.executable, "-c", code], check=True, env={"PYTHONHASHSEED": "3"})
    assert int(found.stdout) == derive_seed("标签", 7)
