"""Settings over settings: what stays, and what a changed method or optimizer leaves behind."""

from __future__ import annotations

import pytest

from sftloop.core.errors import UsageError
from sftloop.scenario import Training, choose_training, put_over


def test_what_is_asked_wins_and_none_asks_nothing() -> None:
    assert put_over({"epochs": 3, "seed": 1}, {"epochs": 2, "seed": None}) == {"epochs": 2, "seed": 1}


def test_another_method_leaves_options_and_rate_behind() -> None:
    own = {"method": "lora", "rank": 8, "learning_rate": 1e-3, "epochs": 3}
    assert put_over(own, {"method": "full"}) == {"method": "full", "epochs": 3}
    assert put_over(own, {"method": "pissa"}) == {"method": "pissa", "rank": 8, "epochs": 3}
    assert put_over(own, {"method": "lora", "rank": 4})["learning_rate"] == 1e-3
    assert "rank" not in put_over({"rank": 8}, {"method": "full"}), "lora is the default"


def test_another_optimizer_leaves_its_moment_of_switching_behind() -> None:
    own = {"optimizer": "adam-then-momentum", "switch_at": 0.5}
    assert put_over(own, {"optimizer": "adamw"}) == {"optimizer": "adamw"}
    assert put_over(own, {"epochs": 1})["switch_at"] == 0.5
    given = Training.model_validate(own)
    assert choose_training(given, {"optimizer": "adamw"}).switch_at is None


def test_an_unknown_method_is_refused_at_any_layer() -> None:
    with pytest.raises(UsageError, match="Did you mean 'lora'"):
        put_over({}, {"method": "lorra"})
