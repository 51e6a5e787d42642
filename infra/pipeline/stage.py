"""The stages that are deployed to: what they are called, where they are, how they differ."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from topshelf.errors import InvalidInputError

__all__ = ["STAGES", "Stage", "Target", "read_stage"]

STAGES: Final = Path(__file__).with_name("stages.toml")


class Target(StrEnum):
    """What a stage is deployed to."""

    AWS = "aws"
    LOCAL = "local"


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage.

    Attributes:
        name: For people, and for the folder of what is noted about it.
        stack: Name of its CloudFormation stack.
        region: AWS region.
        parameters: Of the template, where they differ from its defaults.
    """

    name: str
    stack: str
    region: str
    parameters: Mapping[str, str]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    stack: Annotated[str, Field(pattern=r"^[a-zA-Z][a-zA-Z0-9-]{0,127}$")]
    region: Annotated[str, Field(pattern=r"^[a-z]{2}(-[a-z]+)+-[0-9]$")]
    parameters: dict[str, str] = Field(default_factory=dict)


class _Local(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    parameters: dict[str, str] = Field(default_factory=dict)


def read_stage(name: str, target: Target, path: Path = STAGES) -> Stage:
    """A stage as the file has it.

    Args:
        name: Its name.
        target: For the local cloud, the parameters are those of the table ``local``.
        path: The file.

    Raises:
        InvalidInputError: The file has no such stage, or it is not as it must be.
    """
    try:
        tables = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidInputError("stages", f"{path} cannot be read: {error}") from error
    local = tables.pop("local", {})
    if name not in tables:
        known = ", ".join(sorted(tables))
        raise InvalidInputError("stage", f"{path.name} has no stage {name!r}; it has {known}")
    try:
        found = _Table.model_validate(tables[name])
        instead = _Local.model_validate(local)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise InvalidInputError(where, f"{path.name}, {name}: {first['msg'].lower()}") from error
    parameters = found.parameters if target is Target.AWS else instead.parameters
    return Stage(name, found.stack, found.region, parameters)
