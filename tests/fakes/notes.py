"""Notes of the local cloud in memory."""

import json
from typing import Any


class FakeNotes:
    """Notes by key, kept as the JSON that they are."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}

    def read(self, key: str) -> Any:
        return json.loads(self.kept[key]) if key in self.kept else None

    def write(self, key: str, note: Any) -> None:
        self.kept[key] = json.dumps(note)

    def delete(self, key: str) -> None:
        self.kept.pop(key, None)
