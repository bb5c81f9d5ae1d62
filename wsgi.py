"""The WSGI application, for any WSGI server: ``granian --interface wsgi wsgi:app`` or ``gunicorn wsgi:app``."""
from hub.app import create_app

app = create_app()
