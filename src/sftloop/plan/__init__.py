"""The planner: what a training needs, before it runs. Imports neither torch nor transformers."""

from sftloop.plan.architecture import Architecture
from sftloop.plan.calibrate import Calibrated, calibrated
from sftloop.plan.ladder import Fitted, Rung, choices, climb
from sftloop.plan.ledger import Ledger, has_room, simulate
from sftloop.plan.names import find_config, gpu_bytes, gpu_name, known_name, model_names
from sftloop.plan.setup import Adapter, Batch, Parallel, Setup

__all__ = [
    "Adapter",
    "Architecture",
    "Batch",
    "Calibrated",
    "Fitted",
    "Ledger",
    "Parallel",
    "Rung",
    "Setup",
    "calibrated",
    "choices",
    "climb",
    "find_config",
    "gpu_bytes",
    "gpu_name",
    "has_room",
    "known_name",
    "model_names",
    "simulate",
]
