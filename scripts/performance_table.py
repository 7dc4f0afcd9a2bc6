#!/usr/bin/env python3
"""Writes the tables of docs/performance.md from what the benchmarks say, so that no number there is typed by hand.

    ./run bench --compare --json build/bench.json
    scripts/performance_table.py build/bench.json         rewrites what lies between the two marks of the page
    scripts/performance_table.py build/bench.json later   the same between the marks of that name
    scripts/performance_table.py --self-test
"""
import json
import pathlib
import platform
import re
import sys

PAGE = pathlib.Path(__file__).resolve().parent.parent / "docs/performance.md"


def number(value):
    if value is None:
        return ""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def share(row):
    """Of what the machine allows, in percent."""
    if not row["limit"]:
        return ""
    less_is_better = row["unit"] in ("us", "ms", "s", "MB", "%")
    part = row["limit"] / row["ours"] if less_is_better else row["ours"] / row["limit"]
    return f"{100 * part:.0f} %"


def table(rows, goals):
    """Markdown: with goals the ratio that counts, without it the peers side by side."""
    head = ["what", "ours", "of the limit", "peers"] + (["against", "ratio", "goal", ""] if goals else [])
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for row in rows:
        peers = ", ".join(f"{name} {number(value)}" for name, value in row["peers"].items() if name != "goal")
        cells = [row["name"].removeprefix("goal/"), f"{number(row['ours'])} {row['unit']}", share(row), peers]
        if goals:
            reached = {True: "met", False: "missed", None: "not measured"}[row["met"]]
            cells += [row["against"], number(row["ratio"]), number(row["goal"]), reached]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def processor():
    """Its name and the widest vectors that the kernels know: makers give several generations one name."""
    try:
        about = pathlib.Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.machine()
    found = re.search(r"^model name\s*: (.*)$", about, re.MULTILINE)
    flags = about.split()
    widest = next((f" with {name}" for name, flag in (("AVX-512 and bfloat16", "avx512_bf16"), ("AVX-512", "avx512f"), ("AVX2", "avx2"))
                   if flag in flags), "")
    return (found.group(1) if found else platform.machine()) + widest


def text(rows):
    with_goal = [row for row in rows if row["goal"] is not None]
    without = [row for row in rows if row["goal"] is None]
    met = sum(row["met"] is True for row in with_goal)
    where = f"Measured on: {processor()}"
    for row in rows:
        if row["name"].startswith("products/f32/threads:1/small/64x64x64/"):
            where += f", calibrated f32 peak of one thread {number(row['limit'])} GFLOP/s"
    parts = [f"{where}."]
    if with_goal:
        parts += [f"### Goals: {met} of {len(with_goal)} met", table(with_goal, True)]
    groups = {}
    for row in without:
        groups.setdefault(row["name"].split("/")[0], []).append(row)
    for name, group in groups.items():
        parts += [f"### {name}", table(group, False)]
    return "\n\n".join(parts)


def rewritten(page, rows, name=""):
    begin, end = (f"<!-- numbers{' ' * bool(name)}{name}: {edge} -->" for edge in ("begin", "end"))
    before, rest = page.split(begin)
    _, after = rest.split(end)
    return f"{before}{begin}\n{text(rows)}\n{end}{after}"


def self_test():
    row = {"name": "a/b", "ours": 2.0, "unit": "ms", "peers": {"other": 3.0}, "limit": 1.0, "ratio": 1.5,
           "against": "other", "goal": 1.2, "met": True}
    page = rewritten("x\n<!-- numbers: begin -->\nold\n<!-- numbers: end -->\ny\n", [row, {**row, "goal": None, "met": None}])
    assert "old" not in page and page.startswith("x\n") and page.endswith("y\n"), page
    both = rewritten(page + "<!-- numbers later: begin --><!-- numbers later: end -->", [{**row, "goal": None}], "later")
    assert both.startswith(page) and "| a/b | 2 ms | 50 % | other 3 |" in both[len(page):] and "Goals" not in both[len(page):], both
    assert "Goals: 1 of 1 met" in page and "| a/b | 2 ms | 50 % | other 3 | other | 1.5 | 1.2 | met |" in page, page
    assert rewritten(page, [row]) == rewritten(rewritten(page, [row]), [row])
    print("1 passed, 0 failed")


def main():
    if sys.argv[1:] == ["--self-test"]:
        return self_test()
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    rows = [json.loads(line) for line in pathlib.Path(sys.argv[1]).read_text().splitlines()]
    PAGE.write_text(rewritten(PAGE.read_text(), rows, *sys.argv[2:]))
    return None


sys.exit(main())
