"""What this machine is and how busy it is (Tables 63 and 126)."""
from __future__ import annotations

import platform
import socket
import time
from typing import Any

import psutil

from plugins import Context, InvalidInput, hookimpl

TYPES = ("machineName", "ip", "cpu", "disk", "memory", "systemVersion")
GIB = 1 << 30
FIRST_SAMPLE = 0.1
SAMPLE_AGE = 60.0


@hookimpl
def machine_query(ctx: Context, params: dict) -> dict:
    """Answer ``resourceInfo`` as printed, and the same figures as numbers in ``resourceDetail`` (erratum E34).

    ``resourceTypes`` are matched in any case; an unknown one is 10007 (erratum E32).
    """
    readers = {
        "machineName": lambda: (socket.gethostname(), {}),
        "ip": lambda: (_address(), {}),
        "cpu": lambda: _cpu(ctx),
        "disk": lambda: _sized("disk", psutil.disk_usage(str(ctx.folder) if ctx.folder and ctx.folder.exists() else "/")),
        "memory": lambda: _sized("memory", psutil.virtual_memory()),
        "systemVersion": lambda: (_system(), {}),
    }
    info: dict[str, str] = {}
    detail: dict[str, Any] = {}
    for name in _wanted(params.get("resourceTypes")):
        info[name], numbers = readers[name]()
        detail.update(numbers)
    return {"resourceInfo": info, "resourceDetail": detail}


def _wanted(given: list[str] | None) -> tuple[str, ...]:
    by_folded = {name.casefold(): name for name in TYPES}
    unknown = [name for name in given or () if str(name).strip().casefold() not in by_folded]
    if unknown:
        raise InvalidInput(f"不支持的资源类型 {str(unknown[0])[:40]}，应为 {'、'.join(TYPES)}")
    return tuple(by_folded[str(name).strip().casefold()] for name in given) if given else TYPES


def _cpu(ctx: Context) -> tuple[str, dict[str, float]]:
    """How busy the processors were since the last question, which is remembered so that nobody has to wait; 0.1 s the first time."""
    with ctx.lock:
        now, times = time.monotonic(), _processor_times()
        last = ctx.memo.get("cpu_sample")
        if last is not None and now - last[0] < FIRST_SAMPLE:
            percent = last[2]
        else:
            if last is None or now - last[0] > SAMPLE_AGE:
                last = (now, times, 0.0)
                time.sleep(FIRST_SAMPLE)
                now, times = time.monotonic(), _processor_times()
            busy, total = times[0] - last[1][0], times[1] - last[1][1]
            percent = round(min(max(100 * busy / total, 0.0), 100.0), 1) if total > 0 else 0.0
            ctx.memo["cpu_sample"] = (now, times, percent)
    return f"{percent:.1f}%", {"cpuPercent": percent}


def _processor_times() -> tuple[float, float]:
    """Busy and total seconds of all processors since the machine started. Guest time is counted in user time already."""
    times = psutil.cpu_times()
    total = sum(times) - getattr(times, "guest", 0.0) - getattr(times, "guest_nice", 0.0)
    return total - times.idle - getattr(times, "iowait", 0.0), total


def _sized(name: str, usage: Any) -> tuple[str, dict[str, float]]:
    size = f"{usage.total / GIB:.1f}".removesuffix(".0")
    return f"{size}GB/{usage.percent:.1f}%", {f"{name}Total": usage.total, f"{name}Percent": usage.percent}


def _address() -> str:
    """The address that this machine shows to its network, else the first that an interface has."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        # Connecting a datagram socket sends nothing, it only looks up the route.
        if probe.connect_ex(("192.0.2.1", 9)) == 0:
            return str(probe.getsockname()[0])
    addresses = [each.address for group in psutil.net_if_addrs().values() for each in group if each.family == socket.AF_INET]
    return next((address for address in addresses if not address.startswith("127.")), "127.0.0.1")


def _system() -> str:
    if platform.system() != "Linux":
        return f"{platform.system()} {platform.version()}"
    try:
        name = platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        name = "Linux"
    return f"{name} ({platform.machine()}, {platform.release()})"
