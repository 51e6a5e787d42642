"""AWS as a test has it: botocore's own clients, whose answers are written down beforehand.

The stubber checks every request and every answer against the service's model.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from botocore.session import get_session
from botocore.stub import Stubber

__all__ = ["FUNCTION", "Aws", "aws"]

FUNCTION = "s-recommend-api"


class Aws:
    """Clients by name; each expects what it is told to, in that order."""

    def __init__(self) -> None:
        self._clients: dict[str, Any] = {}
        self.stubs: dict[str, Stubber] = {}

    def __call__(self, service: str) -> Any:
        if service not in self._clients:
            session = get_session()
            session.set_credentials("accesskey", "secretkey")
            self._clients[service] = session.create_client(service, region_name="us-east-1")
            self.stubs[service] = Stubber(self._clients[service])
            self.stubs[service].activate()
        return self._clients[service]

    def expect(
        self, service: str, operation: str, asked: dict[str, Any], answer: Any = None
    ) -> None:
        self(service)
        self.stubs[service].add_response(operation, answer or {}, asked)

    def refuse(self, service: str, operation: str, code: str, message: str = "no") -> None:
        self(service)
        self.stubs[service].add_client_error(operation, code, message)

    def stack(self, status: str, **parameters: str) -> None:
        given = [{"ParameterKey": k, "ParameterValue": v} for k, v in parameters.items()]
        found = {"StackName": "s", "StackStatus": status, "CreationTime": 0, "Parameters": given}
        self.expect("cloudformation", "describe_stacks", {"StackName": "s"}, {"Stacks": [found]})

    def parts(self, *more: str) -> None:
        """A stack with a function (or more), its alias, and one deployment group."""
        self.stack("UPDATE_COMPLETE")
        arn = "arn:aws:lambda:us-east-1:123456789012:function:{}:live"
        resources = [
            {"ResourceType": kind, "PhysicalResourceId": name}
            for kind, name in (
                ("AWS::CodeDeploy::Application", "app"),
                ("AWS::CodeDeploy::DeploymentGroup", "group"),
                *(("AWS::Lambda::Alias", arn.format(name)) for name in (FUNCTION, *more)),
                ("AWS::S3::Bucket", "bucket"),
            )
        ]
        for one in resources:
            one |= {"LogicalResourceId": "x", "ResourceStatus": "CREATE_COMPLETE"}
            one |= {"LastUpdatedTimestamp": 0}
        answer = {"StackResourceSummaries": resources}
        self.expect("cloudformation", "list_stack_resources", {"StackName": "s"}, answer)

    def running(self, weight: float | None) -> None:
        """One deployment with this percentage of the requests; None: no deployment."""
        asked = {
            "applicationName": "app",
            "deploymentGroupName": "group",
            "includeOnlyStatuses": ["Created", "Queued", "InProgress", "Baking", "Ready"],
        }
        found = [] if weight is None else ["d-1"]
        self.expect("codedeploy", "list_deployments", asked, {"deployments": found})
        if weight is None:
            return
        info = {"deploymentInfo": {"deploymentId": "d-1", "status": "InProgress"}}
        self.expect("codedeploy", "get_deployment", {"deploymentId": "d-1"}, info)
        told = {"functionName": FUNCTION, "targetVersionWeight": weight}
        targets = {"targetIds": ["t-1"]}
        self.expect("codedeploy", "list_deployment_targets", {"deploymentId": "d-1"}, targets)
        target = {
            "deploymentTargetType": "LambdaFunction",
            "lambdaTarget": {"lambdaFunctionInfo": told},
        }
        self.expect(
            "codedeploy",
            "batch_get_deployment_targets",
            {"deploymentId": "d-1", **targets},
            {"deploymentTargets": [target]},
        )

    def alarms(self, *in_alarm: str) -> None:
        """Two alarms, of which these ring."""
        names = ["s-errors", "s-slow"]
        config = {"enabled": True, "alarms": [{"name": name} for name in names]}
        group = {"applicationName": "app", "deploymentGroupName": "group"}
        answer = {"deploymentGroupInfo": {"alarmConfiguration": config}}
        self.expect("codedeploy", "get_deployment_group", group, answer)
        asked = {"AlarmNames": names, "AlarmTypes": ["MetricAlarm", "CompositeAlarm"]}
        asked |= {"StateValue": "ALARM"}  # type: ignore[dict-item]
        ringing = [{"AlarmName": name} for name in in_alarm]
        self.expect("cloudwatch", "describe_alarms", asked, {"MetricAlarms": ringing})

    def alias(self, version: str, beside: str = "", function: str = FUNCTION) -> None:
        """What answers."""
        weights = {"AdditionalVersionWeights": {beside: 0.1}} if beside else {}
        answer = {"Name": "live", "FunctionVersion": version, "RoutingConfig": weights}
        asked = {"FunctionName": function, "Name": "live"}
        self.expect("lambda", "get_alias", asked, answer)

    def pointed_to(self, version: str, function: str = FUNCTION) -> None:
        """The alias is given another version, all of it."""
        asked = {"FunctionName": function, "Name": "live", "FunctionVersion": version}
        asked |= {"RoutingConfig": {"AdditionalVersionWeights": {}}}  # type: ignore[dict-item]
        self.expect("lambda", "update_alias", asked)


@contextmanager
def aws() -> Iterator[Aws]:
    """Fails where something that was expected was not asked."""
    found = Aws()
    yield found
    for stub in found.stubs.values():
        stub.assert_no_pending_responses()
