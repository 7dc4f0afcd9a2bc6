#!/usr/bin/env python3
"""How much the compiler has to do for five programs, against the numbers of benchmarks/compile_time/counts.json.

Counted by clang 19 (-fsyntax-only -Xclang -print-stats), so that a busy machine changes nothing:
    specializations   of class and variable templates
    declarations      all, down to parameters and locals of every function that was made from a template
Of a program that has more than includes, what its includes alone cost is subtracted: otherwise it would hide the rest.
More than 3 % above its number fails. Seconds (of the processor) and megabytes are printed only.

    scripts/compile_budget.py               compares
    scripts/compile_budget.py --write       makes today's numbers the committed ones
    scripts/compile_budget.py --self-test   sees a planted fault
"""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
NUMBERS = ROOT / "benchmarks/compile_time/counts.json"
PROGRAMS = {path.stem: path for path in sorted((ROOT / "benchmarks/compile_time").glob("*.cpp"))}
PROGRAMS["train_gpt"] = ROOT / "examples/apps/train_gpt/train.cpp"  # the largest of its sources, for one mesh
COMMAND = ["clang++-19", "-std=c++20", "-fsyntax-only", "-Xclang", "-print-stats", f"-I{ROOT / 'include'}",
           f"-I{ROOT / 'examples/apps/train_gpt'}", "-isystem", "/usr/include/eigen3", "-DEXAMPLE_MESH=tp2"]
COUNTED = {"specializations": r"^ *(\d+) (?:Class|Var)TemplateSpecialization decls,", "declarations": r"^ *(\d+) decls total\."}
ALLOWED = 1.03


def compile_one(code):
    """({kind: count}, seconds, megabytes) of one translation unit."""
    with tempfile.NamedTemporaryFile("w", suffix=".cpp") as source:
        source.write(code)
        source.flush()
        with tempfile.TemporaryFile("w+") as output:
            process = subprocess.Popen([*COMMAND, source.name], stderr=output)
            _, status, used = os.wait4(process.pid, 0)
            output.seek(0)
            text = output.read()
    if status != 0:
        sys.exit(text)
    counts = {kind: sum(map(int, re.findall(pattern, text, re.MULTILINE))) for kind, pattern in COUNTED.items()}
    return counts, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def measure(code, known_includes):
    counts, seconds, megabytes = compile_one(code)
    lines = [line for line in code.splitlines() if line.strip() and not line.startswith("//")]
    includes = "\n".join(line for line in lines if line.startswith("#include")) + "\n"
    if len(lines) > includes.count("\n"):
        if includes not in known_includes:
            known_includes[includes] = compile_one(includes)[0]
        counts = {kind: count - known_includes[includes][kind] for kind, count in counts.items()}
    return counts, seconds, megabytes


def too_many(found, committed):
    """The kinds of which there are more than allowed."""
    return [kind for kind, count in found.items() if count > ALLOWED * committed.get(kind, 0)]


def self_test():
    plain = "#include <cstddef>\ntemplate <std::size_t N> struct some { int member[N]; };\n"
    used = plain + "".join(f"some<{n}> const* v{n}; int s{n} = sizeof(some<{n}>);\n" for n in range(1, 101))
    fewer, _, _ = measure(plain, {})
    more, _, _ = measure(used, {})
    again, _, _ = measure(used, {})
    assert more == again, (more, again)
    assert more["specializations"] - fewer["specializations"] == 100, (more, fewer)
    assert too_many(more, more) == []
    assert too_many({"specializations": 103, "declarations": 104}, {"specializations": 100, "declarations": 100}) == ["declarations"]
    assert too_many(more, {}) == ["specializations", "declarations"]  # a program without numbers
    print("1 passed, 0 failed")


def main():
    arguments = sys.argv[1:]
    if arguments == ["--self-test"]:
        return self_test()
    if arguments not in ([], ["--write"]):
        sys.exit(__doc__)
    committed = json.loads(NUMBERS.read_text()) if NUMBERS.exists() else {}
    found, failed, known_includes = {}, 0, {}
    print(f"{'program':24} {'specializations':>22} {'declarations':>22} {'seconds':>8} {'MB':>6}")
    for name, path in PROGRAMS.items():
        found[name], seconds, megabytes = measure(path.read_text(), known_includes)
        numbers = committed.get(name, {})
        cells = [f"{count:9} ({100 * (count / numbers[kind] - 1):+6.2f} %)" if kind in numbers else f"{count:9} (new)"
                 for kind, count in found[name].items()]
        print(f"{name:24} {cells[0]:>22} {cells[1]:>22} {seconds:8.1f} {megabytes:6.0f}")
        if arguments != ["--write"] and (kinds := too_many(found[name], numbers)):
            failed += 1
            print(f"{name}: more {' and '.join(kinds)} than 3 % above the committed number; make fewer, or say why not "
                  "and call scripts/compile_budget.py --write")
    if arguments == ["--write"]:
        NUMBERS.write_text(json.dumps(found, indent=4) + "\n")
        return None
    print(f"{len(found) - failed} passed, {failed} failed")
    return failed != 0


sys.exit(main())
