"""IAM roles and Secrets Manager secrets."""

import string
from collections.abc import Mapping
from typing import Any, Final

from infra.stack_check.services import Found, Reader, Services

__all__ = ["ROLE", "SECRET"]


def _role(services: Services, name: str, _: Mapping[str, Any]) -> Found | None:
    answer = services.ask("iam", "get_role", RoleName=name)
    if answer is None:
        return None
    role = answer["Role"]

    def policies() -> list[dict[str, Any]]:
        names = (services.ask("iam", "list_role_policies", RoleName=name) or {})["PolicyNames"]
        found = (
            services.ask("iam", "get_role_policy", RoleName=name, PolicyName=each) for each in names
        )
        return [
            {"PolicyName": each["PolicyName"], "PolicyDocument": each["PolicyDocument"]}
            for each in found
            if each
        ]

    def managed() -> list[str]:
        found = services.ask("iam", "list_attached_role_policies", RoleName=name) or {}
        return [each["PolicyArn"] for each in found["AttachedPolicies"]]

    return Found(
        {
            "AssumeRolePolicyDocument": role["AssumeRolePolicyDocument"],
            "Description": role.get("Description"),
            "ManagedPolicyArns": managed,
            "MaxSessionDuration": role.get("MaxSessionDuration"),
            "Path": role.get("Path"),
            "Policies": policies,
            "RoleName": name,
            "Tags": role.get("Tags", []),
        },
        {"Arn": role["Arn"], "RoleId": role["RoleId"]},
    )


def _secret(services: Services, secret_id: str, said: Mapping[str, Any]) -> Found | None:
    answer = services.ask("secretsmanager", "describe_secret", SecretId=secret_id)
    if answer is None:
        return None

    def generated() -> dict[str, Any]:
        """The rules that the secret was made by, as far as its value shows them."""
        found = services.ask("secretsmanager", "get_secret_value", SecretId=secret_id) or {}
        value = found.get("SecretString", "")
        plain = not set(value) & set(string.punctuation)
        wanted = said["GenerateSecretString"].get("ExcludePunctuation", False)
        # One with punctuation allowed may happen to have none.
        excluded = plain and str(wanted).lower() == "true"
        return {"PasswordLength": len(value), "ExcludePunctuation": excluded}

    return Found(
        {
            "Description": answer.get("Description"),
            "GenerateSecretString": generated,
            "KmsKeyId": answer.get("KmsKeyId"),
            "Name": answer["Name"],
            "Tags": answer.get("Tags", []),
        },
        {"Id": answer["ARN"]},
    )


ROLE: Final = Reader(_role)
SECRET: Final = Reader(_secret)
