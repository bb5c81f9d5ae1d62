"""The web application: the standard's API, the hub's extensions, their documentation, and the health checks."""
from __future__ import annotations

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from config.logging import set_up
from config.settings import Settings, load
from hub.api import documentation, downloads, envelope, health, metrics, routes
from hub.core import Hub
from hub.dispatch import Dispatcher


def create_app(settings: Settings | None = None) -> Flask:
    """A WSGI application with these settings; without any, as a web server of its own: with those of the environment, and with logging."""
    if settings is None:
        settings = load()
        set_up(settings, "web")
    app = Flask("hub", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = settings.max_request
    app.config["MAX_FORM_MEMORY_SIZE"] = settings.max_json
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.url_map.strict_slashes = False
    if settings.proxies:
        count = settings.proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=count, x_proto=count, x_host=count, x_prefix=count)  # type: ignore[method-assign]
    hub = Hub(settings)
    dispatcher = Dispatcher(hub)
    app.extensions["hub"] = hub
    app.extensions["dispatcher"] = dispatcher
    api = documentation.create_api(app)
    routes.register(app, api, dispatcher)
    routes.discard_bodies(app, settings)
    app.register_blueprint(health.blueprint(hub))
    app.register_blueprint(downloads.blueprint(hub))
    app.register_blueprint(metrics.blueprint(hub))
    app.register_blueprint(documentation.browser())
    envelope.register_error_handlers(app)
    return app
