"""Random projection of gradients to a few thousand numbers that keeps inner products in expectation.

Every coordinate gets a random sign and one of the d places: those of a block of d coordinates keep their order,
turned round by a random offset, and blocks add up. That is a count sketch (Charikar et al. 2002; as a projection
Weinberger et al. 2009, arXiv:0902.2206) whose places are drawn block by block, so that it runs as additions of
whole rows. Coordinates of different blocks meet with chance 1/d, those of one block never. With independent signs

    E⟨Px, Py⟩ = ⟨x, y⟩,   Var⟨Px, Py⟩ = Σ (xᵢ² yⱼ² + xᵢ yᵢ xⱼ yⱼ) / d ≤ 2 |x|² |y|² / d,

summed over pairs that can meet: no more than with the dense random signs of LESS (Xia et al. 2024,
arXiv:2402.04333), whose matrix would take 160 GB for five million parameters. Here it is a byte per parameter.

Knows tensors by name; doesn't know what they are gradients of.

Shapes: `R` rows, `N` coordinates of one tensor, `d` numbers kept.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from sftloop.core.seeds import derive_seed


class Projection:
    """A linear map of named tensors to `d` numbers, the same for the same seed and names.

    Args:
        dimensions: d.
        seed: draws signs and offsets.
    """

    def __init__(self, dimensions: int, *, seed: int) -> None:
        self.dimensions, self.seed = dimensions, seed
        self._signs: dict[str, Tensor] = {}

    def __call__(self, tensors: Mapping[str, Tensor]) -> Tensor:
        """Project rows.

        Args:
            tensors: name → (R, …); a name always comes with the same shape.

        Returns:
            (R, d), fp32.
        """
        first = next(iter(tensors.values()))
        total = torch.zeros(len(first), self.dimensions, device=first.device)
        for name, tensor in tensors.items():
            self._add(total, name, tensor.reshape(len(tensor), -1))
        return total

    def _add(self, total: Tensor, name: str, rows: Tensor) -> None:
        signed = rows * self._signs_of(name, rows)
        blocks = signed.split(self.dimensions, dim=1)
        offsets = torch.randint(self.dimensions, (len(blocks),), generator=self._generator("offsets", name))
        for block, offset in zip(blocks, offsets.tolist(), strict=True):
            fitting = min(self.dimensions - offset, block.shape[1])
            total[:, offset : offset + fitting] += block[:, :fitting]
            total[:, : block.shape[1] - fitting] += block[:, fitting:]

    def _signs_of(self, name: str, rows: Tensor) -> Tensor:
        if name not in self._signs:
            drawn = torch.randint(2, (rows.shape[1],), generator=self._generator("signs", name))
            self._signs[name] = (2 * drawn - 1).to(torch.int8).to(rows.device)
        return self._signs[name]

    def _generator(self, what: str, name: str) -> torch.Generator:
        return torch.Generator().manual_seed(derive_seed(self.seed, "projection", what, name))
