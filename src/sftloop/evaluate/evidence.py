"""Whether quoted evidence is really in the input: invented quotes are the plainest sign of hallucination.

Doesn't judge whether a quote supports the answer, only whether it stands there.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sftloop.evaluate.align import Scored
from sftloop.evaluate.proportions import proportion_interval
from sftloop.evaluate.text import normalise
from sftloop.records.schema import Record


def quote_found(quote: str, record: Record) -> bool:
    """Return whether the quote stands verbatim in one of the record's input texts.

    White space and Unicode form (NFKC) are set aside. An empty quote is not found.
    """
    wanted = normalise(quote)
    return bool(wanted) and any(wanted in normalise(document) for document in record.documents())


def evidence_found(scored: Scored) -> dict[str, Any]:
    """Return the share of quotes that exist in the input, with Wilson limits clustered by record or group.

    `n` counts quotes; `without` counts parsed answers that quote nothing.
    """
    hits: list[bool] = []
    owners: list[int] = []
    without = 0
    for index, (record, prediction) in enumerate(zip(scored.records, scored.predictions, strict=True)):
        if prediction.answer is None:
            continue
        quotes = prediction.answer.evidence or ()
        without += not quotes
        hits += [quote_found(quote, record) for quote in quotes]
        owners += [index if scored.clusters is None else int(scored.clusters[index])] * len(quotes)
    clusters = np.array(owners, dtype=np.int64) if len(set(owners)) < len(owners) else None
    return proportion_interval(np.array(hits, dtype=bool), clusters).to_json() | {"without": without}
