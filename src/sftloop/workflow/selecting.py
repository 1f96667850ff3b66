"""What the modes of `select` share: what is asked, the model, the texts as vectors, baselines and proof."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sftloop.core.errors import UsageError, nearest
from sftloop.core.files import read_json, sha256_file
from sftloop.core.rundir import RunDirectory
from sftloop.records import Record, load_split, split_path
from sftloop.scenario import Scenario, choose_training
from sftloop.workflow.base_model import base_model
from sftloop.workflow.measure import input_hashes
from sftloop.workflow.place import open_run
from sftloop.workflow.proof import prove
from sftloop.workflow.reading_texts import read_texts

Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What all modes are asked alike."""

    model: str | None = None
    """Instead of the scenario's."""
    no_model: bool = False
    """Compare texts by their n-grams."""
    tasks: Sequence[str] | None = None
    out: Path | None = None
    skip_bad: bool = False
    prove: bool = False
    seeds: int = 3
    prove_on: str = "test"
    against: Sequence[str] = ()
    """The baselines that a proof trains on; none named: all."""
    training: Mapping[str, Any] = field(default_factory=dict)
    """How to train, for a proof; its `seed` is that of the selection too."""

    @property
    def seed(self) -> int:
        """Seed of everything drawn."""
        return int(self.training.get("seed") or 0)


def base_of(scenario: Scenario, asked: Asked) -> Path | None:
    """Return the model's folder; None where no model is wanted."""
    if asked.no_model and not asked.prove:
        return None

    path = base_model(asked.model or scenario.model)
    return path


def open_selection(
    mode: str,
    scenario: Scenario,
    asked: Asked,
    base: Path | None,
    splits: Sequence[str],
    settings: Mapping[str, Any],
    files: Mapping[str, str] | None = None,
) -> RunDirectory:
    """Start or take up the run of a selection.

    Args:
        mode: prune, filter or attribute.
        scenario: whose.
        asked: what all modes share.
        base: the model's folder, if one is used.
        splits: data files that the result depends on.
        settings: of this mode.
        files: name → what tells the content of another file that the result depends on.

    Raises:
        UsageError: a proof is wanted with settings that can't train, or on records that had a part in the choice.
        DataError: a proof is wanted without the records it needs.
    """
    if asked.prove:
        if asked.prove_on in ("train", "validation", settings.get("target")):
            part = "pick each training's best epoch" if asked.prove_on == "validation" else "made the choice"
            raise UsageError(
                f"A proof on '{asked.prove_on}' would measure with records that {part}.",
                hint="Name a split that has no part in it with --prove-on.",
            )
        choose_training(scenario.training, asked.training)
        proving = ["validation", asked.prove_on]
        for split in proving:
            load_split(scenario, split, tasks=asked.tasks, skip_bad=asked.skip_bad)
        splits = list(dict.fromkeys([*splits, *proving]))
    named = {
        "tasks": sorted(asked.tasks) if asked.tasks else None,
        "no_model": asked.no_model,
        "training": dict(asked.training) if asked.prove else None,
        "seed": asked.seed,
        "seeds": asked.seeds if asked.prove else None,
        "prove_on": asked.prove_on if asked.prove else None,
        **({"against": sorted(asked.against)} if asked.prove and asked.against else {}),
        **settings,
    }
    if base is not None:
        inputs = input_hashes(scenario, splits, base, None)
    else:
        assert scenario.file is not None
        inputs = {split: sha256_file(split_path(scenario, split)) for split in splits}
        inputs["scenario"] = sha256_file(scenario.file)
    inputs |= files or {}
    named["mode"] = mode
    return open_run("select", scenario, inputs, named, asked.out, name=f"select-{mode}")


def text_vectors(
    run: RunDirectory, texts: Sequence[str], scenario: Scenario, base: Path | None, seed: int
) -> Vectors:
    """Return one vector per text: the model's hidden states, kept in the run, or hashed n-grams."""
    from sftloop.curate.similarity.hashed_ngrams import hashed_ngrams

    if base is None:
        return hashed_ngrams(texts, scenario.language, seed=seed)
    from sftloop.models import LocalModel

    path = run.file("vectors.npy")
    if not run.step_done("vectors"):
        local = LocalModel.load(base)
        np.save(path, read_texts(local, texts))
        run.mark_done("vectors")
    found: Vectors = np.load(path)
    return found


def seeds_of(asked: Asked) -> range:
    """Return the seeds that baselines are drawn with: one, or one for each training of a proof."""
    return range(asked.seed, asked.seed + (asked.seeds if asked.prove else 1))


def baselines_of(
    records: Sequence[Record], size: int, targets: Sequence[str], asked: Asked
) -> list[dict[str, list[Record]]]:
    """Return the records of every baseline, for each seed."""
    from sftloop.curate.baselines import baselines

    by_id = {record.id: record for record in records}
    return [
        {name: [by_id[each] for each in ids] for name, ids in drawn.items()}
        for drawn in baselines(records, size, targets=targets, seeds=seeds_of(asked))
    ]


def rows_of(draws: Mapping[str, Sequence[Record]]) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of every baseline, as they are written."""
    return {name: [record.to_json() for record in records] for name, records in draws.items()}


def trained_of(run: RunDirectory, scenario: Scenario, asked: Asked) -> dict[str, Any] | None:
    """Return what was trained for a proof: the settings are those of the first training, alike in all."""
    if not asked.prove:
        return None
    facts = read_json(run.file(f"proof/selected-{asked.seed}/train/train.json"), "a training's result")
    settings = facts["settings"]
    return {
        "model": asked.model or scenario.model,
        "method": facts["method"],
        "epochs": settings["epochs"],
        "learning_rate": settings["learning_rate"],
        "batch_size": settings["batch_size"],
        "seeds": list(seeds_of(asked)),
        "measured_on": asked.prove_on,
    }


def compared_by(scenario: Scenario, asked: Asked, model: Path | None) -> str:
    """Return the name of the model whose hidden states texts were compared by, or `n-grams`."""
    return "n-grams" if model is None else asked.model or scenario.model


def proof_of(
    run: RunDirectory,
    scenario: Scenario,
    chosen: Sequence[Record],
    drawn: Sequence[Mapping[str, Sequence[Record]]],
    asked: Asked,
    base: Path | None,
) -> list[dict[str, Any]] | None:
    """Train on the selection and the baselines, if that is wanted.

    Raises:
        UsageError: a baseline that was asked for isn't one of this selection.
    """
    if not asked.prove:
        return None
    assert base is not None
    for name in asked.against:
        if name not in drawn[0]:
            raise UsageError(
                f"This selection has no baseline '{name}' to train on.", hint=nearest(name, drawn[0])
            )
    names = [name for name in drawn[0] if not asked.against or name in asked.against]
    named = {name: [draw[name] for draw in drawn] for name in names}
    return prove(
        run,
        scenario,
        {"selected": [chosen] * asked.seeds, **named},
        first_seed=asked.seed,
        validation=load_split(scenario, "validation", tasks=asked.tasks, skip_bad=asked.skip_bad),
        test=load_split(scenario, asked.prove_on, tasks=asked.tasks, skip_bad=asked.skip_bad),
        base=base,
        choices=choose_training(scenario.training, asked.training),
    )
