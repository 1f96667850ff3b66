"""`sftloop select filter`: out of a large pool, the records that serve a scenario."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sftloop.core.errors import DataError, UsageError
from sftloop.core.files import sha256_json
from sftloop.core.progress import say
from sftloop.records import SPLITS, Record, check_record, has_split, load_split
from sftloop.scenario import Scenario, load_scenario
from sftloop.workflow.reading_texts import read_texts
from sftloop.workflow.selecting import (
    Asked,
    base_of,
    compared_by,
    open_selection,
    proof_of,
    seeds_of,
    trained_of,
)
from sftloop.workflow.selection import Selection, finish

if TYPE_CHECKING:
    from sftloop.curate.filter import Candidate, Target

_SHOWN, _CHARACTERS = 20, 400
_POOL_FILES = (".jsonl", ".json", ".csv", ".parquet", ".txt")


def filter_pool(
    directory: Path,
    asked: Asked,
    *,
    pools: Sequence[Path],
    size: int,
    columns: Sequence[str] = (),
    rerank: bool = False,
    ray: bool = False,
) -> dict[str, Any]:
    """Choose rows of a pool and return what `select filter --json` prints.

    The scenario's training records are the examples; where it has none, its definitions are searched for.

    Args:
        directory: the scenario's directory.
        asked: what all modes share.
        pools: files, or folders of files.
        size: how many rows.
        columns: whose text counts; none named: all text of a row.
        rerank: also rank by what an adapter of rank one learned from the examples.
        ray: read the pool on Ray's workers.

    Raises:
        UsageError: no files; a rerank without a model; a proof of rows that are no records of the scenario.
        DataError: the pool can't be read, or has no text.
    """
    from sftloop.curate.filter import Budget, Pool, run_cascade, search_pool, search_pool_on_ray
    from sftloop.curate.filter.candidate import read_candidates
    from sftloop.curate.filter.pool_baselines import candidate_baselines, pool_baselines

    if rerank and asked.no_model:
        raise UsageError("--rerank needs a model.", hint="Leave --no-model out.")
    began = time.monotonic()
    scenario = load_scenario(directory)
    examples = _examples(scenario, asked)
    target = _target(scenario, examples, asked)
    base = base_of(scenario, asked)
    files = tuple(_files(pools))
    run = open_selection(
        "filter",
        scenario,
        asked,
        base,
        [split for split in SPLITS if has_split(scenario, split)],
        {"n": size, "rerank": rerank, **({"columns": list(columns)} if columns else {})},
        files={f"pool {path}": _stamp(path) for path in files},
    )
    pool = Pool(files=files, columns=tuple(columns), skip_bad=asked.skip_bad)
    if asked.prove and (first := next(pool.rows(), None)):  # before hours of searching
        _record(first.row, scenario)
    model = None if asked.no_model or not target.examples else base  # definitions are unlike texts to a model
    found = run_cascade(
        pool,
        target,
        run.path,
        budget=Budget(n=size),
        embed=_embedding(model, scenario, asked.seed),
        loss_drop=_loss_drop(base, target, asked.seed) if rerank and base else None,
        read_pool=search_pool_on_ray if ray else search_pool,
    )
    near = candidate_baselines(read_candidates(run.file("stage1.jsonl")), size)
    drawn = [
        {**each, **near} for each in pool_baselines(pool, size, seeds=seeds_of(asked), known=target.known)
    ]
    return finish(
        run,
        scenario,
        Selection(
            mode="filter",
            model=(asked.model or scenario.model) if model else None,
            n_in=found.counts.rows,
            chosen=[candidate.row for candidate in found.chosen],
            scores=(
                {"id": each.id, "rank": rank, **each.scores} for rank, each in enumerate(found.chosen, 1)
            ),
            baselines=drawn[0],
            curve=found.curve,
            stages=_stages(run.path, found.counts.rows, len(found.chosen)),
            top=[_shown(each, target) for each in found.chosen[:_SHOWN]],
            bottom=[_shown(each, target) for each in found.chosen[: -_SHOWN - 1 : -1]],
            how={
                "method": "cascade_loss_drop" if rerank else "cascade",
                "compared_by": compared_by(scenario, asked, model),
                "target": "examples" if target.examples else "definitions",
                "seed": asked.seed,
            },
            proof=_filter_proof(
                run, scenario, examples, [each.row for each in found.chosen], drawn, asked, base
            ),
            trained=trained_of(run, scenario, asked),
            facts={
                "meant": found.meant,
                "bad": found.counts.bad,
                "blank": found.counts.blank,
                "known": found.counts.known,
            },
        ),
        began,
    )


def _examples(scenario: Scenario, asked: Asked) -> list[Record]:
    if not has_split(scenario, "train"):
        return []
    return load_split(scenario, "train", tasks=asked.tasks, skip_bad=asked.skip_bad)


def _target(scenario: Scenario, examples: Sequence[Record], asked: Asked) -> Target:
    from sftloop.curate.filter import known_texts, target_of_definitions, target_of_records

    others = (
        load_split(scenario, split, skip_bad=asked.skip_bad) for split in SPLITS if has_split(scenario, split)
    )
    known = known_texts(record for records in others for record in records)
    if examples:
        return target_of_records(examples)._replace(known=known)
    say("There are no training records: the definitions are searched for.")
    return target_of_definitions(scenario, asked.tasks or ())._replace(known=known)


def _files(pools: Sequence[Path]) -> Iterator[Path]:
    for path in pools:
        if not path.exists():
            raise UsageError(f"The pool '{path}' does not exist.", hint="Check the path.")
        if not path.is_dir():
            yield path
            continue
        inside = sorted(each for each in path.rglob("*") if each.suffix.lower() in _POOL_FILES)
        if not inside:
            raise UsageError(
                f"The folder '{path}' holds no pool file.", hint=f"Known: {', '.join(_POOL_FILES)}."
            )
        yield from inside


def _stamp(path: Path) -> str:
    """Return what tells that a pool's file is the same; hashing gigabytes would take as long as the search."""
    facts = path.stat()
    return sha256_json([facts.st_size, facts.st_mtime_ns])


def _embedding(base: Path | None, scenario: Scenario, seed: int) -> Callable[[Sequence[str]], Any]:
    def by_model(texts: Sequence[str]) -> Any:
        from sftloop.models import LocalModel

        assert base is not None
        return read_texts(LocalModel.load(base), texts)

    def by_words(texts: Sequence[str]) -> Any:
        from sftloop.curate.similarity.hashed_ngrams import hashed_ngrams

        return hashed_ngrams(texts, scenario.language, seed=seed)

    return by_model if base else by_words


def _loss_drop(base: Path, target: Target, seed: int) -> Callable[[Sequence[str]], Any]:
    from sftloop.curate.attribute import text_loss_drops

    return lambda texts: text_loss_drops(base, target.texts, texts, seed=seed)


def _stages(directory: Path, rows: int, chosen: int) -> list[dict[str, Any]]:
    from sftloop.curate.filter.candidate import read_candidates

    names = {"stage1": "dsir", "stage2": "similarity", "stage3": "rerank"}
    stages, left = [], rows
    for file, name in names.items():
        path = directory / f"{file}.jsonl"
        if path.exists():
            count = len(read_candidates(path))
            stages.append({"name": name, "n_in": left, "n_out": count, "seconds": None})
            left = count
    stages[-1]["n_out"] = chosen
    return stages


def _shown(candidate: Candidate, target: Target) -> dict[str, Any]:
    score = next(
        (s for name in ("loss_drop", "affinity") if (s := candidate.scores.get(name)) is not None), 0.0
    )
    place = candidate.scores.get("target")
    why = target.texts[int(place)] if place is not None else None
    return {
        "id": candidate.id,
        "score": score,
        "text": candidate.text[:_CHARACTERS],
        "answer": None,
        "why": why and why[:_CHARACTERS],
    }


def _filter_proof(
    run: Any,
    scenario: Scenario,
    examples: Sequence[Record],
    chosen: Sequence[Mapping[str, Any]],
    drawn: Sequence[Mapping[str, Sequence[Mapping[str, Any]]]],
    asked: Asked,
    base: Path | None,
) -> list[dict[str, Any]] | None:
    """Train on the examples with the chosen rows, and with the baselines' rows."""
    if not asked.prove:
        return None

    def with_examples(rows: Sequence[Mapping[str, Any]]) -> list[Record]:
        return [*examples, *(_record(row, scenario) for row in rows)]

    draws = [{name: with_examples(rows) for name, rows in draw.items()} for draw in drawn]
    return proof_of(run, scenario, with_examples(chosen), draws, asked, base)


def _record(row: Mapping[str, Any], scenario: Scenario) -> Record:
    try:
        record = Record.from_json(row)
        problem = check_record(record, scenario)
    except DataError as error:
        problem = error.message
    if problem:
        raise UsageError(
            f"The pool's row '{row['id']}' is no record of the scenario: {problem}",
            hint="A proof trains on the rows: label them first (`sftloop import`), or leave --prove out.",
        )
    return record
