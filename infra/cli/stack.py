"""A deployed stack as the command line sees it: its outputs, and the adapters that they lead to."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from botocore.exceptions import BotoCoreError, ClientError

from topshelf.aws.activity_table import ActivityTable
from topshelf.aws.clients import create_client
from topshelf.aws.model_bucket import ModelBucket
from topshelf.aws.registry_table import RegistryTable
from topshelf.aws.topk_table import TopKTable
from topshelf.errors import NotFoundError, UnavailableError
from topshelf.events import EventPolicy

__all__ = ["Cloud", "Place", "Stack"]


class Cloud(StrEnum):
    """Where a stack lives."""

    MOTO = "moto"
    LOCALSTACK = "localstack"
    AWS = "aws"


@dataclass(frozen=True, slots=True)
class Place:
    """How to reach a cloud.

    Attributes:
        region: AWS region.
        endpoint_url: Of the emulator; None for AWS.
        lambda_url: Where functions are invoked; None for AWS.
    """

    region: str
    endpoint_url: str | None = None
    lambda_url: str | None = None

    @classmethod
    def of(cls, cloud: Cloud, *, region: str, cloud_port: int, lambda_port: int) -> Self:
        """The place of a cloud; the ports count for the local ones."""
        if cloud is Cloud.AWS:
            return cls(region)
        return cls(region, f"http://localhost:{cloud_port}", f"http://localhost:{lambda_port}")


@dataclass(frozen=True, slots=True)
class Stack:
    """A deployed stack.

    Attributes:
        name: Of the CloudFormation stack.
        place: Where it is.
        outputs: Of the template.
    """

    name: str
    place: Place
    outputs: Mapping[str, str]

    @classmethod
    def connect(cls, name: str, place: Place) -> Self:
        """Finds the stack.

        Raises:
            UnavailableError: Nothing answers there.
            NotFoundError: There is no such stack.
        """
        client = create_client(
            "cloudformation", place.region, place.endpoint_url, timeout=30, attempts=2
        )
        try:
            found = client.describe_stacks(StackName=name)["Stacks"][0]
        except ClientError as error:
            raise NotFoundError(
                f"there is no stack {name!r} at {place.endpoint_url or place.region}: "
                "`topshelf up` deploys it locally, `sam deploy` to AWS"
            ) from error
        except BotoCoreError as error:
            raise UnavailableError(
                f"nothing answers at {place.endpoint_url or 'AWS'}; "
                "start the local cloud with `topshelf up`, or name another with --cloud"
            ) from error
        outputs = {o["OutputKey"]: o["OutputValue"] for o in found.get("Outputs", [])}
        return cls(name, place, outputs)

    def client(self, service: str, *, timeout: float = 60) -> Any:
        """A client of a service of this cloud."""
        endpoint = self.place.lambda_url if service == "lambda" else self.place.endpoint_url
        return create_client(service, self.place.region, endpoint, timeout=timeout)

    def models(self) -> ModelBucket:
        """Model artefacts."""
        return ModelBucket(self.client("s3"), bucket=self.outputs["BucketName"])

    def registry(self) -> RegistryTable:
        """Which version is live."""
        return RegistryTable(self.client("dynamodb"), table=self.outputs["RegistryTableName"])

    def lists(self) -> TopKTable:
        """Ready lists."""
        return TopKTable(self.client("dynamodb"), prefix=self.outputs["TopKPrefix"])

    def activity(self) -> ActivityTable:
        """What viewers did of late."""
        return ActivityTable(
            self.client("dynamodb"),
            table=self.outputs["ActivityTableName"],
            ttl_days=int(self.outputs["ActivityKeptDays"]),
        )

    def policy(self) -> EventPolicy:
        """Which events the deployment accepts."""
        return EventPolicy(
            frozenset(self.outputs["AcceptedEventTypes"].split(",")),
            float(self.outputs["LowestRating"]),
            float(self.outputs["HighestRating"]),
        )
