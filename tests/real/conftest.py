"""SmolLM2, fetched once into the cache, in fp32 so that two ways of computing can be held against each other."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from sftloop.models import LocalModel, resolve_model
from sftloop.scenario import Scenario, load_scenario

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="session")
def smollm2() -> Path:
    return resolve_model("smollm2-135m-instruct", log=print)


@pytest.fixture(scope="session")
def support() -> Scenario:
    return load_scenario(EXAMPLES / "support")


@pytest.fixture(scope="module")
def local(smollm2: Path) -> LocalModel:
    return LocalModel.load(smollm2, device="cpu", dtype=torch.float32)
