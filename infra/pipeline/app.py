"""The commands of the pipeline's stages: ``python -m infra.pipeline``."""

from typing import Annotated

import typer
from rich.markup import escape

from infra.cli.console import err, out
from infra.cli.entry import run
from infra.pipeline import notify as notices
from infra.pipeline import options, releasing, trying
from infra.pipeline.reach import local_stage
from infra.pipeline.stage import Target, read_stage
from topshelf.aws.clients import create_client
from topshelf.errors import InvalidInputError

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


def main() -> None:
    """Runs a command."""
    run(app)
