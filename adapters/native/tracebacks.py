"""Keeps the lines of a Python exception together: one entry of the task log, as it was printed, rather than thirty."""
from __future__ import annotations

import re
from typing import Protocol

TRACEBACK = "Traceback (most recent call last):"
SILENCE = 0.2
LONGEST_BLOCK = 16 * 1024
CHAINED = re.compile(r"(During handling of the above exception|The above exception was the direct cause)")


class Log(Protocol):
    """Where the lines go."""

    def write(self, level: str, message: str) -> None:
        """Add one entry."""


class Tracebacks:
    """Takes a stream line by line: hands on exceptions in one piece (error), all else as it comes, at the stream's ``level``.

    ``last`` is the last line that says something, ``exception`` the last one of the last exception. A block ends with its exception's own
    line, unless another one follows that has to do with it; whoever reads calls ``close`` when nothing has come for a while.
    """

    def __init__(self, log: Log, level: str) -> None:
        self._log = log
        self._level = level
        self._block: list[str] = []
        self._size = 0
        self._is_ending = False
        self.last = self.exception = ""

    @property
    def is_open(self) -> bool:
        """Whether lines are kept back."""
        return bool(self._block)

    def take(self, line: str) -> None:
        """One line of the stream."""
        if line.strip():
            self.last = line.strip()
        if self._block and not self._continues(line):
            self.close()
        if not self._block and not line.rstrip().endswith(TRACEBACK):
            self._log.write(self._level, line)
            return
        self._block.append(line)
        self._size += len(line)
        if self._size > LONGEST_BLOCK:
            self.close()

    def _continues(self, line: str) -> bool:
        """Whether the line belongs to the open block; notes whether the block may end after it."""
        if self._is_ending:
            self._is_ending = not line.strip() or CHAINED.match(line) is not None
            if not self._is_ending:
                return line.startswith(TRACEBACK) and CHAINED.match(next(filter(None, map(str.strip, reversed(self._block))), "")) is not None
            return True
        self._is_ending = bool(line.strip()) and not line[0].isspace() and not line.startswith(TRACEBACK)
        return True

    def close(self) -> None:
        """Hand on what is kept back."""
        block, self._block = self._block, []
        self._size, self._is_ending = 0, False
        if block:
            said = [line for line in block if line.strip() and not CHAINED.match(line)]
            self.exception = said[-1].strip()
            self._log.write("error", "\n".join(block).rstrip())
