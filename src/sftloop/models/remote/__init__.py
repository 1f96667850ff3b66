"""Models behind an OpenAI-compatible API: asked many records at a time, within a budget, never twice.

Loads neither torch nor an HTTP client until a call is made.
"""

from sftloop.models.remote.budget import BudgetSpentError, Costs
from sftloop.models.remote.endpoint import Endpoint, Prices
from sftloop.models.remote.estimate import Estimate
from sftloop.models.remote.model import RemoteModel

__all__ = ["BudgetSpentError", "Costs", "Endpoint", "Estimate", "Prices", "RemoteModel"]
