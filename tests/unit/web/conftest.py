"""Both functions over fakes, behind the local gateway's own handling of requests."""

from collections.abc import Iterator

import pytest

from tests.builders.apis import FakeApis
from tests.builders.front import InProcessGateway


@pytest.fixture(scope="module")
def apis() -> FakeApis:
    return FakeApis()


@pytest.fixture(scope="module")
def gateway(apis: FakeApis) -> Iterator[InProcessGateway]:
    with InProcessGateway(apis.handlers) as made:
        yield made
