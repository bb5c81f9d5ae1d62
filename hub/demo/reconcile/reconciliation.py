"""Keywords that reconcile a day's trades. Money is Decimal from the file to the workbook, never a binary fraction."""
from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from openpyxl import Workbook, load_workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font

EXPORT_COLUMNS = ("成交日期", "成交编号", "证券代码", "证券名称", "买卖方向", "成交数量", "成交金额")
CUSTODIAN_COLUMNS = ("业务日期", "成交序号", "证券代码", "证券简称", "业务类别", "成交数量", "清算金额")
SIDES = {"买入": "买入", "卖出": "卖出", "证券买入": "买入", "证券卖出": "卖出"}
HEADINGS = ("类别", "成交编号", "证券代码", "证券名称", "买卖方向", "导出数量", "托管数量", "导出金额", "托管金额", "金额差")
HEADER_SEARCH = 10
SHOWN_LINES = 20


@dataclass(frozen=True)
class Trade:
    """One trade, from either side."""

    number: str
    code: str
    name: str
    side: str
    quantity: int
    amount: Decimal

    @property
    def key(self) -> tuple[str, str]:
        """What makes a trade the same one on both sides."""
        return self.code, self.number


@dataclass
class Trades:
    """The trades of one side: each once, and apart from them those that came again."""

    rows: int = 0
    by_key: dict[tuple[str, str], Trade] = field(default_factory=dict)
    duplicates: list[Trade] = field(default_factory=list)

    def add(self, trade: Trade) -> None:
        """Take in one row."""
        self.rows += 1
        if trade.key in self.by_key:
            self.duplicates.append(trade)
        else:
            self.by_key[trade.key] = trade


@dataclass(frozen=True)
class Difference:
    """One difference: the trade in the export, the one at the custodian, or both."""

    kind: str
    ours: Trade | None
    theirs: Trade | None

    @property
    def trade(self) -> Trade:
        """The trade that it is about."""
        known = self.ours or self.theirs
        assert known is not None
        return known

    def line(self) -> str:
        """The difference as a line for the log."""
        trade = self.trade
        text = f"{self.kind}：{trade.code} {trade.name} 成交编号 {trade.number}"
        if self.ours and self.theirs:
            ours, theirs = self.ours, self.theirs
            return f"{text}，导出 {ours.quantity} 股 {ours.amount} 元，托管行 {theirs.quantity} 股 {theirs.amount} 元"
        return f"{text}，{trade.side} {trade.quantity} 股 {trade.amount} 元"

    def cells(self) -> list[Any]:
        """The difference as a row of the workbook, in the order of ``HEADINGS``."""
        trade, ours, theirs = self.trade, self.ours, self.theirs
        return [
            self.kind, trade.number, trade.code, trade.name, trade.side,
            ours.quantity if ours else None, theirs.quantity if theirs else None,
            _money(ours.amount) if ours else None, _money(theirs.amount) if theirs else None,
            _money(ours.amount - theirs.amount) if ours and theirs else None,
        ]


@dataclass
class Result:
    """What the comparison has found; a pair is the trade in the export and the one at the custodian."""

    matched: int = 0
    amount_differences: list[tuple[Trade, Trade]] = field(default_factory=list)
    quantity_differences: list[tuple[Trade, Trade]] = field(default_factory=list)
    missing_at_custodian: list[Trade] = field(default_factory=list)
    missing_in_export: list[Trade] = field(default_factory=list)
    duplicates_in_export: list[Trade] = field(default_factory=list)
    duplicates_at_custodian: list[Trade] = field(default_factory=list)

    def differences(self) -> list[Difference]:
        """All of them, kind by kind."""
        return [
            *(Difference("金额不符", ours, theirs) for ours, theirs in self.amount_differences),
            *(Difference("数量不符", ours, theirs) for ours, theirs in self.quantity_differences),
            *(Difference("托管行缺失", trade, None) for trade in self.missing_at_custodian),
            *(Difference("导出缺失", None, trade) for trade in self.missing_in_export),
            *(Difference("导出重复", trade, None) for trade in self.duplicates_in_export),
            *(Difference("托管行重复", None, trade) for trade in self.duplicates_at_custodian),
        ]

    @property
    def lines(self) -> list[str]:
        """The first differences, as lines for the log."""
        found = self.differences()
        more = [f"另有 {len(found) - SHOWN_LINES} 笔差异，见差异工作簿"] if len(found) > SHOWN_LINES else []
        return [difference.line() for difference in found[:SHOWN_LINES]] + more


def read_export(path: str, trade_date: str) -> Trades:
    """Read the trading system's export, a CSV file in GB18030, and keep the trades of one day."""
    wanted = _date(trade_date)
    with open(path, encoding="gb18030", newline="") as stream:
        reader = csv.DictReader(stream)
        _require(EXPORT_COLUMNS, reader.fieldnames or (), path)
        rows = ([row[name] for name in EXPORT_COLUMNS] for row in reader)
        return _trades(rows, wanted, path, first=2)


def read_custodian(path: str, trade_date: str) -> Trades:
    """Read the custodian's workbook, whose header stands below a title, and keep the trades of one day."""
    wanted = _date(trade_date)
    book = load_workbook(path, read_only=True, data_only=True)
    try:
        rows = book.worksheets[0].iter_rows(values_only=True)
        for line, header in zip(range(1, HEADER_SEARCH + 1), rows, strict=False):
            if set(CUSTODIAN_COLUMNS) <= set(header):
                columns = [header.index(name) for name in CUSTODIAN_COLUMNS]
                return _trades(([row[index] for index in columns] for row in rows if any(row)), wanted, path, first=line + 1)
    finally:
        book.close()
    raise AssertionError(f"{Path(path).name} 没有表头：应有 {'、'.join(CUSTODIAN_COLUMNS)}")


def compare(export: Trades, custodian: Trades, tolerance: str) -> Result:
    """Compare trade by trade. Amounts that differ by no more than ``tolerance`` count as equal."""
    allowed = _decimal(tolerance, "允许的金额差")
    result = Result(duplicates_in_export=export.duplicates, duplicates_at_custodian=custodian.duplicates)
    for key, ours in export.by_key.items():
        theirs = custodian.by_key.get(key)
        if theirs is None:
            result.missing_at_custodian.append(ours)
        elif (ours.quantity, ours.side) != (theirs.quantity, theirs.side):
            result.quantity_differences.append((ours, theirs))
        elif abs(ours.amount - theirs.amount) > allowed:
            result.amount_differences.append((ours, theirs))
        else:
            result.matched += 1
    result.missing_in_export.extend(trade for key, trade in custodian.by_key.items() if key not in export.by_key)
    return result


def counts_of(result: Result) -> dict[str, str]:
    """The figures that the process gives back, as texts."""
    net = sum((ours.amount - theirs.amount for ours, theirs in result.amount_differences), Decimal(0))
    return {
        "matched": str(result.matched),
        "amount_differences": str(len(result.amount_differences)),
        "quantity_differences": str(len(result.quantity_differences)),
        "missing_at_custodian": str(len(result.missing_at_custodian)),
        "missing_in_export": str(len(result.missing_in_export)),
        "duplicates_in_export": str(len(result.duplicates_in_export)),
        "duplicates_at_custodian": str(len(result.duplicates_at_custodian)),
        "amount_difference_total": f"{net:.2f}",
    }


def write_workbook(result: Result, path: str) -> None:
    """Write the summary and every difference into a workbook."""
    book = Workbook(write_only=True)
    summary = book.create_sheet("汇总")
    for name, count in counts_of(result).items():
        summary.append([name, count])
    sheet = book.create_sheet("差异")
    sheet.freeze_panes = "A2"
    sheet.append(_bold(sheet, HEADINGS))
    for difference in result.differences():
        sheet.append(difference.cells())
    book.save(path)


def _bold(sheet: Any, texts: Iterable[str]) -> list[Any]:
    cells = [WriteOnlyCell(sheet, value=text) for text in texts]
    for cell in cells:
        cell.font = Font(bold=True)
    return cells


def _money(amount: Decimal) -> str:
    """Amounts go into cells as texts: a number in a workbook is a binary fraction."""
    return f"{amount:,.2f}"


def _trades(rows: Iterable[list[Any]], wanted: date, path: str, first: int) -> Trades:
    trades = Trades()
    for line, (day, number, code, name, side, quantity, amount) in enumerate(rows, first):
        where = f"{Path(path).name} 第 {line} 行"
        if _date(day, where) == wanted:
            trades.add(Trade(
                str(number).strip(), str(code).strip().zfill(6), str(name).strip(), _side(side, where),
                int(_decimal(quantity, where)), _decimal(amount, where),
            ))
    if not trades.rows:
        raise AssertionError(f"{Path(path).name} 没有 {wanted} 的成交")
    return trades


def _require(wanted: Iterable[str], present: Iterable[str], path: str) -> None:
    missing = [name for name in wanted if name not in present]
    if missing:
        raise AssertionError(f"{Path(path).name} 缺少列：{'、'.join(missing)}")


def _date(value: object, where: str = "成交日期") -> date:
    if isinstance(value, datetime):
        return value.date()
    try:
        return datetime.strptime(str(value).strip().replace("-", ""), "%Y%m%d").date()
    except ValueError as error:
        raise AssertionError(f"{where}：{value} 不是日期") from error


def _decimal(value: object, where: str) -> Decimal:
    try:
        number = Decimal(str(value).replace(",", "").strip())
    except InvalidOperation as error:
        raise AssertionError(f"{where}：{value} 不是数字") from error
    if not number.is_finite():
        raise AssertionError(f"{where}：{value} 不是数字")
    return number


def _side(value: object, where: str) -> str:
    side = SIDES.get(str(value).strip())
    if side is None:
        raise AssertionError(f"{where}：{value} 不是买卖方向")
    return side
