"""The figures as JSON, as the tables that the README files quote, and as a few lines for the terminal."""
from __future__ import annotations

import json
import re
from typing import Any

from benchmarks import density
from benchmarks.running import ROOT

RESULTS = ROOT / "benchmarks" / "results.json"
BETWEEN = re.compile(r"(<!-- benchmarks -->\n).*?(<!-- /benchmarks -->)", re.DOTALL)
WORDS = {
    "README.md": {
        "head": "| measured | hub | bare | ratio | goal |",
        "p50": "`task/create` to the first line of the process, p50",
        "p95": "the same, p95",
        "query": "`task/query` a second",
        "deep": "`task/list` of 1,000,000: page 5,000 beside the first",
        "size": "`task/list`: 1,000,000 tasks beside 1,000",
        "memory": "idle hub with two robots",
        "processes": "{} processes",
        "robot": "an idle robot, of {}",
        "package": "first line of a `{}` package, beside `subprocess`",
        "log": "log lines a second from a process, stored, beside a file",
        "recording": "share of a core of a recorded task, beside the same unrecorded",
        "on": "Measured {date} with `python -m benchmarks` on {cpus} cores, Python {python}, SQLite.",
        "goals": {"at most 3": "at most 3", "at most 2": "at most 2", "at least 0.5": "at least 0.5", "at most 40": "at most 40 MiB"},
    },
    "README.zh-CN.md": {
        "head": "| 测量项 | 本平台 | 裸程序 | 比值 | 目标 |",
        "p50": "`task/create` 到流程代码第一行，p50",
        "p95": "同上，p95",
        "query": "每秒 `task/query` 次数",
        "deep": "一百万任务的 `task/list`：第 5,000 页对比首页",
        "size": "`task/list`：一百万任务对比一千任务",
        "memory": "空闲平台（两个机器人）",
        "processes": "{} 个进程",
        "robot": "{} 个空闲机器人中的每一个",
        "package": "`{}` 流程包的第一行输出，对比 `subprocess`",
        "log": "每秒入库的任务日志行数，对比写文件",
        "recording": "录屏任务占用的单核比例，对比不录屏",
        "on": "{date} 由 `python -m benchmarks` 在 {cpus} 核、Python {python}、SQLite 上测得。",
        "goals": {"at most 3": "不超过 3", "at most 2": "不超过 2", "at least 0.5": "不低于 0.5", "at most 40": "不超过 40 MiB"},
    },
}


def write(results: dict[str, Any]) -> None:
    """Keep the figures in benchmarks/results.json and in the README files."""
    RESULTS.write_text(json.dumps(results, ensure_ascii=False, indent=2) + "\n", "utf-8")
    for name, words in WORDS.items():
        path = ROOT / name
        path.write_text(quoted(path.read_text("utf-8"), table(results, words)), "utf-8")


def quoted(text: str, table_text: str) -> str:
    """The text with the table between its two marks."""
    return BETWEEN.sub(lambda found: found[1] + table_text + found[2], text)


def table(results: dict[str, Any], words: dict[str, Any]) -> str:
    """The Markdown table in the words of one language."""
    start, query, memory = results["start"], results["query"], results["memory"]
    goals = words["goals"]
    rows = [words["head"], "|---|---:|---:|---:|---|"]
    rows += [
        f"| {words[key]} | {start['hub'][f'{key}_ms']:.0f} ms | {start['bare'][f'{key}_ms']:.0f} ms | {start['ratio'][key]} | {goals[start['goal']]} |"
        for key in ("p50", "p95")
    ]
    for kind, each in results["packages"]["starts"].items():
        rows.append(f"| {words['package'].format(kind)} | {each['hub_ms']:.0f} ms | {each['bare_ms']:.0f} ms | {each['hub_ms'] / each['bare_ms']:.2f} | |")
    log = results["packages"]["log"]
    part = log["stored_per_second"] / log["file_per_second"]
    rows.append(f"| {words['log']} | {log['stored_per_second']} | {log['file_per_second']} | {part:.2f} | |")
    rows.append(f"| {words['query']} | {query['hub_per_second']} | {query['bare_per_second']} | {query['ratio']} | {goals[query['goal']]} |")
    size = memory["total_pss_mib"] or memory["total_rss_mib"]
    scale = results["scale"]
    few, many = (scale[size]["task/list, first page"] for size in ("few", "many"))
    deep = scale["many"]["task/list, deep page"]
    rows.append(f"| {words['deep']} | {deep:.1f} ms | {many:.1f} ms | {scale['deep_ratio']} | {goals[scale['goals']['deep_ratio']]} |")
    rows.append(f"| {words['size']} | {many:.1f} ms | {few:.1f} ms | {scale['size_ratio']} | {goals[scale['goals']['size_ratio']]} |")
    rows.append(f"| {words['memory']} | {size:.0f} MiB | | | {words['processes'].format(memory['processes'])} |")
    if filmed := results["recording"]:
        shares = f"{filmed['recorded_percent']} % | {filmed['unrecorded_percent']} % | {filmed['ratio']}"
        rows.append(f"| {words['recording']} | {shares} | |")
    if dense := results.get("density"):
        rows.append(f"| {words['robot'].format(dense['robots'])} | {dense['pss_mib']:.0f} MiB | | | {goals[dense['goal']]} |")
    return "\n".join(rows) + "\n\n" + words["on"].format(**results["machine"]) + "\n"


def lines(results: dict[str, Any]) -> list[str]:
    """The figures for the terminal."""
    start, query, memory = results["start"], results["query"], results["memory"]
    texts = [
        f"start p50  hub {start['hub']['p50_ms']:8.1f} ms   bare {start['bare']['p50_ms']:8.1f} ms   ratio {start['ratio']['p50']} (goal {start['goal']})",
        f"start p95  hub {start['hub']['p95_ms']:8.1f} ms   bare {start['bare']['p95_ms']:8.1f} ms   ratio {start['ratio']['p95']} (goal {start['goal']})",
        f"query      hub {query['hub_per_second']:8}/s    bare {query['bare_per_second']:8}/s    ratio {query['ratio']} (goal {query['goal']})",
    ]
    runtime = results["packages"]
    for kind, each in runtime["starts"].items():
        texts.append(f"package    {kind:7} first line after {each['hub_ms']:.1f} ms   by subprocess alone {each['bare_ms']:.1f} ms")
    log = runtime["log"]
    texts.append(f"log        {log['stored_per_second']}/s stored   {log['file_per_second']}/s into a file   ({log['lines']} lines)")
    if filmed := results["recording"]:
        share = f"{filmed['recording_percent']} % of a core more than {filmed['unrecorded_percent']} %"
        texts.append(f"recording  {share}   ratio {filmed['ratio']}   {filmed['bytes_a_second'] / 1000:.0f} kB/s")
    for part in memory["parts"]:
        pss = "?" if part["pss"] is None else f"{part['pss']:.1f}"
        texts.append(f"memory     {part['part']:12} {part['processes']:2} processes   PSS {pss:>6} MiB   RSS {part['rss']:.1f} MiB")
    total = f"PSS {memory['total_pss_mib'] or '?':>6} MiB   RSS {memory['total_rss_mib']:.1f} MiB"
    texts.append(f"memory     total        {memory['processes']:2} processes   {total}")
    texts += density.lines(results["density"])
    found = results["scale"]
    for name, milliseconds in found["many"].items():
        few = found["few"].get(name)
        beside = f"{few:8.2f} ms at 1,000 tasks" if few is not None else ""
        texts.append(f"scale      {name:24} {milliseconds:8.2f} ms at {found['rows']:,} tasks   {beside}")
    texts.append(f"scale      deep page beside the first: {found['deep_ratio']} (goal {found['goals']['deep_ratio']})")
    texts.append(f"scale      first page beside that at 1,000 tasks: {found['size_ratio']} (goal {found['goals']['size_ratio']})")
    for name, step in found["steps"].items():
        texts.append(f"step       {name:24} {step['microseconds']:8.1f} µs   {step['of_bare_route']:.3f} of the bare route")
    return texts
