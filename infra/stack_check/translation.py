"""A packaged SAM template as plain CloudFormation: what the transform makes of it."""

import copy
from collections.abc import Mapping
from typing import Any

import boto3

from infra.local.translate import parameter_values
from topshelf.errors import TopshelfError

__all__ = ["plain_template"]


def plain_template(
    source: Mapping[str, Any], overrides: Mapping[str, str], region: str
) -> tuple[dict[str, Any], dict[str, str]]:
    """Applies the SAM transform to a template whose code lies in S3.

    Args:
        source: The packaged template, parsed, intrinsic functions in their long form.
        overrides: Parameter values that differ from the defaults.
        region: AWS region.

    Returns:
        The template, and the value of each of its parameters.

    Raises:
        InvalidInputError: A parameter is unknown or its value is not allowed.
        TopshelfError: The template is not valid SAM.
    """
    # Slow to import: more than a second.
    from samtranslator.metrics.metrics import DummyMetricsPublisher, Metrics  # noqa: PLC0415
    from samtranslator.model.exceptions import InvalidDocumentException  # noqa: PLC0415
    from samtranslator.parser.parser import Parser  # noqa: PLC0415
    from samtranslator.translator.translator import Translator  # noqa: PLC0415

    template = copy.deepcopy(dict(source))
    parameters = parameter_values(template.get("Parameters", {}), overrides)
    # The transform finds them as defaults: as values they would change the names of versions.
    for name, value in overrides.items():
        template["Parameters"][name]["Default"] = value
    session = boto3.session.Session(region_name=region)
    metrics = Metrics("topshelf", DummyMetricsPublisher())
    translator = Translator({}, Parser(), boto_session=session, metrics=metrics)
    try:
        made: dict[str, Any] = translator.translate(template, {})
    except InvalidDocumentException as error:
        causes = "; ".join(str(cause.message) for cause in error.causes)
        raise TopshelfError(f"template: {causes or error.message}") from error
    # It warns of metrics that nobody took.
    metrics.publish()
    return made, parameters
