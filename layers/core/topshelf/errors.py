"""The errors that topshelf raises: each says what is wrong and what to do about it."""

__all__ = [
    "ConflictError",
    "ForbiddenError",
    "GateError",
    "GoneError",
    "IntegrityError",
    "InvalidInputError",
    "NoModelError",
    "NotFoundError",
    "SettingsError",
    "TopshelfError",
    "UnauthenticatedError",
    "UnavailableError",
]


class TopshelfError(Exception):
    """Base of every error that topshelf raises on purpose. Its text is meant for a person."""


class SettingsError(TopshelfError):
    """The environment lacks a variable or holds one that cannot be used."""


class InvalidInputError(TopshelfError):
    """Something the caller sent is refused.

    Attributes:
        field: The name of the refused field, ``body`` where none can be named.
    """

    def __init__(self, field: str, detail: str) -> None:
        super().__init__(detail)
        self.field = field


class UnauthenticatedError(TopshelfError):
    """Nobody vouches for the caller."""


class ForbiddenError(TopshelfError):
    """The caller is known, and may not do this.

    Attributes:
        field: The name of the field that is out of reach, where there is one.
    """

    def __init__(self, detail: str, *, field: str | None = None) -> None:
        super().__init__(detail)
        self.field = field


class NotFoundError(TopshelfError):
    """What was asked for does not exist.

    Attributes:
        field: The name of the field that names it, where a caller gave one.
    """

    def __init__(self, detail: str, *, field: str | None = None) -> None:
        super().__init__(detail)
        self.field = field


class ConflictError(TopshelfError):
    """Somebody else changed it first; read it again and retry."""


class GoneError(TopshelfError):
    """What was asked for did exist; it is not coming back.

    Attributes:
        field: The name of the field that names it.
    """

    def __init__(self, field: str, detail: str) -> None:
        super().__init__(detail)
        self.field = field


class IntegrityError(TopshelfError):
    """Stored data is not what its manifest or report says."""


class GateError(TopshelfError):
    """A model is not good enough to be released."""


class UnavailableError(TopshelfError):
    """A store or service did not answer; the same call may work later."""


class NoModelError(UnavailableError):
    """Nothing has been released yet, so there is nothing to serve."""

    def __init__(self) -> None:
        super().__init__("no model is released yet; run `topshelf train`, then `topshelf release`")
