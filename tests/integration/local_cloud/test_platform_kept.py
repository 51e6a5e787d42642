"""The whole platform ends and starts again with what it held: nobody who asks can tell."""

import time
from pathlib import Path
from typing import Any

import pytest

from infra.cli import releasing
from infra.cli.data_commands import import_into, write_simulation
from infra.cli.model_commands import train_on
from infra.cli.showing import ApiClient
from infra.cli.stack import Place, Stack
from infra.cli.stack_view import view
from infra.local.cloud import LocalCloud, LocalCloudOptions
from infra.simulator import SimulatorOptions
from tests.conftest import REGION, ROOT
from training.als import ALSParameters

VIEWERS = [f"v{number:06d}" for number in range(5)]


def quiet(_stage: str, _done: int, _total: int) -> None:
    """Progress that nobody looks at."""


class Platform:
    """topshelf on this machine, with a folder for its state."""

    def __init__(self, folder: Path) -> None:
        self.options = LocalCloudOptions(
            template=ROOT / "template.yaml",
            cloud_port=0,
            api_port=0,
            lambda_port=0,
            auth=False,
            # What is served is tested here, whatever else the machine does; how soon, elsewhere.
            parameters={"ReadTimeoutMs": "4000"},
            state_dir=folder / "state",
            persist=folder / "kept",
        )

    def start(self) -> None:
        self.cloud = LocalCloud(self.options)
        self.cloud.start(quiet)
        self.api = ApiClient(self.cloud.api_url, signed=False, region=REGION)
        place = Place(REGION, self.cloud.endpoint_url, self.cloud.lambda_url)
        self.stack = Stack.connect("topshelf", place)

    def watch(self, viewer: str, item: str) -> None:
        event = {
            "user_id": viewer,
            "item_id": item,
            "event_type": "watch",
            "event_value": 0.9,
            "timestamp": int(time.time() * 1000),
        }
        status, answer = self.api.call("POST", "/v1/events", {"events": [event]})
        assert status == 202, answer

    def recommended(self) -> dict[str, tuple[Any, ...]]:
        said = {}
        for viewer in VIEWERS:
            status, answer = self.api.call("GET", f"/v1/users/{viewer}/recommendations")
            assert status == 200, answer
            said[viewer] = (answer["item_list"], answer["tier"], answer["model_version"])
        return said


@pytest.mark.slow
def test_what_is_served_the_lake_and_the_past_are_the_same(tmp_path: Path) -> None:
    platform = Platform(tmp_path)
    platform.start()
    try:
        options = SimulatorOptions(viewers=60, movies=80, interactions=1_200)
        write_simulation(options, tmp_path / "viewers", quiet)
        summary = import_into(platform.stack, tmp_path / "viewers", quiet)
        manifest = train_on(platform.stack, ALSParameters(iterations=2), quiet)
        releasing.release(platform.stack, manifest.version, quiet)
        _, first = platform.api.call("GET", f"/v1/users/{VIEWERS[0]}/recommendations")
        assert first["tier"] == "own"
        platform.watch(VIEWERS[0], first["item_list"][0]["item_id"])
        platform.cloud.flush()
        before = platform.recommended()
        taken = first["item_list"][0]["item_id"]
        assert taken not in [item["item_id"] for item in before[VIEWERS[0]][0]]
        where = f"/v1/provenance/{first['recommendation_id']}"
        provenance = platform.api.call("GET", where)
        assert provenance[0] == 200
        # The last one is still on its way when all of it ends.
        platform.watch(VIEWERS[1], before[VIEWERS[1]][0][0]["item_id"])
        platform.cloud.stop()

        platform.start()
        assert platform.cloud.changes.lines() == []
        platform.cloud.flush()
        after = platform.recommended()
        gone = before[VIEWERS[1]][0][0]["item_id"]
        assert gone not in [item["item_id"] for item in after[VIEWERS[1]][0]]
        others = [viewer for viewer in VIEWERS if viewer != VIEWERS[1]]
        assert [after[viewer] for viewer in others] == [before[viewer] for viewer in others]
        assert platform.api.call("GET", where) == provenance
        seen = view(platform.stack)
        assert seen.live == manifest.version
        assert seen.events.lines == summary.accepted + 2
        platform.watch(VIEWERS[2], "m00001")
        platform.cloud.flush()
        assert view(platform.stack).events.lines == summary.accepted + 3
        assert platform.cloud.failure() is None
    finally:
        platform.cloud.stop()
