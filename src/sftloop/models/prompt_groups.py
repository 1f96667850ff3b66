"""Raw prompts in groups that begin alike, and in batches of bounded size.

Knows token ids and what a model can share; runs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar

from sftloop.models.encode import common_prefix_length
from sftloop.models.packed import why_not_shareable

if TYPE_CHECKING:
    from transformers import PreTrainedModel

Ids = Sequence[int]
Item = TypeVar("Item")


def groups_by_prefix(model: PreTrainedModel, prompts: Sequence[Ids]) -> Iterator[tuple[list[int], list[int]]]:
    """Yield prefixes, and the indices of the prompts behind each; the last token of a prompt stays outside.

    Sorted, prompts that begin alike are neighbours; a group goes on while half of the next prompt is shared.
    Prompts of a model that can't share a prefix come alone, with an empty one.
    """
    if why_not_shareable(model.config, training=False):
        yield from (([], [index]) for index in range(len(prompts)))
        return
    group: list[int] = []
    for index in sorted(range(len(prompts)), key=lambda index: list(prompts[index])):
        if group:
            shared = common_prefix_length([prompts[group[0]], prompts[index]])
            if 2 * shared < len(prompts[index]) - 1:
                yield _with_prefix(group, prompts)
                group = []
        group.append(index)
    if group:
        yield _with_prefix(group, prompts)


def bounded(
    items: Sequence[Item], sizes: Callable[[Item], tuple[int, ...]], limits: tuple[int, ...]
) -> Iterator[list[Item]]:
    """Cut items into runs whose summed sizes stay within the limits; one that is larger alone goes alone."""
    run: list[Item] = []
    totals = [0] * len(limits)
    for item in items:
        own = sizes(item)
        if run and any(total + more > most for total, more, most in zip(totals, own, limits, strict=True)):
            yield run
            run, totals = [], [0] * len(limits)
        run.append(item)
        totals = [total + more for total, more in zip(totals, own, strict=True)]
    if run:
        yield run


def _with_prefix(group: list[int], prompts: Sequence[Ids]) -> tuple[list[int], list[int]]:
    length = common_prefix_length([prompts[index] for index in group])
    return list(prompts[group[0]][:length]), group
