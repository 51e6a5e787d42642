"""The list baked into the deployment: what is served when no store answers at all."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from topshelf.errors import IntegrityError
from topshelf.topk import TopKList, pack_scores, unpack_scores

__all__ = ["BAKED_NAME", "BakedList", "bake", "load_baked", "read_baked"]

BAKED_NAME = "baked.json"


@dataclass(frozen=True, slots=True)
class BakedList:
    """A popular list, the version that it comes from, and titles by item id as far as known."""

    version: str
    ready: TopKList
    titles: Mapping[str, str] = field(default_factory=dict)


def bake(version: str, popular: TopKList, titles: Mapping[str, str]) -> bytes:
    """The file that a deployment carries, as JSON; titles by item id as far as they are known."""
    said = {
        "version": version,
        "items": popular.item_ids(),
        "scores": unpack_scores(popular.scores),
        "generated_at": popular.generated_at,
        "titles": {item: titles[item] for item in popular.item_ids() if item in titles},
    }
    return json.dumps(said, indent=1).encode() + b"\n"


def load_baked(folder: Path) -> BakedList | None:
    """Reads the file if the deployment carries one beside its code; raises as read_baked."""
    path = folder / BAKED_NAME
    return read_baked(path.read_bytes()) if path.exists() else None


def read_baked(content: bytes) -> BakedList:
    """Reads the file.

    Raises:
        IntegrityError: It is not one that ``bake`` wrote.
    """
    try:
        said = json.loads(content)
        ready = TopKList(
            items=" ".join(said["items"]),
            scores=pack_scores(said["scores"]),
            history=b"",
            because=b"",
            source="batch",
            generated_at=int(said["generated_at"]),
        )
        titles = {str(item): str(title) for item, title in said.get("titles", {}).items()}
        return BakedList(str(said["version"]), ready, titles)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise IntegrityError(f"the baked list is damaged ({error}); bake it again") from error
