#!/usr/bin/env python3
"""Prints docs/troubleshooting.md: for each rule a wrong line, what g++ 12 and clang 19 say of it, and the mend, all
from the programs of tests/rejects. Of a compiler that is not installed the page keeps what it has."""
import concurrent.futures
import dataclasses
import pathlib
import re
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests" / "rejects"))
import check  # noqa: E402

PAGE = ROOT / "docs" / "troubleshooting.md"
COMPILERS = [("g++ 12", ["g++-12", "g++"], "12"), ("clang 19", ["clang++-19", "clang++"], "19")]

INTRODUCTION = """# Troubleshooting

<!-- printed by docs/generate/troubleshooting.py; scripts/generate_docs.sh rewrites it -->

Every refusal begins with one sentence that says what is wrong and how it is usually fixed. The *facts* beside it, such
as `left_operand_is_split_by<ffn, tp>`, name the axes and mesh axes it is about; a line below stands the place in your
program. Whatever follows from a refused operation is silent: one mistake, one error.

These are the messages as the compilers print them, without flags, for a program that includes `<meshwise/meshwise.hpp>`
(`<meshwise/plan.hpp>` for the budget of a rank's memory); only line numbers within the library are left out. The rules behind them: [rules.md](rules.md).
"""


def installed(names, version):
    for name in names:
        try:
            done = subprocess.run([name, "-dumpversion"], stdout=subprocess.PIPE, text=True, check=False)
        except FileNotFoundError:
            continue
        if done.stdout.split(".")[0].strip() == version:
            return name
    return None


def rules_in_order():
    core = ROOT / "include" / "meshwise" / "core"
    text = "".join((core / name).read_text(encoding="utf-8") for name in ["rules.hpp", "element_rules.hpp"])
    return re.findall(r"^struct (\w+) \{\n    template <class\.\.\. Facts>\n    struct because", text, re.MULTILINE)


def as_users_write_it(text):
    """With the one include of the room's umbrella, and as many lines as before."""
    found = iter(re.findall(r"^#include <meshwise/.*>$", text, re.MULTILINE))
    last = sum(1 for _ in found) - 1
    counter = iter(range(last + 1))
    umbrella = "plan" if "#include <meshwise/plan/" in text else "meshwise"
    return re.sub(r"^#include <meshwise/.*>$",
                  lambda _: f"#include <meshwise/{umbrella}.hpp>" if next(counter) == last else "", text, flags=re.MULTILINE)


def normalised(output):
    lines = []
    in_library = False
    for line in output.replace(str(ROOT / "include") + "/", "").splitlines():
        if match := re.search(r"(\S+\.[ch]pp):\d+(:\d+)?[:,]", line):
            in_library = match[1].startswith("meshwise/")
        line = re.sub(r"(\bmeshwise/\S+\.hpp):\d+(:\d+)?", r"\1", line)
        if in_library:
            line = re.sub(r"^( *)(\d+)( \|)", lambda m: m[1] + " " * len(m[2]) + m[3], line)
        lines.append(line.rstrip())
    return "\n".join(lines)


def message(compiler, file, case):
    with tempfile.TemporaryDirectory() as folder:
        program = pathlib.Path(folder, "program.cpp")
        program.write_text(as_users_write_it(file.path.read_text(encoding="utf-8")), encoding="utf-8")
        status, output = check.compiled(compiler, program, case.number, defines=[])
    if faults := check.faults_of(dataclasses.replace(file, whole_way=True), case, status, output):
        sys.exit(f"{file.path.name}, {compiler}: {'; '.join(faults)}")
    return normalised(output)


def kept(page, rule, title):
    match = re.search(rf"^## {rule}$.*?^{re.escape(title)}:\n\n```text\n(.*?)\n```$", page, re.MULTILINE | re.DOTALL)
    return match[1] if match else ""


def mend(file, number):
    """The accepted lines that stand for this case: those named by its number, with what comes before them."""
    code = next(case.code for case in file.cases if case.number == 0)
    named = [line for line in code if re.search(rf"\b[a-z]+{number}\b( =|;)", line)]
    if not named:
        return code[number - 1:number]
    before = [line for line in code[:code.index(named[0])] if not re.search(r"\b[a-z]+\d( =|;)", line)]
    return before + [re.sub(rf"\b([a-z]+){number}\b( =|;)", r"\1\2", line) for line in named]


def common(file):
    """Statements before the wrong ones; the last lines of the function's head are none."""
    return [line for line in file.common if line.endswith(";") and line.startswith("    auto ")]


def block(lines, file):
    text = "\n".join(line.removeprefix("    ") for line in lines)
    return f"<!-- not compiled: from tests/rejects/{file.path.name}, which is -->\n\n```cpp\n{text}\n```\n"


def bare_expression(code):
    return re.sub(r"^auto [yz] = |;$", "", " ".join(line.strip() for line in code))


def main():
    files = [check.read(path) for path in sorted(check.HERE.glob("*.cpp"))]
    cases = [(file, case) for file in files for case in file.cases if case.number]
    page = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    compilers = [(title, installed(names, version)) for title, names, version in COMPILERS]
    for title, compiler in compilers:
        if not compiler:
            print(f"{title} is not installed: its messages are kept as they are", file=sys.stderr)

    rules = rules_in_order()
    # A rule is shown by the program that is named after it, else by the first that names it.
    first = {rule: min(((f, c) for f, c in cases if c.rule == rule), key=lambda found: found[0].path.stem != rule, default=None)
             for rule in rules}
    if missing := [rule for rule, found in first.items() if not found]:
        sys.exit(f"tests/rejects has no program for {', '.join(missing)}")
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        said = {(rule, title): pool.submit(message, compiler, *first[rule])
                for rule in rules for title, compiler in compilers if compiler}
    print(INTRODUCTION, end="")
    for rule in rules:
        file, case = first[rule]
        print(f"\n## {rule}\n\n{file.about}\n\n{block([*common(file), *case.code], file)}")
        for title, compiler in compilers:
            text = said[rule, title].result() if compiler else kept(page, rule, title)
            print(f"{title}:\n\n```text\n{text}\n```\n")
        print(f"Mend:\n\n{block(mend(file, case.number), file)}", end="")
        others = [bare_expression(c.code) for f, c in cases if c.rule == rule and c is not case and f is file]
        if others:
            print("\nAlso refused: " + ", ".join(f"`{line}`" for line in others))


main()
