"""What a search needs of Optuna: where trials are kept, what proposes them, parameters as distributions.

Knows stages as data; doesn't know the order of trials or how they are measured.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sftloop.plan.search_space import Parameter, Range, Stage

if TYPE_CHECKING:
    from optuna import Study
    from optuna.distributions import BaseDistribution


def storage_of(path: Path) -> Any:
    """Return what keeps the trials."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna.storages.RDBStorage(f"sqlite:///{path}")


def sampler_of(seed: int) -> Any:
    """Return the tree-structured Parzen estimator (Bergstra et al. 2011), several parameters at once."""
    import optuna

    return optuna.samplers.TPESampler(seed=seed, multivariate=True, n_startup_trials=4)


def distributions_of(stage: Stage) -> dict[str, BaseDistribution]:
    """Return a stage's parameters as Optuna wants them."""
    return dict(_distribution(parameter) for parameter in stage.parameters)


def _distribution(parameter: Parameter) -> tuple[str, BaseDistribution]:
    from optuna.distributions import CategoricalDistribution, FloatDistribution

    if isinstance(parameter, Range):
        return parameter.name, FloatDistribution(parameter.low, parameter.high, log=True)
    return parameter.name, CategoricalDistribution(parameter.values)


def add_known(study: Study, stage: Stage, settings: Mapping[str, Any], score: float | None) -> None:
    """Tell the study what the best values so far reached."""
    import optuna

    study.add_trial(
        optuna.trial.create_trial(
            params={parameter.name: settings[parameter.name] for parameter in stage.parameters},
            distributions=distributions_of(stage),
            value=score,
        )
    )
