"""The desktops that robots work on, as far as they can be locked (clause 5.1.3): one provider for each kind of system."""
from __future__ import annotations

import getpass
import os
import shutil
import subprocess
import sys
import time
from typing import Protocol

from plugins import Conflict, NotSupported

PATIENCE = 5.0
LOOK_INTERVAL = 0.1
NO_SESSION = "没有可锁定的桌面会话（无桌面登录，或运行在虚拟桌面上，无需锁屏和解锁）"


class Desktop(Protocol):
    """A desktop that can be locked. ``key`` tells it from the others of this machine."""

    key: str

    def is_locked(self) -> bool | None:
        """Whether it is locked; None where that cannot be told."""

    def set_locked(self, wanted: bool) -> None:
        """Lock or unlock it, and see that it has worked. Raises Conflict where it has not, NotSupported where there is no way."""


class LinuxSession:
    """The graphical session of a user, as systemd-logind knows it.

    https://www.freedesktop.org/software/systemd/man/latest/loginctl.html: ``lock-session`` and ``unlock-session`` ask the session's screen
    locker, which tells by ``LockedHint`` that it has done so.
    """

    def __init__(self, session: str) -> None:
        self.key = session

    @classmethod
    def of(cls, user: str) -> LinuxSession | None:
        """The session that the user's display belongs to, None where there is none."""
        session = _loginctl("show-user", "--property=Display", "--value", "--", user)
        return cls(session) if session else None

    def is_locked(self) -> bool | None:
        """What the screen locker has told logind."""
        return {"yes": True, "no": False}.get(_loginctl("show-session", "--property=LockedHint", "--value", "--", self.key) or "")

    def set_locked(self, wanted: bool) -> None:
        """Ask the screen locker and wait until it says that it is done."""
        if _loginctl("lock-session" if wanted else "unlock-session", "--", self.key) is None:
            raise Conflict(f"系统拒绝{'锁定' if wanted else '解锁'}会话 {self.key}")
        deadline = time.monotonic() + PATIENCE
        while self.is_locked() is not wanted:
            if time.monotonic() > deadline:
                raise Conflict(f"会话 {self.key} 的锁屏程序在 {PATIENCE:g} 秒内未{'锁定' if wanted else '解锁'}")
            time.sleep(LOOK_INTERVAL)


class WindowsSession:
    """The session of this process on Windows. Not tried out there: see ``claims``.

    https://learn.microsoft.com/windows/win32/api/winuser/nf-winuser-lockworkstation. There is no documented call that unlocks a session with
    a password; that takes a credential provider, which this runtime does not have.
    """

    key = "console"

    def is_locked(self) -> bool | None:
        """Windows has no documented answer for a process inside of the session."""
        return None

    def set_locked(self, wanted: bool) -> None:
        """Lock it."""
        if not wanted:
            raise NotSupported("Windows 没有公开的解锁会话的方法，需要专用的凭据提供程序")
        program = os.path.join(os.environ.get("SYSTEMROOT", r"C:\Windows"), "System32", "rundll32.exe")
        done = subprocess.run([program, "user32.dll,LockWorkStation"], capture_output=True, timeout=PATIENCE, check=False)
        if done.returncode:
            raise Conflict(f"LockWorkStation 失败（{done.returncode}）")


def desktop_of(user: str) -> Desktop | None:
    """The desktop of a user, "" for the present one. None where nothing can be locked, as on a virtual display: that is always usable."""
    if sys.platform == "win32":
        return WindowsSession()
    return LinuxSession.of(user or getpass.getuser()) if sys.platform == "linux" else None


def by_key(key: str) -> Desktop:
    """The desktop with a known key."""
    return WindowsSession() if sys.platform == "win32" else LinuxSession(key)


def _loginctl(*arguments: str) -> str | None:
    """What loginctl prints; None where it fails, or is not there."""
    program = shutil.which("loginctl")
    if program is None:
        return None
    try:
        done = subprocess.run([program, "--no-ask-password", *arguments], capture_output=True, text=True, timeout=PATIENCE, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
