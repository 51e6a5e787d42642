"""The local cloud on an emulator that somebody else runs, as with TOPSHELF_CLOUD=localstack.

MiniStack answers LocalStack's health check, and stands in for it here.
"""

import json
import time
from pathlib import Path

import pytest

from infra.local.cloud import LocalCloud
from infra.stack_check import Services, examine_stack
from infra.stack_check.gaps import MINISTACK_BY_API
from tests.builders.local_cloud import REAL, call, options
from tests.stack.ministack import MiniStack

pytestmark = [pytest.mark.timeout(300), pytest.mark.slow]


def test_the_local_cloud_deploys_to_an_emulator_that_it_did_not_start(tmp_path: Path) -> None:
    with MiniStack(tmp_path) as foreign:
        wanted = options(REAL, tmp_path, emulator="localstack", endpoint_url=foreign.url)
        with LocalCloud(wanted) as cloud:
            cloud.start()
            assert cloud.failure() is None
            assert cloud._played is not None
            deployment, context, _ = cloud._played
            found = examine_stack(
                Services(foreign.client, deployment.region, deployment.account_id),
                context.translation.template,
                context.translation.parameters,
                {name: made.physical_id for name, made in deployment.resources.items()},
                stack_name=context.stack_name,
                gaps=MINISTACK_BY_API,
            )
            assert not found.differences, "\n".join(map(str, found.differences))
            assert {gap.property for gap in MINISTACK_BY_API} == {
                gap.property
                for gap in MINISTACK_BY_API
                if any(gap.covers(d.type, d.property) for d in found.explained)
            }
            event = {"user_id": "v1", "item_id": "m1", "event_type": "view"}
            event |= {"timestamp": int(time.time() * 1000)}
            status, _, body = call(
                cloud,
                "POST",
                "/v1/events",
                body=json.dumps({"events": [event]}).encode(),
                headers={"content-type": "application/json"},
            )
            assert (status, json.loads(body)["accepted"]) == (202, 1)
        # It is somebody else's: it goes on.
        foreign.client("dynamodb").list_tables()
