"""IAM roles and Secrets Manager secrets."""

import json
from collections.abc import Mapping
from typing import Any

from infra.local.provision.base import Context, Creator, Provisioned, document, tag_list

__all__ = ["ROLE", "SECRET"]


def _create_role(context: Context, logical_id: str, properties: Mapping[str, Any]) -> Provisioned:
    given = dict(properties)
    name = given.pop("RoleName", None) or context.name(logical_id)[-64:].lstrip("-")
    trust = document(given.pop("AssumeRolePolicyDocument"))
    policies = given.pop("Policies", [])
    managed = given.pop("ManagedPolicyArns", [])
    given["Tags"] = tag_list(properties)
    answer = context.found("iam", "get_role", RoleName=name)
    if answer:
        context.call("iam", "update_assume_role_policy", RoleName=name, PolicyDocument=trust)
    else:
        answer = context.call(
            "iam", "create_role", RoleName=name, AssumeRolePolicyDocument=trust, **given
        )
    for policy in policies:
        context.call(
            "iam",
            "put_role_policy",
            RoleName=name,
            PolicyName=policy["PolicyName"],
            PolicyDocument=document(policy["PolicyDocument"]),
        )
    for arn in managed:
        context.call("iam", "attach_role_policy", RoleName=name, PolicyArn=arn)
    role = answer["Role"]
    return Provisioned(name, {"Arn": role["Arn"], "RoleId": role["RoleId"]})


def _role_exists(context: Context, role: Provisioned, _: Mapping[str, Any]) -> object:
    return context.found("iam", "get_role", RoleName=role.physical_id)


def _create_secret(context: Context, logical_id: str, properties: Mapping[str, Any]) -> Provisioned:
    given = dict(properties)
    name = given.pop("Name", None) or context.name(logical_id)
    generate = given.pop("GenerateSecretString", None)
    given["Tags"] = tag_list(properties)
    answer = context.found("secretsmanager", "describe_secret", SecretId=name)
    if not answer:
        # An existing secret keeps its value: what it signed must stay valid.
        if generate is not None:
            given["SecretString"] = _generated(context, generate)
        answer = context.call("secretsmanager", "create_secret", Name=name, **given)
    return Provisioned(answer["ARN"], {"Id": answer["ARN"]})


def _generated(context: Context, wanted: Mapping[str, Any]) -> str:
    rules = dict(wanted)
    template, key = rules.pop("SecretStringTemplate", None), rules.pop("GenerateStringKey", None)
    answer = context.call("secretsmanager", "get_random_password", **rules)
    password = str(answer["RandomPassword"])
    if template is None or key is None:
        return password
    return json.dumps({**json.loads(template), key: password})


def _secret_exists(context: Context, secret: Provisioned, _: Mapping[str, Any]) -> object:
    return context.found("secretsmanager", "describe_secret", SecretId=secret.physical_id)


def _delete_role(context: Context, role: Provisioned, properties: Mapping[str, Any]) -> None:
    name = role.physical_id
    for policy in properties.get("Policies", []):
        policy_name = policy["PolicyName"]
        context.found("iam", "delete_role_policy", RoleName=name, PolicyName=policy_name)
    for arn in properties.get("ManagedPolicyArns", []):
        context.found("iam", "detach_role_policy", RoleName=name, PolicyArn=arn)
    context.found("iam", "delete_role", RoleName=name)


def _delete_secret(context: Context, secret: Provisioned, _: Mapping[str, Any]) -> None:
    context.found(
        "secretsmanager",
        "delete_secret",
        SecretId=secret.physical_id,
        ForceDeleteWithoutRecovery=True,
    )


ROLE = Creator(_create_role, _role_exists, _delete_role, remade=True)
SECRET = Creator(_create_secret, _secret_exists, _delete_secret)
