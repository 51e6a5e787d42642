"""What stands for a resource that is not there."""

from typing import Any

__all__ = ["Placeholders"]


class Placeholders(dict[str, Any]):
    """The attributes of a resource that nobody made: each is a text that says so.

    Args:
        logical_id: The resource's name in the template.
    """

    def __init__(self, logical_id: str) -> None:
        super().__init__()
        self._logical_id = logical_id

    def __contains__(self, _name: object) -> bool:
        return True

    def __missing__(self, name: str) -> str:
        return f"<no {self._logical_id}.{name}>"
