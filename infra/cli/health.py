"""Whether the parts of a local cloud answer."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import requests

from infra.local.run_record import RunRecord

__all__ = ["Answer", "answers_of", "faults_of"]

_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of asking a part.

    Attributes:
        part: Its name, for people.
        url: Where it was asked.
        fault: Why it does not answer; None if it does, be it with a refusal.
    """

    part: str
    url: str
    fault: str | None


def answers_of(record: RunRecord) -> list[Answer]:
    """Asks everything that listens, all at once: the emulated AWS, the API and Lambda's API.

    Args:
        record: The local cloud.
    """
    health = "_localstack/health" if record.emulator == "localstack" else "moto-api/config"
    asked = {
        "AWS (emulated)": f"{record.endpoint_url}/{health}",
        "HTTP API": f"{record.api_url}/v1/health",
        "Lambda's API": f"{record.lambda_url}/2015-03-31/functions/",
    }
    with ThreadPoolExecutor(len(asked)) as pool:
        faults = pool.map(_fault_of, asked.values())
        return [
            Answer(part, url, fault)
            for (part, url), fault in zip(asked.items(), faults, strict=True)
        ]


def faults_of(record: RunRecord) -> list[str]:
    """Each part that does not answer, with its address.

    Args:
        record: The local cloud.
    """
    return [
        f"{answer.part} does not answer at {answer.url} ({answer.fault})"
        for answer in answers_of(record)
        if answer.fault
    ]


def _fault_of(url: str) -> str | None:
    with requests.Session() as session:
        # Not through a proxy: it is on this machine.
        session.trust_env = False
        try:
            session.get(url, timeout=_SECONDS)
        except requests.Timeout:
            return f"no answer within {_SECONDS:.0f} s"
        except requests.RequestException:
            return "nothing listens there"
    return None
