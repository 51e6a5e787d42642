"""The documented grammar of Declarative Pipeline: what may stand where, and what it needs.

Source: https://www.jenkins.io/doc/book/pipeline/syntax/ and, for steps,
https://www.jenkins.io/doc/pipeline/steps/ with those plugins that docs/pipeline.md names.
"""

from dataclasses import dataclass, field
from typing import Final

__all__ = [
    "AGENT",
    "AGENT_WORDS",
    "BODIES",
    "INPUT",
    "MATRIX",
    "PARAMETERS",
    "PIPELINE",
    "PIPELINE_OPTIONS",
    "POST",
    "STAGE",
    "STAGE_OPTIONS",
    "STEPS",
    "TOOLS",
    "TRIGGERS",
    "UNITS",
    "WHEN",
    "WORDS",
    "Block",
    "Word",
]


@dataclass(frozen=True, slots=True)
class Word:
    """What may be said with a name.

    Attributes:
        arguments: The least number of arguments, with and without names.
        needs: Names of arguments that it cannot do without, if it is given any by name.
        block: Whether it may have a block.
    """

    arguments: int = 0
    needs: tuple[str, ...] = ()
    block: bool = False


@dataclass(frozen=True, slots=True)
class Block:
    """What may stand in a block.

    Attributes:
        what: What one entry is called, for people.
        words: The entries, by name.
        required: Entries that must be there.
        repeated: Whether an entry may be there more than once.
        some: Whether there must be an entry at all.
    """

    what: str
    words: dict[str, Word] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    repeated: bool = False
    some: bool = True


def _words(*names: str, of: Word = Word()) -> dict[str, Word]:
    return dict.fromkeys(names, of)


_BLOCK: Final = Word(block=True)
_ONE: Final = Word(1)
_EITHER: Final = Word(0, block=True)

PIPELINE: Final = Block(
    "section of a pipeline",
    _words("stages", "post", "environment", "options", of=_BLOCK)
    | _words("parameters", "tools", "triggers", "libraries", of=_BLOCK)
    | {"agent": _EITHER},
    required=("agent", "stages"),
)

BODIES: Final = ("steps", "stages", "parallel", "matrix")

STAGE: Final = Block(
    "section of a stage",
    _words(*BODIES, "post", "environment", "options", "tools", "when", of=_BLOCK)
    | {"agent": _EITHER, "input": _EITHER, "failFast": _ONE},
)

MATRIX: Final = Block(
    "section of a matrix",
    _words("axes", "excludes", "stages", "environment", "options", of=_BLOCK)
    | _words("post", "tools", "when", of=_BLOCK)
    | {"agent": _EITHER, "input": _EITHER},
    required=("axes", "stages"),
)

AGENT_WORDS: Final = ("any", "none")
AGENT: Final = Block(
    "kind of agent",
    {"label": _ONE, "customWorkspace": _ONE}
    | _words("node", "docker", "dockerfile", of=_EITHER)
    # Of the Kubernetes plugin; the documentation lists it among the agents.
    | {"kubernetes": _EITHER},
)

POST: Final = Block(
    "condition of post",
    _words("always", "changed", "fixed", "regression", "aborted", of=_BLOCK)
    | _words("failure", "success", "unstable", "unsuccessful", "cleanup", of=_BLOCK),
)

UNITS: Final = (
    "NANOSECONDS",
    "MICROSECONDS",
    "MILLISECONDS",
    "SECONDS",
    "MINUTES",
    "HOURS",
    "DAYS",
)

_OF_A_STAGE: Final = {
    "retry": _ONE,
    "skipDefaultCheckout": Word(),
    "timeout": Word(1, ("time",)),
    "timestamps": Word(),
}
STAGE_OPTIONS: Final = Block("option of a stage", _OF_A_STAGE)

PIPELINE_OPTIONS: Final = Block(
    "option of a pipeline",
    _OF_A_STAGE
    | _words("buildDiscarder", "checkoutToSubdirectory", "quietPeriod", of=_ONE)
    | _words("disableConcurrentBuilds", "disableRestartFromStage", "disableResume")
    | _words("newContainerPerStage", "overrideIndexTriggers", "parallelsAlwaysFailFast")
    | _words("preserveStashes", "skipStagesAfterUnstable"),
)

TRIGGERS: Final = Block(
    "trigger",
    {"cron": _ONE, "pollSCM": _ONE, "upstream": Word(1, ("upstreamProjects",))},
)

PARAMETERS: Final = Block(
    "kind of parameter",
    _words("string", "text", "booleanParam", "choice", "password", of=Word(1, ("name",))),
    repeated=True,
)

TOOLS: Final = Block("tool", _words("maven", "jdk", "gradle", of=_ONE), repeated=True)

INPUT: Final = Block(
    "setting of input",
    _words("message", "id", "ok", "submitter", "submitterParameter", of=_ONE)
    | {"parameters": _BLOCK},
    required=("message",),
)

WHEN: Final = Block(
    "condition of when",
    _words("beforeAgent", "beforeInput", "beforeOptions", "branch", "changelog", of=_ONE)
    | _words("changeset", "triggeredBy", of=_ONE)
    | _words("buildingTag", "changeRequest", "tag")
    | {
        "environment": Word(2, ("name", "value")),
        "equals": Word(2, ("expected", "actual")),
        "expression": _BLOCK,
    }
    | _words("not", "allOf", "anyOf", of=_BLOCK),
    repeated=True,
)

STEPS: Final = Block(
    "step",
    {
        # Pipeline: Basic Steps, and Nodes and Processes.
        **_words("archiveArtifacts", "deleteDir", "dir", "echo", "error", "fileExists", "mail"),
        **_words("input", "isUnix", "pwd", "readFile", "retry", "sleep", "stash", "timeout"),
        **_words("timestamps", "tool", "unstable", "unstash", "waitUntil", "warnError"),
        **_words("catchError", "withEnv", "writeFile", "bat", "node", "powershell", "pwsh", "ws"),
        "sh": _ONE,
        "script": _BLOCK,
        # Pipeline: SCM Step and Build Step; Credentials Binding; JUnit; Coverage.
        **_words("build", "checkout", "git", "milestone", "parallel", "publishHTML"),
        "withCredentials": Word(1, block=True),
        "junit": _ONE,
        "recordCoverage": Word(),
    },
    repeated=True,
)

WORDS: Final = {
    "pipeline": {"options": PIPELINE_OPTIONS, "post": POST, "triggers": TRIGGERS}
    | {"parameters": PARAMETERS, "tools": TOOLS},
    "stage": {"options": STAGE_OPTIONS, "post": POST, "tools": TOOLS, "when": WHEN},
    "matrix": {"options": STAGE_OPTIONS, "post": POST, "tools": TOOLS, "when": WHEN},
}
"""Blocks below a pipeline, a stage and a matrix that are lists of words, by name."""
