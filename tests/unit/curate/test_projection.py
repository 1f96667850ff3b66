"""The projection is linear, repeatable, and keeps inner products in expectation with the stated variance."""

from __future__ import annotations

import torch

from sftloop.curate.attribute.projection import Projection


def draw(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_linear_and_repeatable() -> None:
    x, y = ({"a": draw(3, 5, 7, seed=n), "b": draw(3, 40, seed=n + 2)} for n in (0, 1))
    both = {name: 2 * x[name] - y[name] for name in x}
    project = Projection(16, seed=3)
    torch.testing.assert_close(project(both), 2 * project(x) - project(y))
    assert torch.equal(project(x), Projection(16, seed=3)(x))
    assert not torch.equal(project(x), Projection(16, seed=4)(x))


def test_every_coordinate_keeps_its_size_and_has_one_place() -> None:
    """A unit vector goes to ± a unit vector; a block's coordinates never meet."""
    ones = {"a": torch.eye(20)}
    image = Projection(8, seed=0)(ones)
    assert torch.equal(image.abs().sum(1), torch.ones(20))
    for start in (0, 8, 16):
        block = image[start : start + 8].abs()
        assert block.sum(0).max() == 1


def test_inner_products_in_expectation() -> None:
    """Mean over 2,000 draws within four standard errors; the variance at most the bound."""
    x, y = draw(1, 300), draw(1, 300, seed=1) + draw(1, 300)
    products = []
    for seed in range(2000):
        project = Projection(64, seed=seed)
        products.append(float((project({"a": x}) * project({"a": y})).sum()))
    found = torch.tensor(products)
    true, bound = float((x * y).sum()), 2 * float(x.square().sum() * y.square().sum()) / 64
    assert abs(float(found.mean()) - true) <= 4 * float(found.std()) / 2000**0.5
    assert 0.2 * bound <= float(found.var()) <= bound
