"""How it goes with keeping the state of an emulator: asked of its process."""

from dataclasses import dataclass
from typing import Final

import requests
from pydantic import TypeAdapter, ValidationError

from infra.local.moto_gate import STATE_PATH

__all__ = ["Keeping", "keeping"]

_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class Keeping:
    """How it goes.

    Attributes:
        kept_at: When all was kept that there was, in seconds since the epoch; None if it never was.
        fault: Why it could not be since; None if all is well.
    """

    kept_at: float | None
    fault: str | None


_JSON: Final = TypeAdapter(Keeping)


def keeping(endpoint_url: str) -> Keeping | None:
    """Asks an emulator; None where it keeps nothing, or does not answer.

    Args:
        endpoint_url: It.
    """
    with requests.Session() as session:
        # Not through a proxy: it is on this machine.
        session.trust_env = False
        try:
            answer = session.get(f"{endpoint_url}{STATE_PATH}", timeout=_SECONDS)
            return _JSON.validate_json(answer.content)
        except (requests.RequestException, ValidationError):
            return None
