"""Reboot and shutdown of this machine: first its robots come to rest, then the configured program runs, once.

All that is known stands in the command's row, so that a host that dies goes on where it was. The program is never run a second time: the
change to ``executing`` comes before it, and whether the machine has really started anew is seen by its boot id.
"""
from __future__ import annotations

from datetime import timedelta

from hub.database import now
from hub.machines import commands, holds, programs
from hub.machines.commands import DONE, DRAINING, EXECUTING, FAILED, POWER, REFUSED, REQUESTED
from hub.machines.here import Here
from hub.models import MachineCommand

SECONDS_TO_RUN = 60.0
TIME_TO_CANCEL = timedelta(seconds=45)
TIME_TO_GO_DOWN = timedelta(seconds=300)
NOT_ALLOWED = "计算机所有者未允许远程重启和关机（allow_machine_power）"


def step(here: Here) -> bool:
    """Go on with the machine's reboot or shutdown. Whether there is one."""
    with here.hub.db.read() as session:
        command = next((each for each in commands.open_on(session, here.machine_id) if each.kind in POWER), None)
    if command is None:
        return False
    {REQUESTED: _begin, DRAINING: _drain, EXECUTING: _look_back}[command.state](here, command)
    return True


def _begin(here: Here, command: MachineCommand) -> None:
    with here.hub.db.write() as session:
        if command.cancel_requested_at is not None:
            commands.change(session, command, commands.CANCELLED, result="执行前已取消")
        elif not here.hub.settings.allow_machine_power:
            commands.change(session, command, REFUSED, claimed_by=here.key, result=NOT_ALLOWED)
        elif commands.change(session, command, DRAINING, claimed_by=here.key, boot_id=here.boot_id, drained_from=now()):
            holds.hold(session, here.machine_id, commands.holder(command))


def _drain(here: Here, command: MachineCommand) -> None:
    """Wait for the running tasks; those that are too slow are cancelled, or the command is given up."""
    if command.boot_id != here.boot_id:
        return _end(here, command, FAILED, "等待任务结束期间计算机已重新启动")
    if command.cancel_requested_at is not None:
        return _end(here, command, commands.CANCELLED, "等待任务结束期间已取消")
    with here.hub.db.write() as session:
        holds.hold(session, here.machine_id, commands.holder(command))
        running = holds.running_tasks(session, here.machine_id)
    overtime = now() - (command.drained_from or now()) - timedelta(seconds=command.timeout)
    if running and overtime < timedelta():
        return None
    if running and not command.is_forced:
        return _end(here, command, FAILED, f"{command.timeout} 秒后仍有 {len(running)} 个任务在运行")
    if running and overtime < TIME_TO_CANCEL:
        why = f"计算机将由 {command.requested_by} {POWER[command.kind]}"
        return holds.cancel_running(here.hub, running, command.requested_by, why)
    return _execute(here, command)


def _execute(here: Here, command: MachineCommand) -> None:
    settings = here.hub.settings
    with here.hub.db.write() as session:
        if not commands.change(session, command, EXECUTING, executed_at=now()):
            return
    command.state = EXECUTING
    program = settings.machine_reboot_command if command.kind == "reboot" else settings.machine_shutdown_command
    ended = programs.run(program, SECONDS_TO_RUN)
    if ended.status != 0:
        how = "未能执行" if ended.status is None else f"以退出码 {ended.status} 结束"
        _end(here, command, FAILED, f"{program[0]} {how}：{ended.output}" if ended.output else f"{program[0]} {how}", ended.output)


def _look_back(here: Here, command: MachineCommand) -> None:
    """The program has run, or this host died over it: has the machine started anew since?"""
    if command.boot_id != here.boot_id:
        _end(here, command, DONE, f"计算机已{POWER[command.kind]}并重新启动")
    elif now() - (command.executed_at or now()) > TIME_TO_GO_DOWN:
        _end(here, command, FAILED, f"{TIME_TO_GO_DOWN.seconds} 秒后计算机仍未{POWER[command.kind]}")


def _end(here: Here, command: MachineCommand, state: str, result: str, output: str | None = None) -> None:
    with here.hub.db.write() as session:
        commands.change(session, command, state, result=result, output=output)
