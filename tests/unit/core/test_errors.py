"""Errors carry a message, a next step and the exit code that the command line ends with."""

from __future__ import annotations

import pytest

from sftloop.core import errors
from sftloop.core.errors import ExternalError, ScenarioError, SftloopError, UsageError, nearest


def test_message_and_next_step_stand_side_by_side() -> None:
    error = UsageError("No split 'tset'.", hint="Did you mean 'test'?")
    assert (error.message, error.hint) == ("No split 'tset'.", "Did you mean 'test'?")
    assert str(error) == "No split 'tset'. Did you mean 'test'?"
    assert str(UsageError("No split 'tset'.")) == "No split 'tset'."


def test_what_is_outside_ends_with_3_everything_else_with_2() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and kind is not SftloopError]
    found = {kind.__name__: kind.exit_code for kind in kinds if issubclass(kind, SftloopError)}
    assert found.pop("ExternalError") == ExternalError("disk").exit_code == 3
    assert len(found) >= 5
    assert set(found.values()) == {2}


def test_every_error_can_be_caught_at_once() -> None:
    with pytest.raises(SftloopError, match="bad"):
        raise ScenarioError("bad")


@pytest.mark.parametrize(
    ("word", "options", "expected"),
    [
        ("tran", ["train", "validation", "test"], "Did you mean 'train'?"),
        ("evall", ["run", "eval"], "Did you mean 'eval'?"),
        ("zzz", ["run", "eval"], "Valid: 'run', 'eval'."),
        ("zzz", [], ""),
        ("投诉类", ["投诉", "咨询"], "Did you mean '投诉'?"),
    ],
)
def test_nearest_name(word: str, options: list[str], expected: str) -> None:
    assert nearest(word, options) == expected


def test_many_options_are_cut() -> None:
    text = nearest("zzz", [f"label_{n}" for n in range(77)])
    assert text.endswith("'label_11', ….")
    assert "label_12" not in text
