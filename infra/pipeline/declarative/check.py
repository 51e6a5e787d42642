"""Holds a Jenkinsfile to the documented grammar: every section and directive by its place."""

from collections.abc import Iterator, Sequence
from difflib import get_close_matches

from infra.pipeline.declarative import grammar
from infra.pipeline.declarative.grammar import Block, Word
from infra.pipeline.declarative.tree import Fault, Statement, parse, texts

__all__ = ["faults_in", "stages_of"]


def faults_in(source: bytes) -> list[Fault]:
    """What Jenkins would refuse, or not understand.

    Args:
        source: A Jenkinsfile.

    Returns:
        The faults by line; none for a good file.
    """
    top, faults = parse(source)
    if faults:
        return faults
    if [statement.name for statement in top] != ["pipeline"] or top[0].block is None:
        line = top[0].line if top else 1
        return [Fault(line, "a Jenkinsfile of this kind is one block: pipeline { ... }")]
    return sorted({*_pipeline(top[0]), *_names(top[0])})


def stages_of(pipeline: Statement) -> Iterator[Statement]:
    """The stages below a statement, outer ones first, in the order of the file."""
    return (each for each in pipeline.walk() if each.name == "stage" and each.block is not None)


def _names(pipeline: Statement) -> Iterator[Fault]:
    seen: dict[str, int] = {}
    for stage in stages_of(pipeline):
        if stage.label and stage.label in seen:
            text = f"stage {stage.label!r}: line {seen[stage.label]} has this name already"
            yield Fault(stage.line, text)
        seen.setdefault(stage.label, stage.line)


def _pipeline(pipeline: Statement) -> Iterator[Fault]:
    yield from _block(pipeline, grammar.PIPELINE)
    yield from _sections(pipeline, "pipeline", inside=False)


def _sections(owner: Statement, kind: str, *, inside: bool) -> Iterator[Fault]:
    """What stands in the sections of a pipeline, a stage or a matrix."""
    for section in owner.block or ():
        name, lists = section.name, grammar.WORDS[kind]
        if name == "agent":
            yield from _agent(section)
        elif name == "input":
            yield from _input(section)
        elif name == "environment":
            yield from _environment(section)
        elif name == "steps":
            yield from _block(section, grammar.STEPS)
            yield from _steps(section.block or ())
        elif name in ("stages", "parallel"):
            yield from _stages(section, inside=inside or name == "parallel")
        elif name == "matrix":
            yield from _block(section, grammar.MATRIX)
            yield from _sections(section, "matrix", inside=True)
        elif name in lists:
            yield from _block(section, lists[name])
            yield from _inner(section)


def _inner(section: Statement) -> Iterator[Fault]:
    """Below the words of a list: steps below post, conditions below when, units of timeouts."""
    for word in section.block or ():
        if section.name == "post":
            yield from _block(word, grammar.STEPS)
            yield from _steps(word.block or ())
        elif word.name in ("not", "allOf", "anyOf"):
            yield from _block(word, grammar.WHEN)
            yield from _inner(word)
        elif word.name == "timeout":
            yield from _unit(word)


def _stages(section: Statement, *, inside: bool) -> Iterator[Fault]:
    if not section.block:
        yield Fault(section.line, f"{section.name}: there is no stage in it")
    for stage in section.block or ():
        if stage.name != "stage":
            yield _unknown(stage, "entry of " + section.name, ["stage"])
        elif not stage.label:
            yield Fault(stage.line, "stage: it has no name; write stage('Name') { ... }")
        elif stage.block is None:
            yield Fault(stage.line, f"stage {stage.label!r}: it has no block")
        else:
            yield from _stage(stage, inside=inside)


def _stage(stage: Statement, *, inside: bool) -> Iterator[Fault]:
    yield from _block(stage, grammar.STAGE)
    found = [section.name for section in stage.block or ()]
    bodies = [name for name in found if name in grammar.BODIES]
    if len(bodies) != 1:
        what = f"it has {' and '.join(bodies)}" if bodies else "it has none of them"
        text = f"stage {stage.label!r}: exactly one of {', '.join(grammar.BODIES)}; {what}"
        yield Fault(stage.line, text)
    nested = inside and {"parallel", "matrix"}.intersection(bodies)
    if nested:
        text = f"stage {stage.label!r}: {nested.pop()} cannot stand inside parallel or matrix"
        yield Fault(stage.line, text)
    if "failFast" in found and not {"parallel", "matrix"}.intersection(bodies):
        text = f"stage {stage.label!r}: failFast goes with parallel or matrix only"
        yield Fault(stage.line, text)
    yield from _sections(stage, "stage", inside=inside)


def _agent(agent: Statement) -> Iterator[Fault]:
    if agent.block is not None:
        yield from _block(agent, grammar.AGENT)
    elif not agent.arguments:
        yield Fault(agent.line, "agent: say which: any, none, or a block { label '...' }")
    elif agent.arguments[0] not in grammar.AGENT_WORDS:
        named = Statement(agent.line, agent.arguments[0])
        yield _unknown(named, "agent without a block", list(grammar.AGENT_WORDS))


def _input(given: Statement) -> Iterator[Fault]:
    if given.block is not None:
        yield from _block(given, grammar.INPUT)
    elif not given.arguments and "message" not in given.named:
        yield Fault(given.line, "input: its message is missing")


def _environment(section: Statement) -> Iterator[Fault]:
    if not section.block:
        yield Fault(section.line, "environment: there is no variable in it")
    for each in section.block or ():
        if each.assigned is None:
            yield Fault(each.line, f"environment: {each.name or 'this'} is no NAME = value")


def _steps(steps: Sequence[Statement]) -> Iterator[Fault]:
    for step in steps:
        if step.name == "timeout":
            yield from _unit(step)
        if step.block is not None and step.name != "script":
            yield from _block(step, grammar.STEPS)
            yield from _steps(step.block)


def _unit(timeout: Statement) -> Iterator[Fault]:
    unit = texts(timeout.named.get("unit", "'MINUTES'"))
    if unit not in grammar.UNITS:
        yield _unknown(Statement(timeout.line, unit), "unit of time", list(grammar.UNITS))


def _block(owner: Statement, allowed: Block) -> Iterator[Fault]:
    """The entries of a block: known, complete, and each there once."""
    entries = owner.block
    if entries is None:
        yield Fault(owner.line, f"{owner.name}: its block is missing")
        return
    if not entries and allowed.some and not allowed.required:
        yield Fault(owner.line, f"{owner.name}: there is no {allowed.what} in it")
    seen: set[str] = set()
    for entry in entries:
        word = allowed.words.get(entry.name)
        if word is None:
            yield _unknown(entry, allowed.what, list(allowed.words))
            continue
        if entry.name in seen and not allowed.repeated:
            yield Fault(entry.line, f"{entry.name}: it is there twice")
        seen.add(entry.name)
        yield from _entry(entry, word)
    for name in allowed.required:
        if name not in seen:
            yield Fault(owner.line, f"{owner.name}: {name} is missing")


def _entry(entry: Statement, word: Word) -> Iterator[Fault]:
    """What a known entry cannot do without."""
    if entry.block is None and word.block and word.arguments == 0 and not _said(entry):
        yield Fault(entry.line, f"{entry.name}: its block is missing")
    if len(entry.arguments) + len(entry.named) < word.arguments:
        needed = ", ".join(word.needs) or f"{word.arguments} of them"
        yield Fault(entry.line, f"{entry.name}: arguments are missing ({needed})")
    elif entry.named and not entry.arguments:
        for missing in (name for name in word.needs if name not in entry.named):
            yield Fault(entry.line, f"{entry.name}: the argument {missing} is missing")


def _said(entry: Statement) -> bool:
    """Whether it is told by arguments what a block would tell; `_agent` and `_input` look on."""
    return entry.name in ("agent", "input") or bool(entry.arguments or entry.named)


def _unknown(entry: Statement, what: str, known: list[str]) -> Fault:
    name = entry.name or (entry.arguments[0].split("\n")[0][:40] if entry.arguments else "this")
    near = get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(sorted(known))}"
    return Fault(entry.line, f"{name}: no such {what}; {hint}")
