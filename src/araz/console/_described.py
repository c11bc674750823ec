"""What the API takes and gives, as an OpenAPI document made from the handlers themselves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, get_args, get_origin

import msgspec
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from araz.console._wire import PROTOCOL, ErrorAnswer
from araz.vocabulary import LATEST_TIME_US

_WHOLE: Final = {"type": "integer", "minimum": 0, "maximum": LATEST_TIME_US}
_TEXT: Final = {"type": "string"}
_REFERENCE: Final = "#/components/schemas/{name}"


def asks(
    *, body: type[Any] | None = None, whole: str = "", text: str = "", words: Mapping[str, Iterable[str]] | None = None
) -> dict[str, Any]:
    """What a handler reads itself, for its ``opt``: the body's record; names of whole numbers, texts and chosen words.

    A name with a question mark may be left out, as in ``asks(whole="from_us to_us limit?")``.
    """
    query: dict[str, Any] = dict.fromkeys(whole.split(), _WHOLE)
    query.update(dict.fromkeys(text.split(), _TEXT))
    query.update({name: {"enum": sorted(some)} for name, some in (words or {}).items()})
    return {"body": body, "query": query}


def schema_handler(handlers: Iterable[Any]) -> Any:
    """``GET /schema``: the document of these handlers and of itself."""
    made: list[bytes] = []

    @get("/schema", sync_to_thread=False)
    def get_schema() -> Response[bytes]:
        if not made:
            made.append(msgspec.json.encode(document_of([*handlers, get_schema])))
        return Response(made[0], media_type="application/json; charset=utf-8")

    return get_schema


def document_of(handlers: Iterable[Any]) -> dict[str, Any]:
    """The document: each path and method, its query, its body, its answer, and the one shape of every refusal."""
    real = [handler for handler in handlers if isinstance(handler, HTTPRouteHandler) and handler.include_in_schema]
    bodies = {handler: handler.opt.get("body") for handler in real}
    answers = {handler: _answer(handler) for handler in real}
    kinds = [kind for kind in (*bodies.values(), *answers.values(), ErrorAnswer) if kind is not None]
    schemas, parts = msgspec.json.schema_components(kinds, ref_template=_REFERENCE)
    of_kind = dict(zip(map(id, kinds), schemas, strict=True))
    refused = {"description": "refused: what is wrong and what to do", "content": _json(of_kind[id(ErrorAnswer)])}
    paths: dict[str, dict[str, Any]] = {}
    for handler in real:
        body, answer = bodies[handler], answers[handler]
        given = {"description": "done"} | ({} if answer is None else {"content": _json(of_kind[id(answer)])})
        operation: dict[str, Any] = {"responses": {str(handler.status_code): given, "4XX": refused}}
        if query := handler.opt.get("query"):
            operation["parameters"] = [
                {"name": name.rstrip("?"), "in": "query", "required": not name.endswith("?"), "schema": schema}
                for name, schema in query.items()
            ]
        if body is not None:
            operation["requestBody"] = {"required": True, "content": _json(of_kind[id(body)])}
        for path in sorted(handler.paths):
            for method in sorted(handler.http_methods - {"OPTIONS", "HEAD"}):
                paths.setdefault(path, {})[method.lower()] = {"operationId": f"{method} {path}", **operation}
    info = {"title": "Araz console", "version": str(PROTOCOL)}
    return {"openapi": "3.1.0", "info": info, "paths": dict(sorted(paths.items())), "components": {"schemas": parts}}


def _json(schema: Any) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def _answer(handler: HTTPRouteHandler) -> Any:
    """What a handler gives, by its own annotation; None for bytes, which no record describes."""
    kind = handler.parsed_fn_signature.return_type.annotation
    if get_origin(kind) is Response:
        (kind,) = get_args(kind)
    return None if kind in (bytes, str, None, type(None)) else kind
