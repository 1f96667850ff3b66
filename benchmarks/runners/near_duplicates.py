"""Groups near duplicates with one system: `python -m benchmarks.runners.near_duplicates SYSTEM TEXTS ANSWER`.

Runs in the system's own environment and imports nothing of the others. The clock runs from texts in memory to
groups in memory; imports don't count. Knows no planted edits.
"""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
import time
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any

THRESHOLD = 0.65
_FUNCTIONS = 128
_IDEOGRAPH = re.compile("[\u3040-\u9fff]")
Groups = list[list[int]]


def main() -> None:
    """Read the texts, group them, write groups, seconds and the process's peak memory."""
    system, texts, answer = (
        sys.argv[1],
        json.loads(Path(sys.argv[2]).read_text(encoding="utf-8")),
        sys.argv[3],
    )
    before = _peak_memory_bytes()
    group = SYSTEMS[system]()
    began, worked = time.perf_counter(), _cpu_seconds()
    groups = group(texts)
    seconds, cpu_seconds = time.perf_counter() - began, _cpu_seconds() - worked
    found = {
        "version": version(system.replace("_", "-")),
        "seconds": seconds,
        "cpu_seconds": cpu_seconds,
        "peak_memory_bytes": _peak_memory_bytes(),
        "peak_memory_bytes_before": before,
        "groups": [members for members in groups if len(members) > 1],
    }
    Path(answer).write_text(json.dumps(found), encoding="utf-8")


def sftloop() -> Callable[[list[str]], Groups]:
    """This package."""
    from sftloop.curate.copies.near_duplicates import near_duplicate_groups

    return lambda texts: near_duplicate_groups(texts, threshold=THRESHOLD)


def datasketch() -> Callable[[list[str]], Groups]:
    """MinHashLSH over the same kind of character shingles; candidates as they come."""
    from datasketch import MinHash, MinHashLSH  # type: ignore[import-not-found]

    def group(texts: list[str]) -> Groups:
        index = MinHashLSH(threshold=THRESHOLD, num_perm=_FUNCTIONS)
        edges = []
        tokens = ([token.encode() for token in _shingles(text)] for text in texts)
        for place, sketch in enumerate(MinHash.generator(tokens, num_perm=_FUNCTIONS)):
            edges += [(place, other) for other in index.query(sketch)]
            index.insert(place, sketch)
        return _components(len(texts), edges)

    return group


def rensa() -> Callable[[list[str]], Groups]:
    """RMinHash and its LSH over the same kind of character shingles; candidates checked by their sketches."""
    from rensa import RMinHash, RMinHashLSH  # type: ignore[import-not-found]

    def group(texts: list[str]) -> Groups:
        sketches = RMinHash.from_token_sets([_shingles(text) for text in texts], _FUNCTIONS, 0)
        index = RMinHashLSH(threshold=THRESHOLD, num_perm=_FUNCTIONS, num_bands=_FUNCTIONS // 4)
        index.insert_pairs(list(enumerate(sketches)))
        edges = (
            (place, other)
            for place, others in enumerate(index.query_all(sketches))
            for other in others
            if other < place and sketches[place].jaccard(sketches[other]) >= THRESHOLD
        )
        return _components(len(texts), edges)

    return group


def semhash() -> Callable[[list[str]], Groups]:
    """Its search over hashed shingles: the embedding model it is made for can't be fetched offline."""
    import numpy as np
    from semhash import SemHash  # type: ignore[import-not-found]

    class Hashed:
        """256-dimensional signed sums of shingle hashes, in place of an embedding model."""

        def encode(self, inputs: Iterable[str], **_: Any) -> Any:
            texts = list(inputs)
            vectors = np.zeros((len(texts), 256), np.float32)
            for row, text in zip(vectors, texts, strict=True):
                for token in _shingles(text):
                    code = zlib.crc32(token.encode())
                    row[code & 255] += 1 if code & 256 else -1
            return vectors

    def group(texts: list[str]) -> Groups:
        places: dict[str, list[int]] = defaultdict(list)
        for place, text in enumerate(texts):
            places[text].append(place)
        edges = [(same[0], other) for same in places.values() for other in same[1:]]
        result = SemHash.from_records(texts, model=Hashed()).self_deduplicate(threshold=0.8)
        for item in result.filtered:
            edges.append((places[item.record][0], places[item.duplicate_of][0]))
        return _components(len(texts), edges)

    return group


def text_dedup() -> Callable[[list[str]], Groups]:
    """Its `minhash` command over single words; its default, five words, finds next to nothing in short texts."""
    import pickle

    from datasets import Dataset  # type: ignore[import-not-found]
    from text_dedup.minhash import main as command  # type: ignore[import-not-found]

    def group(texts: list[str]) -> Groups:
        with tempfile.TemporaryDirectory() as work:
            Dataset.from_dict({"text": texts}).save_to_disk(f"{work}/in")
            options = f"--path {work}/in --local --output {work}/out --column text --debug --hash_func xxh3"
            options += (
                f" --threshold {THRESHOLD} --num_perm {_FUNCTIONS} --ngram 1 --min_length 1 --num_proc 2"
            )
            command(options.split(), standalone_mode=False)
            found = pickle.loads(Path(f"{work}/out/uf.pkl").read_bytes())
        parents = getattr(found, "parent", found)
        return _components(len(texts), parents.items())

    return group


def _shingles(text: str) -> list[str]:
    """Two characters of Chinese texts, three of others; case and space folded."""
    folded = f" {' '.join(text.casefold().split())} "
    length = 2 if _IDEOGRAPH.search(folded) else 3
    return list({folded[place : place + length] for place in range(max(1, len(folded) - length + 1))})


def _components(count: int, edges: Iterable[tuple[int, int]]) -> Groups:
    parent = list(range(count))

    def find(place: int) -> int:
        while parent[place] != place:
            parent[place] = parent[parent[place]]
            place = parent[place]
        return place

    for one, other in edges:
        parent[find(one)] = find(other)
    groups: dict[int, list[int]] = defaultdict(list)
    for place in range(count):
        groups[find(place)].append(place)
    return list(groups.values())


def _cpu_seconds() -> float:
    """Return what this process and its finished children have used, on all cores."""
    return sum(os.times()[:4])


def _peak_memory_bytes() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


SYSTEMS = {system.__name__: system for system in (sftloop, datasketch, rensa, semhash, text_dedup)}

if __name__ == "__main__":
    main()
