"""`/docs`: the OpenAPI document as a page, rendered here."""

import json
from collections.abc import Mapping
from html import escape
from typing import Any

from starlette.responses import HTMLResponse

from hookyard.entrypoints.http.pages import page

VERBS = ("get", "post", "put", "patch", "delete")


def docs_page(document: Mapping[str, Any]) -> HTMLResponse:
    """Every operation by tag, then every schema."""
    info = document["info"]
    groups: dict[str, list[str]] = {}
    for path, item in document["paths"].items():
        for verb in VERBS:
            if verb in item:
                tag = item[verb].get("tags", ["other"])[0]
                groups.setdefault(tag, []).append(_operation(verb, path, item[verb]))
    body = [
        f"<h1>{escape(info['title'])} API {escape(info['version'])}</h1>",
        f"<p>{escape(info.get('description', ''))}</p>",
        '<nav><a href="/openapi.json">OpenAPI document</a>',
        *(f'<a href="#{escape(tag)}">{escape(tag)}</a>' for tag in groups),
        '<a href="#schemas">schemas</a></nav>',
    ]
    for tag, operations in groups.items():
        body += [f'<h2 id="{escape(tag)}">{escape(tag)}</h2>', *operations]
    body.append('<h2 id="schemas">schemas</h2>')
    for name, schema in document["components"]["schemas"].items():
        shown = escape(json.dumps(schema, indent=1, ensure_ascii=False))
        body.append(f'<h3 id="schema-{escape(name)}">{escape(name)}</h3><pre>{shown}</pre>')
    return page(f"{info['title']} API", "".join(body))


def _operation(verb: str, path: str, operation: Mapping[str, Any]) -> str:
    about = operation.get("description") or operation.get("summary", "")
    right = operation.get("x-hookyard-action")
    needs = f" Needs <code>{escape(right)}</code>." if right else ""
    return (
        f'<h3 id="{escape(operation["operationId"])}"><span class="verb">{verb.upper()}</span>'
        f"<code>{escape(path)}</code></h3><p>{escape(about)}{needs}</p>"
        f"{_parameters(operation)}{_body(operation)}{_responses(operation)}"
    )


def _parameters(operation: Mapping[str, Any]) -> str:
    rows = [
        f"<tr><td><code>{escape(item['name'])}</code></td><td>{escape(item['in'])}</td>"
        f"<td>{'required' if item.get('required') else ''}</td>"
        f"<td>{_type(item.get('schema', {}))}</td></tr>"
        for item in operation.get("parameters", ())
    ]
    head = "<tr><th>parameter</th><th>in</th><th></th><th>type</th></tr>"
    return f"<table>{head}{''.join(rows)}</table>" if rows else ""


def _body(operation: Mapping[str, Any]) -> str:
    content = operation.get("requestBody", {}).get("content", {})
    kinds = [f"<code>{escape(kind)}</code> {_type(c['schema'])}" for kind, c in content.items()]
    return f"<p>Body: {', '.join(kinds)}</p>" if kinds else ""


def _responses(operation: Mapping[str, Any]) -> str:
    rows = []
    for status, response in operation["responses"].items():
        kinds = ", ".join(
            f"<code>{escape(kind)}</code> {_type(content.get('schema', {}))}"
            for kind, content in response.get("content", {}).items()
        )
        about = escape(response.get("description", ""))
        rows.append(f"<tr><td>{escape(status)}</td><td>{about}</td><td>{kinds}</td></tr>")
    return f"<table><tr><th>status</th><th></th><th></th></tr>{''.join(rows)}</table>"


def _type(schema: Mapping[str, Any]) -> str:
    """A schema in a few words, with links to the named ones."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rsplit("/", 1)[-1])
        return f'<a href="#schema-{name}">{name}</a>'
    if "anyOf" in schema:
        return " or ".join(_type(choice) for choice in schema["anyOf"])
    if "enum" in schema:
        return " | ".join(f"<code>{escape(str(word))}</code>" for word in schema["enum"])
    kind = schema.get("type", "any")
    if kind == "array":
        return f"list of {_type(schema.get('items', {}))}"
    bounds = [f"{key} {schema[key]}" for key in ("minimum", "maximum", "pattern") if key in schema]
    return escape(", ".join([str(kind), *bounds]))
