"""What lists are made of, on its way from the machine that fits to those that make them."""

import io
from collections.abc import Callable, Iterator
from dataclasses import fields
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from topshelf.errors import InvalidInputError
from topshelf.ids import IdMap, ItemId, ItemRow, UserId, UserRow
from topshelf.manifest import FileEntry, Manifest, make_version
from topshelf.ports import FactorStore
from topshelf.rerank import Calibration, Diversity, ItemModel, Stage
from topshelf.weighing import Weighing
from training.als import ALSFactors
from training.artefact import Scratch
from training.exposures import Exposures
from training.interactions import Interactions
from training.lake import Progress
from training.list_parts import ListParts
from training.publish import TrainedModel, add_shared_files, manifest_of
from training.shard_plan import (
    PLAN_NAME,
    Plan,
    ShardStore,
    ShardWork,
    ShownAs,
    StageSaid,
    checked,
    file_entry,
    work_of,
)

__all__ = ["hand_out", "load_npy", "parts_of", "save_npy"]

_SHOWN: Final = ("indptr", "rows", "known")
"""Arrays of training.exposures.Exposures, in its order."""

_KINDS: Final[dict[str, type[Any]]] = {
    kind.__name__: kind for kind in (ItemModel, Diversity, Calibration)
}


def hand_out(
    model: TrainedModel,
    artefacts: FactorStore,
    at: datetime,
    progress: Progress,
    *,
    store: ShardStore,
    run: str,
    shards: int,
) -> Manifest:
    """Puts what the lists need where the shards find it; the plan last. Safe to repeat.

    Args:
        model: What was trained.
        artefacts: Where the model will go; nothing is written there yet.
        at: Now.
        progress: Told of ``hand out``.
        store: Where to.
        run: The training's name.
        shards: How many machines make lists.

    Returns:
        The manifest as far as it is known. It is no model's.

    Raises:
        UnavailableError: The store does not answer.
    """
    del artefacts
    # Of a fit that was killed: nothing of it may pass for this one's.
    store.clear()
    inputs: dict[str, FileEntry] = {}

    def put(name: str, content: bytes) -> None:
        store.write(name, content)
        inputs[name] = file_entry(content)

    with TemporaryDirectory(prefix="topshelf-") as folder:
        scratch = Scratch(Path(folder))
        shared = add_shared_files(scratch, model)
        for name in sorted(scratch.files):
            store.write(f"files/{name}", scratch.read(name))
        draft = manifest_of(
            model, make_version(at, scratch.files), scratch.files, shared.topk_items
        )
    put("head.jsonl", shared.head)
    put("gram.npy", save_npy(model.factors.gram))
    stages = [_put_stage(put, place, stage) for place, stage in enumerate(model.stages)]
    for shard in range(shards):
        work = work_of(shard, shards, shared.part, len(model.data.users))
        for name, content in _histories(model.data, work):
            put(work.folder + name, content)
        progress("hand out", shard + 1, shards)
    exposures = model.data.exposures
    plan = Plan(
        run=run,
        shards=shards,
        part=shared.part,
        at=at,
        draft=draft,
        inputs=inputs,
        newest_event=model.data.newest_event,
        regularization=model.factors.regularization,
        recency=model.weighing.recency,
        damping=model.weighing.damping,
        stages=stages,
        shown=exposures and ShownAs(least=exposures.least, confidence=exposures.confidence),
        lenient=model.data.leniencies is not None,
        sample=shared.sample,
        sampled=sorted(shared.sampled),
    )
    store.write(PLAN_NAME, plan.model_dump_json(indent=1).encode())
    return draft


def parts_of(store: ShardStore, plan: Plan, work: ShardWork) -> ListParts:
    """What makes the lists of one shard's viewers, of which there is at least one.

    Raises:
        IntegrityError: Something is missing, or is not this plan's.
        UnavailableError: The store does not answer.
    """
    shared = plan.draft.files

    def get(name: str) -> NDArray[Any]:
        return load_npy(checked(store, name, plan.inputs[name]))

    def own(name: str) -> NDArray[Any]:
        return get(f"{work.folder}{name}.npy")

    def of_model(name: str) -> bytes:
        return checked(store, f"files/{name}", shared[name])

    items = IdMap[ItemId, ItemRow].from_json(of_model("item_ids.json"))
    users_file = f"{work.folder}user_ids.json"
    users = IdMap[UserId, UserRow].from_json(checked(store, users_file, plan.inputs[users_file]))
    matrix = csr_matrix(
        (own("confidences"), own("rows"), own("indptr")), shape=(len(users), len(items))
    )
    exposures = None
    if shown := plan.shown:
        indptr, rows, known = (own(f"shown_{name}") for name in _SHOWN)
        exposures = Exposures(indptr, rows, known, shown.least, shown.confidence)
    data = Interactions(
        users,
        items,
        matrix,
        own("last_times"),
        plan.newest_event,
        own("leniencies") if plan.lenient else None,
        exposures,
    )
    vectors = load_npy(of_model("item_factors.npy"))
    nobody = np.empty((0, vectors.shape[1]), dtype=np.float32)
    strengths = "item_strengths.npy"
    return ListParts(
        data,
        ALSFactors(nobody, vectors, get("gram.npy"), plan.regularization),
        Weighing(
            recency=plan.recency,
            damping=plan.damping,
            item_strengths=load_npy(of_model(strengths)) if strengths in shared else None,
        ),
        tuple(_stage(get, place, said) for place, said in enumerate(plan.stages)),
        sampled=frozenset(row - work.start for row in plan.sampled),
        head=checked(store, "head.jsonl", plan.inputs["head.jsonl"]) if not work.start else b"",
    )


def save_npy(array: NDArray[Any]) -> bytes:
    """The array as a .npy file, in its own type and order."""
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=False)
    return stream.getvalue()


def load_npy(content: bytes) -> NDArray[Any]:
    """What save_npy wrote."""
    array: NDArray[Any] = np.load(io.BytesIO(content), allow_pickle=False)
    return array


def _put_stage(put: Callable[[str, bytes], None], place: int, stage: Stage) -> StageSaid:
    """Puts a stage's arrays; gives the rest of it."""
    if not isinstance(stage, (ItemModel, Diversity, Calibration)):
        raise InvalidInputError("reranking", f"{type(stage).__name__} is no stage for shards")
    for own in fields(stage):
        if own.name != "weight":
            put(f"stage-{place}/{own.name}.npy", save_npy(getattr(stage, own.name)))
    return StageSaid(kind=type(stage).__name__, weight=stage.weight)


def _stage(get: Callable[[str], NDArray[Any]], place: int, said: StageSaid) -> Stage:
    kind = _KINDS[said.kind]
    names = (own.name for own in fields(kind) if own.name != "weight")
    arrays = {name: get(f"stage-{place}/{name}.npy") for name in names}
    stage: Stage = kind(**arrays, weight=said.weight)
    return stage


def _histories(data: Interactions, work: ShardWork) -> Iterator[tuple[str, bytes]]:
    """The interactions of a shard's viewers, as files."""
    own = data.matrix[work.start : work.stop]
    entries = slice(data.matrix.indptr[work.start], data.matrix.indptr[work.stop])
    yield "user_ids.json", IdMap(data.users.ids[work.start : work.stop]).to_json()
    yield "indptr.npy", save_npy(own.indptr)
    yield "rows.npy", save_npy(own.indices)
    yield "confidences.npy", save_npy(own.data)
    yield "last_times.npy", save_npy(data.last_times[entries])
    if data.leniencies is not None:
        yield "leniencies.npy", save_npy(data.leniencies[work.start : work.stop])
    if data.exposures is not None:
        shown = data.exposures.of(np.arange(work.start, work.stop))
        for name in _SHOWN:
            yield f"shown_{name}.npy", save_npy(getattr(shown, name))
