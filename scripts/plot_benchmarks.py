#!/usr/bin/env python3
"""Pictures of docs/performance.md, drawn from what the benchmarks say, with python3 alone.

    scripts/plot_benchmarks.py build/bench.json     writes docs/plots/products.svg and docs/plots/steps.svg
    scripts/plot_benchmarks.py --self-test
"""
import json
import pathlib
import re
import sys
import xml.etree.ElementTree as xml

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "docs/plots"
COLOURS = {"meshwise": "#2f6f4f", "oneDNN": "#c77f1a", "Eigen": "#6b7fb5", "OpenBLAS": "#b0b0b0", "PyTorch": "#c0504d"}
OTHER = "#999999"
LESS_IS_BETTER = ("us", "ms", "s", "MB", "%")


def bars(title, groups, unit):
    """One group of horizontal bars a name; groups: [(name, [(who, value)])], values as parts of `unit`'s 100."""
    height = 44 + sum(22 + 15 * len(values) for _, values in groups)
    svg = xml.Element("svg", xmlns="http://www.w3.org/2000/svg", width="760", height=str(height),
                      viewBox=f"0 0 760 {height}", **{"font-family": "sans-serif", "font-size": "12"})
    xml.SubElement(svg, "rect", width="760", height=str(height), fill="white")

    def write(x, y, what, **more):
        xml.SubElement(svg, "text", x=str(x), y=str(y), **more).text = what

    write(12, 22, title, **{"font-size": "15", "font-weight": "bold"})
    largest = max(value for _, values in groups for _, value in values)
    y = 44
    for name, values in groups:
        write(12, y + 10, name)
        y += 16
        for who, value in values:
            xml.SubElement(svg, "rect", x="130", y=str(y), width=f"{500 * value / largest:.1f}", height="12",
                           fill=COLOURS.get(who, OTHER))
            write(124, y + 10, who, **{"text-anchor": "end", "fill": "#444"})
            write(f"{136 + 500 * value / largest:.1f}", y + 10, f"{value:.3g} {unit}", fill="#444")
            y += 15
        y += 6
    return xml.tostring(svg, encoding="unicode") + "\n"


def products(rows):
    """Shares of the peak by number of rows, the geometric mean over the weights of GPT-2."""
    groups = []
    for type_ in ("f32", "bf16"):
        for threads in (1, 2):
            for m in (1, 8, 64, 256, 1024):
                pattern = re.compile(rf"products/{type_}/threads:{threads}/M:{m}/\d+x\d+/(plain|transposed)$")
                found = [row for row in rows if pattern.match(row["name"])]
                shares = {}
                for row in found:
                    for who, value in {"meshwise": row["ours"], **row["peers"]}.items():
                        shares.setdefault(who, []).append(100 * value / row["limit"])
                if found:
                    means = [(who, mean(values)) for who, values in shares.items()]
                    groups.append((f"{type_}, {m} rows, {threads} thread{'s' if threads > 1 else ''}", means))
    return bars("Matrix products: part of what the machine allows", groups, "%") if groups else None


def mean(values):
    result = 1.0
    for value in values:
        result *= value ** (1 / len(values))
    return result


def steps(rows):
    """How many times as fast as each peer."""
    groups, seen = [], set()
    for row in rows:
        if not re.match("gpt2_step|demo_step|decode|block", row["name"]) or row["name"] in seen or not row["peers"]:
            continue
        seen.add(row["name"])
        less = row["unit"] in LESS_IS_BETTER
        times = [(who, value / row["ours"] if less else row["ours"] / value) for who, value in row["peers"].items()]
        groups.append((row["name"], times))
    return bars("Steps and texts: meshwise is so many times as fast as", groups, "x") if groups else None


def self_test():
    row = {"name": "products/f32/threads:1/M:8/768x768/plain", "ours": 50.0, "unit": "GFLOP/s",
           "peers": {"oneDNN": 25.0}, "limit": 100.0}
    picture = products([row])
    assert "50 %" in picture and "25 %" in picture, picture
    xml.fromstring(picture)
    assert products([]) is None
    assert "2 x" in steps([{**row, "name": "gpt2_step/a", "unit": "ms", "peers": {"PyTorch": 100.0}}])
    print("1 passed, 0 failed")


def main():
    if sys.argv[1:] == ["--self-test"]:
        return self_test()
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    rows = [json.loads(line) for line in pathlib.Path(sys.argv[1]).read_text().splitlines()]
    FOLDER.mkdir(exist_ok=True)
    for name, picture in (("products", products(rows)), ("steps", steps(rows))):
        if picture:
            (FOLDER / f"{name}.svg").write_text(picture)
    return None


sys.exit(main())
