"""What carries records: delivery streams, log groups and their subscriptions, queues."""

import json
from collections.abc import Mapping
from typing import Any

from infra.local import log_pattern
from infra.local.provision.base import Context, Creator, Provisioned, tag_list

__all__ = ["DELIVERY_STREAM", "LOG_GROUP", "QUEUE", "SUBSCRIPTION_FILTER"]


def _create_delivery(
    context: Context, logical_id: str, properties: Mapping[str, Any]
) -> Provisioned:
    given = dict(properties)
    name = given.pop("DeliveryStreamName", None) or context.name(logical_id)[-64:].lstrip("-")
    given["Tags"] = tag_list(properties)
    answer = context.found("firehose", "describe_delivery_stream", DeliveryStreamName=name)
    if answer:
        stream = answer["DeliveryStreamDescription"]
        context.call(
            "firehose",
            "update_destination",
            DeliveryStreamName=name,
            CurrentDeliveryStreamVersionId=stream["VersionId"],
            DestinationId=stream["Destinations"][0]["DestinationId"],
            ExtendedS3DestinationUpdate=given.get("ExtendedS3DestinationConfiguration"),
        )
    else:
        context.call("firehose", "create_delivery_stream", DeliveryStreamName=name, **given)
    return Provisioned(name, {"Arn": context.arn("firehose", f"deliverystream/{name}")})


def _delivery_exists(context: Context, stream: Provisioned, _: Mapping[str, Any]) -> object:
    return context.found(
        "firehose", "describe_delivery_stream", DeliveryStreamName=stream.physical_id
    )


def _create_group(context: Context, logical_id: str, properties: Mapping[str, Any]) -> Provisioned:
    name = properties.get("LogGroupName") or context.name(logical_id)
    tags = {tag["Key"]: tag["Value"] for tag in tag_list(properties) or []}
    if not _group(context, name):
        context.call("logs", "create_log_group", logGroupName=name, tags=tags or None)
    retention = properties.get("RetentionInDays")
    if retention is not None:
        context.call("logs", "put_retention_policy", logGroupName=name, retentionInDays=retention)
    else:
        context.found("logs", "delete_retention_policy", logGroupName=name)
    return Provisioned(name, {"Arn": context.arn("logs", f"log-group:{name}:*")})


def _group(context: Context, name: str) -> bool:
    answer = context.call("logs", "describe_log_groups", logGroupNamePrefix=name)
    return any(group["logGroupName"] == name for group in answer["logGroups"])


def _group_exists(context: Context, group: Provisioned, _: Mapping[str, Any]) -> object:
    return _group(context, group.physical_id)


def _create_subscription(
    context: Context, logical_id: str, properties: Mapping[str, Any]
) -> Provisioned:
    # Refused here rather than when the first line comes.
    log_pattern.parse(properties["FilterPattern"])
    name = properties.get("FilterName") or context.name(logical_id)
    context.call(
        "logs",
        "put_subscription_filter",
        logGroupName=properties["LogGroupName"],
        filterName=name,
        filterPattern=properties["FilterPattern"],
        destinationArn=properties["DestinationArn"],
        roleArn=properties.get("RoleArn"),
    )
    return Provisioned(name)


def _subscription_exists(
    context: Context, subscription: Provisioned, properties: Mapping[str, Any]
) -> object:
    answer = context.found(
        "logs", "describe_subscription_filters", logGroupName=properties["LogGroupName"]
    )
    filters = answer["subscriptionFilters"] if answer else []
    return any(found["filterName"] == subscription.physical_id for found in filters)


def _create_queue(context: Context, logical_id: str, properties: Mapping[str, Any]) -> Provisioned:
    given = dict(properties)
    name = given.pop("QueueName", None) or context.name(logical_id)[-80:].lstrip("-")
    tags = {tag["Key"]: tag["Value"] for tag in tag_list(properties) or []}
    given.pop("Tags", None)
    attributes = {
        key: json.dumps(value) if isinstance(value, Mapping) else _scalar(value)
        for key, value in given.items()
    }
    answer = context.found("sqs", "get_queue_url", QueueName=name)
    if answer:
        context.call(
            "sqs", "set_queue_attributes", QueueUrl=answer["QueueUrl"], Attributes=attributes
        )
    else:
        answer = context.call(
            "sqs", "create_queue", QueueName=name, Attributes=attributes, tags=tags or None
        )
    url = answer["QueueUrl"]
    return Provisioned(url, {"Arn": context.arn("sqs", name), "QueueName": name, "QueueUrl": url})


def _scalar(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _queue_exists(context: Context, queue: Provisioned, _: Mapping[str, Any]) -> object:
    return context.found("sqs", "get_queue_attributes", QueueUrl=queue.physical_id)


def _delete_delivery(context: Context, stream: Provisioned, _: Mapping[str, Any]) -> None:
    name = stream.physical_id
    context.found("firehose", "delete_delivery_stream", DeliveryStreamName=name)


def _delete_group(context: Context, group: Provisioned, _: Mapping[str, Any]) -> None:
    context.found("logs", "delete_log_group", logGroupName=group.physical_id)


def _delete_subscription(
    context: Context, subscription: Provisioned, properties: Mapping[str, Any]
) -> None:
    context.found(
        "logs",
        "delete_subscription_filter",
        logGroupName=properties["LogGroupName"],
        filterName=subscription.physical_id,
    )


def _delete_queue(context: Context, queue: Provisioned, _: Mapping[str, Any]) -> None:
    context.found("sqs", "delete_queue", QueueUrl=queue.physical_id)


DELIVERY_STREAM = Creator(_create_delivery, _delivery_exists, _delete_delivery)
LOG_GROUP = Creator(_create_group, _group_exists, _delete_group)
SUBSCRIPTION_FILTER = Creator(
    _create_subscription, _subscription_exists, _delete_subscription, remade=True
)
QUEUE = Creator(_create_queue, _queue_exists, _delete_queue)
