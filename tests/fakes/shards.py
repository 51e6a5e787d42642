"""What the steps of a training hand on, in memory."""

from topshelf.errors import NotFoundError


class FakeShards:
    """ShardStore: contents by name, in the order they were written."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}

    def read(self, name: str) -> bytes:
        try:
            return self.files[name]
        except KeyError:
            raise NotFoundError(f"shards/run/{name}") from None

    def write(self, name: str, content: bytes) -> None:
        self.files[name] = content

    def clear(self) -> None:
        self.files.clear()
