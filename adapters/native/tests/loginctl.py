"""A stand-in for systemd's loginctl with the session of one user, whose screen locker obeys or does not. It keeps its state in a folder."""
from __future__ import annotations

import getpass
import os
from pathlib import Path

SESSION = "c7"
PROGRAM = """#!/bin/sh
cd {folder} || exit 1
echo "$*" >> calls
[ "$1" = --no-ask-password ] && shift
case "$*" in
  "show-user --property=Display --value -- {user}") cat session;;
  "show-session --property=LockedHint --value -- {session}") cat locked;;
  "lock-session -- {session}") [ -e deaf ] || echo yes > locked;;
  "unlock-session -- {session}") [ -e deaf ] || echo no > locked;;
  *) echo "Unknown: $*" >&2; exit 1;;
esac
"""


class Loginctl:
    """Put ``path`` in front of PATH to have it called."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "bin").mkdir(parents=True)
        program = folder / "bin" / "loginctl"
        program.write_text(PROGRAM.format(folder=folder, user=getpass.getuser(), session=SESSION), encoding="utf-8")
        program.chmod(0o755)
        (folder / "session").write_text(f"{SESSION}\n", encoding="ascii")
        (folder / "calls").touch()
        self.set(True)

    @property
    def path(self) -> str:
        return f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}"

    def set(self, is_locked: bool) -> None:
        """Lock or unlock the session as its user would."""
        (self.folder / "locked").write_text("yes\n" if is_locked else "no\n", encoding="ascii")

    @property
    def is_locked(self) -> bool:
        return (self.folder / "locked").read_text(encoding="ascii").strip() == "yes"

    def log_out(self) -> None:
        (self.folder / "session").write_text("", encoding="ascii")

    def turn_deaf(self) -> None:
        """The screen locker does what it is asked no more."""
        (self.folder / "deaf").touch()

    def changes(self) -> list[str]:
        """What it was asked to change, in order: lock or unlock."""
        calls = (self.folder / "calls").read_text("utf-8").splitlines()
        return [word for call in calls for word in ("unlock", "lock") if f"{word}-session" in call.split()]
