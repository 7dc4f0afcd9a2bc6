#!/usr/bin/env python3
"""Compiles the programs of this folder, which must be refused, each beside the one that must be accepted.

A file describes its wrong programs in comments, and holds them in branches of one #if:
    // rule: whole_value_added_to_a_pending_sum           the struct of core/rules.hpp that refuses them, if one does
    // sentence: the whole one would be counted           a part of the sentence that the compiler must print
    // facts: value_is_a_pending_sum_over<tp> ...         what it must print too; spaces and scopes do not count
    #if REJECTED == 1
        a wrong line                                      (a branch may begin with comments of its own)
    #elif REJECTED == 2
        another
    #else
        accepted lines
    #endif
The accepted lines compile without a warning. A wrong one gives exactly one error, with the sentence in its first
line, the facts, and at most 12 lines in all, as a user without any flags sees them (`// lines: 27` allows more, where
the mistake lies deeper in templates of the user's). `// core only` adds clang++-14.

    tests/rejects/check.py [compiler...] [--only part-of-a-name] [--show]       (without compilers: all that are found)
"""
import argparse
import atexit
import concurrent.futures
import dataclasses
import functools
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
COMPILERS = ["g++", "clang++-19"]
CORE_COMPILERS = ["clang++-14"]
WARNINGS = ["-Wall", "-Wextra", "-Wconversion", "-Wshadow"]
MOST_LINES = 12
# <meshwise/meshwise.hpp> includes core/element_rules.hpp and core/rules.hpp before all else: whoever includes it is shown these lines of the way
# to the error. Single headers, included here to save time, are further away; one_include.cpp proves the number.
LINES_OF_THE_WAY = 2


@dataclasses.dataclass
class Case:
    number: int  # REJECTED; 0 is the accepted program
    rule: str = ""
    sentence: str = ""
    facts: tuple = ()
    lines: int = MOST_LINES
    code: tuple = ()


@dataclasses.dataclass
class File:
    path: pathlib.Path
    about: str
    cases: list
    common: tuple  # what stands before the #if, in the same function
    core_only: bool
    whole_way: bool  # includes everything: no line is excused


def described(lines, case):
    """The case with what the comments among these lines say of it."""
    for line in lines:
        if match := re.match(r"\s*// (rule|sentence|facts|lines): (.*\S)", line):
            value = {"facts": str.split, "lines": int}.get(match[1], str)(match[2])
            case = dataclasses.replace(case, **{match[1]: value})
    return case


def read(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    head = [line for line in lines if line.startswith("// ")]
    common = described(head, Case(0))
    branches = {}
    common_code = []
    number = None
    for line in lines:
        if match := re.match(r"#(el)?if REJECTED == (\d+)$", line):
            number = int(match[2])
        elif re.match(r"#else$", line) and number is not None:
            number = 0
        elif re.match(r"#endif$", line):
            number = None
        elif number is not None:
            branches.setdefault(number, []).append(line)
        elif not branches:
            common_code = [*common_code, line] if line.startswith("    ") else []
    cases = []
    for number, code in sorted(branches.items()):
        shown = tuple(line for line in code if not re.match(r"\s*// (rule|sentence|facts|lines):", line))
        cases.append(dataclasses.replace(described(code, common), number=number, code=shown))
    about = " ".join(line[3:] for line in head if not re.match(r"// (rule|sentence|facts|lines|core only)", line))
    text = "\n".join(lines)
    return File(path, about, cases, tuple(common_code), "// core only" in lines, "<meshwise/meshwise.hpp>" in text)


# What only saves the time to parse oneTBB.
FASTER = ("-DMESHWISE_SERIAL",)


@functools.cache
def standard_library(compiler):
    """Options that bring in its headers, which this compiler has parsed once; no message shows them."""
    folder = pathlib.Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder)
    names = {name for path in (ROOT / "include").rglob("*.hpp")
             for name in re.findall(r"^#include (<[a-z_]+>)$", path.read_text(encoding="utf-8"), re.MULTILINE)}
    header = folder / "standard.hpp"
    # some are there for one standard library or processor only
    each = (f"#if __has_include({name})\n#include {name}\n#endif\n" for name in sorted(names))
    header.write_text("".join(each), encoding="utf-8")
    clang = "clang" in pathlib.Path(compiler).name
    parsed = folder / ("standard.pch" if clang else "standard.hpp.gch")
    subprocess.run([compiler, "-std=c++20", "-x", "c++-header", header, "-o", parsed], check=True)
    return ("-include-pch", str(parsed)) if clang else ("-include", str(header))


def compiled(compiler, path, number, defines=FASTER):
    flags = ["-std=c++20", "-fsyntax-only", *standard_library(compiler), *defines, f"-I{ROOT / 'include'}",
             "-isystem", "/usr/include/eigen3"]
    flags += [f"-DREJECTED={number}"] if number else WARNINGS
    done = subprocess.run([compiler, *flags, path.name], cwd=path.parent, env={**os.environ, "LC_ALL": "C"},
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", check=False)
    return done.returncode, done.stdout


def bare(text):
    """Without spaces, scopes and suffixes of numbers, in which compilers differ."""
    text = re.sub(r"\b(meshwise|facts|rules|detail)::", "", text)
    return re.sub(r"(\d)ul\b", r"\1", text, flags=re.IGNORECASE).replace(" ", "")


def line_count(output, whole_way):
    lines = output.splitlines()
    way = sum(1 for line in lines if re.match(r"(In file included from|\s+from) ", line))
    return len(lines) - (0 if whole_way else max(0, way - LINES_OF_THE_WAY))


def faults_of(file, case, status, output):
    """What is wrong with a compiler's answer to one case."""
    errors = [line for line in output.splitlines() if re.search(r"\b(error|warning): ", line)]
    if case.number == 0:
        return [f"the accepted program is refused or warned of: {errors[0] if errors else output}"] if status or output else []
    if status == 0:
        return ["it should be refused, and is not"]
    faults = []
    if len(errors) != 1:
        faults.append(f"{len(errors)} errors and warnings where there should be one: {' | '.join(errors)}")
    if not errors or case.sentence not in errors[0]:
        faults.append(f"the first error lacks the sentence '{case.sentence}': {errors[0] if errors else output}")
    for wanted in (*([case.rule + "::because"] if case.rule else []), *case.facts):
        if bare(wanted) not in bare(output):
            faults.append(f"the message does not name {wanted}")
    if (lines := line_count(output, file.whole_way)) > case.lines:
        faults.append(f"{lines} lines, and {case.lines} are the most a user should have to read")
    return faults


def jobs_for(files, compilers, core_compilers):
    for file in files:
        for compiler in compilers + (core_compilers if file.core_only else []):
            for case in file.cases:
                yield file, case, compiler


def check(files, compilers, core_compilers, show=False):
    """Faults, the number of compilations in order, and the longest message of each compiler."""
    faults, passed, longest = [], 0, {}
    jobs = list(jobs_for(files, compilers, core_compilers))
    for compiler in {job[2] for job in jobs}:
        standard_library(compiler)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        answers = pool.map(lambda job: compiled(job[2], job[0].path, job[1].number), jobs)
        for (file, case, compiler), (status, output) in zip(jobs, answers):
            found = faults_of(file, case, status, output)
            name = f"{file.path.name}, {f'REJECTED={case.number}' if case.number else 'accepted'}, {pathlib.Path(compiler).name}"
            faults += [f"{name}: {fault}" for fault in found]
            passed += not found
            if case.number and case.lines == MOST_LINES:
                longest[compiler] = max(longest.get(compiler, 0), line_count(output, file.whole_way))
            if show:
                print(f"--- {name}\n{output}")
    return faults, passed, longest


# Files with one fault each, and the start of what must be said of it ('' for a file in order).
PLANTED_HEAD = """// rule: axis_does_not_divide
// sentence: an axis does not divide evenly
// facts: axis_of_size<odd,3> cut_into<2,tp>
#include <meshwise/core/relations.hpp>
namespace mw = meshwise;
struct odd : mw::axis<3> {};
struct even : mw::axis<4> {};
struct tp : mw::mesh_axis<2> {};
template <class A>
constexpr auto refused = sizeof(mw::refuse<typename mw::placeable<mw::axes<A>, mw::layout<mw::mesh<tp>, mw::split<A, tp>>>::verdict>);
template <class A>
void place() {
    static_assert(refused<A> > 0);
}
"""
DEEP = "".join(f"template <class A>\nvoid deeper{i}() {{\n    {f'deeper{i - 1}' if i else 'place'}<A>();\n}}\n" for i in range(6))


def planted(wrong, right="place<even>();", head=PLANTED_HEAD):
    return f"{head}\nvoid program() {{\n#if REJECTED == 1\n    {wrong}\n#else\n    {right}\n#endif\n}}\n"


SELF_TESTS = {
    "accepted": (planted("place<even>();"), "it should be refused"),
    "two errors": (planted("place<odd>(); unknown();"), "2 errors"),
    "another sentence": (planted("place<odd>();", head=PLANTED_HEAD.replace("evenly", "gladly")), "the first error lacks"),
    "another rule": (planted("place<odd>();", head=PLANTED_HEAD.replace("// rule: a", "// rule: the_a")), "the message does not name the_a"),
    "another fact": (planted("place<odd>();", head=PLANTED_HEAD.replace("<odd,3>", "<odd,4>")), "the message does not name axis_of_size<odd,4>"),
    "no meshwise error": (planted("unknown();"), "the first error lacks"),
    "long": (planted("deeper5<odd>();", head=PLANTED_HEAD + DEEP), ""),  # the number of lines decides, see below
    "refused twin": (planted("place<odd>();", "place<odd>();"), "the accepted program"),
    "warning twin": (planted("place<odd>();", "int unused;"), "the accepted program"),
}


def self_test(compiler):
    failures = []
    with tempfile.TemporaryDirectory() as folder:
        for title, (text, expected) in SELF_TESTS.items():
            path = pathlib.Path(folder, title.replace(" ", "_") + ".cpp")
            path.write_text(text, encoding="utf-8")
            faults, _, _ = check([read(path)], [compiler], [])
            expected = expected or f"lines, and {MOST_LINES} are the most"
            if not any(expected in fault for fault in faults):
                failures.append(f"self-test '{title}': expected '{expected}', found {faults or 'no fault'}")
    return failures


def programs():
    """The files of this folder, and the examples that show a wrong program."""
    shown = [path for path in sorted(ROOT.glob("examples/*.cpp")) if "#if REJECTED == 1" in path.read_text(encoding="utf-8")]
    return sorted(HERE.glob("*.cpp")) + shown


def found_compilers(names):
    return [name for name in names if shutil.which(name)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("compilers", nargs="*")
    parser.add_argument("--only", default="")
    parser.add_argument("--show", action="store_true")
    options = parser.parse_args()
    compilers = options.compilers or found_compilers(COMPILERS)
    if not compilers:
        sys.exit(f"none of the compilers {', '.join(COMPILERS)} is installed")
    files = [read(path) for path in programs() if options.only in path.name]
    failures = [] if options.only else self_test(compilers[0])
    planted_passed = 0 if options.only else len(SELF_TESTS) - len(failures)
    faults, passed, longest = check(files, compilers, found_compilers(CORE_COMPILERS), options.show)
    print("".join(fault + "\n" for fault in failures + faults), end="")
    cases = sum(1 for file in files for case in file.cases if case.number)
    print(f"{len(files)} files, {cases} wrong programs; longest message: "
          + ", ".join(f"{pathlib.Path(compiler).name} {lines} lines" for compiler, lines in longest.items()))
    failed = len({fault.split(": ")[0] for fault in failures + faults})
    print(f"{planted_passed + passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
