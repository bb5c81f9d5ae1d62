"""The two pluggy markers. ``hookimpl`` is what an adapter puts before each operation that it implements."""
from __future__ import annotations

import pluggy

PROJECT = "rpahub"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)
