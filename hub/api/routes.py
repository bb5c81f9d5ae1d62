"""One route for each operation, all of one kind: POST at the printed address (clause 6.1.1.3)."""
from __future__ import annotations

from collections.abc import Callable

from flask import Flask, Response, request
from flask_smorest import Api

from config.settings import Settings
from hub.api import body, documentation
from hub.api.envelope import respond, trace_id
from hub.dispatch import Dispatcher
from plugins.operation import Operation


def register(app: Flask, api: Api, dispatcher: Dispatcher) -> None:
    """Give every operation its address and its entry in the OpenAPI document."""
    blueprints, strict = documentation.blueprints(dispatcher.catalogue), dispatcher.hub.settings.strict
    for operation in dispatcher.catalogue:
        blueprint = blueprints[operation.side, operation.resource]
        view = blueprint.doc(**documentation.describe(operation, dispatcher.serves(operation), strict))(_view(dispatcher, operation))
        blueprint.route(operation.path, methods=["POST"], endpoint=operation.name)(view)
        if operation.printed and operation.printed not in dispatcher.catalogue.by_path:  # the operation that has it is not here (erratum E27)
            app.add_url_rule(operation.printed, f"{operation.name}_as_printed", view, methods=["POST"])
    for blueprint in blueprints.values():
        api.register_blueprint(blueprint)
    if strict:
        documentation.refuse_unknown(api, dispatcher.catalogue)


def discard_bodies(app: Flask, settings: Settings) -> None:
    """Have what is left of a request's body read before its answer goes out, also where the request was refused without a look at it."""

    @app.after_request
    def discard(response: Response) -> Response:
        body.discard_rest(request, settings)
        return response


def _view(dispatcher: Dispatcher, operation: Operation) -> Callable[[], Response]:
    settings = dispatcher.hub.settings

    def view() -> Response:
        answer = dispatcher.call(
            operation,
            body.reader(request, settings),
            token=body.token(request, settings),
            trace_id=trace_id(),
            source=body.source(request, settings),
            check=lambda: body.check_version(request, settings),
        )
        return respond(answer, operation.creates)

    view.__name__ = operation.name
    view.__doc__ = operation.summary
    return view
