"""The steps of a training after its fit, where several machines make the lists.

``fit`` hands out (training.shard_inputs), ``lists`` makes those of one shard's viewers, ``finish``
puts the model together: the same files as one machine writes, for a part depends on its own viewers
alone. Each step may be killed and run again.
"""

import io
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from topshelf.errors import IntegrityError, InvalidInputError, NotFoundError
from topshelf.manifest import MANIFEST_NAME, FileEntry, Manifest, make_version, parse_manifest
from topshelf.ports import FactorStore
from topshelf.release import SAMPLE_NAME
from training.artefact import Scratch, free_version, json_of
from training.lake import Progress
from training.list_parts import part_name
from training.shard_inputs import load_npy, parts_of, save_npy
from training.shard_plan import Plan, ShardStore, ShardWork, checked, file_entry, read_plan

__all__ = ["Made", "finish", "make_lists"]

_MADE = "made.json"


class Made(BaseModel):
    """What a shard has made, written last.

    Attributes:
        plan: sha256 of the plan that it followed.
        files: Parts of the import, by name.
        tastes: Factors of its viewers, a .npy file each, in order, by name.
        sample: Its viewers' share of the sample.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    plan: str
    files: dict[str, FileEntry]
    tastes: dict[str, FileEntry]
    sample: dict[str, str]


def make_lists(store: ShardStore, *, run: str, shard: int, shards: int, progress: Progress) -> None:
    """Makes the lists of one shard's viewers. Memory holds a part a core, and their histories.

    Args:
        store: Where the plan is, and where parts go.
        run: The training's name.
        shard: Which shard, from 0.
        shards: How many there are.
        progress: Told of ``lists``.

    Raises:
        NotFoundError: The run has no plan.
        InvalidInputError: There is no such shard, or the plan is for another number of them.
        IntegrityError: Something is damaged, missing, or another plan's.
        UnavailableError: The store does not answer.
    """
    plan, plan_hash = read_plan(store, run, shards)
    if not 0 <= shard < shards:
        raise InvalidInputError(
            "TOPSHELF_SHARD", f"TOPSHELF_SHARD: {shard} is none of 0..{shards - 1}"
        )
    work = plan.work(shard)
    files: dict[str, FileEntry] = {}
    tastes: dict[str, FileEntry] = {}
    sample: dict[str, str] = {}
    # More shards than parts leave some without viewers.
    made = parts_of(store, plan, work).made(plan.part) if work.stop > work.start else iter(())
    for number, part in enumerate(made, start=work.first_part):
        for name, content, into in (
            (part_name(number), part.content, files),
            (f"tastes-{number:05d}.npy", save_npy(part.tastes), tastes),
        ):
            store.write(work.folder + name, content)
            into[name] = file_entry(content)
        sample.update(part.sample)
        progress("lists", part.start + len(part.tastes), work.stop - work.start)
    receipt = Made(plan=plan_hash, files=files, tastes=tastes, sample=sample)
    store.write(work.folder + _MADE, receipt.model_dump_json().encode())


def finish(
    store: ShardStore, artefacts: FactorStore, *, run: str, shards: int, progress: Progress
) -> Manifest:
    """Writes the artefact that the shards have made; the manifest last.

    What the shards made stays where it is. Run again after the manifest is written, it finds it,
    and writes nothing.

    Args:
        store: Where the plan and the parts are.
        artefacts: Where the model goes.
        run: The training's name.
        shards: How many shards there are.
        progress: Told of ``upload``.

    Returns:
        The manifest as it was written.

    Raises:
        NotFoundError: The run has no plan, or a shard has not made its lists.
        InvalidInputError: The plan is for another number of shards.
        IntegrityError: Something is damaged, missing, or another plan's.
        ConflictError: Another training writes the same version at this moment.
        UnavailableError: A store does not answer.
    """
    plan, plan_hash = read_plan(store, run, shards)
    # Where each file of the artefact lies.
    places = {name: (f"files/{name}", entry) for name, entry in plan.draft.files.items()}
    sample = dict(plan.sample)
    tastes: dict[str, FileEntry] = {}
    for shard in range(shards):
        work = plan.work(shard)
        made = _made(store, run, work, plan_hash)
        sample.update(made.sample)
        places.update((name, (work.folder + name, made.files[name])) for name in made.files)
        tastes.update((work.folder + name, made.tastes[name]) for name in made.tastes)
    with TemporaryDirectory(prefix="topshelf-") as folder:
        scratch = Scratch(Path(folder))
        scratch.add_pieces("user_factors.npy", _rows(store, plan, tastes))
        scratch.add(SAMPLE_NAME, json_of(sample))
        files = {**{name: entry for name, (_, entry) in places.items()}, **scratch.files}
        manifest, written = _named(artefacts, plan, files)
        if written:
            return manifest
        for done, name in enumerate(sorted(files), start=1):
            content = scratch.read(name) if name in scratch.files else checked(store, *places[name])
            artefacts.write(manifest.version, name, content)
            progress("upload", done, len(files))
    artefacts.write(manifest.version, MANIFEST_NAME, manifest.model_dump_json(indent=1).encode())
    return manifest


def _made(store: ShardStore, run: str, work: ShardWork, plan_hash: str) -> Made:
    """What a shard says that it has made, after this plan."""
    place = work.folder + _MADE
    try:
        made = Made.model_validate_json(store.read(place))
    except NotFoundError as error:
        raise NotFoundError(
            f"shards/{run}/{place}: this shard has not made its lists; "
            "run its step (TOPSHELF_STEP=lists), then this one"
        ) from error
    except ValidationError as error:
        raise IntegrityError(f"shards/{run}/{place} is damaged; run that shard again") from error
    if made.plan != plan_hash:
        raise IntegrityError(f"shards/{run}/{place} follows another plan; run that shard again")
    return made


def _rows(store: ShardStore, plan: Plan, tastes: dict[str, FileEntry]) -> Iterator[bytes]:
    """user_factors.npy as one machine writes it, a part at a time."""
    shape = plan.draft.n_users, plan.draft.factors
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "<f4", "fortran_order": False, "shape": shape}
    )
    yield header.getvalue()
    for name, entry in tastes.items():
        yield load_npy(checked(store, name, entry)).tobytes()


def _named(
    artefacts: FactorStore, plan: Plan, files: dict[str, FileEntry]
) -> tuple[Manifest, bool]:
    """The manifest, and whether an earlier try of this step has written it."""
    version = make_version(plan.at, files)
    manifest = plan.draft.model_copy(update={"version": version, "files": files})
    try:
        if parse_manifest(artefacts.read(version, MANIFEST_NAME), version) == manifest:
            return manifest, True
    except NotFoundError:
        return manifest, False
    version = free_version(artefacts, plan.at, files)
    return manifest.model_copy(update={"version": version}), False
