"""Writing a model artefact: all files, then the manifest that makes them a model.

The version is named after the content, so every file is made and hashed in a scratch folder before
the first is uploaded; memory holds one part of the lists at a time.
"""

import gzip
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import batched
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from topshelf.aws.topk_table import import_line
from topshelf.catalog import Movie, parse_movies
from topshelf.errors import InvalidInputError, NotFoundError
from topshelf.manifest import MANIFEST_NAME, DataSnapshot, FileEntry, Manifest, make_version
from topshelf.ports import FactorStore
from topshelf.ranking import popularity_ranking
from topshelf.release import SAMPLE_NAME
from topshelf.topk import POPULAR_KEY, TOP_K, TopKList
from training.als import ALSFactors
from training.interactions import Interactions
from training.lake import Progress
from training.lists import popular_lists, similar_lists, viewer_lists, viewers_of

__all__ = ["TrainedModel", "catalogue_entries", "publish"]

_LISTS_A_PART = 25_000
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
        scratch = _Scratch(Path(folder))
        popular = popular_lists(model.data, model.catalogue)
        _add_model_files(scratch, model)
        _add_lists(scratch, model, popular, progress)
        manifest = Manifest(
            version=_free_version(artefacts, at, scratch.files),
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


def _free_version(artefacts: FactorStore, at: datetime, files: dict[str, FileEntry]) -> str:
    while True:
        version = make_version(at, files)
        try:
            artefacts.read(version, MANIFEST_NAME)
        except NotFoundError:
            return version
        at += timedelta(seconds=1)


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


class _Scratch:
    """Files on disk, hashed as they are added."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.files: dict[str, FileEntry] = {}

    def add(self, name: str, content: bytes) -> None:
        path = self._folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        self.files[name] = FileEntry(size=len(content), sha256=sha256(content).hexdigest())

    def read(self, name: str) -> bytes:
        return (self._folder / name).read_bytes()


def _add_model_files(scratch: _Scratch, model: TrainedModel) -> None:
    data = model.data
    scratch.add("user_factors.npy", _npy(model.factors.users))
    scratch.add("item_factors.npy", _npy(model.factors.items))
    scratch.add("user_ids.json", data.users.to_json())
    scratch.add("item_ids.json", data.items.to_json())
    known = (model.catalogue[name] for name in data.items.ids if name in model.catalogue)
    movies = {m.item_id: {"title": m.title, "genres": m.genres, "year": m.year} for m in known}
    scratch.add("items.json", _json(movies))
    viewers = viewers_of(data)
    best = popularity_ranking(viewers)[:TOP_K].tolist()
    popular = {"items": [data.items.ids[row] for row in best], "viewers": viewers[best].tolist()}
    scratch.add("popular.json", _json(popular))
    scratch.add("metrics.json", _json({**model.metrics, "data": dict(model.counts)}))


def _add_lists(
    scratch: _Scratch, model: TrainedModel, popular: Mapping[str, TopKList], progress: Progress
) -> None:
    total = len(model.data.users)
    # Evenly spread over the viewers, so that the sample meets every part of the import.
    sampled = min(total, _SAMPLED)
    chosen = {i * total // sampled for i in range(sampled)}
    sample = {POPULAR_KEY: popular[POPULAR_KEY].items}
    for part, lists in enumerate(
        batched(viewer_lists(model.data, model.factors, progress), _LISTS_A_PART, strict=False)
    ):
        lines = [import_line(*row) for row in popular.items()] if part == 0 else []
        for row, (user_id, ready) in enumerate(lists, start=part * _LISTS_A_PART):
            lines.append(import_line(user_id, ready))
            if row in chosen:
                sample[user_id] = ready.items
        scratch.add(f"topk/part-{part:05d}.json.gz", gzip.compress(b"".join(lines), 6, mtime=0))
    similar = (
        import_line(*row) for row in similar_lists(model.data, model.factors, model.catalogue)
    )
    for part, more in enumerate(batched(similar, _LISTS_A_PART, strict=False)):
        scratch.add(f"topk/similar-{part:05d}.json.gz", gzip.compress(b"".join(more), 6, mtime=0))
    scratch.add(SAMPLE_NAME, _json(sample))


def _npy(matrix: NDArray[np.float32]) -> bytes:
    stream = io.BytesIO()
    np.save(stream, matrix.astype(np.float32, copy=False), allow_pickle=False)
    return stream.getvalue()


def _json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
