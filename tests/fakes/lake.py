"""A lake in memory."""

import gzip
import json
from datetime import date
from typing import Any


class FakeLakeWriter:
    """LakeWriter: objects by key."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.days: dict[str, date] = {}

    def first_day(self, content: str, day: date) -> date:
        return self.days.setdefault(content, day)

    def put_events(self, day: date, name: str, content: bytes) -> None:
        self.objects[f"events/dt={day}/{name}"] = content

    def put_quarantine(self, day: date, name: str, content: bytes) -> None:
        self.objects[f"quarantine/dt={day}/{name}"] = content

    def put_catalogue(self, content: bytes) -> None:
        self.objects["catalog/items.jsonl.gz"] = content

    def lines(self, prefix: str) -> list[Any]:
        """The decoded lines of all objects below a prefix, in the order of writing."""
        bodies = [body for key, body in self.objects.items() if key.startswith(prefix)]
        return [json.loads(line) for body in bodies for line in gzip.decompress(body).splitlines()]
