"""Texts as vectors without a model: hashed n-grams, TF-IDF weights, the main directions of the set.

The directions are latent semantic analysis (Deerwester et al. 1990), which brings texts together that share no
word but share neighbours. They are found in a count sketch of the n-grams (Charikar et al. 2002), small enough for
an exact decomposition: seconds where that of the whole matrix takes a minute.

Knows spelling only, no meaning.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sftloop.core.seeds import derive_seed

Vectors = NDArray[np.float32]

_BUCKETS = 1 << 18
_SKETCH = 1024
"""Columns of the sketch: a dot product of two texts is off by about 1 / √1024 = 0.03."""
_CHUNK = 8192
"""Texts whose sketch is dense at once: 32 MB."""
_NGRAMS: dict[str, tuple[dict[str, Any], ...]] = {
    "zh": ({"analyzer": "char", "ngram_range": (2, 4)},),
    "en": (
        {"analyzer": "word", "ngram_range": (1, 2), "token_pattern": r"(?u)\b\w+\b"},
        {"analyzer": "char_wb", "ngram_range": (3, 4)},
    ),
}
"""Chinese: characters, as words aren't separated. English: words, and their pieces for inflection and typos."""


def hashed_ngrams(texts: Sequence[str], language: str, *, dimensions: int = 256, seed: int = 0) -> Vectors:
    """Return one vector of length 1 per text, shape (texts, dimensions).

    A text without a single n-gram gets zeros: it is similar to nothing.

    Args:
        texts: what to embed; their n-grams' rarity is counted over this set.
        language: `zh` or `en`: how text is cut.
        dimensions: how many directions are kept, at most 1,024.
        seed: of the sketch.
    """
    from sklearn.preprocessing import normalize

    if not texts:
        return np.zeros((0, dimensions), dtype=np.float32)
    weighted = _tf_idf(texts, language) @ _sketch(derive_seed("hashed n-grams", seed))
    scatter = sum(dense.T @ dense for dense in _dense(weighted))
    axes = np.linalg.eigh(scatter)[1][:, : -dimensions - 1 : -1]
    projected = np.concatenate([dense @ axes for dense in _dense(weighted)])
    unit: Vectors = normalize(projected, copy=False)
    return unit


def _tf_idf(texts: Sequence[str], language: str) -> Any:
    """Return (texts, buckets) sparse weights; kinds of n-grams count alike."""
    from scipy.sparse import hstack
    from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer

    kinds = _NGRAMS[language]
    parts = []
    for how in kinds:
        hashing = HashingVectorizer(
            n_features=_BUCKETS // len(kinds), alternate_sign=False, norm=None, dtype=np.float32, **how
        )
        counts = hashing.transform(texts)
        parts.append(TfidfTransformer(sublinear_tf=True).fit_transform(counts))
    return hstack(parts, format="csr", dtype=np.float32)


def _sketch(seed: int) -> Any:
    """Return (buckets, sketch): each bucket in one column, with a sign, so that collisions cancel on average."""
    from scipy.sparse import csr_array

    draw = np.random.default_rng(seed)
    columns = draw.integers(_SKETCH, size=_BUCKETS)
    signs = draw.choice(np.array([-1, 1], dtype=np.float32), size=_BUCKETS)
    return csr_array((signs, columns, np.arange(_BUCKETS + 1)), shape=(_BUCKETS, _SKETCH))


def _dense(rows: Any) -> Iterator[Vectors]:
    for start in range(0, rows.shape[0], _CHUNK):
        yield rows[start : start + _CHUNK].toarray()
