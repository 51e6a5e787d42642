"""Alarms, and the topics that tell of them."""

import json
from collections.abc import Mapping
from typing import Any

from infra.local.provision.base import Context, Creator, Provisioned, document, tag_list

__all__ = ["ALARM", "SUBSCRIPTION", "TOPIC", "TOPIC_POLICY"]


def _create_alarm(context: Context, logical_id: str, properties: Mapping[str, Any]) -> Provisioned:
    given = dict(properties)
    name = given.pop("AlarmName", None) or context.name(logical_id)
    given["Tags"] = tag_list(properties)
    context.call("cloudwatch", "put_metric_alarm", AlarmName=name, **given)
    return Provisioned(name, {"Arn": context.arn("cloudwatch", f"alarm:{name}")})


def _alarm_exists(context: Context, alarm: Provisioned, _: Mapping[str, Any]) -> object:
    names = [alarm.physical_id]
    return context.call("cloudwatch", "describe_alarms", AlarmNames=names)["MetricAlarms"]


def _delete_alarm(context: Context, alarm: Provisioned, _: Mapping[str, Any]) -> None:
    context.found("cloudwatch", "delete_alarms", AlarmNames=[alarm.physical_id])


def _create_topic(context: Context, logical_id: str, properties: Mapping[str, Any]) -> Provisioned:
    given = dict(properties)
    name = given.pop("TopicName", None) or context.name(logical_id)
    given.pop("Tags", None)
    answer = context.call(
        "sns", "create_topic", Name=name, Attributes=given or None, Tags=tag_list(properties)
    )
    arn = answer["TopicArn"]
    return Provisioned(arn, {"TopicArn": arn, "TopicName": name})


def _topic_exists(context: Context, topic: Provisioned, _: Mapping[str, Any]) -> object:
    return context.found("sns", "get_topic_attributes", TopicArn=topic.physical_id)


def _delete_topic(context: Context, topic: Provisioned, _: Mapping[str, Any]) -> None:
    context.found("sns", "delete_topic", TopicArn=topic.physical_id)


def _create_policy(context: Context, logical_id: str, properties: Mapping[str, Any]) -> Provisioned:
    policy = document(properties["PolicyDocument"])
    for topic in properties["Topics"]:
        context.call(
            "sns",
            "set_topic_attributes",
            TopicArn=topic,
            AttributeName="Policy",
            AttributeValue=policy,
        )
    return Provisioned(logical_id)


def _policy_exists(context: Context, _: Provisioned, properties: Mapping[str, Any]) -> object:
    wanted = json.loads(document(properties["PolicyDocument"]))
    answers = [
        context.found("sns", "get_topic_attributes", TopicArn=topic)
        for topic in properties["Topics"]
    ]
    return all(
        answer and json.loads(answer["Attributes"]["Policy"])["Statement"] == wanted["Statement"]
        for answer in answers
    )


def _delete_policy(_context: Context, _: Provisioned, _properties: Mapping[str, Any]) -> None:
    """Nothing: it goes with its topic."""


def _create_subscription(
    context: Context, _logical_id: str, properties: Mapping[str, Any]
) -> Provisioned:
    answer = context.call("sns", "subscribe", ReturnSubscriptionArn=True, **properties)
    return Provisioned(answer["SubscriptionArn"])


def _subscription_exists(
    context: Context, subscription: Provisioned, _: Mapping[str, Any]
) -> object:
    arn = subscription.physical_id
    return context.found("sns", "get_subscription_attributes", SubscriptionArn=arn)


def _delete_subscription(context: Context, subscription: Provisioned, _: Mapping[str, Any]) -> None:
    context.found("sns", "unsubscribe", SubscriptionArn=subscription.physical_id)


ALARM = Creator(_create_alarm, _alarm_exists, _delete_alarm)
TOPIC = Creator(_create_topic, _topic_exists, _delete_topic)
TOPIC_POLICY = Creator(_create_policy, _policy_exists, _delete_policy)
SUBSCRIPTION = Creator(
    _create_subscription, _subscription_exists, _delete_subscription, remade=True
)
