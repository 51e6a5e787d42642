"""What may stand in a path and a query: all of it belongs to a parameter of the route."""

import re
from collections.abc import Callable, Coroutine
from types import UnionType
from typing import Any, ClassVar, Union, get_args, get_origin

from fastapi import Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel

from topshelf.errors import InvalidInputError
from topshelf.web.problems import plain

__all__ = ["DescribedRoute", "StrictRoute"]

_Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class StrictRoute(APIRoute):
    """A route that takes the query parameters it declares, each once unless it is a list.

    A typing error in a name shows, and nobody has to know which of two values counts. Files
    (what is not in the schema) are served whatever the query.

    What an answer looks like is left out, for every route makes its own: FastAPI would build a
    validator for each, which a cold start waits for.
    """

    describes_answers: ClassVar[bool] = False

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        if not self.describes_answers:
            options |= {"response_model": None, "responses": None}
        super().__init__(path, endpoint, **options)
        # Starlette's pattern takes no newline within a path and one after it. Here an id with a
        # newline belongs to its route, which refuses it by name, and a path ends where it ends.
        pattern = self.path_regex.pattern.removesuffix("$") + r"\Z"
        self.path_regex = re.compile(pattern, re.DOTALL)

    def get_route_handler(self) -> _Handler:
        """See APIRoute; the names are looked up once, not with each request."""
        handle: _Handler = super().get_route_handler()
        if not self.include_in_schema:
            return handle
        repeatable = _declared(self)

        async def strict(request: Request) -> Response:
            _check([name for name, _ in request.query_params.multi_items()], repeatable)
            return await handle(request)

        return strict


class DescribedRoute(StrictRoute):
    """The same, with what the API's description says of its answers."""

    describes_answers = True


def _declared(route: APIRoute) -> dict[str, bool]:
    """Names of a route's query parameters, and whether each may be repeated."""
    found = {}
    for field in route.dependant.query_params:
        kind = field.field_info.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            for name, info in kind.model_fields.items():
                found[info.alias or name] = _is_list(info.annotation)
        else:
            found[field.alias] = _is_list(kind)
    return found


def _is_list(annotation: Any) -> bool:
    origin = get_origin(annotation)
    if origin in (UnionType, Union):
        return any(map(_is_list, get_args(annotation)))
    return (origin or annotation) in (list, tuple, set, frozenset)


def _check(given: list[str], repeatable: dict[str, bool]) -> None:
    for name in given:
        if name not in repeatable:
            known = ", ".join(repeatable) or "none"
            shown = plain(name) or "a parameter without a name"
            raise InvalidInputError(
                plain(name) or "body", f"{shown} is not a parameter here; this route takes {known}"
            )
        if not repeatable[name] and (times := given.count(name)) > 1:
            raise InvalidInputError(name, f"{name} is given {times} times; give it once")
