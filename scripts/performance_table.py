#!/usr/bin/env python3
"""Writes the tables of docs/performance/ from what the benchmarks say, so that no number there is typed by hand.

    ./run bench --compare --json build/bench.json
    scripts/performance_table.py build/bench.json         rewrites what lies between the two marks of avx512.md
    scripts/performance_table.py build/bench.json later   the same between the marks of that name, in the page that has them
    scripts/performance_table.py --ratios                 the short table of docs/performance.md, from that of avx512.md
    scripts/performance_table.py --ratios --check         fails if that would change it
    scripts/performance_table.py --self-test
"""
import json
import pathlib
import platform
import re
import statistics
import sys

PAGE = pathlib.Path(__file__).resolve().parent.parent / "docs/performance.md"
PAGES = PAGE.parent / "performance"


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
        parts += [f"## Goals: {met} of {len(with_goal)} met", table(with_goal, True)]
    groups = {}
    for row in without:
        groups.setdefault(row["name"].split("/")[0], []).append(row)
    for name, group in groups.items():
        parts += [f"## {name}", table(group, False)]
    return "\n\n".join(parts)


KINDS = [  # (beginning of a goal's name, as the short table calls it)
    ("products/f32/threads:1/small", "small products, float, one thread"),
    ("products/f32/threads:1", "products, float, one thread"),
    ("products/f32/threads:2", "products, float, two threads"),
    ("products/bf16/threads:1", "products, bfloat16, one thread"),
    ("products/bf16/threads:2", "products, bfloat16, two threads"),
    ("gpt2_step", "a training step of GPT-2 124M"),
    ("demo_step", "a training step of the demo"),
    ("decode/prompt", "reading a prompt, Llama of 135M"),
    ("decode/one token", "one token more, Llama of 135M"),
    ("collectives/all_reduce/2 processes", "all-reduce of two processes"),
    ("collectives/all_reduce/2 ranks", "all-reduce of two threads"),
    ("attention", "attention"),
]
PEERS = ["oneDNN", "Eigen", "libxsmm", "PyTorch", "llama.cpp", "MPI_Allreduce"]


def ratios(page):
    """The short table, from the table of goals: `| name | ours | share | peers | against | ratio | goal | met |`."""
    found = {}
    for line in page.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) != 8 or cells[4] not in PEERS:
            continue
        kind = next((words for start, words in KINDS if cells[0].startswith(start)), None)
        if kind:
            found.setdefault((kind, cells[4]), []).append(float(cells[5]))
    lines = ["| what | against | median | worst to best | questions |", "|---|---|---|---|---|"]
    for kind in dict.fromkeys(words for _, words in KINDS):
        for peer in PEERS:
            if values := found.get((kind, peer)):
                lines.append(f"| {kind} | {peer} | {statistics.median(values):.2f} | {min(values):.2f} to {max(values):.2f} | {len(values)} |")
    return "\n".join(lines)


def with_ratios(page, table):
    before, rest = page.split("<!-- ratios: begin -->")
    return f"{before}<!-- ratios: begin -->\n\n{table}\n\n<!-- ratios: end -->{rest.split('<!-- ratios: end -->')[1]}"


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
    assert ratios("| attention/a | 2 | 50 % | PyTorch 3 | PyTorch | 1.5 | 1 | met |\n" * 2).endswith(
        "| attention | PyTorch | 1.50 | 1.50 to 1.50 | 2 |")
    print("1 passed, 0 failed")


def main():
    if sys.argv[1:] == ["--self-test"]:
        return self_test()
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    if sys.argv[1] == "--ratios":
        page = with_ratios(PAGE.read_text(), ratios((PAGES / "avx512.md").read_text()))
        if "--check" in sys.argv:
            return page != PAGE.read_text() and "docs/performance.md: scripts/performance_table.py --ratios would change it"
        PAGE.write_text(page)
        return None
    rows = [json.loads(line) for line in pathlib.Path(sys.argv[1]).read_text().splitlines()]
    mark = f"<!-- numbers{' ' * (len(sys.argv) > 2)}{''.join(sys.argv[2:])}: begin -->"
    page = next((page for page in sorted(PAGES.glob("*.md")) if mark in page.read_text()), None)
    if page is None:
        sys.exit(f"no page of docs/performance has the mark {mark}")
    page.write_text(rewritten(page.read_text(), rows, *sys.argv[2:]))
    main_page = with_ratios(PAGE.read_text(), ratios((PAGES / "avx512.md").read_text()))
    PAGE.write_text(main_page)
    return None


sys.exit(main() or None)
