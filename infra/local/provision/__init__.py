"""How each resource type of the template comes to be, through its own service's API."""

from collections.abc import Mapping
from typing import Final

from infra.local.provision import (
    alarms,
    buckets,
    functions,
    http_apis,
    http_routes,
    identity,
    state_machines,
    streams,
    tables,
    versions,
)
from infra.local.provision.base import Context, Creator, Provisioned
from infra.local.provision.played_here import or_played_here

__all__ = ["CREATORS", "Context", "Creator", "Provisioned"]

CREATORS: Final[Mapping[str, Creator]] = {
    "AWS::ApiGatewayV2::Api": or_played_here(http_apis.API),
    "AWS::ApiGatewayV2::Authorizer": or_played_here(http_routes.AUTHORIZER),
    "AWS::ApiGatewayV2::Integration": or_played_here(http_routes.INTEGRATION),
    "AWS::ApiGatewayV2::Route": or_played_here(http_routes.ROUTE),
    "AWS::ApiGatewayV2::Stage": or_played_here(http_apis.STAGE),
    "AWS::CloudWatch::Alarm": alarms.ALARM,
    "AWS::DynamoDB::Table": tables.TABLE,
    "AWS::IAM::Role": identity.ROLE,
    "AWS::KinesisFirehose::DeliveryStream": streams.DELIVERY_STREAM,
    "AWS::Lambda::Alias": versions.ALIAS,
    "AWS::Lambda::EventInvokeConfig": versions.EVENT_INVOKE_CONFIG,
    "AWS::Lambda::EventSourceMapping": functions.EVENT_SOURCE_MAPPING,
    "AWS::Lambda::Function": functions.FUNCTION,
    "AWS::Lambda::LayerVersion": functions.LAYER,
    "AWS::Lambda::Permission": functions.PERMISSION,
    "AWS::Lambda::Version": versions.VERSION,
    "AWS::Logs::LogGroup": streams.LOG_GROUP,
    "AWS::Logs::SubscriptionFilter": streams.SUBSCRIPTION_FILTER,
    "AWS::S3::Bucket": buckets.BUCKET,
    "AWS::S3::BucketPolicy": buckets.BUCKET_POLICY,
    "AWS::SNS::Subscription": alarms.SUBSCRIPTION,
    "AWS::SNS::Topic": alarms.TOPIC,
    "AWS::SNS::TopicPolicy": alarms.TOPIC_POLICY,
    "AWS::SQS::Queue": streams.QUEUE,
    "AWS::SecretsManager::Secret": identity.SECRET,
    "AWS::StepFunctions::StateMachine": state_machines.STATE_MACHINE,
}
