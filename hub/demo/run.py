"""`rpahub demo`: the main job, in front of the user, through the public API only.

Signs in, uploads a process package, makes a process of it, starts tasks with different parameters, follows them live, and shows what they
gave back and what they logged.
"""
from __future__ import annotations

import hashlib
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from hub.demo import package
from hub.demo.client import CallFailed, Client

DUPLICATE = "10502"
ENDED = ("succeeded", "failed", "cancelled", "timed_out", "missed")
COLOURS = {"queued": "dim", "running": "cyan", "succeeded": "green", "failed": "red", "timed_out": "red", "cancelled": "yellow"}
RUNS = ({"tolerance": "0.00"}, {"tolerance": "0.01"}, {"tolerance": "100.00"})
LOOK_INTERVAL = 0.15
LONGEST_WAIT = 300.0
LOG_LINES = 15
BAR = 24


class DemoFailed(Exception):
    """The demonstration did not come to its end; the message says why."""


def main(url: str, username: str, password: str | None) -> int:
    """Show the main job on the hub at ``url``. The exit status: 0 when all tasks succeeded, else 1, after a message that says what went wrong."""
    console = Console(highlight=False)
    try:
        return Demo(Client(url), console).run(username, password or _ask_password(username))
    except (CallFailed, DemoFailed) as error:
        console.print(Text(f"✗ {error}", "bold red"), soft_wrap=True)
        return 1


def _ask_password(username: str) -> str:
    if not sys.stdin.isatty():
        raise DemoFailed(f"the password of {username} is not known: set RPAHUB_ADMIN_PASSWORD, or give --password")
    return str(click.prompt(f"Password of {username}", hide_input=True))


class Demo:
    """One demonstration."""

    def __init__(self, client: Client, console: Console) -> None:
        self.client = client
        self.console = console

    def run(self, username: str, password: str) -> int:
        """All of it, step by step. Raises CallFailed and DemoFailed."""
        self._sign_in(username, password)
        department = self._department()
        group = self._robot_group()
        package_id = self._upload(department["depId"])
        process_id = self._process(department["depId"], group["robotGroupId"], package_id)
        tasks = self._start(process_id, group["robotGroupId"])
        with self._cancelled_on_interrupt(tasks):
            self._follow(tasks, group)
        self._show_results(tasks)
        self._show_log(next((each for each in tasks if each["taskState"] != "succeeded"), tasks[0]))
        return self._verdict(tasks)

    def _say(self, operation: str, result: str) -> None:
        self.console.print(Text.assemble(("✓ ", "green"), (f"{operation:<34}", "bold"), result), soft_wrap=True)

    def _sign_in(self, username: str, password: str) -> None:
        data = self.client.call("account/authenticate", {"username": username, "password": password})
        self.client.token = data["token"]
        self._say("account/authenticate", f"signed in as {username} at {self.client.url}, token valid until {data['expirationTime']}")

    def _department(self) -> dict[str, Any]:
        departments = self.client.call("department/list")["departments"]
        if not departments:
            raise DemoFailed("this user sees no department")
        self._say("department/list", f"department {departments[0]['depName']}")
        return dict(departments[0])

    def _robot_group(self) -> dict[str, Any]:
        groups = [each for each in self.client.call("robot-group/list")["robotGroups"] if each["robotIds"]]
        if not groups:
            raise DemoFailed("there is no robot group with robots in it; start the hub with --robots 1 or more")
        self._say("robot-group/list", f"group {groups[0]['robotGroupName']} with {len(groups[0]['robotIds'])} robots")
        return dict(groups[0])

    def _upload(self, department_id: int) -> int:
        """The package in the hub: uploaded now, or found there from an earlier demonstration."""
        content = package.build()
        version = f"{package.VERSION}+{hashlib.sha256(content).hexdigest()[:8]}"
        params = {"packageName": package.NAME, "packageVersion": version, "depId": department_id}
        try:
            found: int = self.client.upload("package/create", params, "package", "demo.zip", content)["packageId"]
            self._say("package/create", f"{package.NAME} {version}, {len(content) / 1024:.0f} KiB")
        except CallFailed as error:
            if error.code != DUPLICATE:
                raise
            rows = self.client.call("package/query", {"depId": department_id, "keyword": version})["packageList"]
            same = [row["packageId"] for row in rows if (row["packageName"], row["packageVersion"], row["depId"]) == (package.NAME, version, department_id)]
            if not same:
                raise
            found = same[0]
            self._say("package/query", f"{package.NAME} {version} is there already")
        return found

    def _process(self, department_id: int, group_id: int, package_id: int) -> int:
        """The process of the demonstration, with this package active."""
        rows = self.client.call("process/list", {"depId": department_id, "keyword": package.NAME})["processes"]
        found = [row["processId"] for row in rows if (row["processName"], row["depId"]) == (package.NAME, department_id)]
        if found:
            process_id = int(found[0])
            self._say("process/list", f"process {package.NAME} is there already")
        else:
            params = {"processName": package.NAME, "remark": "rpahub demo", "depId": department_id, "robotGroupId": group_id, "isRecord": False}
            process_id = int(self.client.call("process/create", params)["processId"])
            self._say("process/create", f"process {package.NAME}")
        self.client.call("process/activate-package-version", {"processId": process_id, "packageId": package_id})
        self._say("process/activate-package-version", "the package is active")
        return process_id

    def _start(self, process_id: int, group_id: int) -> list[dict[str, Any]]:
        tasks = []
        for parameters in RUNS:
            given = [{"name": name, "value": value} for name, value in parameters.items()]
            params = {"processId": process_id, "robotGroupId": group_id, "priority": 1, "isRecord": False, "inParameters": given}
            for task_id in self.client.call("task/create", params)["taskIds"]:
                tasks.append({"taskId": task_id, "taskState": "queued", "inParameters": given})
        self._say("task/create", f"{len(tasks)} tasks")
        return tasks

    @contextmanager
    def _cancelled_on_interrupt(self, tasks: list[dict[str, Any]]) -> Iterator[None]:
        """Ctrl+C leaves no task of the demonstration behind."""
        try:
            yield
        except KeyboardInterrupt:
            for each in tasks:
                if each["taskState"] not in ENDED:
                    self.client.call("task/cancel", {"taskId": each["taskId"]})
            raise

    def _follow(self, tasks: list[dict[str, Any]], group: dict[str, Any]) -> None:
        """Show state, progress and step of the tasks until all have ended. Raises DemoFailed when they do not in five minutes."""
        deadline = time.monotonic() + LONGEST_WAIT
        with Live(_progress(tasks), console=self.console, refresh_per_second=10) as live:
            while any(each["taskState"] not in ENDED for each in tasks):
                if time.monotonic() > deadline:
                    raise DemoFailed(f"the tasks have not ended within {LONGEST_WAIT:g} s; {self._robots_online(group)}")
                time.sleep(LOOK_INTERVAL)
                for each in tasks:
                    if each["taskState"] not in ENDED:
                        each.update(self.client.call("task/query", {"taskId": each["taskId"]}))
                live.update(_progress(tasks))

    def _robots_online(self, group: dict[str, Any]) -> str:
        robots = self.client.call("robot/list", {"pageSize": 1000})["robots"]
        here = [each for each in robots if each["robotId"] in group["robotIds"]]
        return f"{sum(each['robotState'] != 'offline' for each in here)} of {len(here)} robots of the group are online"

    def _show_results(self, tasks: list[dict[str, Any]]) -> None:
        """One column for each task: its input, then its output parameters."""
        outputs = [{item["name"]: item["value"] for item in each["outParameters"]} for each in tasks]
        table = Table("", title="\ntask/query: what went into the tasks and what came out", title_justify="left", title_style="bold")
        for each in tasks:
            table.add_column(f"task {each['taskId']}", justify="right")
        given = [{item["name"]: item["value"] for item in each["inParameters"]} for each in tasks]
        for values, style in ((given, "cyan"), (outputs, "")):
            for name in dict.fromkeys(name for each in values for name in each):
                table.add_row(Text(name, style), *(Text(each.get(name, ""), style) for each in values))
        self.console.print(table)

    def _show_log(self, task: dict[str, Any]) -> None:
        lines = self.client.call("task-log/query", {"taskId": task["taskId"]})["logs"]
        shown = lines[-LOG_LINES:]
        self.console.print(Text(f"\ntask-log/query: task {task['taskId']}, last {len(shown)} of {len(lines)} lines", "bold"))
        styles = {"error": "red", "warn": "yellow", "debug": "dim", "trace": "dim"}
        for line in shown:
            text = Text.assemble((f"{line['logTime']} ", "dim"), (f"{line['logLevel']:<6}", styles.get(line["logLevel"], "cyan")), line["message"])
            self.console.print(text, no_wrap=True, overflow="ellipsis")

    def _verdict(self, tasks: list[dict[str, Any]]) -> int:
        self.console.print()
        failed = [each for each in tasks if each["taskState"] != "succeeded"]
        for each in failed:
            self.console.print(Text(f"✗ task {each['taskId']} {each['taskState']}: {each['reason'] or 'no reason given'}", "bold red"))
        if not failed:
            self.console.print(Text(f"✓ all {len(tasks)} tasks succeeded; the API is described at {self.client.url}/api/ext/docs/", "bold green"))
        return 1 if failed else 0


def _progress(tasks: list[dict[str, Any]]) -> Table:
    """The tasks as they stand now."""
    table = Table.grid(padding=(0, 2))
    for each in tasks:
        state = each["taskState"]
        share = 100 if state == "succeeded" else each.get("progress") or 0
        done = round(BAR * share / 100)
        bar = Text.assemble(("━" * done, COLOURS.get(state, "")), ("━" * (BAR - done), "dim"))
        robot = f"robot {each['robotId']}" if each.get("robotId") else ""
        table.add_row(f"  task {each['taskId']}", bar, f"{share:3d} %", Text(state, COLOURS.get(state, "")), robot, Text(each.get("step") or "", "dim"))
    return table
