"""A Jenkinsfile as Declarative Pipeline sees it: statements with names, arguments and blocks.

The parser is tree-sitter's for Groovy. ``agent any`` is a call to Jenkins, and a variable of the
type ``agent`` to Groovy; both readings come out as the same statement here.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import tree_sitter_groovy
from tree_sitter import Language, Node, Parser

__all__ = ["Fault", "Statement", "parse", "texts"]

_WRAPPERS = ("expression_statement",)
_CALLS = ("method_invocation", "juxt_function_call")


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """Something that is wrong.

    Attributes:
        line: Where, from 1 on.
        text: What, and what to do about it.
    """

    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a block.

    Attributes:
        line: Where it begins, from 1 on.
        name: What is called, or assigned to; empty for what is neither.
        arguments: Source of the arguments without a name.
        named: Source of those with one, by name.
        block: Its closure's statements; None where it has none.
        assigned: Source of the value; None where nothing is assigned.
    """

    line: int
    name: str
    arguments: tuple[str, ...] = ()
    named: dict[str, str] = field(default_factory=dict)
    block: "tuple[Statement, ...] | None" = None
    assigned: str | None = None

    def walk(self) -> "Iterator[Statement]":
        """This statement and all below it, in the order of the file."""
        yield self
        for each in self.block or ():
            yield from each.walk()

    @property
    def label(self) -> str:
        """The text of the first argument, without its quotes; empty where there is none."""
        return texts(self.arguments[0]) if self.arguments else ""


def parse(source: bytes) -> tuple[tuple[Statement, ...], list[Fault]]:
    """Reads a Jenkinsfile.

    Args:
        source: The file, UTF-8.

    Returns:
        The statements of its top level, and where the text is not Groovy. What stands in the
        blocks ``script`` and ``expression`` is Groovy of any kind and is not looked into for
        faults: the parser does not know all of the language.
    """
    root = Parser(Language(tree_sitter_groovy.language())).parse(source).root_node
    return _statements(root), sorted(set(_broken(root)))


def texts(source: str) -> str:
    """The text of a literal; what is no literal stays as it is."""
    for quote in ('"""', "'''", '"', "'"):
        if len(source) >= 2 * len(quote) and source.startswith(quote) and source.endswith(quote):
            return source[len(quote) : -len(quote)]
    return source


def _broken(node: Node) -> Iterator[Fault]:
    line = node.start_point[0] + 1
    if node.is_missing:
        yield Fault(line, f"{node.type} is missing")
    elif node.is_error:
        begins = _source(node).strip().splitlines() or [""]
        yield Fault(line, f"cannot be read as Groovy from here on: {begins[0][:60]}")
    elif _called(node) not in ("script", "expression"):
        for child in node.children:
            yield from _broken(child)


def _called(node: Node) -> str:
    first = node.children[0] if node.type in _CALLS and node.children else None
    return _source(first) if first else ""


def _statements(block: Node) -> tuple[Statement, ...]:
    return tuple(_statement(child) for child in block.named_children if "comment" not in child.type)


def _statement(node: Node) -> Statement:
    while node.type in _WRAPPERS and node.named_children:
        node = node.named_children[0]
    line = node.start_point[0] + 1
    if node.type in _CALLS:
        return _call(node, line)
    children = node.named_children
    if node.type == "local_variable_declaration" and children:
        # `agent any`, and `agent` alone.
        words = [word for child in children for word in _source(child).split("=", 1)[0].split()]
        return Statement(line, words[0], tuple(words[1:]))
    if node.type == "assignment_expression" and len(children) == 2:
        return Statement(line, _source(children[0]), assigned=_source(children[1]))
    if node.type == "identifier":
        return Statement(line, _source(node))
    # Of no form that is known here; a call somewhere below it is still found by `walk`.
    inner = tuple(s for child in children for s in _statement(child).walk() if s.name)
    return Statement(line, "", (_source(node),), block=inner)


def _call(node: Node, line: int) -> Statement:
    name, arguments, named = "", list[str](), dict[str, str]()
    block: tuple[Statement, ...] | None = None
    for child in node.named_children:
        if child.type == "closure":
            block = _statements(child)
        elif child.type == "argument_list":
            for argument in child.named_children:
                key = argument.named_children[0] if argument.type == "map_item" else None
                if key is not None:
                    named[_source(key)] = _source(argument.named_children[-1])
                elif argument.type == "closure":
                    block = _statements(argument)
                else:
                    arguments.append(_source(argument))
        elif "comment" not in child.type:
            name = f"{name}.{_source(child)}" if name else _source(child)
    return Statement(line, name, tuple(arguments), named, block)


def _source(node: Node) -> str:
    return (node.text or b"").decode("utf-8", "replace")
