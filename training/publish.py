"""Writing a model artefact: all files, then the manifest that makes them a model.

The version is named after the content, so every file is made and hashed in a scratch folder before
the first is uploaded; memory holds one part of the lists at a time.
"""

import gzip
import zlib
from collections.abc import Callable, Mapping
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
from topshelf.manifest import MANIFEST_NAME, DataSnapshot, FileEntry, Manifest
from topshelf.ports import FactorStore
from topshelf.release import SAMPLE_NAME
from topshelf.rerank import Stage
from topshelf.topk import POPULAR_KEY
from topshelf.weighing import Weighing
from training.als import ALSFactors
from training.artefact import ItemFiles, Scratch, add_item_files, free_version, json_of, npy_of
from training.interactions import Interactions
from training.lake import Progress
from training.list_parts import ListParts, packed, part_name, sampled_viewers
from training.lists import Audience, popular_lists, similar_lists

__all__ = [
    "SharedFiles",
    "TrainedModel",
    "Write",
    "add_shared_files",
    "catalogue_entries",
    "manifest_of",
    "publish",
]

_LISTS_A_PART = 10_000
"""Enough parts for all cores to end at about the same time, and memory for one a core."""

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


Write = Callable[[TrainedModel, FactorStore, datetime, Progress], Manifest]
"""What is done with a trained model; publish is one."""


@dataclass(frozen=True, slots=True)
class SharedFiles:
    """What the making of lists takes from the files that are no viewer's own.

    Attributes:
        head: Lines before those of the first viewer: what is popular.
        sample: What an import must give, so far, by key.
        topk_items: Rows of the import, with those of the viewers.
        part: Viewers a part.
        sampled: Rows of the viewers whose lists are told in the sample.
    """

    head: bytes
    sample: dict[str, str]
    topk_items: int
    part: int
    sampled: frozenset[int]


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
        shared = add_shared_files(scratch, model)
        _add_lists(scratch, model, shared, progress)
        version = free_version(artefacts, at, scratch.files)
        manifest = manifest_of(model, version, scratch.files, shared.topk_items)
        for done, name in enumerate(sorted(scratch.files), start=1):
            artefacts.write(manifest.version, name, scratch.read(name))
            progress("upload", done, len(scratch.files))
    artefacts.write(manifest.version, MANIFEST_NAME, manifest.model_dump_json(indent=1).encode())
    return manifest


def add_shared_files(scratch: Scratch, model: TrainedModel) -> SharedFiles:
    """Adds every file but the viewers' lists, factors and sample."""
    audience = Audience.of(model.data)
    popular = popular_lists(audience, model.catalogue)
    add_item_files(scratch, audience, _item_files(model))
    scratch.add("user_ids.json", model.data.users.to_json())
    _add_similar(scratch, model, audience)
    total = len(model.data.users)
    return SharedFiles(
        head=b"".join(import_line(*row) for row in popular.items()),
        sample={POPULAR_KEY: popular[POPULAR_KEY].items},
        topk_items=total + len(model.data.items) + len(popular),
        part=_LISTS_A_PART,
        sampled=sampled_viewers(total, _SAMPLED),
    )


def manifest_of(
    model: TrainedModel, version: str, files: dict[str, FileEntry], topk_items: int
) -> Manifest:
    """What is told of a model with these files."""
    return Manifest(
        version=version,
        n_users=len(model.data.users),
        n_items=len(model.data.items),
        factors=model.factors.items.shape[1],
        topk_items=topk_items,
        files=files,
        data=model.snapshot,
        git_commit=model.git_commit,
        parameters=model.parameters,
        seed=model.seed,
        metrics=model.metrics,
        parent_version=model.parent_version,
    )


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
    except (EOFError, OSError, zlib.error) as error:
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


def _add_lists(
    scratch: Scratch, model: TrainedModel, shared: SharedFiles, progress: Progress
) -> None:
    """Adds the viewers' factors and lists, and the sample of what an import must give."""
    total = len(model.data.users)
    parts = ListParts(
        model.data,
        model.factors,
        model.weighing,
        model.stages,
        sampled=shared.sampled,
        head=shared.head,
    )
    sample = dict(shared.sample)
    tastes = np.empty((total, model.factors.items.shape[1]), dtype=np.float32)
    for number, part in enumerate(parts.made(shared.part)):
        scratch.add(part_name(number), part.content)
        stop = part.start + len(part.tastes)
        tastes[part.start : stop] = part.tastes
        sample.update(part.sample)
        progress("lists", stop, total)
    scratch.add("user_factors.npy", npy_of(tastes))
    scratch.add(SAMPLE_NAME, json_of(sample))


def _add_similar(scratch: Scratch, model: TrainedModel, audience: Audience) -> None:
    similar = (
        import_line(*row) for row in similar_lists(audience, model.factors.items, model.catalogue)
    )
    for number, lines in enumerate(batched(similar, _LISTS_A_PART, strict=False)):
        scratch.add(f"topk/similar-{number:05d}.json.gz", packed(lines))
