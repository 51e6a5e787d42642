"""The commands of the pipeline's stages: ``python -m infra.pipeline``."""

import signal
import sys
from types import FrameType
from typing import Annotated

import typer
from botocore.exceptions import BotoCoreError
from rich.markup import escape

from infra.cli.console import err, out
from infra.pipeline import notify as notices
from infra.pipeline import options, releasing, trying
from infra.pipeline.reach import local_stage
from infra.pipeline.stage import Target, read_stage
from topshelf.aws.clients import create_client
from topshelf.errors import InvalidInputError, TopshelfError

__all__ = ["app", "main"]

app = typer.Typer(
    name="python -m infra.pipeline",
    help="What the stages of the pipeline do once the code is built.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command(name="deploy")(releasing.deploy)
app.command(name="smoke")(trying.smoke)
app.command(name="load-test")(trying.load_test)
app.command(name="canary")(releasing.canary)
app.command(name="promote")(releasing.promote)
app.command(name="roll-back")(releasing.roll_back)
app.command(name="promote-or-roll-back")(releasing.promote_or_roll_back)
app.command(name="down")(releasing.down)


@app.command(name="notify")
def notify(
    *,
    result: Annotated[str, typer.Option(envvar="RESULT", help="How the run ended")] = "SUCCESS",
    build: Annotated[
        str, typer.Option(envvar="BUILD_TAG", help="Which run; Jenkins sets it")
    ] = "by hand",
    url: Annotated[
        str, typer.Option(envvar="BUILD_URL", help="Where to read on; Jenkins sets it")
    ] = "",
    topic: Annotated[
        str, typer.Option(envvar="TOPSHELF_NOTICE_TOPIC", help="ARN of an SNS topic; empty: none")
    ] = "",
    stage: options.StageName = "production",
    target: options.To = Target.AWS,
    state: options.State = options.STATE,
) -> None:
    """Tell how a run of the pipeline ended; on the local cloud, by a topic made there.

    Example: `python -m infra.pipeline notify --result FAILURE`
    """
    subject = notices.subject_of(result, build)
    text = "\n".join(line for line in (subject, url) if line)
    out.print(escape(text))
    if target is Target.LOCAL:
        _, record = local_stage(read_stage(stage, target), state).connect()
        client = create_client("sns", record.region, record.endpoint_url)
        topic = client.create_topic(Name="topshelf-notices")["TopicArn"]
    elif not topic:
        err.print("nobody else is told: TOPSHELF_NOTICE_TOPIC names no topic")
        return
    else:
        # An ARN names its region: arn:aws:sns:<region>:<account>:<name>
        words = topic.split(":")
        if len(words) != 6 or words[2] != "sns":
            raise InvalidInputError("topic", f"{topic!r} is no ARN of an SNS topic")
        client = create_client("sns", words[3])
    message = notices.publish(client, topic, subject, text)
    out.print(escape(f"told {topic}, message {message}"))


def _on_term(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def main() -> None:
    """Runs a command; what a person can mend is one line, without a traceback."""
    # Jenkins ends what it aborts with TERM: that cleans up as Ctrl-C does.
    signal.signal(signal.SIGTERM, _on_term)
    try:
        app()
    except InvalidInputError as error:
        err.print("[red]topshelf:[/]", escape(f"{error.field}: {error}"))
        sys.exit(2)
    except TopshelfError as error:
        err.print("[red]topshelf:[/]", escape(str(error)))
        sys.exit(1)
    except BotoCoreError as error:
        err.print("[red]topshelf:[/] AWS does not answer:", escape(str(error)))
        sys.exit(1)
    except KeyboardInterrupt:
        err.print("stopped")
        sys.exit(130)
