"""DynamoDB stream of the activity table: new activity in, fresh lists out."""

from collections import Counter, defaultdict
from functools import cache
from typing import Any

from topshelf.aws.activity_table import activity_event
from topshelf.aws.clients import create_client
from topshelf.aws.emf_metrics import EmfMetrics
from topshelf.aws.model_bucket import ModelBucket
from topshelf.aws.registry_table import RegistryTable
from topshelf.aws.topk_table import TopKTable
from topshelf.errors import ConflictError, IntegrityError, UnavailableError
from topshelf.events import Interaction
from topshelf.refresh import ListRefresh
from topshelf.settings import RefreshSettings


@cache
def _list_refresh() -> ListRefresh:
    settings = RefreshSettings.load()
    region, endpoint = settings.region, settings.endpoint_url
    dynamodb = create_client("dynamodb", region=region, endpoint_url=endpoint)
    s3 = create_client("s3", region=region, endpoint_url=endpoint)
    return ListRefresh(
        lists=TopKTable(dynamodb, prefix=settings.topk_prefix),
        artefacts=ModelBucket(s3, bucket=settings.bucket),
        registry=RegistryTable(dynamodb, table=settings.registry_table),
    )


def lambda_handler(event: dict[str, Any], _context: object) -> dict[str, list[dict[str, str]]]:
    """One refresh a viewer, however many events of the batch are that viewer's."""
    counts: Counter[str] = Counter()
    failed: list[str] = []
    viewers: dict[str, list[tuple[str, Interaction]]] = defaultdict(list)
    for record in event["Records"]:
        image = record["dynamodb"].get("NewImage", {})
        if "event" not in image or image.get("origin", {}).get("S") == "import":
            continue
        number = record["dynamodb"]["SequenceNumber"]
        try:
            viewers[image["user_id"]["S"]].append((number, activity_event(image)))
        except IntegrityError:
            counts["damaged"] += 1
            failed.append(number)
    if viewers and (model := _list_refresh().live_model()) is not None:
        for user_id, activity in viewers.items():
            try:
                counts[_list_refresh().refresh(model, user_id, [e for _, e in activity])] += 1
            except (ConflictError, UnavailableError):
                counts["failed"] += 1
                failed.extend(number for number, _ in activity)
    if counts:
        metrics = {f"refresh_{name}": ("Count", float(n)) for name, n in counts.items()}
        EmfMetrics("refresh_topk").emit("champion", metrics, {})
    return {"batchItemFailures": [{"itemIdentifier": number} for number in failed]}
