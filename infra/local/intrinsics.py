"""CloudFormation's functions and conditions, resolved against what has been created so far.

Reference: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Any, Final

from topshelf.errors import TopshelfError

__all__ = ["NO_VALUE", "Resolver", "creation_order", "references"]

_PLACEHOLDER: Final = re.compile(r"\$\{([^}]+)\}")


class _NoValue:
    """What ``AWS::NoValue`` becomes: the property that holds it goes away."""


NO_VALUE: Final = _NoValue()


class Resolver:
    """Resolves values of one template.

    Args:
        template: The translated template.
        values: Parameters and pseudo parameters by name.
    """

    def __init__(self, template: Mapping[str, Any], values: Mapping[str, str]) -> None:
        declared = template.get("Parameters", {})
        self._values: dict[str, Any] = {
            name: _listed(value) if _is_list(declared.get(name, {})) else value
            for name, value in values.items()
        }
        self._values["AWS::NoValue"] = NO_VALUE
        self._mappings = template.get("Mappings", {})
        self._conditions = template.get("Conditions", {})
        self._asked: list[str] = []
        self._ids: dict[str, str] = {}
        self._attributes: dict[str, Mapping[str, Any]] = {}
        self._functions: dict[str, Callable[[Any], Any]] = {
            "Ref": self._ref,
            "Fn::GetAtt": self._get_att,
            "Fn::Sub": self._sub,
            "Fn::Join": self._join,
            "Fn::Split": self._split,
            "Fn::Select": self._select,
            "Fn::FindInMap": self._find_in_map,
            "Fn::If": self._if,
        }

    def add(self, logical_id: str, physical_id: str, attributes: Mapping[str, Any]) -> None:
        """Makes a created resource known to Ref and GetAtt."""
        self._ids[logical_id] = physical_id
        self._attributes[logical_id] = attributes

    def resolve(self, value: Any) -> Any:
        """The value with every function replaced by its result.

        Raises:
            TopshelfError: A function is unknown, or a name in it is.
        """
        if isinstance(value, Mapping):
            name = _function_name(value)
            if name is not None:
                function = self._functions.get(name)
                if function is None:
                    raise TopshelfError(f"template: the local cloud does not know {name}")
                return function(value[name])
            resolved = ((key, self.resolve(item)) for key, item in value.items())
            return {key: item for key, item in resolved if item is not NO_VALUE}
        if isinstance(value, list):
            return [item for item in map(self.resolve, value) if item is not NO_VALUE]
        return value

    def holds(self, condition: str) -> bool:
        """Whether a condition of the template is true.

        Raises:
            TopshelfError: There is no such condition, or it asks for itself.
        """
        if condition not in self._conditions:
            raise TopshelfError(f"template: there is no condition {condition}")
        if condition in self._asked:
            chain = " → ".join([*self._asked, condition])
            raise TopshelfError(f"template: conditions ask for each other: {chain}")
        self._asked.append(condition)
        try:
            return self._truth(self._conditions[condition])
        finally:
            self._asked.pop()

    def _truth(self, value: Any) -> bool:
        name = next(iter(value), "") if isinstance(value, Mapping) and len(value) == 1 else ""
        match name:
            case "Condition":
                return self.holds(value[name])
            case "Fn::Equals":
                left, right = (self.resolve(item) for item in value[name])
                return str(left) == str(right)
            case "Fn::Not":
                return not self._truth(value[name][0])
            case "Fn::And":
                return all(self._truth(item) for item in value[name])
            case "Fn::Or":
                return any(self._truth(item) for item in value[name])
            case _:
                raise TopshelfError(f"template: {name or value!r} is no condition function")

    def _ref(self, name: str) -> Any:
        if name in self._values:
            return self._values[name]
        if name in self._ids:
            return self._ids[name]
        raise TopshelfError(f"template: Ref to {name}, which does not exist")

    def _get_att(self, argument: str | Sequence[str]) -> Any:
        parts = argument.split(".", 1) if isinstance(argument, str) else list(argument)
        logical_id, attribute = parts[0], ".".join(parts[1:])
        if logical_id not in self._attributes:
            raise TopshelfError(f"template: GetAtt of {logical_id}, which does not exist")
        if attribute not in self._attributes[logical_id]:
            raise TopshelfError(f"template: {logical_id} has no attribute {attribute}")
        return self._attributes[logical_id][attribute]

    def _sub(self, argument: Any) -> str:
        text, own = (argument, {}) if isinstance(argument, str) else argument

        def replace(match: re.Match[str]) -> str:
            name = match[1].strip()
            if name.startswith("!"):
                return f"${{{name[1:]}}}"
            if name in own:
                return str(self.resolve(own[name]))
            known = name in self._values or "." not in name
            return str(self._ref(name) if known else self._get_att(name))

        return _PLACEHOLDER.sub(replace, text)

    def _join(self, argument: Sequence[Any]) -> str:
        return str(argument[0]).join(str(item) for item in self.resolve(argument[1]))

    def _split(self, argument: Sequence[Any]) -> list[str]:
        return str(self.resolve(argument[1])).split(argument[0])

    def _select(self, argument: Sequence[Any]) -> Any:
        index, items = int(self.resolve(argument[0])), self.resolve(argument[1])
        if not 0 <= index < len(items):
            raise TopshelfError(f"template: Fn::Select asks for item {index} of {len(items)}")
        return items[index]

    def _find_in_map(self, argument: Sequence[Any]) -> Any:
        value: Any = self._mappings
        path = [str(self.resolve(key)) for key in argument]
        for key in path:
            if key not in value:
                raise TopshelfError(f"template: no mapping {'.'.join(path)}")
            value = value[key]
        return self.resolve(value)

    def _if(self, argument: Sequence[Any]) -> Any:
        return self.resolve(argument[1] if self.holds(argument[0]) else argument[2])


def references(value: Any) -> Iterator[str]:
    """Every name that Ref, GetAtt and Sub in a value mention; parameters are among them."""
    if isinstance(value, list):
        for item in value:
            yield from references(item)
    elif isinstance(value, Mapping):
        match _function_name(value):
            case "Ref":
                yield value["Ref"]
            case "Fn::GetAtt":
                argument = value["Fn::GetAtt"]
                yield argument.split(".")[0] if isinstance(argument, str) else argument[0]
            case "Fn::Sub":
                argument = value["Fn::Sub"]
                text, own = (argument, {}) if isinstance(argument, str) else argument
                names = (name.strip() for name in _PLACEHOLDER.findall(text))
                yield from (n.split(".")[0] for n in names if n[0] != "!" and n not in own)
                yield from references(own)
            case _:
                yield from references(list(value.values()))


def creation_order(resources: Mapping[str, Any]) -> list[str]:
    """The logical ids of resources, each behind those it refers to or depends on.

    Raises:
        TopshelfError: Resources need each other.
    """
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for logical_id, resource in resources.items():
        depends = resource.get("DependsOn", [])
        needed = {depends} if isinstance(depends, str) else set(depends)
        needed.update(references(resource.get("Properties", {})))
        sorter.add(logical_id, *sorted(needed & resources.keys()))
    try:
        return list(sorter.static_order())
    except CycleError as error:
        chain = " → ".join(reversed(error.args[1]))
        raise TopshelfError(f"template: resources need each other: {chain}") from error


def _is_list(declaration: Mapping[str, Any]) -> bool:
    kind = str(declaration.get("Type", ""))
    return kind == "CommaDelimitedList" or kind.startswith("List<")


def _listed(value: str) -> list[str]:
    return [item.strip() for item in value.split(",")]


def _function_name(value: Mapping[str, Any]) -> str | None:
    if len(value) != 1:
        return None
    name = next(iter(value))
    return name if name == "Ref" or str(name).startswith("Fn::") else None
