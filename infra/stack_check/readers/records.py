"""What carries records and messages: delivery streams, log groups, queues, topics."""

from collections.abc import Mapping
from typing import Any, Final

from infra.stack_check.services import Found, Reader, Services

__all__ = [
    "DELIVERY_STREAM",
    "LOG_GROUP",
    "QUEUE",
    "SUBSCRIPTION",
    "SUBSCRIPTION_FILTER",
    "TOPIC",
    "TOPIC_POLICY",
]


def _delivery(services: Services, name: str, _: Mapping[str, Any]) -> Found | None:
    answer = services.ask("firehose", "describe_delivery_stream", DeliveryStreamName=name)
    if answer is None:
        return None
    stream = answer["DeliveryStreamDescription"]
    destination = stream["Destinations"][0]
    encryption = stream.get("DeliveryStreamEncryptionConfiguration", {})
    enabled = encryption.get("Status") in {"ENABLED", "ENABLING"}
    return Found(
        {
            "DeliveryStreamEncryptionConfigurationInput": {
                "KeyType": encryption.get("KeyType") if enabled else None,
                "KeyARN": encryption.get("KeyARN"),
            },
            "DeliveryStreamName": name,
            "DeliveryStreamType": stream["DeliveryStreamType"],
            "ExtendedS3DestinationConfiguration": destination.get(
                "ExtendedS3DestinationDescription", {}
            ),
        },
        {"Arn": stream["DeliveryStreamARN"]},
    )


def _log_group(services: Services, name: str, _: Mapping[str, Any]) -> Found | None:
    listed = services.every("logs", "describe_log_groups", "logGroups", logGroupNamePrefix=name)
    group = next((each for each in listed if each["logGroupName"] == name), None)
    if group is None:
        return None
    return Found(
        {
            "KmsKeyId": group.get("kmsKeyId"),
            "LogGroupClass": group.get("logGroupClass", "STANDARD"),
            "LogGroupName": name,
            "RetentionInDays": group.get("retentionInDays"),
        },
        {"Arn": services.arn("logs", f"log-group:{name}:*")},
    )


def _subscription_filter(services: Services, name: str, said: Mapping[str, Any]) -> Found | None:
    answer = services.ask(
        "logs", "describe_subscription_filters", logGroupName=said["LogGroupName"]
    )
    filters = (answer or {}).get("subscriptionFilters", [])
    found = next((each for each in filters if each["filterName"] == name), None)
    if found is None:
        return None
    return Found(
        {
            "DestinationArn": found["destinationArn"],
            "Distribution": found.get("distribution"),
            "FilterName": name,
            "FilterPattern": found["filterPattern"],
            "LogGroupName": found.get("logGroupName", said["LogGroupName"]),
            "RoleArn": found.get("roleArn"),
        }
    )


def _queue(services: Services, url: str, said: Mapping[str, Any]) -> Found | None:
    answer = services.ask("sqs", "get_queue_attributes", QueueUrl=url, AttributeNames=["All"])
    if answer is None:
        return None
    attributes = answer.get("Attributes", {})
    name = url.rsplit("/", 1)[-1]
    return Found(
        {**{key: attributes.get(key) for key in said}, "QueueName": name},
        {"Arn": attributes["QueueArn"], "QueueName": name, "QueueUrl": url},
    )


def _topic(services: Services, arn: str, said: Mapping[str, Any]) -> Found | None:
    answer = services.ask("sns", "get_topic_attributes", TopicArn=arn)
    if answer is None:
        return None
    name = arn.rsplit(":", 1)[-1]
    attributes = answer["Attributes"]
    return Found(
        {**{key: attributes.get(key) for key in said}, "TopicName": name},
        {"TopicArn": arn, "TopicName": name},
    )


def _topic_policy(services: Services, _: str, said: Mapping[str, Any]) -> Found | None:
    (arn,) = said["Topics"]
    answer = services.ask("sns", "get_topic_attributes", TopicArn=arn)
    if answer is None:
        return None
    return Found({"Topics": [arn], "PolicyDocument": answer["Attributes"].get("Policy")})


def _subscription(services: Services, _: str, said: Mapping[str, Any]) -> Found | None:
    # Its own ARN is "pending confirmation" until somebody follows the link in the mail.
    listed = services.every(
        "sns", "list_subscriptions_by_topic", "Subscriptions", TopicArn=said["TopicArn"]
    )
    alike = (each for each in listed if each["Endpoint"] == said["Endpoint"])
    found = next(alike, None)
    return None if found is None else Found(found)


DELIVERY_STREAM: Final = Reader(_delivery)
LOG_GROUP: Final = Reader(_log_group)
QUEUE: Final = Reader(_queue)
SUBSCRIPTION: Final = Reader(_subscription)
SUBSCRIPTION_FILTER: Final = Reader(_subscription_filter)
TOPIC: Final = Reader(_topic)
TOPIC_POLICY: Final = Reader(_topic_policy)
