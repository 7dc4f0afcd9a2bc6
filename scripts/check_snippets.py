#!/usr/bin/env python3
"""Compiles the C++ that the documents show: every ```cpp block of README.md and docs/*.md.

A block with `int main` is a whole program. Any other block says in a comment on the line before it what it is:
    <!-- snippet: fragment -->            statements, compiled inside a function
    <!-- snippet: declarations -->        compiled at namespace scope
    <!-- not compiled: reason -->         shown only; also for a block with `int main` that must not compile
A fragment may use what earlier blocks of its document declared under `<!-- snippet: declarations -->`.

    scripts/check_snippets.py [--jobs N] [--self-test]      CXX chooses the compiler (g++)
"""
import argparse
import concurrent.futures
import dataclasses
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
MARK = re.compile(r"^<!--\s*(snippet:\s*(?P<kind>fragment|declarations)|not compiled:\s*(?P<reason>.*?\S))\s*-->\s*$")
PREFACE = "#include <meshwise/meshwise.hpp>\nnamespace mw = meshwise;\n"


@dataclasses.dataclass
class Snippet:
    document: str
    line: int  # of the first line of code
    code: str
    kind: str  # program, fragment, declarations, shown, or unmarked


def snippets_of(document, text):
    lines = text.splitlines()
    start = None
    for number, line in enumerate(lines):
        if start is None and re.match(r"^```(cpp|c\+\+)\s*$", line):
            start = number + 1
        elif start is not None and line.startswith("```"):
            code = "\n".join(lines[start:number]) + "\n"
            before = [earlier for earlier in lines[: start - 1] if earlier.strip()][-1:]
            mark = MARK.match(before[0]) if before else None
            if mark:
                kind = mark["kind"] or "shown"
            else:
                kind = "program" if re.search(r"\bint\s+main\s*\(", code) else "unmarked"
            yield Snippet(document, start + 1, code, kind)
            start = None


def source_of(snippet, declared):
    """The program to compile; #line makes the compiler name the document."""
    here = f'#line {snippet.line} "{snippet.document}"\n'
    if snippet.kind == "program":
        return here + snippet.code
    body = here + snippet.code
    if snippet.kind == "fragment":
        # Unused names are the nature of a fragment.
        body = f"[[maybe_unused]] static void snippet() {{\n{body}}}\n"
    return PREFACE + declared + body + "int main() {}\n"


def compile_one(source, compiler):
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder, "snippet.cpp")
        file.write_text(source, encoding="utf-8")
        command = [*shlex.split(compiler), "-std=c++20", "-fsyntax-only", "-Wall", "-Wextra", "-Werror",
                   "-Wno-unused", f"-I{ROOT / 'include'}", "-isystem", "/usr/include/eigen3", str(file)]
        return subprocess.run(command, capture_output=True, text=True).stderr


def check(documents, compiler, jobs):
    """[(place, message or '')] of every block of {name: text}."""
    work = []
    results = []
    for name, text in documents.items():
        declared = ""
        for snippet in snippets_of(name, text):
            place = f"{name}:{snippet.line}"
            if snippet.kind == "unmarked":
                results.append((place, "this block has no main: say before it what it is (scripts/check_snippets.py)"))
            elif snippet.kind != "shown":
                work.append((place, source_of(snippet, declared)))
                if snippet.kind == "declarations":
                    declared += f'#line {snippet.line} "{snippet.document}"\n{snippet.code}'
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        messages = pool.map(lambda item: compile_one(item[1], compiler), work)
        results += [(place, message) for (place, _), message in zip(work, messages)]
    return results


PLANTED = {  # a document -> per block, is it in order?
    "```cpp\nint main() { return 0; }\n```\n": [True],
    "```cpp\nint main() { return nothing; }\n```\n": [False],
    "```cpp\nint x;\n```\n": [False],
    "<!-- not compiled: shows an error -->\n```cpp\nint main() { return nothing; }\n```\n": [],
    "```sh\nint main() { return nothing; }\n```\n": [],
}


def self_test(compiler, jobs):
    passed = failed = 0
    for text, expected in PLANTED.items():
        found = [not message for _, message in check({"planted.md": text}, compiler, jobs)]
        if found == expected:
            passed += 1
        else:
            failed += 1
            print(f"self-test: expected {expected}, found {found} for\n{text}")
    return passed, failed


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--self-test", action="store_true")
    options = parser.parse_args()
    compiler = os.environ.get("CXX", "g++")
    if options.self_test:
        passed, failed = self_test(compiler, options.jobs)
    else:
        files = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
        documents = {f.relative_to(ROOT).as_posix(): f.read_text(encoding="utf-8") for f in files if f.is_file()}
        results = check(documents, compiler, options.jobs)
        for place, message in results:
            if message:
                print(f"{place}: {message}")
        failed = sum(bool(message) for _, message in results)
        passed = len(results) - failed
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


sys.exit(main())
