"""A function's process: loads the handler once, then answers invocations, one at a time.

Usage: ``python -m infra.local.worker REQUESTS ANSWERS HANDLER``, the first two being inherited
descriptors. An invocation is two frames, a JSON header and the event; its answer is one: ``+`` and
the result, or ``-`` and the error, as JSON. Standard output and error are the function's log. The
process ends when its standard input does, so that none outlives the local cloud.

Errors have the shapes of AWS's own runtime: https://github.com/aws/aws-lambda-python-runtime-interface-client
"""

import importlib
import io
import json
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.grants.recorder import RECORD_CALLS, record_calls
from infra.local.frames import ChannelClosedError, read_frame, write_frame

__all__ = ["LambdaContext", "main"]

Handler = Callable[[Any, Any], Any]


@dataclass(frozen=True, slots=True)
class LambdaContext:
    """What a handler gets as its context."""

    aws_request_id: str
    function_name: str
    function_version: str
    invoked_function_arn: str
    memory_limit_in_mb: str
    log_group_name: str
    log_stream_name: str
    deadline_ms: float
    identity: None = None
    client_context: None = None

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the function is stopped."""
        return max(0, int(self.deadline_ms - time.time() * 1000))


class _InitError(Exception):
    def __init__(self, error: Mapping[str, Any]) -> None:
        super().__init__(error["errorMessage"])
        self.error = error


def main(requests: int, answers: int, handler_name: str) -> None:
    """Serves until the other side closes.

    Args:
        requests: Descriptor that invocations come by.
        answers: Descriptor that answers go by.
        handler_name: Module and function, ``handler.lambda_handler``.
    """
    threading.Thread(target=_end_with_parent, daemon=True).start()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(line_buffering=True)
    if RECORD_CALLS in os.environ:
        record_calls(Path(os.environ[RECORD_CALLS]), os.environ["AWS_LAMBDA_FUNCTION_NAME"])
    # As in Lambda: the code's own directory comes first, and this one's is not there.
    sys.path.insert(0, os.getcwd())
    try:
        handler = _load(handler_name)
    except _InitError as failure:
        _log(failure.error)
        write_frame(answers, b"-" + _encoded(failure.error))
        return
    write_frame(answers, b"+")
    while True:
        header = json.loads(read_frame(requests))
        event = read_frame(requests)
        sign, content = _answer(handler, header, event)
        sys.stdout.flush()
        sys.stderr.flush()
        write_frame(answers, sign + content)


def _load(name: str) -> Handler:
    module_name, _, function_name = name.rpartition(".")
    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as error:
        text = f"Unable to import module '{module_name}': {error}"
        raise _InitError(_shape("Runtime.ImportModuleError", text, error)) from error
    except SyntaxError as error:
        text = f"Syntax error in module '{module_name}': {error}"
        raise _InitError(_shape("Runtime.UserCodeSyntaxError", text, error)) from error
    # Whatever the module raises is the function's failure, not ours.
    except Exception as error:
        raise _InitError(_shape(type(error).__name__, str(error), error)) from error
    handler: Handler | None = getattr(module, function_name, None)
    if handler is None:
        text = f"Handler '{function_name}' missing on module '{module_name}'"
        raise _InitError(_shape("Runtime.HandlerNotFound", text, None))
    return handler


def _answer(handler: Handler, header: Mapping[str, Any], event: bytes) -> tuple[bytes, bytes]:
    try:
        result = handler(json.loads(event), LambdaContext(**header))
    except Exception as error:  # noqa: BLE001
        shape = _shape(type(error).__name__, str(error), error)
    else:
        try:
            return b"+", _encoded(result)
        except (TypeError, ValueError) as error:
            text = f"Unable to marshal response: {error}"
            shape = _shape("Runtime.MarshalError", text, None)
    shape["requestId"] = header["aws_request_id"]
    _log(shape)
    return b"-", _encoded(shape)


def _shape(kind: str, text: str, error: BaseException | None) -> dict[str, Any]:
    frames = traceback.extract_tb(error.__traceback__) if error else []
    own = [f for f in frames if f.filename != __file__ and "importlib" not in f.filename]
    return {
        "errorMessage": text,
        "errorType": kind,
        "requestId": "",
        "stackTrace": traceback.format_list(own),
    }


def _log(shape: Mapping[str, Any]) -> None:
    lines = [f"[ERROR] {shape['errorType']}: {shape['errorMessage']}"]
    if shape["stackTrace"]:
        lines += ["Traceback (most recent call last):", *shape["stackTrace"]]
    sys.stdout.write("\n".join(line.rstrip("\n") for line in lines) + "\n")


def _encoded(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _end_with_parent() -> None:
    os.read(0, 1)
    os._exit(0)


if __name__ == "__main__":
    try:
        main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
    except (ChannelClosedError, KeyboardInterrupt):
        sys.exit(0)
