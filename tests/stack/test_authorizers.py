"""Who may ask: the API with tokens, with signatures, and with neither."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from infra.cli.data_commands import import_into
from infra.stack_check.gaps import MINISTACK
from tests.e2e.conftest import quiet
from tests.stack.asking import HttpApi
from tests.stack.conftest import PARAMETERS, Trained, release, train
from tests.stack.ministack import MiniStack
from tests.stack.stacks import Deployed, deploy, source
from tests.stack.tokens import Issuer

pytestmark = [pytest.mark.timeout(300), pytest.mark.slow]

AUDIENCE = "topshelf"
ADMIN = "topshelf/admin"


@dataclass(frozen=True, slots=True)
class ByToken:
    """A stack whose API asks for tokens, and who makes them."""

    deployed: Deployed
    api: HttpApi
    issuer: Issuer

    def status(self, path: str, token: str | None) -> int:
        """Of a GET."""
        status, _ = self.api.call("GET", path, token=token)
        return status


@pytest.fixture(scope="module")
def by_token(ministack: MiniStack, few_viewers: Path) -> Iterator[ByToken]:
    """The template with Authorizer=jwt, and a model released on it."""
    with Issuer() as issuer:
        parameters = PARAMETERS | {
            "Authorizer": "jwt",
            "JwtIssuer": issuer.url,
            "JwtAudience": AUDIENCE,
            "AdminScope": ADMIN,
        }
        deployed = deploy(ministack, "by-token", parameters, source())
        import_into(deployed.stack, few_viewers, quiet)
        release(deployed, train(deployed))
        yield ByToken(deployed, HttpApi(deployed), issuer)


OWN = "/v1/users/v000001/recommendations"
OTHER = "/v1/users/v000002/recommendations"


def test_every_resource_of_this_deployment_is_what_the_template_says(by_token: ByToken) -> None:
    found = by_token.deployed.examine(MINISTACK)
    assert not found.differences, "\n".join(map(str, found.differences))
    assert "JwtAuthorizer" in by_token.deployed.resources


def test_without_a_token_nothing_answers(by_token: ByToken) -> None:
    assert by_token.status(OWN, None) == 401
    assert by_token.status("/v1/popular", None) == 401
    status, _ = by_token.api.call("POST", "/v1/events", {"events": []})
    assert status == 401


def test_a_token_that_does_not_count_is_none(by_token: ByToken) -> None:
    issuer = by_token.issuer
    good = issuer.token("v000001", audience=AUDIENCE)
    assert by_token.status(OWN, issuer.token("v000001", audience="another")) == 401
    assert by_token.status(OWN, issuer.token("v000001", audience=AUDIENCE, lasts=-1)) == 401
    head, claims, signature = good.split(".")
    forged = signature[:-8] + ("A" * 8 if signature[-8:] != "A" * 8 else "B" * 8)
    assert by_token.status(OWN, f"{head}.{claims}.{forged}") == 401


def test_a_viewer_reaches_the_own_list_alone(by_token: ByToken) -> None:
    token = by_token.issuer.token("v000001", audience=AUDIENCE)
    assert by_token.status(OWN, token) == 200
    assert by_token.status(OTHER, token) == 403


def test_the_admin_scope_reaches_every_list(by_token: ByToken) -> None:
    token = by_token.issuer.token("support", audience=AUDIENCE, scope=f"openid {ADMIN}")
    assert by_token.status(OTHER, token) == 200


def test_with_signatures_an_unsigned_request_is_refused(released: Trained) -> None:
    status, _ = released.api.call("GET", OWN)
    assert status == 403
    # MiniStack looks for a signature, and checks none.
    status, _ = released.api.call("GET", OWN, signed=True)
    assert status == 200
