"""What a template says of a resource beside what its service says: equal, or different where."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

__all__ = ["WHOLE", "Difference", "Gap", "differences_in", "plain"]

WHOLE: Final = ""
"""The property of a difference that is about the resource as a whole."""

# Elsewhere a list is a set: services give it back in an order of their own.
_IN_ORDER: Final = frozenset({"IdentitySource", "Layers", "Processors"})
# Others may add to these.
_OPEN: Final = frozenset({"Tags"})
# JSON that some services give as text, and some write otherwise than they were told.
_DOCUMENTS: Final = frozenset(
    {"AssumeRolePolicyDocument", "Definition", "DefinitionString", "Input", "PolicyDocument"}
)


@dataclass(frozen=True, slots=True)
class Difference:
    """A property that is not as the template says.

    Attributes:
        logical_id: The resource's name in the template.
        type: Its type.
        property: Path in the template, such as ``TimeToLiveSpecification.Enabled``; empty for the
            resource as a whole.
        wanted: What the template says.
        found: What the service says.
    """

    logical_id: str
    type: str
    property: str
    wanted: Any
    found: Any

    def __str__(self) -> str:
        where = f"{self.logical_id} ({self.type})"
        if self.property != WHOLE:
            where += f" {self.property}"
        return f"{where}: the template says {self.wanted!r}, its service {self.found!r}"


@dataclass(frozen=True, slots=True)
class Gap:
    """A difference that an emulator is known for.

    Attributes:
        type: Of the resource.
        property: Path in the template; what is below it belongs to the gap.
        reason: What the emulator does instead.
    """

    type: str
    property: str
    reason: str

    def covers(self, kind: str, path: str) -> bool:
        """Whether a property of a resource of this type falls into the gap."""
        inside = path == self.property or path.startswith(f"{self.property}.")
        return kind == self.type and inside


def differences_in(path: str, wanted: Any, found: Any) -> Iterator[tuple[str, Any, Any]]:
    """Where a value is not as wanted: path, wanted and found.

    What is found may say more than is wanted: services fill in defaults. Numbers and booleans may
    be text and the other way round, as with CloudFormation.
    """
    name = path.rsplit(".", 1)[-1]
    if name in _DOCUMENTS:
        wanted, found = plain(wanted), plain(found)
        if wanted != found:
            yield path, wanted, found
    elif isinstance(wanted, Mapping) and isinstance(found, Mapping):
        for key, value in wanted.items():
            yield from differences_in(f"{path}.{key}", value, found.get(key))
    elif _is_list(wanted) and _is_list(found):
        if not _same_items(name, wanted, found):
            yield path, wanted, found
    elif _scalar(wanted) != _scalar(found):
        yield path, wanted, found


def plain(document: Any) -> Any:
    """A policy, pattern or definition in one form: parsed, and a list of one thing as the thing."""
    if isinstance(document, str):
        try:
            parsed = json.loads(document)
        except ValueError:
            return document
        return plain(parsed) if isinstance(parsed, Mapping | list) else document
    if isinstance(document, Mapping):
        return {key: plain(value) for key, value in document.items()}
    if isinstance(document, list | tuple):
        items = [plain(item) for item in document]
        if len(items) == 1:
            return items[0]
        return sorted(items, key=lambda item: json.dumps(item, sort_keys=True, default=str))
    return document


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def _same_items(name: str, wanted: Sequence[Any], found: Sequence[Any]) -> bool:
    if len(wanted) > len(found) or (len(wanted) < len(found) and name not in _OPEN):
        return False
    if name in _IN_ORDER:
        return all(_same(w, f) for w, f in zip(wanted, found, strict=True))
    left = list(found)
    for item in wanted:
        match = next((index for index, other in enumerate(left) if _same(item, other)), None)
        if match is None:
            return False
        del left[match]
    return True


def _same(wanted: Any, found: Any) -> bool:
    return not any(differences_in(WHOLE, wanted, found))


def _scalar(value: Any) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return float(value)
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return value
    return value
