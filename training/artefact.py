"""The files of a model artefact as they are made, and those that are about items alone."""

import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from topshelf.catalog import Movie
from topshelf.errors import NotFoundError
from topshelf.manifest import MANIFEST_NAME, FileEntry, make_version
from topshelf.ports import FactorStore
from topshelf.ranking import popularity_ranking
from topshelf.topk import TOP_K
from topshelf.weighing import Weighing
from training.lists import Audience

__all__ = ["ItemFiles", "Scratch", "add_item_files", "free_version", "json_of", "npy_of"]


class Scratch:
    """Files on disk, hashed as they are added.

    Attributes:
        files: Size and sha256 of each, by name.
    """

    def __init__(self, folder: Path) -> None:
        """Builds it on an empty folder."""
        self._folder = folder
        self.files: dict[str, FileEntry] = {}

    def add(self, name: str, content: bytes) -> None:
        """Adds a file."""
        self.add_pieces(name, [content])

    def add_pieces(self, name: str, pieces: Iterable[bytes]) -> None:
        """Adds a file that memory need not hold, piece by piece."""
        path = self._folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        size, digest = 0, sha256()
        with path.open("wb") as file:
            for piece in pieces:
                file.write(piece)
                digest.update(piece)
                size += len(piece)
        self.files[name] = FileEntry(size=size, sha256=digest.hexdigest())

    def read(self, name: str) -> bytes:
        """A file's content."""
        return (self._folder / name).read_bytes()


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemFiles:
    """What the files are made of that grow with the items, and not with the viewers.

    Attributes:
        factors: Of the items, (n_items, f).
        catalogue: Movies by item id.
        told: What metrics.json says.
        report: A page for people; empty for none.
        weighing: Of histories; strengths of items become a file.
    """

    factors: NDArray[np.float32]
    catalogue: Mapping[str, Movie]
    told: Mapping[str, Any]
    report: bytes
    weighing: Weighing


def add_item_files(scratch: Scratch, audience: Audience, made: ItemFiles) -> None:
    """Adds the files about items."""
    ids = audience.items.ids
    scratch.add("item_factors.npy", npy_of(made.factors))
    scratch.add("item_ids.json", audience.items.to_json())
    known = (made.catalogue[name] for name in ids if name in made.catalogue)
    movies = {m.item_id: {"title": m.title, "genres": m.genres, "year": m.year} for m in known}
    scratch.add("items.json", json_of(movies))
    best = popularity_ranking(audience.viewers)[:TOP_K].tolist()
    viewers = audience.viewers[best].tolist()
    scratch.add("popular.json", json_of({"items": [ids[row] for row in best], "viewers": viewers}))
    scratch.add("metrics.json", json_of(made.told))
    if made.report:
        scratch.add("report.html", made.report)
    if made.weighing.item_strengths is not None:
        scratch.add("item_strengths.npy", npy_of(made.weighing.item_strengths))


def free_version(artefacts: FactorStore, at: datetime, files: dict[str, FileEntry]) -> str:
    """The version of the files: of this second, or the next that has no model of them.

    Raises:
        UnavailableError: The store does not answer.
    """
    while True:
        version = make_version(at, files)
        try:
            artefacts.read(version, MANIFEST_NAME)
        except NotFoundError:
            return version
        at += timedelta(seconds=1)


def npy_of(matrix: NDArray[np.float32]) -> bytes:
    """The array as a .npy file."""
    stream = io.BytesIO()
    np.save(stream, matrix.astype(np.float32, copy=False), allow_pickle=False)
    return stream.getvalue()


def json_of(value: object) -> bytes:
    """The value as JSON: the same value, the same bytes."""
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
