"""Out of a pool of any size, the documents that serve a new scenario."""

from sftloop.curate.filter.candidate import Candidate
from sftloop.curate.filter.cascade import Budget, Filtered, run_cascade
from sftloop.curate.filter.first_stage import search_pool
from sftloop.curate.filter.pool import Pool, PoolCounts
from sftloop.curate.filter.ray_stage import search_pool_on_ray
from sftloop.curate.filter.target import Target, known_texts, target_of_definitions, target_of_records

__all__ = [
    "Budget",
    "Candidate",
    "Filtered",
    "Pool",
    "PoolCounts",
    "Target",
    "known_texts",
    "run_cascade",
    "search_pool",
    "search_pool_on_ray",
    "target_of_definitions",
    "target_of_records",
]
