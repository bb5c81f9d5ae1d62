"""What the native robot can do on which system, and what that rests on. Whatever no test shows is not claimed."""
from __future__ import annotations

from plugins import Claim

DEBIAN = "Debian 12, x86_64"
GLIBC = "Linux with glibc 2.28 or later (Ubuntu 20.04, RHEL and CentOS 8, openEuler, Kylin V10, UOS 20, and later), x86_64 and aarch64"
OLD = "Linux with an older glibc (CentOS 7, NeoKylin 7)"
WINDOWS = "Windows, Windows Server"
STAND_IN = "tests with a loginctl that keeps state, not with a screen locker of a desktop"

CLAIMS = (
    Claim("runs processes (F025 to F027)", DEBIAN, "proven", "all tests run there"),
    Claim("runs processes (F025 to F027)", GLIBC, "unproved", "all dependencies have wheels (docs/operators/systems.md); Python 3.11 is needed"),
    Claim("runs processes (F025 to F027)", OLD, "no", "some dependencies have no wheels for it and must be compiled"),
    Claim("runs processes (F025 to F027)", WINDOWS, "no", "the robot host forks; robots on Windows are driven through vendors' adapters"),
    Claim("runs without a screen (F024)", "Linux", "proven", "all tests run without one"),
    Claim("unlocks before a task and locks again after it (F021 to F023)", "Linux with systemd-logind", "unproved", STAND_IN),
    Claim("locks again when its process is killed (F023)", "Linux with systemd-logind", "unproved", STAND_IN),
    Claim("is not affected by a locked screen (F021)", "virtual display", "proven", "tests: where there is no session there is nothing to lock, and tasks run"),
    Claim("locks a desktop", WINDOWS, "unproved", "LockWorkStation, as documented; never run there"),
    Claim("unlocks a desktop (F022)", WINDOWS, "no", "there is no documented call that takes a password; it needs a credential provider"),
    Claim("hotkeys (F018)", "X11", "proven", "tests with a real X server and synthetic keys"),
    Claim("hotkeys (F018)", "Wayland", "unproved", "only where XWayland passes the keys on"),
    Claim("hotkeys (F018)", WINDOWS, "no", "the robot host does not run there"),
    Claim("tells the machine's figures (F064)", "Linux", "proven", "by psutil"),
    Claim("reboots and shuts down the machine (F065, F066)", "Linux with systemd", "unproved", "tests run another program in the place of systemctl"),
)
