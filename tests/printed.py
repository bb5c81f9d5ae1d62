"""The operations as the standard's own text prints them: its tables, read by this file alone.

The text stands in a folder ``shared`` beside the checkout, and tests that need it are skipped where it is not.
"""
from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import pytest

STANDARD = Path(__file__).resolve().parents[2] / "shared" / "standard" / "T-TSAC-002-2025.txt"
needs_text = pytest.mark.skipif(not STANDARD.is_file(), reason="the text of the standard is not beside the checkout")

HEADING = re.compile(r"(6\.[23](?:\.\d+){1,2}) (\S.*)")
LABEL = re.compile(r"(功能说明|请求地址|Body ?参数|返回业务参数) ?[：:](.*)")
CAPTION = re.compile(r"表 ?(\d+) ")
ELEMENT = re.compile(r"\b([A-Za-z_]+) (int|string|boolean|array|json|file) ")
CHOICE = re.compile(r"(?<![\w-])(\d)-")
CODE = re.compile(r"^(\d{5})\t(\S.*)$", re.MULTILINE)


@dataclass
class Row:
    """One row of a table; ``inner`` are the fields that an array's or object's description names."""

    name: str
    type: str
    description: str
    required: bool | None = None
    inner: list[Row] = field(default_factory=list)
    choices: tuple[int, ...] = ()

    def read_description(self) -> None:
        """Move the fields that the description names to ``inner``, and find the numbers that it allows."""
        found = list(ELEMENT.finditer(self.description))
        if found:
            ends = [each.start() for each in found[1:]] + [len(self.description)]
            self.inner = [Row(each[1], each[2], self.description[each.end():end]) for each, end in zip(found, ends, strict=True)]
            self.description = self.description[: found[0].start()].replace("包括字段", "")
        for row in [self, *self.inner]:
            row.choices = tuple(map(int, CHOICE.findall(row.description)))


@dataclass
class Page:
    """One operation as the standard prints it."""

    clause: str
    heading: str
    purpose: str
    path: str
    request: list[Row] = field(default_factory=list)
    response: list[Row] = field(default_factory=list)
    request_table: str = ""
    response_table: str = ""

    @property
    def title(self) -> str:
        """The heading of its clause, or what it is for where the clause is headed by its group."""
        return self.heading if self.clause.count(".") == 3 else re.split("[（。]", self.purpose)[0]

    @property
    def resource(self) -> str:
        """What it is about, as in its address: ``robot-group``."""
        return self.path.split("/")[3]

    @property
    def verb(self) -> str:
        """What it does, as in its address: ``create``."""
        return self.path.rsplit("/", 1)[1]


def chapter_of_operations(text: str) -> Iterator[str]:
    """The lines of clauses 6.2 and 6.3; the first match of each heading stands in the table of contents."""
    lines = text.splitlines()
    start = max(number for number, line in enumerate(lines) if line.strip() == "6.2 管理平台接口")
    end = max(number for number, line in enumerate(lines) if line.strip() == "7 适配证券行业应用系统")
    return (line for line in lines[start:end] if line.strip())


def printed_operations(text: str) -> list[Page]:
    """Read all operations; tables that go on after a page break repeat their head, or continue a row with an empty name."""
    pages: list[Page] = []
    clause = heading = purpose = ""
    rows: list[Row] = []
    for line in chapter_of_operations(text):
        label = LABEL.match(line.strip())
        if "\t" in line:
            name, *cells = (cell.strip() for cell in line.split("\t"))
            if name == "参数名称":
                continue
            if not name:
                rows[-1].description += f" {cells[-1]}"
                continue
            rows.append(Row(name, cells[0], cells[-1], required=cells[1] == "是" if len(cells) == 3 else None))
        elif found := HEADING.match(line.strip()):
            clause, heading = found[1], found[2]
        elif label and label[1] == "功能说明":
            purpose = label[2].strip()
        elif label and label[1] == "请求地址":
            pages.append(Page(clause, heading, purpose, label[2].strip()))
        elif label:
            rows = pages[-1].response if label[1] == "返回业务参数" else pages[-1].request
        elif (found := CAPTION.match(line)) and "（续）" not in line:
            part = "response_table" if rows is pages[-1].response else "request_table"
            setattr(pages[-1], part, found[1])
    for page in pages:
        for row in page.request + page.response:
            row.description = re.sub("</?p>", "", row.description)
            row.read_description()
    return pages


def printed_codes(text: str) -> dict[str, str]:
    """The result codes of Appendix A with their messages."""
    return {code: message.strip() for code, message in CODE.findall(text[text.rindex("附录 A") :])}


@cache
def _pages(chapter: str) -> tuple[Page, ...]:
    if not STANDARD.is_file():
        return ()
    return tuple(page for page in printed_operations(STANDARD.read_text(encoding="utf-8")) if page.clause.startswith(chapter))


def platform_pages() -> tuple[Page, ...]:
    """The 72 operations of clause 6.2; none where the text is absent."""
    return _pages("6.2.")


def robot_pages() -> tuple[Page, ...]:
    """The 28 operations of clause 6.3; none where the text is absent."""
    return _pages("6.3.")


def for_every_operation(wanted: Callable[[Page], bool] = lambda page: True) -> pytest.MarkDecorator:
    """Run a test once for each operation of clause 6.2 that is wanted, as ``page``; skip it with the reason where the text is absent."""
    found = [pytest.param(page, id=page.path.removeprefix("/api/platform/")) for page in platform_pages() if wanted(page)]
    return pytest.mark.parametrize("page", found or [pytest.param(None, marks=needs_text, id="no text")])
