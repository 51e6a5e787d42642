"""Would every function load its settings from exactly what the template gives it?"""

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any, Final

from infra.local.intrinsics import Resolver
from infra.local.translate import Translation
from infra.stack_check.differences import Difference
from infra.stack_check.placeholders import Placeholders
from topshelf.errors import SettingsError, TopshelfError

__all__ = ["check_environments"]

_FUNCTION: Final = "AWS::Lambda::Function"
_PROPERTY: Final = "Environment.Variables"
_OURS: Final = "TOPSHELF_"
_PSEUDO: Final = ("AccountId", "Partition", "Region", "StackId", "StackName", "URLSuffix")


def check_environments(translation: Translation) -> list[Difference]:
    """Loads each function's settings from its variables in the template, and from nothing else.

    A variable that is missing or wrong is a difference, and so is one that no setting is read
    from: under a wrong name, a setting with a default would be lost in silence.

    Args:
        translation: The template.

    Raises:
        TopshelfError: A handler reads settings of no kind, or of several.
    """
    template = translation.template
    values = {**translation.parameters, **{f"AWS::{name}": name for name in _PSEUDO}}
    resolver = Resolver(template, values)
    for logical_id in template["Resources"]:
        resolver.add(logical_id, logical_id, Placeholders(logical_id))
    differences = []
    for logical_id, resource in template["Resources"].items():
        if resource["Type"] != _FUNCTION:
            continue
        properties = resource["Properties"]
        folder = translation.directory(properties["Code"]).name
        said = resolver.resolve(properties.get("Environment", {})).get("Variables", {})
        variables = {name: str(value) for name, value in said.items()}
        module = f"functions.{folder}.{properties['Handler'].rsplit('.', 1)[0]}"
        differences += [
            Difference(logical_id, _FUNCTION, _PROPERTY, wanted, found)
            for wanted, found in _faults(_settings_of(module), variables)
        ]
    return differences


def _settings_of(module: str) -> Any:
    found = {
        value
        for value in vars(import_module(module)).values()
        if isinstance(value, type) and value.__module__ == "topshelf.settings"
    }
    # One may be read on the way to another that holds it, too.
    last = [each for each in found if not any(each in other.__mro__[1:] for other in found)]
    if len(last) != 1:
        raise TopshelfError(f"{module} reads {len(last)} kinds of settings; one is the rule")
    return last[0]


def _faults(settings: Any, variables: Mapping[str, str]) -> Iterator[tuple[Any, str]]:
    known = {str(field.validation_alias) for field in settings.model_fields.values()}
    for name in sorted(variables.keys() - known):
        if name.startswith(_OURS):
            yield name, f"{settings.__name__} has no such setting"
    try:
        settings.load(variables)
    except SettingsError as error:
        yield dict(variables), str(error)
