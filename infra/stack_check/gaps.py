"""What each emulator is known to leave out of the template, with what it does instead.

The list is checked as the stack is: a gap that does not occur any more is a difference.
"""

from typing import Final

from infra.stack_check.differences import Gap

__all__ = ["MINISTACK", "MOTO"]

MINISTACK: Final = (
    Gap(
        "AWS::ApiGatewayV2::Stage",
        "DefaultRouteSettings",
        "keeps throttling in CloudFormation's spelling, gives none back, and never throttles",
    ),
    Gap(
        "AWS::DynamoDB::Table",
        "PointInTimeRecoverySpecification",
        "its CloudFormation makes tables without it",
    ),
    Gap(
        "AWS::DynamoDB::Table",
        "TimeToLiveSpecification",
        "its CloudFormation makes tables without it",
    ),
    Gap(
        "AWS::KinesisFirehose::DeliveryStream",
        "ExtendedS3DestinationConfiguration.FileExtension",
        "its description leaves it out; objects do get the ending, but are not gzipped",
    ),
    Gap(
        "AWS::S3::Bucket",
        "LifecycleConfiguration",
        "its CloudFormation makes buckets without it",
    ),
    Gap(
        "AWS::SecretsManager::Secret",
        "GenerateSecretString.ExcludePunctuation",
        "its CloudFormation leaves out single characters, never whole classes of them",
    ),
    Gap(
        "AWS::StepFunctions::StateMachine",
        "LoggingConfiguration",
        "keeps it in CloudFormation's spelling, gives none back, and logs nothing",
    ),
)
"""Of MiniStack 1.5."""

MOTO: Final = (
    Gap(
        "AWS::KinesisFirehose::DeliveryStream",
        "DeliveryStreamEncryptionConfigurationInput",
        "takes it and gives none back; nothing is encrypted",
    ),
    Gap(
        "AWS::Lambda::Function",
        "LoggingConfig",
        "takes it and gives none back; the local cloud writes the log itself, under the right name",
    ),
    Gap(
        "AWS::S3::BucketPolicy",
        "PolicyDocument",
        "speaks plain HTTP: the statement that asks for TLS is left out by the local cloud",
    ),
)
"""Of the local cloud on moto, which ``infra.local`` deploys."""

MINISTACK_BY_API: Final = (
    Gap(
        "AWS::CloudWatch::Alarm",
        "Metrics",
        "takes alarms on arithmetic of metrics, gives the arithmetic back incomplete, judges none",
    ),
    Gap(
        "AWS::KinesisFirehose::DeliveryStream",
        "ExtendedS3DestinationConfiguration.FileExtension",
        "its description leaves it out",
    ),
    Gap(
        "AWS::S3::BucketPolicy",
        "PolicyDocument",
        "speaks plain HTTP: the statement that asks for TLS is left out by the local cloud",
    ),
)
"""Of MiniStack 1.5, deployed by ``infra.local`` instead of its own CloudFormation."""
