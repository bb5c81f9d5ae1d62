"""Makes a day of trades as two parties report it, with differences planted on purpose and counted.

The same seed gives the same bytes. Run as a program it writes both files into a folder: ``python -m hub.demo.make_data FOLDER``.
"""
from __future__ import annotations

import csv
import io
import random
import re
import sys
import zipfile
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

from openpyxl import Workbook

TRADE_DATE = date(2025, 3, 14)
EXPORT_FILE = "成交导出.csv"
CUSTODIAN_FILE = "托管行成交清单.xlsx"
EXPORT_HEADER = ("成交日期", "成交时间", "成交编号", "证券代码", "证券名称", "买卖方向", "成交价格", "成交数量", "成交金额")
CUSTODIAN_HEADER = ("序号", "业务日期", "成交序号", "证券代码", "证券简称", "业务类别", "成交数量", "清算金额")
# Invented securities. 䶮 and 𬭊 need the four-byte forms of GB18030, which GBK does not have.
SECURITIES = (
    ("600901", "示例银行", "7.36"), ("600902", "示例证券", "18.92"), ("600903", "样本钢铁", "3.41"), ("600904", "样本能源", "11.05"),
    ("000911", "演示科技", "42.80"), ("000912", "演示医药", "63.17"), ("000913", "䶮翔电子", "27.55"), ("300921", "𬭊业材料", "88.03"),
    ("300922", "范例软件", "35.60"), ("688931", "范例芯片", "152.46"),
)
FIXED_TIME = (2025, 3, 14, 18, 0, 0)
CENT = Decimal("0.01")


@dataclass(frozen=True)
class Planted:
    """What a right reconciliation must find, one number for each output parameter of the process."""

    matched: int
    amount_differences: int
    quantity_differences: int
    missing_at_custodian: int
    missing_in_export: int
    duplicates_in_export: int
    duplicates_at_custodian: int
    amount_difference_total: str


@dataclass(frozen=True)
class Data:
    """Both files and the differences between them."""

    export: bytes
    custodian: bytes
    planted: Planted


@dataclass(frozen=True)
class _Trade:
    day: date
    time: str
    number: str
    code: str
    name: str
    side: str
    price: Decimal
    quantity: int

    @property
    def amount(self) -> Decimal:
        return self.price * self.quantity


def make(seed: int = 20250314, trades: int = 4000) -> Data:
    """The export and the custodian's list of one day. ``trades`` is the number of trades that both parties know of."""
    chance = random.Random(seed)
    common = [_trade(chance, index, TRADE_DATE) for index in range(trades)]
    only_ours = [_trade(chance, trades + index, TRADE_DATE) for index in range(7)]
    only_theirs = [_trade(chance, trades + 100 + index, TRADE_DATE) for index in range(5)]
    day_before = [_trade(chance, index, TRADE_DATE - timedelta(days=1)) for index in range(25)]

    picked = iter(chance.sample(range(trades), 40))
    wrong_amount = {next(picked): Decimal(chance.randint(2, 50_000)) * CENT * chance.choice((1, -1)) for _ in range(11)}
    rounded = {next(picked): CENT for _ in range(9)}  # Within the usual tolerance: not a difference.
    wrong_quantity = {next(picked) for _ in range(4)}
    twice_ours = [common[next(picked)] for _ in range(3)]
    twice_theirs = [next(picked) for _ in range(2)]

    theirs = []
    for index, trade in enumerate(common):
        amount = trade.amount + wrong_amount.get(index, Decimal(0)) + rounded.get(index, Decimal(0))
        theirs.append((trade, trade.quantity + (100 if index in wrong_quantity else 0), amount))
    theirs += [theirs[index] for index in twice_theirs]
    theirs += [(trade, trade.quantity, trade.amount) for trade in only_theirs]
    ours = common + only_ours + twice_ours + day_before
    chance.shuffle(ours)
    chance.shuffle(theirs)
    planted = Planted(
        matched=trades - len(wrong_amount) - len(wrong_quantity),
        amount_differences=len(wrong_amount),
        quantity_differences=len(wrong_quantity),
        missing_at_custodian=len(only_ours),
        missing_in_export=len(only_theirs),
        duplicates_in_export=len(twice_ours),
        duplicates_at_custodian=len(twice_theirs),
        amount_difference_total=f"{-sum(wrong_amount.values()):.2f}",
    )
    return Data(_export(ours), _custodian(theirs), planted)


def _trade(chance: random.Random, index: int, day: date) -> _Trade:
    code, name, price = chance.choice(SECURITIES)
    moved = (Decimal(price) * chance.randint(9500, 10500) / 10000).quantize(CENT)
    second = 34_200 + chance.randrange(7200) + chance.choice((0, 12_600))
    time = f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"
    side, quantity = chance.choice(("买入", "卖出")), chance.randint(1, 300) * 100
    return _Trade(day, time, f"{10_000_000 + index * 7:08}", code, name, side, moved, quantity)


def _export(trades: list[_Trade]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(EXPORT_HEADER)
    for each in trades:
        writer.writerow([
            f"{each.day:%Y%m%d}", each.time, each.number, each.code, each.name, each.side, each.price, each.quantity, f"{each.amount:.2f}",
        ])
    return text.getvalue().encode("gb18030")


def _custodian(rows: list[tuple[_Trade, int, Decimal]]) -> bytes:
    """As custodians like it: a title above the header, dates with dashes, amounts as text with thousands separators."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet("成交清单")
    sheet.append(["示例托管银行成交清单"])
    sheet.append([f"业务日期：{TRADE_DATE}"])
    sheet.append(CUSTODIAN_HEADER)
    for index, (trade, quantity, amount) in enumerate(rows, 1):
        sheet.append([
            index, f"{trade.day:%Y-%m-%d}", trade.number, trade.code, trade.name, f"证券{trade.side}", quantity, f"{amount:,.2f}",
        ])
    buffer = io.BytesIO()
    book.save(buffer)
    return _with_fixed_times(buffer.getvalue())


def _with_fixed_times(workbook: bytes) -> bytes:
    """The same workbook without the time of its making, so that equal data is equal byte by byte."""
    stamp = "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z".format(*FIXED_TIME)
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook)) as source, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target:
        for info in source.infolist():
            content = source.read(info)
            if info.filename == "docProps/core.xml":
                content = re.sub(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", stamp.encode(), content)
            target.writestr(zipfile.ZipInfo(info.filename, FIXED_TIME), content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def main(folder: str) -> None:
    """Write both files into ``folder``."""
    data = make()
    Path(folder).mkdir(parents=True, exist_ok=True)
    Path(folder, EXPORT_FILE).write_bytes(data.export)
    Path(folder, CUSTODIAN_FILE).write_bytes(data.custodian)
    print(data.planted)


if __name__ == "__main__":
    main(*sys.argv[1:])
