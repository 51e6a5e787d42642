"""What AWS's own services do with the stack's roles: the permissions that nobody calls for in code.

Each follows from how a resource is set up, so none outlives its reason.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from infra.grants.function_services import FUNCTION_RULES
from infra.grants.needs import Need, Needed, Place, Rule, arn_of
from infra.grants.workflow import workflow_needs
from infra.local.deploy import Resource

__all__ = ["service_needs"]


def service_needs(stack: Sequence[Resource], place: Place) -> dict[str, list[Need]]:
    """What services need, by the ARN of the role that they do it with.

    Args:
        stack: Its resources, resolved.
        place: Where it is.

    Raises:
        TopshelfError: A state machine's task is of a kind that nobody has stated.
    """
    found: dict[str, list[Need]] = defaultdict(list)
    for resource in stack:
        for rule in _RULES.get(resource.type, ()):
            for role, need in rule(resource, stack, place):
                found[role].append(need)
    return dict(found)


def _delivery(stream: Resource, _: Iterable[Resource], __: Place) -> Iterator[Needed]:
    # https://docs.aws.amazon.com/firehose/latest/dev/controlling-access.html
    to = stream.properties["ExtendedS3DestinationConfiguration"]
    role, bucket = str(to["RoleARN"]), str(to["BucketARN"])
    for prefix in (to.get("Prefix", ""), to.get("ErrorOutputPrefix", "")):
        # The first folder is the template's; those below it are for Firehose to name.
        folder = prefix.split("!{")[0].partition("/")[0]
        for action in ("AbortMultipartUpload", "GetObject", "PutObject"):
            yield role, Need(f"s3:{action}", f"{bucket}/{folder}/*", "Firehose writes the lake")
    for action in ("GetBucketLocation", "ListBucket", "ListBucketMultipartUploads"):
        yield role, Need(f"s3:{action}", bucket, "Firehose resumes what it was writing")


def _subscription(subscription: Resource, _: Iterable[Resource], __: Place) -> Iterator[Needed]:
    said = subscription.properties
    for action in ("PutRecord", "PutRecordBatch"):
        why = "CloudWatch Logs hands lines to Firehose"
        yield str(said["RoleArn"]), Need(f"firehose:{action}", said["DestinationArn"], why)


def _schedule(schedule: Resource, _: Iterable[Resource], __: Place) -> Iterator[Needed]:
    target = schedule.properties["Target"]
    role = str(target["RoleArn"])
    yield role, Need("states:StartExecution", target["Arn"], "EventBridge Scheduler starts it")
    if queue := target.get("DeadLetterConfig", {}).get("Arn"):
        why = "EventBridge Scheduler puts aside what it could not start"
        yield role, Need("sqs:SendMessage", queue, why)
    if key := schedule.properties.get("KmsKeyArn"):
        yield role, Need("kms:Decrypt", key, "EventBridge Scheduler reads the schedule's input")


def _state_machine(machine: Resource, stack: Iterable[Resource], place: Place) -> Iterator[Needed]:
    role = str(machine.properties["RoleArn"])
    for need in workflow_needs(machine, stack, place):
        yield role, need


def _job(job: Resource, stack: Iterable[Resource], place: Place) -> Iterator[Needed]:
    # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_execution_IAM_role.html
    container = job.properties["ContainerProperties"]
    role = str(container["ExecutionRoleArn"])
    why = "ECS loads the image"
    yield role, Need("ecr:GetAuthorizationToken", "*", why)
    # The image is a parameter, and may be in any repository of the account.
    images = place.arn("ecr", "repository/*")
    for action in ("BatchCheckLayerAvailability", "BatchGetImage", "GetDownloadUrlForLayer"):
        yield role, Need(f"ecr:{action}", images, why)
    name = container.get("LogConfiguration", {}).get("Options", {}).get("awslogs-group")
    for group in stack:
        if group.type == "AWS::Logs::LogGroup" and group.physical_id == name:
            for action in ("CreateLogStream", "PutLogEvents"):
                yield role, Need(f"logs:{action}", arn_of(group), "ECS writes the job's log")


def _deployment(alias: Resource, stack: Iterable[Resource], _: Place) -> Iterator[Needed]:
    # https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AWSCodeDeployRoleForLambda.html
    shift = alias.properties.get("UpdatePolicy", {}).get("CodeDeployLambdaAliasUpdate")
    if not shift:
        return
    functions = {r.physical_id: arn_of(r) for r in stack if r.type == "AWS::Lambda::Function"}
    groups = {r.physical_id: r for r in stack if r.type == "AWS::CodeDeploy::DeploymentGroup"}
    role = str(groups[shift["DeploymentGroupName"]].properties["ServiceRoleArn"])
    function = functions[alias.properties["FunctionName"]]
    why = "CodeDeploy shifts the alias"
    # An alias is read and changed as part of its function, whose plain ARN is asked for.
    for action in ("GetAlias", "UpdateAlias"):
        yield role, Need(f"lambda:{action}", function, why)
    qualified = f"{function}:{alias.properties['Name']}"
    yield role, Need("lambda:GetProvisionedConcurrencyConfig", qualified, why)
    yield role, Need("cloudwatch:DescribeAlarms", "*", "CodeDeploy takes it back on alarm")
    if hook := shift.get("BeforeAllowTrafficHook"):
        why = "CodeDeploy has new code checked"
        yield role, Need("lambda:InvokeFunction", functions[hook], why)


_RULES: Final[Mapping[str, Sequence[Rule]]] = {
    **FUNCTION_RULES,
    "AWS::Batch::JobDefinition": (_job,),
    "AWS::KinesisFirehose::DeliveryStream": (_delivery,),
    "AWS::Lambda::Alias": (_deployment,),
    "AWS::Logs::SubscriptionFilter": (_subscription,),
    "AWS::Scheduler::Schedule": (_schedule,),
    "AWS::StepFunctions::StateMachine": (_state_machine,),
}
