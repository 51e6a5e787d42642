"""The artefact of training.publish, made by tasks: each writes the lists of its viewers.

The version is named after the content, so lists are made and hashed first, and kept on the workers'
disks until their name is known. The driver writes the rest; of the viewers' factors and ids it
holds one share at a time.
"""

import gzip
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from itertools import batched
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyspark import RDD, StorageLevel

from topshelf.aws.topk_table import import_line
from topshelf.errors import IntegrityError
from topshelf.manifest import MANIFEST_NAME, DataSnapshot, FileEntry, Manifest
from topshelf.ports import FactorStore
from topshelf.release import SAMPLE_NAME
from topshelf.topk import POPULAR_KEY
from training.artefact import ItemFiles, Scratch, add_item_files, free_version, json_of
from training.evaluate import Model
from training.import_lines import ImportLines
from training.interactions import Interactions
from training.lake import Progress
from training.lists import Audience, popular_lists, similar_lists
from training.spark.viewers import Viewers
from training.viewer_lists import ViewerLists

__all__ = ["SharedTraining", "publish_shared"]

_LISTS_A_PART = 25_000
_SAMPLED = 99


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedTraining:
    """What a manifest says besides its files; see training.publish.TrainedModel."""

    metrics: dict[str, dict[str, float]]
    snapshot: DataSnapshot
    git_commit: str
    parameters: dict[str, Any]
    seed: int
    parent_version: str | None


@dataclass(frozen=True, slots=True)
class _Part:
    """The lists of one share of the viewers.

    Attributes:
        name: Of the file in the artefact.
        content: Lists in import format, packed.
        sample: Items of some lists, by viewer.
        users: Ids.
        factors: Theirs, as they are served, (n, f) float32.
    """

    name: str
    content: bytes
    sample: dict[str, str]
    users: tuple[str, ...]
    factors: NDArray[np.float32]


def publish_shared(
    viewers: Viewers,
    model: Model,
    made: ItemFiles,
    audience: Audience,
    training: SharedTraining,
    *,
    open_artefacts: Callable[[], FactorStore],
    at: datetime,
    progress: Progress,
) -> Manifest:
    """Writes the artefact; the manifest last.

    Args:
        viewers: What was trained on.
        model: What was learned.
        made: The files about items.
        audience: Of the popular lists.
        training: For the manifest.
        open_artefacts: Opens the store, in the driver and in each task; it travels to the workers.
        at: Now; see training.publish.publish.
        progress: Told of ``lists`` and ``upload``.

    Raises:
        ConflictError: Another training writes the same version at this moment.
        IntegrityError: A part that was lost came out otherwise the second time.
        UnavailableError: The store does not answer.
    """
    artefacts = open_artefacts()
    parts = viewers.whole().mapPartitionsWithIndex(_parts_of(viewers, model))
    parts.persist(StorageLevel.DISK_ONLY)
    progress("lists", 0, viewers.n_users)
    told = parts.map(lambda part: (part.name, _entry(part.content), part.sample)).collect()
    progress("lists", viewers.n_users, viewers.n_users)
    listed = {name: entry for name, entry, _ in told}
    popular = popular_lists(audience, made.catalogue)
    with TemporaryDirectory(prefix="topshelf-") as folder:
        scratch = Scratch(Path(folder))
        shape = (viewers.n_users, model.factors.items.shape[1])
        scratch.add_pieces("user_factors.npy", _npy_pieces(parts, shape))
        scratch.add_pieces("user_ids.json", _json_pieces(parts))
        add_item_files(scratch, audience, made)
        lines = [import_line(*row) for row in popular.items()]
        scratch.add("topk/popular.json.gz", _packed(lines))
        similar = similar_lists(audience, model.factors.items, made.catalogue)
        for number, rows in enumerate(batched(similar, _LISTS_A_PART, strict=False)):
            packed = _packed(import_line(*row) for row in rows)
            scratch.add(f"topk/similar-{number:05d}.json.gz", packed)
        sample = {POPULAR_KEY: popular[POPULAR_KEY].items}
        scratch.add(
            SAMPLE_NAME, json_of(sample | {k: v for *_, own in told for k, v in own.items()})
        )
        files = {**scratch.files, **listed}
        manifest = Manifest(
            version=free_version(artefacts, at, files),
            n_users=viewers.n_users,
            n_items=len(viewers.items),
            factors=model.factors.items.shape[1],
            topk_items=viewers.n_users + len(viewers.items) + len(popular),
            files=files,
            data=training.snapshot,
            git_commit=training.git_commit,
            parameters=training.parameters,
            seed=training.seed,
            metrics=training.metrics,
            parent_version=training.parent_version,
        )
        progress("upload", 0, len(files))
        parts.foreach(_upload_to(open_artefacts, manifest.version, listed))
        for done, name in enumerate(sorted(scratch.files), start=len(listed) + 1):
            artefacts.write(manifest.version, name, scratch.read(name))
            progress("upload", done, len(files))
    artefacts.write(manifest.version, MANIFEST_NAME, manifest.model_dump_json(indent=1).encode())
    parts.unpersist()
    return manifest


def _parts_of(
    viewers: Viewers, model: Model
) -> Callable[[int, Iterable[Interactions]], Iterator[_Part]]:
    counts = viewers.counts
    firsts = dict(zip(counts, np.cumsum([0, *counts.values()]).tolist(), strict=False))
    total = viewers.n_users
    sampled = min(total, _SAMPLED)
    # Evenly spread over the viewers, so that the sample meets every part of the import.
    chosen = {i * total // sampled for i in range(sampled)}
    shared = viewers.blocks.context.broadcast(model)

    def make(index: int, blocks: Iterable[Interactions]) -> Iterator[_Part]:
        for block in blocks:
            own = shared.value
            wanted = {row - firsts[index] for row in chosen}
            import_lines = ImportLines(
                block.users, block.items, block.newest_event, block.leniencies
            )
            made: list[NDArray[np.float32]] = []
            lines: list[bytes] = []
            sample: dict[str, str] = {}
            lists = ViewerLists(block, own.factors, own.weighing)
            for few in lists.blocks(0, len(block.users)):
                lines.extend(import_lines.of(few))
                made.append(few.tastes)
                for row in sorted(wanted & set(few.viewers)):
                    sample[block.users.ids[row]] = " ".join(block.items.names(few.items_of(row)))
            name = f"topk/part-{index:05d}.json.gz"
            yield _Part(name, _packed(lines), sample, block.users.ids, np.concatenate(made))

    return make


def _upload_to(
    open_artefacts: Callable[[], FactorStore], version: str, listed: Mapping[str, FileEntry]
) -> Callable[[_Part], None]:
    def upload(part: _Part) -> None:
        if _entry(part.content) != listed[part.name]:
            raise IntegrityError(f"{part.name} was made again and is another; train again")
        open_artefacts().write(version, part.name, part.content)

    return upload


def _entry(content: bytes) -> FileEntry:
    return FileEntry(size=len(content), sha256=sha256(content).hexdigest())


def _packed(lines: Iterable[bytes]) -> bytes:
    return gzip.compress(b"".join(lines), 1, mtime=0)


def _npy_pieces(parts: RDD[_Part], shape: tuple[int, int]) -> Iterator[bytes]:
    header = io.BytesIO()
    told = {"descr": "<f4", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(header, told)
    yield header.getvalue()
    for factors in parts.map(lambda part: part.factors).toLocalIterator():
        yield np.ascontiguousarray(factors, dtype="<f4").tobytes()


def _json_pieces(parts: RDD[_Part]) -> Iterator[bytes]:
    start = b"["
    for users in parts.map(lambda part: part.users).toLocalIterator():
        yield start + json.dumps(users, separators=(",", ":")).encode()[1:-1]
        start = b","
    yield b"]"
