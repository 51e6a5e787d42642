"""The API's description as one page for people: no script, nothing loaded from elsewhere."""

import json
from html import escape
from typing import Any

__all__ = ["render"]

_STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:56rem;margin:2rem auto;
padding:0 1rem;color:#1b1f24}
code,pre{font:14px/1.45 ui-monospace,monospace;background:#f3f4f6;border-radius:4px}
code{padding:.1em .3em}pre{padding:.8em;overflow:auto}
table{border-collapse:collapse;width:100%}td,th{border-bottom:1px solid #d8dde3;padding:.35em .5em;
text-align:left;vertical-align:top}h2{margin-top:2.2em}.method{color:#0b5cad;font-weight:700}
"""


def render(document: dict[str, Any]) -> str:
    """One HTML page from an OpenAPI document, the same document giving the same page."""
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8"><title>topshelf API</title>',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<style>{_STYLE}</style></head><body>",
        f"<h1>topshelf API</h1><p>{escape(document['info']['description'])}</p>",
        '<p>For programs: <a href="/openapi.json">openapi.json</a>. Errors are problem documents '
        "(RFC 9457) that name the field at fault.</p>",
    ]
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            parts += _operation(path, method, operation)
    parts.append("<h2>Schemas</h2>")
    for name, schema in sorted(document["components"]["schemas"].items()):
        parts += _schema(name, schema)
    parts.append("</body></html>\n")
    return "\n".join(parts)


def _operation(path: str, method: str, operation: dict[str, Any]) -> list[str]:
    parts = [
        f'<h2><span class="method">{method.upper()}</span> <code>{escape(path)}</code></h2>',
        f"<p>{escape(operation['summary'])}.</p>",
    ]
    parameters = operation.get("parameters", [])
    if parameters:
        parts.append("<table><tr><th>Parameter</th><th>In</th><th>Meaning</th></tr>")
        parts += [
            f"<tr><td><code>{escape(p['name'])}</code></td><td>{p['in']}</td>"
            f"<td>{escape(p.get('description', ''))} {_limits(p['schema'])}</td></tr>"
            for p in parameters
        ]
        parts.append("</table>")
    body = operation.get("requestBody")
    if body:
        parts.append(f"<p>Body: {_type(body['content']['application/json']['schema'])}.</p>")
    parts.append("<table><tr><th>Status</th><th>Answer</th></tr>")
    for status, answer in operation["responses"].items():
        content = answer.get("content", {}).get("application/json", {}).get("schema", {})
        parts.append(
            f"<tr><td>{status}</td><td>{escape(answer['description'])} {_type(content)}</td></tr>"
        )
    parts.append("</table>")
    return parts


def _schema(name: str, schema: dict[str, Any]) -> list[str]:
    summary = schema.get("description", "").split("\n\nAttributes")[0]
    parts = [f'<h3 id="{escape(name)}">{escape(name)}</h3><p>{escape(summary)}</p>']
    properties = schema.get("properties", {})
    if properties:
        needed = schema.get("required", [])
        parts.append("<table><tr><th>Field</th><th>Type</th><th>Meaning</th></tr>")
        parts += [
            f"<tr><td><code>{escape(field)}</code>{'' if field in needed else ' (optional)'}</td>"
            f"<td>{_type(shape)}</td>"
            f"<td>{escape(shape.get('description', ''))} {_limits(shape)}</td></tr>"
            for field, shape in properties.items()
        ]
        parts.append("</table>")
    return parts


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        return f'<a href="#{escape(name)}">{escape(name)}</a>'
    if "anyOf" in schema:
        return " or ".join(_type(choice) for choice in schema["anyOf"])
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    return escape(str(schema.get("type", "")))


def _limits(schema: dict[str, Any]) -> str:
    known = ("minimum", "maximum", "minItems", "maxItems", "pattern", "default")
    found = {name: schema[name] for name in known if schema.get(name) is not None}
    return f"<code>{escape(json.dumps(found))}</code>" if found else ""
