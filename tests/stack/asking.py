"""A client of a deployed HTTP API, by the name that API Gateway gives it."""

import contextlib
import http.client
import json
from dataclasses import dataclass
from typing import Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.conftest import REGION
from tests.stack.stacks import Deployed

_KEYS = Credentials("test", "test")


@dataclass(frozen=True, slots=True)
class HttpApi:
    """Asks the API of a stack, whose address is the host's name in each request."""

    deployed: Deployed

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        token: str | None = None,
        signed: bool = False,
    ) -> tuple[int, Any]:
        """Status and decoded body of one request."""
        port = self.deployed.ministack.port
        api_id = self.deployed.stack.outputs["ApiUrl"].removeprefix("https://").split(".")[0]
        host = f"{api_id}.execute-api.localhost:{port}"
        data = b"" if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", "Host": host}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        request = AWSRequest(method, f"http://{host}{path}", headers, data)
        if signed:
            SigV4Auth(_KEYS, "execute-api", REGION).add_auth(request)
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        with contextlib.closing(connection):
            connection.request(method, path, data or None, dict(request.headers.items()))
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())

    def recommendations(self, user_id: str, **how: Any) -> tuple[int, Any]:
        """What a viewer is recommended."""
        return self.call("GET", f"/v1/users/{user_id}/recommendations?num_results=20", **how)
