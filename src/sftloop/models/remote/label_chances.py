"""Label probabilities out of the log-probabilities that come with a written answer.

A service lists, at each written token, a few likeliest ones. Walking along the written label, every listed
token passes its share to the labels that go on with it. What would have followed a token that wasn't written
isn't known: several labels that go on with it get equal parts, a single one gets all, though other words may
begin so too. Labels that nothing listed leads to get 0. So it is exact where labels are single tokens; a local
model scores every label exactly, and this is as near as an API lets one come.

Works on bytes, for a token may end inside a character.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence

from sftloop.models.remote.reply import Token
from sftloop.scenario import Task

_LABEL = re.compile(rb'"label"\s*:\s*"')
_LABEL_LINE = re.compile(rb"^label:[ \t]*", re.MULTILINE)


def label_probabilities(task: Task, tokens: Sequence[Token]) -> dict[str, float] | None:
    """Return label → probability, summing to 1, or None where the answer doesn't hold a label.

    Args:
        task: of kind `choice`.
        tokens: the written answer.
    """
    as_json = task.written_as == "json"
    start = _label_start(task, b"".join(token.piece for token in tokens))
    if start is None:
        return None
    rests = {
        label: (json.dumps(written, ensure_ascii=False)[1:] if as_json else written).encode()
        for label, written in task.written_labels.items()
    }
    shares = _walk(rests, _from(tokens, start))
    total = sum(shares.values()) if shares else 0.0
    return {label: share / total for label, share in shares.items()} if shares and total > 0 else None


def _label_start(task: Task, text: bytes) -> int | None:
    if task.written_as == "json" or task.in_lines:
        found = (_LABEL_LINE if task.in_lines else _LABEL).search(text)
        return found.end() if found else None
    return len(text) - len(text.lstrip()) if text.strip() else None


def _from(tokens: Sequence[Token], start: int) -> Iterator[tuple[bytes, dict[bytes, float]]]:
    """Yield, from byte `start` on, each written piece and the listed pieces' probabilities."""
    place = 0
    for token in tokens:
        head = token.piece[: max(0, start - place)]
        place += len(token.piece)
        if place <= start:
            continue
        first = place - len(token.piece) <= start
        listed = {piece: math.exp(value) for piece, value in token.others}
        listed.setdefault(token.piece, math.exp(token.log_probability))
        tails: dict[bytes, float] = {}
        for piece, share in listed.items():
            if tail := _behind(head, piece) if first else piece:
                tails[tail] = tails.get(tail, 0.0) + share
        yield (_behind(head, token.piece) if first else token.piece), tails


def _behind(head: bytes, piece: bytes) -> bytes:
    """Return a first piece without what stands in front of the label; nothing if it isn't there."""
    if not head.strip():
        return piece.lstrip()
    return piece.removeprefix(head) if piece.startswith(head) else b""


def _walk(
    rests: Mapping[str, bytes], steps: Iterator[tuple[bytes, dict[bytes, float]]]
) -> dict[str, float] | None:
    """Pass probability along the written pieces to the labels, whose yet unwritten bytes are `rests`."""
    shares = dict.fromkeys(rests, 0.0)
    mass, going = 1.0, dict(rests)
    for written, listed in steps:
        for piece, share in listed.items():
            if piece != written:
                _give(shares, [each for each, rest in going.items() if _goes_on(rest, piece)], mass * share)
        mass *= listed.get(written, 0.0)
        going = {each: rest[len(written) :] for each, rest in going.items() if _goes_on(rest, written)}
        if len(going) <= 1:
            break
    ended = [label for label, rest in going.items() if not rest]
    _give(shares, ended or list(going), mass)
    return shares if going else None


def _goes_on(rest: bytes, piece: bytes) -> bool:
    """Whether `piece` can follow in a label with `rest` to come, or ends it."""
    if rest.startswith(piece):
        return True
    return piece.startswith(rest) and (rest.endswith(b'"') or piece[len(rest) :].isspace())


def _give(shares: dict[str, float], labels: list[str], share: float) -> None:
    for label in labels:
        shares[label] += share / len(labels)
