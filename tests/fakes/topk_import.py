"""Fake of the bulk import: rows by version, done at once unless told otherwise."""

from collections.abc import Sequence

from topshelf.errors import ConflictError, NotFoundError
from topshelf.ports import ImportReport
from topshelf.topk import TopKList


class FakeTopKImport:
    """TopKImport: ``rows`` is what a version's table holds, ``said`` overrides its report."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, TopKList]] = {}
        self.said: dict[str, ImportReport] = {}
        self.started: list[str] = []

    def start(self, version: str) -> str:
        if version in self.started:
            raise ConflictError(f"the table of {version} exists")
        self.started.append(version)
        return f"import-of-{version}"

    def report(self, handle: str) -> ImportReport:
        version = handle.removeprefix("import-of-")
        if version not in self.started:
            raise NotFoundError(handle)
        return self.said.get(version, ImportReport("completed", len(self.rows[version]), 0))

    def sample(self, version: str, keys: Sequence[str]) -> dict[str, TopKList]:
        return {key: self.rows[version][key] for key in keys if key in self.rows[version]}
