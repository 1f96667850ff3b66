"""Optimizers by name, and the one that begins as Adam and ends as SGD with momentum.

Knows parameter groups; doesn't know models, schedules or when to switch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor

from sftloop.core.errors import UsageError

MOMENTUM = 0.9
OPTIMIZERS = ("adamw", "momentum", "sgd", "adam-then-momentum", "adafactor", "adamw-8bit")
"""What `optimizer` names."""


def build_optimizer(name: str, groups: list[dict[str, Any]], device: torch.device) -> torch.optim.Optimizer:
    """Return an optimizer over parameter groups that carry their own rate and weight decay.

    Raises:
        UsageError: an unknown name, or a library or device that isn't there.
    """
    check_optimizer(name, device)
    if name == "adamw":
        return torch.optim.AdamW(groups, fused=device.type in {"cpu", "cuda"})
    if name in {"momentum", "sgd"}:
        return torch.optim.SGD(groups, momentum=MOMENTUM if name == "momentum" else 0.0)
    if name == "adam-then-momentum":
        return AdamThenMomentum(groups)
    if name == "adafactor":
        from transformers.optimization import Adafactor

        return Adafactor(groups, lr=groups[0]["lr"], scale_parameter=False, relative_step=False)
    eight_bit: torch.optim.Optimizer = import_module("bitsandbytes.optim").AdamW8bit(groups)
    return eight_bit


def check_optimizer(name: str, device: torch.device) -> None:
    """Refuse an optimizer that can't be built, before anything is written.

    Raises:
        UsageError: an unknown name, or a library or device that isn't there.
    """
    if name not in OPTIMIZERS:
        raise UsageError(f"There is no optimizer '{name}'.", hint=f"Valid: {', '.join(OPTIMIZERS)}.")
    if name == "adamw-8bit" and (find_spec("bitsandbytes") is None or device.type != "cuda"):
        raise UsageError(
            "The optimizer 'adamw-8bit' needs an NVIDIA GPU and bitsandbytes.",
            hint="pip install 'sftloop[qlora]' on such a machine, or take --set optimizer=adafactor.",
        )


class AdamThenMomentum(torch.optim.Optimizer):
    """AdamW until `switch` is called, SGD with momentum from then on (Keskar and Socher 2017, arXiv:1712.07628).

    While it is Adam it estimates, per group, the SGD rate that would have made the same progress: the rate γ at
    which the gradient g, stretched to −γ·g, projects onto Adam's step p, γ = pᵀp / −pᵀg. Averaged with β₂ is γ
    over Adam's rate of that step, so that a schedule doesn't enter; after the switch SGD's rate is that many times
    what Adam's would have been. Steps are counted per parameter: whoever drops a parameter's state starts it anew.

    Args:
        params: parameters or groups; each group has its rate `lr` and `weight_decay` (decoupled).
        lr: rate of groups without one.
        betas: β₁ and β₂ of Adam; β₁ is the momentum after the switch.
        eps: of Adam.
        weight_decay: of groups without one.
    """

    def __init__(
        self,
        params: Iterable[Tensor] | Iterable[dict[str, Any]],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        defaults = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay}
        super().__init__(params, {**defaults, "steps": 0, "ratio": 0.0, "sgd_per_adam": None})

    @property
    def switched(self) -> bool:
        """Is it SGD by now?"""
        return any(group["sgd_per_adam"] is not None for group in self.param_groups)

    def switch(self) -> list[float]:
        """Become SGD with momentum; return each group's rate, as it stands at this moment."""
        rates = []
        for group in self.param_groups:
            group["sgd_per_adam"] = group["ratio"] / (1 - group["betas"][1] ** max(1, group["steps"]))
            rates.append(group["lr"] * group["sgd_per_adam"])
            for parameter in group["params"]:
                state = self.state[parameter]
                state.pop("exp_avg_sq", None)
                if "exp_avg" in state:
                    state["momentum"] = state.pop("exp_avg") / (1 - group["betas"][0])
        return rates

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """Make one step."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            parameters = [p for p in group["params"] if p.grad is not None]
            if parameters:
                group["steps"] += 1
                torch._foreach_mul_(parameters, 1 - group["lr"] * group["weight_decay"])
                gradients = [p.grad for p in parameters]
                (self._adam if group["sgd_per_adam"] is None else self._sgd)(group, parameters, gradients)
        return loss

    def _adam(self, group: dict[str, Any], parameters: list[Tensor], gradients: list[Tensor]) -> None:
        beta1, beta2 = group["betas"]
        means, squares = (self._state(parameters, name) for name in ("exp_avg", "exp_avg_sq"))
        counts = self._count(parameters)
        torch._foreach_lerp_(means, gradients, 1 - beta1)
        torch._foreach_mul_(squares, beta2)
        torch._foreach_addcmul_(squares, gradients, gradients, 1 - beta2)
        scales = torch._foreach_sqrt(squares)
        torch._foreach_div_(scales, [(1 - beta2**count) ** 0.5 for count in counts])
        torch._foreach_add_(scales, group["eps"])
        steps = torch._foreach_div(means, scales)
        torch._foreach_mul_(steps, [-1 / (1 - beta1**count) for count in counts])
        torch._foreach_add_(parameters, steps, alpha=group["lr"])
        along = -sum(float((step * gradient).sum()) for step, gradient in zip(steps, gradients, strict=True))
        length = sum(float(step.square().sum()) for step in steps)
        before = group["ratio"] / max(1 - beta2 ** (group["steps"] - 1), 1e-12)
        group["ratio"] = beta2 * group["ratio"] + (1 - beta2) * (length / along if along > 0 else before)

    def _sgd(self, group: dict[str, Any], parameters: list[Tensor], gradients: list[Tensor]) -> None:
        momentum = group["betas"][0]
        velocities = self._state(parameters, "momentum")
        torch._foreach_mul_(velocities, momentum)
        torch._foreach_add_(velocities, gradients)
        rate = group["lr"] * group["sgd_per_adam"] * (1 - momentum)
        torch._foreach_add_(parameters, velocities, alpha=-rate)

    def _count(self, parameters: list[Tensor]) -> list[int]:
        """Count a step of each parameter; return how many each has made."""
        for parameter in parameters:
            self.state[parameter]["steps"] = self.state[parameter].get("steps", 0) + 1
        return [self.state[parameter]["steps"] for parameter in parameters]

    def _state(self, parameters: list[Tensor], name: str) -> list[Tensor]:
        for parameter in parameters:
            self.state[parameter].setdefault(name, torch.zeros_like(parameter))
        return [self.state[parameter][name] for parameter in parameters]
