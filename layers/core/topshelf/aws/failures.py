"""botocore's errors as topshelf's own."""

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError

from topshelf.errors import ConflictError, NotFoundError, UnavailableError

__all__ = ["failures_of"]

_NOT_FOUND = {
    "404",
    "NoSuchBucket",
    "NoSuchKey",
    "NotFound",
    "ResourceNotFoundException",
    "ImportNotFoundException",
}
_CONFLICT = {
    "412",
    "ConditionalCheckFailedException",
    "PreconditionFailed",
    "ResourceInUseException",
    "ConditionalRequestConflict",
}


@contextmanager
def failures_of(what: str) -> Iterator[None]:
    """Turns what botocore raises in the block into a TopshelfError that names the store.

    Args:
        what: The store, for the error's text: ``the registry table`` for one.

    Raises:
        NotFoundError: The thing does not exist.
        ConflictError: A condition did not hold.
        UnavailableError: Anything else: no answer, throttled, denied.
    """
    try:
        yield
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        text = f"{what}: {code}"
        if code in _NOT_FOUND:
            raise NotFoundError(text) from error
        if code in _CONFLICT:
            raise ConflictError(text) from error
        raise UnavailableError(
            f"{text}; {error.response.get('Error', {}).get('Message', '')}"
        ) from error
    except EndpointConnectionError as error:
        place = error.kwargs.get("endpoint_url")
        raise UnavailableError(f"{what} does not answer at {place}; is it running?") from error
    except BotoCoreError as error:
        raise UnavailableError(f"{what} does not answer ({type(error).__name__})") from error
