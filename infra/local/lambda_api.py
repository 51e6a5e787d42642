"""Lambda's Invoke API, so that a Lambda client calls the same workers.

Reference: https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
"""

import asyncio
import json
import re
import uuid
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Final
from urllib.parse import unquote

from infra.local.asgi import BodyTooLargeError, Receive, Scope, Send, read_body, respond
from infra.local.functions import PAYLOAD_LIMIT, Invocation
from topshelf.errors import NotFoundError, UnavailableError

__all__ = ["LambdaApi"]

_INVOKE: Final = re.compile(r"/2015-03-31/functions/([^/]+)/invocations")
_EVENT_LIMIT: Final = 1024 * 1024


class LambdaApi:
    """An ASGI application that plays Invoke, and nothing else of Lambda.

    Args:
        invoke: Calls a function by name or ARN; runs in the executor.
        exists: Raises NotFoundError if there is no such function.
        executor: Runs invocations.
    """

    def __init__(
        self,
        invoke: Callable[[str, bytes], Invocation],
        exists: Callable[[str], object],
        executor: Executor,
    ) -> None:
        self._invoke = invoke
        self._exists = exists
        self._executor = executor

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http":
            return
        path = unquote(scope["raw_path"].decode("latin-1"))
        match = _INVOKE.fullmatch(path)
        if match is None or scope["method"] != "POST":
            await _refuse(send, 404, "UnknownOperationException", "only Invoke is played here")
            return
        headers = dict(scope["headers"])
        kind = headers.get(b"x-amz-invocation-type", b"RequestResponse").decode("latin-1")
        limit = _EVENT_LIMIT if kind == "Event" else PAYLOAD_LIMIT
        try:
            payload = await read_body(scope, receive, limit) or b"{}"
            json.loads(payload)
            self._exists(match[1])
            await self._call(match[1], payload, kind, send)
        except BodyTooLargeError:
            text = f"Request must be smaller than {limit} bytes for the InvokeFunction operation"
            await _refuse(send, 413, "RequestTooLargeException", text)
        except ValueError as error:
            text = f"Could not parse request body into json: {error}"
            await _refuse(send, 400, "InvalidRequestContentException", text)
        except NotFoundError as error:
            await _refuse(send, 404, "ResourceNotFoundException", str(error))
        except UnavailableError as error:
            await _refuse(send, 500, "ServiceException", str(error))

    async def _call(self, name: str, payload: bytes, kind: str, send: Send) -> None:
        if kind == "DryRun":
            await respond(send, 204, [], b"")
            return
        call = asyncio.get_running_loop().run_in_executor(
            self._executor, self._invoke, name, payload
        )
        if kind == "Event":
            # Lambda tries a failed event twice again; here its log tells, and once is enough.
            call.add_done_callback(lambda done: done.cancelled() or done.exception())
            await respond(send, 202, [("x-amzn-requestid", str(uuid.uuid4()))], b"")
            return
        invocation = await call
        headers = [
            ("content-type", "application/json"),
            ("x-amz-executed-version", "$LATEST"),
            ("x-amzn-requestid", invocation.request_id),
        ]
        if invocation.failed:
            headers.append(("x-amz-function-error", "Unhandled"))
        await respond(send, 200, headers, invocation.payload)


async def _refuse(send: Send, status: int, kind: str, text: str) -> None:
    headers = [("content-type", "application/json"), ("x-amzn-errortype", kind)]
    body = json.dumps({"Type": "User", "Message": text, "message": text}).encode()
    await respond(send, status, headers, body)
