"""Fakes of the stores that hold models and lists: what they keep is there to look at."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from hashlib import sha256

from topshelf.aws.lake_bucket import LakeObject
from topshelf.errors import ConflictError, NotFoundError, UnavailableError
from topshelf.ports import Champion
from topshelf.topk import TopKList


class FakeFactorStore:
    """FactorStore: file contents by version and name, in the order they were written."""

    def __init__(self) -> None:
        self.files: dict[tuple[str, str], bytes] = {}
        self.reads: list[tuple[str, str]] = []

    def read(self, version: str, name: str) -> bytes:
        self.reads.append((version, name))
        try:
            return self.files[version, name]
        except KeyError:
            raise NotFoundError(f"models/{version}/{name}") from None

    def chunks(self, version: str, name: str) -> Iterator[bytes]:
        content = self.read(version, name)
        for start in range(0, len(content), 1000):
            yield content[start : start + 1000]

    def write(self, version: str, name: str, content: bytes) -> None:
        if self.files.setdefault((version, name), content) != content:
            raise ConflictError(f"models/{version}/{name} exists")

    def of(self, version: str) -> dict[str, bytes]:
        """A version's files by name."""
        return {name: content for (v, name), content in self.files.items() if v == version}


class FakeCheckpoints:
    """CheckpointStore: what is kept, by run, and how often it was saved."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}
        self.saves = 0

    def load(self, run: str) -> bytes | None:
        return self.kept.get(run)

    def save(self, run: str, content: bytes) -> None:
        self.kept[run] = content
        self.saves += 1

    def remove(self, run: str) -> None:
        self.kept.pop(run, None)


class FakeRegistry:
    """ModelRegistry: the champion and what was recorded of each version.

    Attributes:
        asked: How often the champion was read.
        down: Whether that fails.
    """

    def __init__(self, champion: str | Champion | None = None) -> None:
        self.live: Champion | None = None
        self.models: dict[str, dict[str, str]] = {}
        self.runs: dict[str, str] = {}
        self.asked = 0
        self.down = False
        if isinstance(champion, str):
            self.flip(None, champion, date(2026, 1, 1))
        else:
            self.live = champion

    def champion(self) -> Champion | None:
        self.asked += 1
        if self.down:
            raise UnavailableError("the fake registry is down")
        return self.live

    def flip(self, expected: Champion | None, version: str, seen_since: date) -> Champion:
        if (self.live and self.live.revision) != (expected and expected.revision):
            raise ConflictError("another flip came between")
        self.live = Champion(
            version=version,
            previous=expected.version if expected else None,
            seen_since=seen_since,
            revision=expected.revision + 1 if expected else 1,
            previous_seen_since=expected.seen_since if expected else None,
        )
        return self.live

    def record(self, version: str, status: str, details: Mapping[str, str]) -> None:
        self.models.setdefault(version, {}).update({"status": status, **details})

    def describe(self, version: str) -> Mapping[str, str]:
        return dict(self.models.get(version, {}))

    def record_run(self, run: str, version: str) -> None:
        self.runs[run] = version

    def version_of_run(self, run: str) -> str | None:
        return self.runs.get(run)


class FakeTopKStore:
    """TopKStore: lists by version and viewer.

    Attributes:
        rivals: So many times yet, somebody else rewrites the list just before a replace.
        down: Whether every call fails.
    """

    def __init__(self) -> None:
        self.lists: dict[tuple[str, str], TopKList] = {}
        self.writes = 0
        self.rivals = 0
        self.down = False

    def get(self, version: str, user_id: str) -> TopKList | None:
        self._answer()
        return self.lists.get((version, user_id))

    def replace(self, version: str, user_id: str, old: TopKList, new: TopKList) -> bool:
        self._answer()
        current = self.lists[version, user_id]
        if self.rivals:
            self.rivals -= 1
            current = replace(current, revision=current.revision + 1)
            self.lists[version, user_id] = current
        if current.revision != old.revision:
            return False
        self.lists[version, user_id] = replace(new, revision=old.revision + 1)
        self.writes += 1
        return True

    def _answer(self) -> None:
        if self.down:
            raise UnavailableError("the fake list store is down")


class FakeLake:
    """The lake: event objects by key, what was quarantined by name, the catalogue."""

    def __init__(self) -> None:
        self.events: dict[str, bytes] = {}
        self.quarantined: dict[str, bytes] = {}
        self.items: bytes | None = None

    def objects(self) -> list[LakeObject]:
        return [
            LakeObject(key, sha256(content).hexdigest(), len(content))
            for key, content in sorted(self.events.items())
        ]

    def read(self, entry: LakeObject) -> bytes:
        content = self.events[entry.key]
        if sha256(content).hexdigest() != entry.etag:
            raise ConflictError(f"{entry.key} was overwritten")
        return content

    def quarantine(self, name: str, content: bytes) -> None:
        self.quarantined[name] = content

    def catalogue(self) -> bytes | None:
        return self.items
