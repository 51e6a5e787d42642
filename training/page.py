"""The frame of a page in one file: no script, font or address, and a style allowed by its hash."""

from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha256
from html import escape

__all__ = ["figure", "page", "section", "table"]

_STYLE = """
:root { --ink: #1c2024; --paper: #fff; --faint: #5b6470; --rule: #d6dbe1; --shade: #f4f6f8;
  --c0: #0b62a4; --c1: #9aa5b1; --c2: #b45309; --c3: #15803d; --c4: #7c3aed; --c5: #be123c; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ec; --paper: #14171a; --faint: #a3adb8;
  --rule: #353c44; --shade: #1d2227; --c0: #63b3ed; --c1: #6b7785; --c2: #f0a45d; --c3: #5cc98a;
  --c4: #b79cf7; --c5: #f2829a; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 60rem; padding: 1rem; color: var(--ink);
  background: var(--paper); font: 1rem/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; line-height: 1.2; } h2 { font-size: 1.2rem; margin-top: 2.2rem; }
h3 { font-size: 1rem; margin-bottom: 0.3rem; }
p, li { max-width: 44rem; } .faint, figcaption { color: var(--faint); }
.answer { background: var(--shade); border-left: 0.3rem solid var(--c0); padding: 0.6rem 1rem; }
.scroll { overflow-x: auto; } figure { margin: 1rem 0; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
caption { text-align: left; color: var(--faint); }
th, td { padding: 0.25rem 0.7rem; border-bottom: 1px solid var(--rule); text-align: right;
  white-space: nowrap; }
th:first-child, td:first-child { text-align: left; }
thead th { vertical-align: bottom; white-space: normal; } tbody th { font-weight: normal; }
td.best { font-weight: bold; }
svg { display: block; width: 100%; height: auto; max-width: 36rem; }
svg text { fill: var(--ink); font: 13px system-ui, sans-serif; }
svg .end { text-anchor: end; } svg .middle { text-anchor: middle; }
svg .grid { stroke: var(--rule); } svg .line { fill: none; stroke-width: 2; }
svg .c0 { fill: var(--c0); } svg .c1 { fill: var(--c1); } svg .c2 { fill: var(--c2); }
svg .c3 { fill: var(--c3); } svg .c4 { fill: var(--c4); } svg .c5 { fill: var(--c5); }
svg .line.c0 { fill: none; stroke: var(--c0); } svg .line.c1 { fill: none; stroke: var(--c1); }
svg .line.c2 { fill: none; stroke: var(--c2); } svg .line.c3 { fill: none; stroke: var(--c3); }
svg .line.c4 { fill: none; stroke: var(--c4); } svg .line.c5 { fill: none; stroke: var(--c5); }
@media print { body { max-width: none; padding: 0; font-size: 10pt; }
  figure, table, .answer { break-inside: avoid; } h2, h3 { break-after: avoid; }
  .scroll { overflow: visible; } }
"""


def page(title: str, body: str) -> bytes:
    """A whole page.

    Args:
        title: Text.
        body: HTML.
    """
    digest = b64encode(sha256(_STYLE.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'"
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8"/>\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}"/>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1"/>\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f"<main>\n<h1>{escape(title)}</h1>\n{body}</main>\n</body>\n</html>\n"
    ).encode()


def section(title: str, *parts: str) -> str:
    """A part of a page under its heading; parts are HTML."""
    return f"<section>\n<h2>{escape(title)}</h2>\n" + "\n".join(parts) + "\n</section>\n"


def figure(svg: str, caption: str) -> str:
    """A chart and what is to be seen in it; the caption is text."""
    return f"<figure>{svg}<figcaption>{escape(caption)}</figcaption></figure>"


def table(
    caption: str,
    heads: Sequence[str],
    rows: Sequence[Sequence[str]],
    best: Sequence[tuple[int, int]] = (),
) -> str:
    """A table; the first of each row names it. All of it is text.

    Args:
        caption: What it is of.
        heads: Of the columns.
        rows: As many cells each.
        best: Row and column of cells to stress.
    """
    stressed = set(best)
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in heads)
    lines = []
    for number, row in enumerate(rows):
        cells = [f'<th scope="row">{escape(row[0])}</th>']
        for column, cell in enumerate(row[1:], start=1):
            mark = ' class="best"' if (number, column) in stressed else ""
            cells.append(f"<td{mark}>{escape(cell)}</td>")
        lines.append(f"<tr>{''.join(cells)}</tr>")
    return (
        f'<div class="scroll"><table><caption>{escape(caption)}</caption>'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n" + "\n".join(lines) + "\n</tbody></table></div>"
    )
