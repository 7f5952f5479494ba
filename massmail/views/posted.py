"""The fields of a POST to a public page, whoever wrote its body.

Mail providers send RFC 8058's one field in many hands: with a charset of their own,
in chunks without a length, with bare line feeds or one too many. An opt-out must not
fail at that. The pages' own forms are small, so nothing longer is even read.
"""

from __future__ import annotations

from io import BytesIO
from typing import Any

from django.core.exceptions import BadRequest, SuspiciousOperation
from django.core.files.uploadhandler import MemoryFileUploadHandler
from django.http import HttpRequest, QueryDict
from django.http.multipartparser import MultiPartParser, MultiPartParserError

MAX_BODY = 64 * 1024
KEPT = "_massmail_posted_fields"
URLENCODED, MULTIPART = "application/x-www-form-urlencoded", "multipart/form-data"


def posted_fields(request: HttpRequest) -> QueryDict:
    """The fields of either encoding; none when the body cannot be read.

    Kept with the request: a body can be read once, and a view may be repeated.
    """
    fields: QueryDict | None = vars(request).get(KEPT)
    if fields is None:
        fields = vars(request)[KEPT] = read_fields(request)
    return fields


def read_fields(request: HttpRequest) -> QueryDict:
    try:
        body = body_of(request)
        # Empty, too, where something before us has read it.
        return fields_in(body, request) if body else request.POST
    # OSError: the line broke in the middle of it.
    except (MultiPartParserError, BadRequest, SuspiciousOperation, OSError):
        return QueryDict()


def body_of(request: HttpRequest) -> bytes:
    """Raises `BadRequest` for one that is too long."""
    stream: Any = request
    # In chunks: Django takes what has no length for empty, WSGI servers that can read
    # it to its end say so.
    if request.META.get("wsgi.input_terminated") and not length_of(request):
        stream = request.META["wsgi.input"]
    body: bytes = stream.read(MAX_BODY + 1)
    if len(body) > MAX_BODY:
        raise BadRequest("The body is too long.")
    return body


def length_of(request: HttpRequest) -> str:
    return str(request.META.get("CONTENT_LENGTH") or "")


def fields_in(body: bytes, request: HttpRequest) -> QueryDict:
    """In UTF-8, whatever is declared: our forms are, and the one field is ASCII."""
    kind = (request.content_type or "").lower()
    if kind == URLENCODED:
        return QueryDict(body.strip(), encoding="utf-8")
    if kind == MULTIPART:
        return parts_in(body, request)
    return QueryDict()


def parts_in(body: bytes, request: HttpRequest) -> QueryDict:
    if b"\r\n" not in body:
        body = body.replace(b"\n", b"\r\n")
    meta = {**request.META, "CONTENT_LENGTH": len(body)}
    handlers: Any = [MemoryFileUploadHandler(request)]
    fields, _files = MultiPartParser(meta, BytesIO(body), handlers, "utf-8").parse()
    return fields
