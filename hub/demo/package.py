"""Zips the demonstration's process with its data into a package, as an author of packages would."""
from __future__ import annotations

import io
import zipfile
from pathlib import Path

from hub.demo.make_data import CUSTODIAN_FILE, EXPORT_FILE, FIXED_TIME, Data, make

NAME = "成交对账"
VERSION = "1.0.0"
SOURCE = Path(__file__).parent / "reconcile"
SUFFIXES = (".robot", ".toml", ".py")


def build(data: Data | None = None) -> bytes:
    """The package, the same bytes each time for the same ``data`` (by default that of ``make_data.make``)."""
    data = data or make()
    files = {path.name: path.read_bytes() for path in sorted(SOURCE.iterdir()) if path.suffix in SUFFIXES and path.name != "__init__.py"}
    files[f"data/{EXPORT_FILE}"] = data.export
    files[f"data/{CUSTODIAN_FILE}"] = data.custodian
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, FIXED_TIME), content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()
