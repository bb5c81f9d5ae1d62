"""File contents behind signed, expiring addresses: usable without a token header (erratum E60)."""
from __future__ import annotations

from urllib.parse import quote

from flask import Blueprint, Response, request, send_file

from hub.core import Hub
from hub.models import Package
from plugins import codes
from plugins.errors import HubError, Refused

PATH = "/api/ext/package/download"


def package_url(hub: Hub, base_url: str, package: Package) -> str:
    """The address of a package's content, for the next ten minutes (by default); empty where the hub has no content of it."""
    if not package.digest:
        return ""
    signature = hub.vault.sign(f"package:{package.id}", hub.settings.download_lifetime)
    return f"{base_url.rstrip('/')}{PATH}/{package.id}?sign={signature}"


def blueprint(hub: Hub) -> Blueprint:
    """GET /api/ext/package/download/<id>?sign=…"""
    downloads = Blueprint("downloads", __name__)

    @downloads.get(f"{PATH}/<int:package_id>")
    def download(package_id: int) -> Response:
        if not hub.vault.verify(f"package:{package_id}", request.args.get("sign", "")):
            raise Refused("下载地址无效或已过期", code=codes.NO_PERMISSION)
        with hub.db.read() as session:
            package = session.get(Package, package_id)
        if package is None or not package.digest:
            raise HubError(code=codes.FILE_MISSING)
        content = hub.store.get(package.digest)
        name = f"{package.name}-{package.version}.zip"
        response = send_file(content.open(), mimetype="application/zip", etag=package.digest, max_age=0, conditional=True)
        response.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name)}"
        response.headers["Digest"] = f"sha-256={package.digest}"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    return downloads
