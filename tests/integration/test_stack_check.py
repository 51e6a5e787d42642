"""The local cloud, resource by resource, through each service, beside the template."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from infra.local.cloud import LocalCloud
from infra.stack_check import WHOLE, Examination, Services, examine_stack
from infra.stack_check.gaps import MOTO
from tests.builders.local_cloud import REAL, options
from topshelf.aws.clients import create_client


@dataclass(frozen=True, slots=True)
class Deployed:
    """A local cloud, and how it is asked."""

    cloud: LocalCloud
    services: Services

    def examine(self) -> Examination:
        assert self.cloud._played is not None
        deployment, context, _ = self.cloud._played
        return examine_stack(
            self.services,
            context.translation.template,
            context.translation.parameters,
            {name: made.physical_id for name, made in deployment.resources.items()},
            stack_name=context.stack_name,
            gaps=MOTO,
        )


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    with LocalCloud(options(REAL, tmp_path_factory.mktemp("state"))) as cloud:
        cloud.start()
        assert cloud._played is not None
        deployment = cloud._played[0]
        services = Services(
            lambda service: create_client(service, deployment.region, cloud.endpoint_url),
            deployment.region,
            deployment.account_id,
        )
        yield Deployed(cloud, services)


def test_every_resource_is_what_the_template_says(deployed: Deployed) -> None:
    found = deployed.examine()
    assert not found.differences, "\n".join(map(str, found.differences))
    unused = [
        gap for gap in MOTO if not any(gap.covers(d.type, d.property) for d in found.explained)
    ]
    assert not unused, "take these off the list: the template has no such property"
    assert found.resources > 50
    assert len(found.compared) > 250


def test_what_is_gone_or_changed_behind_the_deployer_is_a_difference(
    deployed: Deployed, tmp_path: Path
) -> None:
    client = deployed.services.client
    table = deployed.cloud.outputs["RegistryTableName"]
    off = {"PointInTimeRecoveryEnabled": False}
    client("dynamodb").update_continuous_backups(
        TableName=table, PointInTimeRecoverySpecification=off
    )
    client("s3").delete_bucket_policy(Bucket=deployed.cloud.outputs["BucketName"])
    found = {(each.logical_id, each.property) for each in deployed.examine().differences}
    assert found == {
        ("BucketPolicy", WHOLE),
        ("RegistryTable", "PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled"),
    }
