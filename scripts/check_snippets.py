#!/usr/bin/env python3
"""Compiles the C++ that documents and comments show, and compares the compiler's words that documents quote.

Documents (README.md and docs/**/*.md): every ```cpp block. One with `int main` is a whole program. Any other block says in
a comment on the line before it what it is:
    <!-- snippet: fragment -->            statements, compiled inside a function
    <!-- snippet: declarations -->        compiled at namespace scope
    <!-- snippet: goes on -->             statements that use what the program above declares before its main
    <!-- snippet: example -->             statements that use scripts/example_preamble.hpp
    <!-- snippet: table -->               a table: the first `code` of each row's second column is such an example, unless
                                          the cell says `not yet`
    <!-- must be refused: KIND -->        KIND is one of the four or `program`; the compiler must refuse the block. A
                                          ```text block right below it must be part of what the compiler prints: from
                                          its first `meshwise:` on, white space aside
    <!-- not compiled: reason -->         shown only
A fragment may use what earlier blocks of its document declared under `<!-- snippet: declarations -->`.

Comments (include/meshwise): all that follows `Example:` in a /// comment, and the lines of a header's first comment that
are set in by three spaces and name something of mw:: (what follows after two spaces is prose). They are statements, and
use scripts/example_preamble.hpp; an example that begins with struct, template or using stands at namespace scope. What
cannot be compiled says why: `Example (not compiled: reason):`, in a first comment at the end of the line before it.

    scripts/check_snippets.py [--jobs N] [--self-test] [documents|comments]      CXX chooses the compiler (g++)
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

sys.dont_write_bytecode = True
import header_reader  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent
KIND = "fragment|declarations|goes on|example|program|table"
MARK = re.compile(rf"^<!--\s*((?P<how>snippet|must be refused):\s*(?P<kind>{KIND})|not compiled:\s*(?P<reason>.*?\S))\s*-->\s*$")
UMBRELLAS = ["meshwise", "generation", "plan"]
PREFACE = "".join(f"#include <meshwise/{name}.hpp>\n" for name in UMBRELLAS) + "namespace mw = meshwise;\n"
PREAMBLE = '#include "example_preamble.hpp"\n'


@dataclasses.dataclass
class Snippet:
    document: str
    line: int  # of the first line of code
    code: str
    kind: str  # program, fragment, declarations, goes on, example, shown, or unmarked
    refused: bool = False
    quoted: str = ""  # what the document says that the compiler prints


def blocks_of(text):
    """(index of the opening line, language, lines) of every fenced block."""
    lines = text.splitlines()
    start = None
    for number, line in enumerate(lines):
        if start is None and (match := re.match(r"^```([\w+]*)\s*$", line)):
            start, language = number, match[1]
        elif start is not None and line.startswith("```"):
            yield start, language, lines[start + 1:number]
            start = None


def snippets_of(document, text):
    lines = text.splitlines()
    end = None
    last = None
    for start, language, code in blocks_of(text):
        follows = end is not None and not "".join(lines[end:start]).strip()
        end = start + len(code) + 2
        if language == "text" and follows and last and last.refused:
            last.quoted = "\n".join(code)
        if last:
            yield last
            last = None
        if language not in ("cpp", "c++"):
            continue
        before = [earlier for earlier in lines[:start] if earlier.strip()][-1:]
        mark = MARK.match(before[0]) if before else None
        code = "\n".join(code) + "\n"
        kind = (mark["kind"] or "shown") if mark else "program" if re.search(r"\bint\s+main\s*\(", code) else "unmarked"
        last = Snippet(document, start + 2, code, kind, bool(mark) and mark["how"] == "must be refused")
    if last:
        yield last


def source_of(snippet, declared, program):
    """The program to compile; #line makes the compiler name the document."""
    here = f'#line {snippet.line} "{snippet.document}"\n'
    if snippet.kind == "program":
        return here + snippet.code
    body = here + snippet.code
    if snippet.kind != "declarations":
        body = f"[[maybe_unused]] static auto snippet() {{\n{body}}}\n"
    if snippet.kind == "example":
        return PREAMBLE + "namespace examples {\n" + body + "}\nint main() {}\n"
    if snippet.kind == "goes on":
        return PREFACE + program + body + "int main() {}\n"
    return PREFACE + declared + body + "int main() {}\n"


def flags():
    return ["-std=c++20", "-fsyntax-only", "-Wall", "-Wextra", "-Werror", "-Wno-unused", "-Wno-unused-result",
            f"-I{ROOT / 'include'}", f"-I{ROOT / 'scripts'}", "-isystem", "/usr/include/eigen3"]


def compile_one(source, compiler, more=()):
    """What the compiler prints, which is nothing for a good program."""
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder, "snippet.cpp")
        file.write_text(source, encoding="utf-8")
        done = subprocess.run([*shlex.split(compiler), *flags(), *more, str(file)], capture_output=True, text=True,
                              check=False)
        return done.stderr or ("the compiler failed without a word" if done.returncode else "")


def words(text):
    """From the first `meshwise:` on, in single spaces: the same for each compiler and each width of a page."""
    text = " ".join(text.split())
    return text[max(text.find("meshwise: "), 0):]


def fault_of_refusal(quoted, printed):
    if not printed:
        return "this block must be refused, and the compiler takes it"
    if quoted and "meshwise: " not in quoted:
        return "the block below quotes no sentence that begins with `meshwise: `"
    if quoted and words(quoted) not in " ".join(printed.split()):
        return f"the compiler does not print what the block below quotes, but:\n{printed}"
    return ""


def check(documents, compiler, jobs):
    """[(place, message or '')] of every block of {name: text}."""
    work = []
    results = []
    for name, text in documents.items():
        declared, program = "", PREFACE
        for snippet in snippets_of(name, text):
            place = f"{name}:{snippet.line}"
            if snippet.kind == "unmarked":
                results.append((place, "this block has no main: say before it what it is (scripts/check_snippets.py)"))
            elif snippet.kind == "example" and not snippet.refused:
                pass  # compiled together with the examples of comments
            elif snippet.kind not in ("shown", "table"):
                work.append((place, snippet, source_of(snippet, declared, program)))
                if snippet.kind == "declarations" and not snippet.refused:
                    declared += f'#line {snippet.line} "{snippet.document}"\n{snippet.code}'
                if snippet.kind == "program" and not snippet.refused:
                    program = f'#line {snippet.line} "{snippet.document}"\n' + re.split(r"\bint\s+main\s*\(", snippet.code)[0]
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        messages = pool.map(lambda item: compile_one(item[2], compiler), work)
        for (place, snippet, _), message in zip(work, messages):
            results.append((place, fault_of_refusal(snippet.quoted, message) if snippet.refused else message))
    return results


# ---- the examples of comments: one program for all, as the headers are what takes the time -------------------------


def path_of(example):
    return example.header if example.header.endswith(".md") else f"include/meshwise/{example.header}"


def table_examples(document, text):
    """The code of a table's second column, as examples."""
    lines = text.splitlines()
    in_table = marked = False
    for number, line in enumerate(lines, 1):
        mark = MARK.match(line)
        if mark and mark["kind"] == "table":
            marked, in_table = True, False
        elif marked and line.startswith("|"):
            cells = re.split(r"(?<!\\)\|", line.strip().strip("|"))
            code = re.search(r"`([^`]+)`", cells[1]) if len(cells) > 1 and "not yet" not in cells[1] else None
            if code and not re.match(r"^[\s|:-]+$", line):
                yield header_reader.Example(document, number, code[1].replace("\\|", "|") + ";\n")
            in_table = True
        elif marked and in_table:
            marked = False


def function_of(number, example):
    line = f'#line {example.line} "{path_of(example)}"\n'
    if re.match(r"\s*(struct|template|using|class|namespace)\b", example.code):
        return f"namespace example_{number} {{\n{line}{example.code}}}\n"
    lines = example.code.rstrip().split("\n")
    # An expression on a line of its own is a statement.
    lines = [l + ";" if l.count("(") == l.count(")") and re.match(r"mw::[^;{]*\)$|\w+\([^;{]*\)$", l) else l for l in lines]
    code = "\n".join(lines)
    if code[-1] not in ";}":
        code += ";"
    return f"[[maybe_unused]] static auto example_{number}() {{\n{line}{code}\n}}\n"


def mentioned(example, message):
    """Whether a compiler's output names a line of this example."""
    last = example.line + example.code.count("\n")
    name = re.escape(path_of(example))
    return any(example.line <= int(n) <= last for n in re.findall(rf"(?m)(?:^|\s){name}:(\d+)", message))


def check_examples(examples, compiler, jobs, more=()):
    """([(place, message or '')], what the compiler prints) of examples, compiled together: a program for each job."""
    jobs = max(1, min(jobs, len(examples) // 20))
    shares = [examples[i::jobs] for i in range(jobs)]
    def program(share):
        body = "".join(function_of(n, e) for n, e in enumerate(share))
        return compile_one(PREAMBLE + "\n".join(f"#include <meshwise/{h}>" for h in sorted({e.header for e in share if e.header.endswith(".hpp")}))
                           + "\nnamespace examples {\n" + body + "}\n", compiler, more)
    results, printed = [], ""
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for share, message in zip(shares, pool.map(program, shares)):
            named = [e for e in share if mentioned(e, message)]
            if message and not named:
                results.append(("the examples together", message))
            elif message:
                printed += message
            results += [(f"{path_of(e)}:{e.line}", "this example does not compile: see above" if e in named else "")
                        for e in share]
    return results, printed


def needs_mpi(example):
    return re.search(r"(^|/)mpi(\.hpp$|/|_)", example.header)


def mpi_flags():
    for folder in ("/usr/lib/x86_64-linux-gnu/openmpi/include", "/usr/include/openmpi", "/usr/include"):
        if pathlib.Path(folder, "mpi.h").is_file():
            return ["-isystem", folder] if folder != "/usr/include" else []
    return None


def documents():
    """{name: text}. Each block of the reference is an example of a header, and is compiled as that."""
    files = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return {f.relative_to(ROOT).as_posix(): f.read_text(encoding="utf-8") for f in files
            if f.is_file() and "docs/reference/" not in f.as_posix()}


def check_comments(compiler, jobs):
    all_of_them = [e for path in header_reader.headers() for e in header_reader.examples_of(path)]
    for name, text in documents().items():
        all_of_them += table_examples(name, text)
        all_of_them += [header_reader.Example(name, s.line, s.code) for s in snippets_of(name, text)
                        if s.kind == "example" and not s.refused]
    compiled = [e for e in all_of_them if not e.reason]
    local = [e for e in compiled if not needs_mpi(e)]
    remote = [e for e in compiled if needs_mpi(e)]
    results, printed = check_examples(local, compiler, jobs)
    mpi = mpi_flags()
    if remote and mpi is None:
        print(f"note: there is no MPI here; {len(remote)} examples are not compiled")
    elif remote:
        more, more_printed = check_examples(remote, compiler, 1, mpi)
        results, printed = results + more, printed + more_printed
    print(printed, end="")
    for example in all_of_them:
        if example.reason:
            print(f"note: include/meshwise/{example.header}:{example.line} is not compiled: {example.reason}")
    return results


# ---- planted faults -------------------------------------------------------------------------------------------------

PLANTED = {  # a document -> per block, is it in order?
    "```cpp\nint main() { return 0; }\n```\n": [True],
    "```cpp\nint main() { return nothing; }\n```\n": [False],
    "```cpp\nint x;\n```\n": [False],
    "<!-- not compiled: shows an error -->\n```cpp\nint main() { return nothing; }\n```\n": [],
    "```sh\nint main() { return nothing; }\n```\n": [],
    # must be refused, and is not
    "<!-- must be refused: program -->\n```cpp\nint main() { return 0; }\n```\n": [False],
    # quoted rightly over two lines, and wrongly
    '<!-- must be refused: program -->\n```cpp\nint main() { static_assert(1 > 2, "meshwise: one is less: take two"); }\n```\n'
    "```text\nerror: static assertion failed: meshwise: one is\n       less: take two\n```\n": [True],
    '<!-- must be refused: program -->\n```cpp\nint main() { static_assert(1 > 2, "meshwise: one is less: take two"); }\n```\n'
    "```text\nerror: static assertion failed: meshwise: one is more\n```\n": [False],
    # quotes no sentence
    '<!-- must be refused: program -->\n```cpp\nint main() { static_assert(1 > 2, "meshwise: one is less: take two"); }\n```\n'
    "```text\nerror: static assertion failed:\n```\n": [False],
    # what the program above declares
    "```cpp\nint twice(int x) { return 2 * x; }\nint main() {}\n```\n<!-- snippet: goes on -->\n```cpp\nint y = twice(2);\n```\n":
        [True, True],
    "```cpp\nint main() {}\n```\n<!-- snippet: goes on -->\n```cpp\nint y = twice(2);\n```\n": [True, False],
}

PLANTED_HEADER = """// first: a file with examples.
//   mw::dot<embed>(x, w)     strict
//   mw::dot<nothing>(x, w)   wrong
#pragma once
namespace meshwise {
/// Adds. Placement: any. Example: auto sum = x + y;
int one();
/// Example: auto sum = x + nothing;
int two();
/// Example (not compiled: shows an error): auto sum = x + nothing;
int three();
/// Example:
///     struct pair {
///         mw::linear<S, embed, ffn> up;
///     };
int four();
/// Example:
/// auto h = mw::dot<embed>(x, w);
/// auto g = mw::gelu(h) + nothing;
int five();
}  // namespace meshwise
"""
PLANTED_TABLE = """| a | b |
|---|---|
| none | `unmarked` |
<!-- snippet: table -->
| there | here |
| a+b | `x + y` or `add` |
| c | not yet: `x.y` |
"""
PLANTED_LINES = {2: False, 6: True, 8: False, 13: True, 18: False}  # first line of an example -> is it in order?


def self_test(compiler, jobs):
    passed = failed = 0
    for text, expected in PLANTED.items():
        found = [not message for _, message in check({"planted.md": text}, compiler, jobs)]
        if found == expected:
            passed += 1
        else:
            failed += 1
            print(f"self-test: expected {expected}, found {found} for\n{text}")
    found = [(e.line, e.code) for e in table_examples("t.md", PLANTED_TABLE)]
    passed, failed = (passed + 1, failed) if found == [(6, "x + y;\n")] else (passed, failed + 1)
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder, "include", "meshwise")
        root.mkdir(parents=True)
        (root / "planted.hpp").write_text(PLANTED_HEADER, encoding="utf-8")
        examples = [e for e in header_reader.examples_of(root / "planted.hpp", root) if not e.reason]
        results, _ = check_examples(examples, compiler, 1, [f"-I{folder}/include"])
        found = {int(place.split(":")[-1]): not message for place, message in results if ":" in place}
    if found == PLANTED_LINES:
        passed += 1
    else:
        failed += 1
        print(f"self-test: expected {PLANTED_LINES}, found {found} in the planted header")
    return passed, failed


def main():
    parser = argparse.ArgumentParser(description="compiles the C++ that documents and comments show")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--self-test", action="store_true")
    parser.add_argument("what", nargs="?", choices=["documents", "comments"])
    options = parser.parse_args()
    compiler = os.environ.get("CXX", "g++")
    if options.self_test:
        passed, failed = self_test(compiler, options.jobs)
    else:
        results = []
        if options.what != "comments":
            results += check(documents(), compiler, options.jobs)
        if options.what != "documents":
            results += check_comments(compiler, options.jobs)
        for place, message in results:
            if message:
                print(f"{place}: {message}")
        failed = sum(bool(message) for _, message in results)
        passed = len(results) - failed
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


sys.exit(main())
