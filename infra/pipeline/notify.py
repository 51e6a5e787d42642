"""Tells people how a run of the pipeline ended: on standard output, and by an SNS topic."""

from typing import Any, Final

from topshelf.aws.failures import failures_of

__all__ = ["publish", "subject_of"]

_SUBJECT_LENGTH: Final = 100  # SNS's limit; ASCII without line breaks


def subject_of(result: str, build: str) -> str:
    """The first line of a notice.

    Args:
        result: As Jenkins calls it, ``SUCCESS`` for one.
        build: Which run it was.
    """
    words = f"topshelf {build}: {result}".split()
    text = " ".join(words).encode("ascii", "replace").decode()
    return text[:_SUBJECT_LENGTH]


def publish(client: Any, topic: str, subject: str, text: str) -> str:
    """Publishes a notice.

    Args:
        client: Of SNS.
        topic: ARN of the topic.
        subject: As ``subject_of`` makes it.
        text: The notice.

    Returns:
        The message's id.

    Raises:
        NotFoundError: There is no such topic.
        UnavailableError: SNS does not answer, or refuses.
    """
    with failures_of(f"SNS, topic {topic}"):
        answer = client.publish(TopicArn=topic, Subject=subject, Message=text)
    return str(answer["MessageId"])
