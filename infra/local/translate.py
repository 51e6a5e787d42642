"""A SAM template as plain CloudFormation, and the local directories that its code lives in."""

import copy
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import boto3
from yaml import YAMLError

from topshelf.errors import InvalidInputError, TopshelfError

__all__ = ["Translation", "parameter_values", "translate"]

# A bucket that is never made: it stands for "this directory" between translation and creation.
_CODE_BUCKET: Final = "local-code"
_CODE_PROPERTIES: Final = ("CodeUri", "ContentUri")


@dataclass(frozen=True, slots=True)
class Translation:
    """A translated template.

    Attributes:
        template: CloudFormation, with intrinsic functions in their long form.
        parameters: Every parameter's value.
        code: The directory behind each S3 key that stands for local code.
    """

    template: Mapping[str, Any]
    parameters: Mapping[str, str]
    code: Mapping[str, Path]

    def directory(self, location: Any) -> Path:
        """The local directory that a ``Code`` or ``Content`` property stands for.

        Raises:
            TopshelfError: The code is not a local directory.
        """
        if isinstance(location, Mapping) and location.get("S3Bucket") == _CODE_BUCKET:
            return self.code[location["S3Key"]]
        raise TopshelfError(f"template: code must be a local directory, not {location}")


def translate(
    path: Path,
    overrides: Mapping[str, str],
    region: str,
    preferred: Mapping[str, str] | None = None,
) -> Translation:
    """Translates a SAM template.

    Args:
        path: The template.
        overrides: Parameter values that differ from the defaults.
        region: AWS region.
        preferred: Values instead of defaults, for those parameters that the template has.

    Raises:
        InvalidInputError: A parameter is unknown or its value is not allowed.
        TopshelfError: The template cannot be read or is not valid SAM.
    """
    # Slow to import (more than a second), and wanted while the emulator starts.
    from samtranslator.metrics.metrics import DummyMetricsPublisher, Metrics  # noqa: PLC0415
    from samtranslator.model.exceptions import InvalidDocumentException  # noqa: PLC0415
    from samtranslator.parser.parser import Parser  # noqa: PLC0415
    from samtranslator.translator.translator import Translator  # noqa: PLC0415
    from samtranslator.yaml_helper import yaml_parse  # noqa: PLC0415

    try:
        source = yaml_parse(path.read_text("utf-8"))
    except (OSError, ValueError, YAMLError) as error:
        raise TopshelfError(f"cannot read the template {path}: {error}") from error
    if not isinstance(source, dict) or "Resources" not in source:
        raise TopshelfError(f"{path} is no template: it has no Resources")
    declared = source.get("Parameters", {})
    fitting = {name: value for name, value in (preferred or {}).items() if name in declared}
    parameters = parameter_values(declared, {**fitting, **overrides})
    code: dict[str, Path] = {}
    owners = {name: r.get("Properties", {}) for name, r in source["Resources"].items()}
    owners |= {f"Globals{name}": section for name, section in source.get("Globals", {}).items()}
    for owner, properties in owners.items():
        for name in _CODE_PROPERTIES:
            if isinstance(properties.get(name), str):
                code[owner] = _code_directory(path.parent / properties[name], owner)
                properties[name] = f"s3://{_CODE_BUCKET}/{owner}"
    # It tells of features under test at its makers'.
    logging.getLogger("samtranslator.feature_toggle").setLevel(logging.ERROR)
    # The package's own ``transform`` would ask the environment for a region.
    session = boto3.session.Session(region_name=region)
    metrics = Metrics("topshelf", DummyMetricsPublisher())
    translator = Translator({}, Parser(), boto_session=session, metrics=metrics)
    try:
        translated = translator.translate(copy.deepcopy(source), parameter_values=dict(parameters))
    except InvalidDocumentException as error:
        causes = "; ".join(str(cause.message) for cause in error.causes)
        raise TopshelfError(f"template: {causes or error.message}") from error
    # It warns of metrics that nobody took.
    metrics.publish()
    return Translation(translated, parameters, code)


def parameter_values(declared: Mapping[str, Any], overrides: Mapping[str, str]) -> dict[str, str]:
    """Defaults and overrides together, checked as CloudFormation checks them.

    Raises:
        InvalidInputError: A parameter is unknown, has no value, or one that is not allowed.
    """
    for name in overrides:
        if name not in declared:
            raise InvalidInputError(name, f"the template has no parameter {name}")
    values: dict[str, str] = {}
    for name, declaration in declared.items():
        value = overrides.get(name, declaration.get("Default"))
        if value is None:
            raise InvalidInputError(name, f"the parameter {name} has no default: give a value")
        fault = _fault(str(value), declaration)
        if fault:
            raise InvalidInputError(name, f"the parameter {name} is {value!r}, {fault}")
        values[name] = str(value)
    return values


def _fault(value: str, declaration: Mapping[str, Any]) -> str | None:
    allowed = [str(item) for item in declaration.get("AllowedValues", [])]
    if allowed and value not in allowed:
        return "allowed are " + ", ".join(allowed)
    pattern = declaration.get("AllowedPattern")
    if pattern and not re.fullmatch(pattern, value):
        return f"which does not match {pattern}"
    if declaration.get("Type") == "Number":
        try:
            number = float(value)
        except ValueError:
            return "which is no number"
        if number < float(declaration.get("MinValue", number)):
            return f"the least is {declaration['MinValue']}"
        if number > float(declaration.get("MaxValue", number)):
            return f"the most is {declaration['MaxValue']}"
    return None


def _code_directory(path: Path, owner: str) -> Path:
    directory = path.resolve()
    if not directory.is_dir():
        raise TopshelfError(f"template: the code of {owner} is missing: {directory}")
    return directory
