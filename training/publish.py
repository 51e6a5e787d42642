"""Writing a model artefact: all files, then the manifest that makes them a model.

The version is named after the content, so every file is made and hashed in a scratch folder before
the first is uploaded; memory holds one part of the lists at a time.
"""

import gzip
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import batched
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from topshelf.aws.topk_table import import_line
from topshelf.catalog import Movie, parse_movies
from topshelf.errors import InvalidInputError
from topshelf.manifest import MANIFEST_NAME, DataSnapshot, Manifest
from topshelf.ports import FactorStore
from topshelf.release import SAMPLE_NAME
from topshelf.rerank import Stage
from topshelf.topk import POPULAR_KEY, TopKList
from topshelf.weighing import Weighing
from training.als import ALSFactors
from training.artefact import ItemFiles, Scratch, add_item_files, free_version, json_of, npy_of
from training.import_lines import ImportLines
from training.interactions import Interactions
from training.lake import Progress
from training.lists import Audience, popular_lists, similar_lists
from training.pool import in_threads
from training.viewer_lists import ViewerLists

__all__ = ["TrainedModel", "catalogue_entries", "publish"]

_LISTS_A_PART = 10_000
"""Enough parts for all cores to end at about the same time, and memory for one a core."""

_LEVEL = 1
"""Of gzip: 6 takes three times the time for a tenth fewer bytes; ids and base64 hold little air."""

_SAMPLED = 99


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainedModel:
    """All that an artefact is made of.

    Attributes:
        data: What it was trained on.
        factors: What was learned.
        metrics: Offline metrics by model and name.
        counts: Of lines, duplicates and so on, for people; goes into metrics.json.
        catalogue: Movies by item id.
        snapshot: Which objects of the lake were read.
        git_commit: The code that trained it.
        parameters: As the manifest keeps them; a refresh reads ``als`` and ``confidence`` of them.
        seed: Of the random generator.
        parent_version: The champion when the job began.
        report: A page for people; empty for none.
        study: What the report tells, for programs; goes into metrics.json.
        stages: That put lists into another order, see topshelf.rerank.
        weighing: Of histories; strengths of items become a file.
    """

    data: Interactions
    factors: ALSFactors
    metrics: dict[str, dict[str, float]]
    counts: Mapping[str, int]
    catalogue: Mapping[str, Movie]
    snapshot: DataSnapshot
    git_commit: str
    parameters: dict[str, Any]
    seed: int
    parent_version: str | None
    report: bytes = b""
    study: Mapping[str, Any] = field(default_factory=dict)
    stages: tuple[Stage, ...] = ()
    weighing: Weighing = field(default_factory=Weighing)


def publish(
    model: TrainedModel, artefacts: FactorStore, at: datetime, progress: Progress
) -> Manifest:
    """Writes the artefact; the manifest last.

    Args:
        model: What to write.
        artefacts: Where to.
        at: Now; names the version together with the content. The same content of the same second
            takes the next one's.
        progress: Told of ``lists`` and ``upload``.

    Returns:
        The manifest as it was written.

    Raises:
        ConflictError: Another training writes the same version at this moment.
        UnavailableError: The store does not answer.
    """
    with TemporaryDirectory(prefix="topshelf-") as folder:
        scratch = Scratch(Path(folder))
        audience = Audience.of(model.data)
        popular = popular_lists(audience, model.catalogue)
        add_item_files(scratch, audience, _item_files(model))
        _add_viewer_files(scratch, model, popular, progress)
        _add_similar(scratch, model, audience)
        manifest = Manifest(
            version=free_version(artefacts, at, scratch.files),
            n_users=len(model.data.users),
            n_items=len(model.data.items),
            factors=model.factors.items.shape[1],
            topk_items=len(model.data.users) + len(model.data.items) + len(popular),
            files=scratch.files,
            data=model.snapshot,
            git_commit=model.git_commit,
            parameters=model.parameters,
            seed=model.seed,
            metrics=model.metrics,
            parent_version=model.parent_version,
        )
        for done, name in enumerate(sorted(scratch.files), start=1):
            artefacts.write(manifest.version, name, scratch.read(name))
            progress("upload", done, len(scratch.files))
    artefacts.write(manifest.version, MANIFEST_NAME, manifest.model_dump_json(indent=1).encode())
    return manifest


def catalogue_entries(packed: bytes | None) -> tuple[dict[str, Movie], int]:
    """Reads the catalogue of the lake.

    Args:
        packed: Gzipped JSON lines; None where there is no catalogue.

    Returns:
        Movies by id, and the number of lines that are none: titles are for display, so a bad line
        costs one title and not the training.

    Raises:
        InvalidInputError: The file is not gzip at all.
    """
    movies: dict[str, Movie] = {}
    refused = 0
    try:
        lines = gzip.decompress(packed).splitlines() if packed is not None else []
    except (EOFError, OSError) as error:
        raise InvalidInputError("catalog", f"the catalogue is not gzip ({error})") from error
    for line in lines:
        try:
            movies.update((movie.item_id, movie) for movie in parse_movies([line]))
        except InvalidInputError:
            refused += 1
    return movies, refused


def _item_files(model: TrainedModel) -> ItemFiles:
    return ItemFiles(
        factors=model.factors.items,
        catalogue=model.catalogue,
        told={**model.metrics, "data": dict(model.counts), "study": dict(model.study)},
        report=model.report,
        weighing=model.weighing,
    )


def _add_viewer_files(
    scratch: Scratch, model: TrainedModel, popular: Mapping[str, TopKList], progress: Progress
) -> None:
    """Adds the viewers' factors, ids and lists, and the sample of what an import must give."""
    data, total = model.data, len(model.data.users)
    # Evenly spread over the viewers, so that the sample meets every part of the import.
    sampled = min(total, _SAMPLED)
    chosen = {i * total // sampled for i in range(sampled)}
    sample = {POPULAR_KEY: popular[POPULAR_KEY].items}
    lists = ViewerLists(data, model.factors, model.weighing, model.stages)
    lines = ImportLines(
        data.users,
        data.items,
        data.newest_event,
        data.leniencies,
        exposed=data.exposures is not None,
    )
    tastes = np.empty((total, model.factors.items.shape[1]), dtype=np.float32)

    def part(start: int) -> bytes:
        """One thread makes a part from first to last: its bytes do not depend on the others."""
        made = [import_line(*row) for row in popular.items()] if start == 0 else []
        for block in lists.blocks(start, min(start + _LISTS_A_PART, total)):
            made.extend(lines.of(block))
            tastes[block.start : block.start + len(block.tastes)] = block.tastes
            for place in sorted(chosen & set(block.viewers)):
                sample[data.users.ids[place]] = " ".join(data.items.names(block.items_of(place)))
        return _packed(made)

    for number, content in enumerate(in_threads(part, range(0, total, _LISTS_A_PART))):
        scratch.add(f"topk/part-{number:05d}.json.gz", content)
        progress("lists", min((number + 1) * _LISTS_A_PART, total), total)
    scratch.add("user_factors.npy", npy_of(tastes))
    scratch.add("user_ids.json", data.users.to_json())
    scratch.add(SAMPLE_NAME, json_of(sample))


def _add_similar(scratch: Scratch, model: TrainedModel, audience: Audience) -> None:
    similar = (
        import_line(*row) for row in similar_lists(audience, model.factors.items, model.catalogue)
    )
    for number, lines in enumerate(batched(similar, _LISTS_A_PART, strict=False)):
        scratch.add(f"topk/similar-{number:05d}.json.gz", _packed(lines))


def _packed(lines: Iterable[bytes]) -> bytes:
    return gzip.compress(b"".join(lines), _LEVEL, mtime=0)
