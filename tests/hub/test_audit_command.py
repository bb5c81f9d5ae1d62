"""`rpahub audit`: what it says of a whole and of a broken chain, and what it exports."""
from __future__ import annotations

import csv
import json

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import delete

from hub import audit
from hub.cli import rpahub
from hub.models import AuditEntry


@pytest.fixture
def chained(api, hub):
    """A chain of three entries."""
    for number in range(3):
        api("department_create", depName=f"部门{number}", parentId=1)
    audit.seal_pending(hub)
    return hub


def run(hub, *arguments: str) -> Result:
    return CliRunner().invoke(rpahub, ["audit", *arguments, "--data", str(hub.settings.data)], catch_exceptions=False)


def test_it_says_that_the_chain_is_whole(chained):
    told = run(chained, "verify")
    assert (told.exit_code, told.stdout) == (0, "whole: 3 entries are in order, 0 wait to be taken into the chain\n")


def test_it_says_where_the_chain_is_broken(chained):
    with chained.db.write() as session:
        session.execute(delete(AuditEntry).where(AuditEntry.seq == 2))
    told = run(chained, "verify")
    assert (told.exit_code, told.stdout) == (1, "broken at entry 2: entry 2 is missing (1 entries before it are in order)\n")


def test_it_exports_all_or_some_as_json_lines(api, chained):
    api("robot_group_create", depId=1, robotGroupName="g")
    lines = [json.loads(line) for line in run(chained, "export").stdout.splitlines()]
    assert [each["seq"] for each in lines] == [1, 2, 3, None]
    assert (lines[0]["actor"], lines[0]["subject"]["depName"], lines[0]["time"][-6:]) == ("admin", "部门0", "+08:00")
    assert len(run(chained, "export", "--operation", "robot_group_create").stdout.splitlines()) == 1
    assert len(run(chained, "export", "--since", "2020-01-01").stdout.splitlines()) == 4
    for nothing in (["--actor", "nobody"], ["--until", "2020-01-01"]):
        assert run(chained, "export", *nothing).stdout == ""


def test_it_exports_to_a_file_that_a_spreadsheet_opens_safely(api, chained, tmp_path):
    api.within(1, name="=cmd()")("department_create", depName="x", parentId=1)
    assert run(chained, "export", "--format", "csv", "--output", str(tmp_path / "audit.csv")).exit_code == 0
    rows = list(csv.DictReader((tmp_path / "audit.csv").read_text("utf-8-sig").splitlines()))
    assert [each["seq"] for each in rows] == ["1", "2", "3", ""]
    assert rows[-1]["actor"] == "'=cmd()"
    assert json.loads(rows[0]["subject"])["depName"] == "部门0"


def test_it_says_where_there_is_no_hub(tmp_path):
    told = CliRunner().invoke(rpahub, ["audit", "verify", "--data", str(tmp_path / "none")])
    assert told.exit_code == 1 and "there is no hub" in told.output
