"""The plain install's dependencies run on the systems that are claimed: pure Python, or wheels for x86_64 and aarch64."""
from __future__ import annotations

import re

from adapters.native.claims import CLAIMS
from tests.systems import BINARIES, PAGE, closure, is_pure, page, requirements

CLAIMED_GLIBC = (2, 28)


def test_whatever_is_not_pure_python_is_known_and_nothing_else() -> None:
    assert {name for name, tags in closure().items() if not is_pure(tags)} == BINARIES.keys()


def test_everything_was_installed_from_a_wheel() -> None:
    assert [name for name, tags in closure().items() if not tags] == []


def test_the_wheels_that_are_installed_here_are_for_linux_at_large() -> None:
    for name, tags in closure().items():
        if not is_pure(tags):
            assert any(re.search(r"-manylinux(_\d+_\d+|\d+)_(x86_64|aarch64)$", tag) for tag in tags), (name, tags)


def test_the_wheels_go_as_far_back_as_is_claimed() -> None:
    for name, each in BINARIES.items():
        for glibc in (each.x86_64, each.aarch64):
            assert tuple(map(int, glibc.split("."))) <= CLAIMED_GLIBC, name
    assert any(f"glibc {'.'.join(map(str, CLAIMED_GLIBC))} or later" in claim.system for claim in CLAIMS)


def test_windows_is_claimed_only_where_every_wheel_is_there() -> None:
    runs_there = [each for each in CLAIMS if each.feature.startswith("runs processes") and each.system.startswith("Windows") and each.state != "no"]
    assert not runs_there or all(each.windows for each in BINARIES.values())


def test_nothing_is_claimed_as_proven_beyond_what_the_tests_run_on() -> None:
    assert {each.system for each in CLAIMS if each.state == "proven"} <= {"Debian 12, x86_64", "Linux", "X11", "virtual display"}


def test_the_page_for_operators_says_what_is_so() -> None:
    assert PAGE.read_text("utf-8") == page(), "python -m tests.systems"


def test_every_requirement_has_a_lower_and_an_upper_bound_or_says_why_not() -> None:
    free = {each.name for each in requirements() if not any(one.operator.startswith("<") for one in each.specifier)}
    assert free <= {"tzdata"}, "only data may come in any version"
