"""How much of the machine one task may take: memory and processor time of all its processes, size of each file. The least of all says counts.

Memory and processor time are looked at while the task runs. A limit of the address space would do it without looking, but Chromium, which
reserves far more than it uses, does not start under one. The kernel's own limit of processor time is a net below the looking.
"""
from __future__ import annotations

import errno
import math
import os
import re
import signal
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import psutil

from adapters.native.archive import in_mib
from adapters.native.tree import GONE, ProcessTree
from plugins import InvalidInput

OFTEN, SELDOM = 0.2, 1.0
NEAR = 0.5
CPU_NET = 2
SIZE = re.compile(r"(\d{1,15})\s*(?:([KMGT])(?:i?B)?|B)?", re.ASCII | re.IGNORECASE)
FACTORS = {"": 0, "K": 10, "M": 20, "G": 30, "T": 40}
LARGEST = 1 << 62
FULL_DISK = "磁盘空间不足"


@dataclass(frozen=True)
class Bounds:
    """``memory`` and ``file_size`` in bytes, ``cpu_seconds`` in seconds; 0 is none."""

    memory: int = 0
    cpu_seconds: int = 0
    file_size: int = 0

    @classmethod
    def of(cls, given: Mapping[str, Any] | None) -> Bounds:
        """Those named in ``given``: whole numbers, sizes also as text, as in ``"512 MiB"``. Raises InvalidInput for anything else."""
        given = given or {}
        seconds = given.get("cpu_seconds") or 0
        if isinstance(seconds, bool) or not isinstance(seconds, int) or not 0 <= seconds < LARGEST:
            raise InvalidInput("cpu_seconds 应为秒数")
        return cls(_size("memory", given.get("memory")), seconds, _size("file_size", given.get("file_size")))

    def least(self, other: Bounds) -> Bounds:
        """The tighter of both, one by one."""
        pairs = ((getattr(self, name), getattr(other, name)) for name in Bounds.__dataclass_fields__)
        return Bounds(*(min(filter(None, pair), default=0) for pair in pairs))

    def of_kernel(self) -> list[tuple[int, tuple[int, int]]]:
        """What the kernel can hold a process to, and those that it starts: a file's size, and a process's own processor time (soft, hard)."""
        if sys.platform != "linux":
            return []
        import resource

        found = [(resource.RLIMIT_FSIZE, (self.file_size, self.file_size))] if self.file_size else []
        if self.cpu_seconds:
            found.append((resource.RLIMIT_CPU, (self.cpu_seconds + CPU_NET, self.cpu_seconds + 2 * CPU_NET)))
        return found


NONE = Bounds()


def _size(name: str, value: Any) -> int:
    if value in (None, ""):
        return 0
    found = SIZE.fullmatch(str(value).strip()) if isinstance(value, (int, str)) and not isinstance(value, bool) else None
    size = int(found[1]) << FACTORS[(found[2] or "").upper()] if found else -1
    if not 0 <= size < LARGEST:
        raise InvalidInput(f'{name} 应为字节数，或形如 "512 MiB" 的文本')
    return size


class Watch:
    """Looks at what a run takes: once a second, and more often when it comes near a limit. Without limits it never looks."""

    def __init__(self, tree: ProcessTree, bounds: Bounds) -> None:
        self._tree = tree
        self._bounds = bounds
        self._next = 0.0 if bounds.memory or bounds.cpu_seconds else math.inf

    def exceeded(self) -> str:
        """What limit has been passed, as a reason; nothing when none has."""
        if time.monotonic() < self._next:
            return ""
        memory, seconds = _taken(self._tree.glance())
        seconds += self._tree.seconds_of_dead
        shares = [share for share in (_share(memory, self._bounds.memory), _share(seconds, self._bounds.cpu_seconds)) if share]
        self._next = time.monotonic() + (OFTEN if max(shares, default=0.0) > NEAR else SELDOM)
        if self._bounds.memory and memory > self._bounds.memory:
            return f"内存超过上限 {in_mib(self._bounds.memory)}（已用 {in_mib(memory >> 20 << 20)}）"
        if self._bounds.cpu_seconds and seconds > self._bounds.cpu_seconds:
            return cpu_reason(self._bounds)
        return ""


def cpu_reason(bounds: Bounds) -> str:
    """The reason of a run that has used up its processor time."""
    return f"处理器时间超过上限 {bounds.cpu_seconds} 秒"


def file_reason(bounds: Bounds) -> str:
    """The reason of a run that wanted to write too large a file."""
    return f"写入的文件超过上限 {in_mib(bounds.file_size)}"


def _share(used: float, limit: int) -> float:
    return used / limit if limit else 0.0


def _taken(members: Iterable[psutil.Process]) -> tuple[int, float]:
    """Resident memory (bytes) and processor time (seconds), that of children which ended included."""
    memory, seconds = 0, 0.0
    for process in members:
        try:
            with process.oneshot():
                memory += process.memory_info().rss
                seconds += sum(process.cpu_times()[:4])
        except (*GONE, psutil.AccessDenied):
            continue
    return memory, seconds


def explained(reason: str, code: int, bounds: Bounds) -> str:
    """A failure's reason with, in front, what stands behind it where the exit code or the program's own words tell.

    ``code`` is the exit code, negative for the number of a signal.
    """
    number = -code if code < 0 else code - 128  # A shell tells the signal that its child died of so.
    told = ""
    if bounds.cpu_seconds and number == signal.SIGXCPU:
        told = cpu_reason(bounds)
    if bounds.file_size and number == signal.SIGXFSZ:
        told = file_reason(bounds)
    if not told and bounds.file_size and (os.strerror(errno.EFBIG) in reason or "File size limit exceeded" in reason):
        told = file_reason(bounds)
    if not told and os.strerror(errno.ENOSPC) in reason:
        told = FULL_DISK
    return f"{told}：{reason}" if told else reason


def of_disk(error: OSError) -> str:
    """What to say about a disk that did not take something."""
    # Copying a folder gathers the errors of its files as texts.
    is_full = error.errno in (errno.ENOSPC, errno.EDQUOT) or os.strerror(errno.ENOSPC) in str(error)
    return FULL_DISK if is_full else str(error.strerror or type(error).__name__)
