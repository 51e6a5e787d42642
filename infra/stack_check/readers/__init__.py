"""How each resource type of the template is looked up, through its own service's API."""

from collections.abc import Mapping
from typing import Final

from infra.stack_check.readers import (
    buckets,
    functions,
    http_apis,
    identity,
    jobs,
    networks,
    records,
    tables,
    workflows,
)
from infra.stack_check.services import Reader

__all__ = ["READERS"]

READERS: Final[Mapping[str, Reader]] = {
    "AWS::ApiGatewayV2::Api": http_apis.API,
    "AWS::ApiGatewayV2::Authorizer": http_apis.AUTHORIZER,
    "AWS::ApiGatewayV2::Integration": http_apis.INTEGRATION,
    "AWS::ApiGatewayV2::Route": http_apis.ROUTE,
    "AWS::ApiGatewayV2::Stage": http_apis.STAGE,
    "AWS::Batch::ComputeEnvironment": jobs.COMPUTE,
    "AWS::Batch::JobDefinition": jobs.DEFINITION,
    "AWS::Batch::JobQueue": jobs.QUEUE,
    "AWS::CloudWatch::Alarm": workflows.ALARM,
    "AWS::CodeDeploy::Application": workflows.DEPLOYMENT_APPLICATION,
    "AWS::CodeDeploy::DeploymentGroup": workflows.DEPLOYMENT_GROUP,
    "AWS::DynamoDB::Table": tables.TABLE,
    "AWS::EC2::InternetGateway": networks.GATEWAY,
    "AWS::EC2::Route": networks.ROUTE,
    "AWS::EC2::RouteTable": networks.ROUTE_TABLE,
    "AWS::EC2::SecurityGroup": networks.SECURITY_GROUP,
    "AWS::EC2::Subnet": networks.SUBNET,
    "AWS::EC2::SubnetRouteTableAssociation": networks.ASSOCIATION,
    "AWS::EC2::VPC": networks.VPC,
    "AWS::EC2::VPCEndpoint": networks.ENDPOINT,
    "AWS::EC2::VPCGatewayAttachment": networks.ATTACHMENT,
    "AWS::EMRServerless::Application": jobs.SPARK,
    "AWS::IAM::Role": identity.ROLE,
    "AWS::KinesisFirehose::DeliveryStream": records.DELIVERY_STREAM,
    "AWS::Lambda::Alias": functions.ALIAS,
    "AWS::Lambda::EventInvokeConfig": functions.INVOKE_CONFIG,
    "AWS::Lambda::EventSourceMapping": functions.MAPPING,
    "AWS::Lambda::Function": functions.FUNCTION,
    "AWS::Lambda::LayerVersion": functions.LAYER,
    "AWS::Lambda::Permission": functions.PERMISSION,
    "AWS::Lambda::Version": functions.VERSION,
    "AWS::Logs::LogGroup": records.LOG_GROUP,
    "AWS::Logs::SubscriptionFilter": records.SUBSCRIPTION_FILTER,
    "AWS::S3::Bucket": buckets.BUCKET,
    "AWS::S3::BucketPolicy": buckets.BUCKET_POLICY,
    "AWS::SNS::Subscription": records.SUBSCRIPTION,
    "AWS::SNS::Topic": records.TOPIC,
    "AWS::SNS::TopicPolicy": records.TOPIC_POLICY,
    "AWS::SQS::Queue": records.QUEUE,
    "AWS::Scheduler::Schedule": workflows.SCHEDULE,
    "AWS::SecretsManager::Secret": identity.SECRET,
    "AWS::StepFunctions::StateMachine": workflows.STATE_MACHINE,
}
