"""The service's WSGI application: SOAP envelopes, the WSDL, web pages, and a health check."""

from collections.abc import Iterable, Mapping
from typing import Any

import structlog
from attrs import define, field
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException, InternalServerError
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request, Response

from paperless_ivr.cloudivr.contract import Contract
from paperless_ivr.cloudivr.links import Links, Opened
from paperless_ivr.cloudivr.operations import CloudIVR
from paperless_ivr.cloudivr.pages import link_page, service_page
from paperless_ivr.cloudivr.soap import MAX_BODY, Endpoint
from paperless_ivr.cloudivr.words import WORDS

ASMX = "/CloudIVR.asmx"

_HEADERS: Mapping[str, str] = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",  # the URL of a link's page contains its token
    "X-Content-Type-Options": "nosniff",
}

_log = structlog.get_logger()


class _Request(Request):
    max_content_length = MAX_BODY
    max_form_memory_size = MAX_BODY


@define(eq=False)
class Application:
    """The WSGI application."""

    service: CloudIVR
    contract: Contract = field(factory=Contract)
    _routes: Map = field(init=False)

    @_routes.default
    def _all(self) -> Map:
        return Map(
            [
                Rule(ASMX, endpoint=self._describe, methods=["GET"]),
                Rule(ASMX, endpoint=self._post, methods=["POST"]),
                Rule("/paperless/<token>", endpoint=self._look, methods=["GET"]),
                Rule("/paperless/<token>", endpoint=self._complete, methods=["POST"]),
                Rule("/health", endpoint=self._health, methods=["GET"]),
            ]
        )

    def __call__(self, environ: Any, start_response: Any) -> Iterable[bytes]:
        """Answer a WSGI request."""
        return self._answer(_Request(environ))(environ, start_response)

    def _answer(self, request: Request) -> Response:
        try:
            endpoint, values = self._routes.bind_to_environ(request.environ).match()
            response: Response = endpoint(request, **values)
        except HTTPException as error:
            response = Response.force_type(error.get_response(request.environ), request.environ)
        except Exception as error:  # noqa: BLE001 - no traceback reaches the client
            _log.error("cloudivr.failed", error=type(error).__name__)
            response = Response.force_type(InternalServerError().get_response())
        response.headers.update(_HEADERS)
        return response

    def _describe(self, request: Request) -> Response:
        if request.query_string.lower() == b"wsdl":
            # Insert the requested URL, so that a client behind a tunnel can use the WSDL.
            wsdl = self.contract.wsdl(request.base_url)
            return Response(wsdl, content_type="text/xml; charset=utf-8")
        return _html(200, service_page(self.contract.operations))

    def _post(self, request: Request) -> Response:
        return Endpoint(self.service, self.contract).answer(request)

    def _look(self, request: Request, token: str) -> Response:
        return _linked(self._links(request).look(token))

    def _complete(self, request: Request, token: str) -> Response:
        email = request.form.get("EmailAddress", "").strip()
        return _linked(self._links(request).complete(token, email))

    def _links(self, request: Request) -> Links:
        language = request.accept_languages.best_match(WORDS, "en")
        return Links(self.service, language)

    def _health(self, _: Request) -> Response:
        try:
            with self.service.engine.connect() as connection:
                connection.execute(text("SELECT 1"))
        except SQLAlchemyError:
            return Response("database down\n", 503)
        return Response("ok\n")


def _linked(opened: Opened) -> Response:
    return _html(*link_page(opened))


def _html(status: int, text: str) -> Response:
    return Response(text, status, content_type="text/html; charset=utf-8")
