#!/usr/bin/env python3
"""Includes go only downward: reads every header under include/meshwise and names each line that breaks the order.

    scripts/check_layers.py              the faults, one a line
    scripts/check_layers.py --map        the rooms, what each uses, how large it is
    scripts/check_layers.py --self-test  that planted faults are found, then the check itself
"""
import collections
import pathlib
import posixpath
import re
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent / "include" / "meshwise"
# Each room with the rooms it may use besides itself, from the ground up. Rooms that a line does not name do not know each
# other: a backend and a communicator can be written by two people.
GROUND = {"core", "scalar", "messages"}
VALUES = GROUND | {"parse", "files", "backend", "communicator", "tensor", "autodiff", "ops"}
MAY_USE = {
    "core": set(),
    "scalar": {"core"},
    "messages": {"core"},
    "parse": GROUND,
    "files": GROUND | {"parse"},
    "backend": GROUND,
    "communicator": GROUND | {"files"},
    "tensor": GROUND | {"parse", "files", "backend", "communicator"},
    "autodiff": VALUES - {"autodiff", "ops"},
    "ops": VALUES - {"ops"},
    "parallel": VALUES,
    "nn": VALUES | {"parallel"},
    "optim": VALUES | {"parallel"},
    "text": VALUES | {"parallel"},
    "io": VALUES | {"parallel"},
    "report": GROUND | {"parse", "files", "communicator", "tensor"},
    "plan": VALUES | {"parallel", "nn"},
}

# core compiles in a blink: headers that cost g++ 12 less than about 0.1 s, and no third party.
LIGHT = set(
    "array bit cmath compare concepts cstddef cstdint climits initializer_list limits source_location type_traits utility"
    " version".split())
LIGHT_FOR = {"core/error.hpp": {"stdexcept", "string"}}

# Edge headers need a library that not everybody has: only the user includes them.
EDGE = re.compile(r"/(mpi|cuda|nccl)[a-z_]*((\.inl)?\.hpp$|/)|^/?ops/matrices/|^linear_algebra\.hpp$")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
LONGEST = 350

# Only files/ writes files, so that modes, links, devices and full disks are treated alike.
WRITES = re.compile(r"""ofstream|\bO_(CREAT|WRONLY|RDWR|TRUNC)\b|\bmkstemp\b|\bfopen\([^)]*"[wa]|"""
                    r"""\b(std|filesystem|fs)::rename\b|(?<!\w)::rename\(""")


def includes(file, root):
    """(line number, target) of each include of a file; "neighbour.hpp" is given as <meshwise/room/neighbour.hpp>."""
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        if match := INCLUDE.match(line):
            target = match[2]
            if match[1] == '"' and not target.startswith("meshwise/"):
                here = "meshwise/" + file.parent.relative_to(root).as_posix()
                target = posixpath.normpath(posixpath.join(here, target))
            yield number, target


def room_of(name):
    """The room of a path below include/meshwise; '' for an umbrella such as meshwise.hpp, which may use all rooms."""
    return name.split("/")[0] if "/" in name else ""


def fault_of(name, target, root):
    """What is wrong when the header `name` includes `target`, or None."""
    room = room_of(name)
    if not target.startswith("meshwise/"):
        if room == "core" and target not in LIGHT | LIGHT_FOR.get(name, set()):
            return f"core/ may include only light standard headers, and <{target}> is not one of them"
        return None
    used = target.removeprefix("meshwise/")
    if not (root / used).is_file():
        return f"<{target}> does not exist"
    if EDGE.search(used) and not EDGE.search(name):
        return f"<{target}> needs a library of its own, only users include it"
    if room and not room_of(used):
        return f"<{target}> is for users; include the headers that are needed"
    if room and room_of(used) not in MAY_USE[room] | {room}:
        return f"{room}/ may not use {room_of(used)}/ (<{target}>)"
    return None


def headers(root):
    return sorted(root.rglob("*.hpp"))


def circle_faults(graph):
    """Headers of one room that include each other in a circle."""
    state = {}
    faults = []

    def visit(name, path):
        state[name] = "open"
        for target in graph[name]:
            if state.get(target) == "open":
                faults.append(f"{name}: includes itself by way of {' -> '.join([*path, name, target])}")
            elif target not in state:
                visit(target, [*path, name])
        state[name] = "closed"

    for name in graph:
        if name not in state:
            visit(name, [])
    return faults


def umbrella_faults(graph):
    """Headers of a room that its umbrella, such as io.hpp of io/, does not reach."""
    faults = []
    for umbrella in graph:
        room = umbrella.removesuffix(".hpp")
        if room not in MAY_USE:
            continue
        reached, waiting = set(), [umbrella]
        while waiting:
            name = waiting.pop()
            reached.add(name)
            waiting += [target for target in graph[name] if target not in reached]
        faults += [f"{umbrella}:1: does not include <meshwise/{name}>, though it is said to be everything of {room}/"
                   for name in graph if room_of(name) == room and name not in reached and not EDGE.search(f"/{name}")]
    return faults


def bare_virtuals(text):
    """The lines of virtual functions whose bodies stand elsewhere, without MESHWISE_BODY (core/compiled.hpp says why)."""
    text = re.sub(r"//.*", "", text)
    for declaration in re.finditer(r"[^;{}]*;", text):
        words = declaration[0]
        if re.search(r"\b(virtual|override)\b", words) and not re.search(r"MESHWISE_BODY|=\s*(0|default)\s*;", words):
            yield text.count("\n", 0, declaration.end()) + 1


def check(root):
    faults = []
    graph = {}
    for file in headers(root):
        name = file.relative_to(root).as_posix()
        if room_of(name) and room_of(name) not in MAY_USE:
            faults.append(f"{name}:1: {room_of(name)}/ is not a room")
            continue
        lines = len(file.read_text(encoding="utf-8").splitlines())
        if lines > LONGEST:
            faults.append(f"{name}:{lines}: longer than {LONGEST} lines, split it by idea")
        for number, target in includes(file, root):
            if fault := fault_of(name, target, root):
                faults.append(f"{name}:{number}: {fault}")
        faults += [f"{name}:{number}: a virtual function without MESHWISE_BODY" for number in bare_virtuals(
            file.read_text(encoding="utf-8"))]
        if room_of(name) != "files":
            for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
                if match := WRITES.search(line.split("//")[0]):
                    faults.append(f"{name}:{number}: writes a file by {match[0]}; files/output_file.hpp does that")
        graph[name] = [t.removeprefix("meshwise/") for _, t in includes(file, root) if t.startswith("meshwise/")]
    # name.hpp includes its bodies, name.inl.hpp, at its end: the way back is no circle.
    graph = {name: [target for target in targets if target in graph and target != name.replace(".inl.hpp", ".hpp")]
             for name, targets in graph.items()}
    return faults + circle_faults(graph) + umbrella_faults(graph)


def body_faults(root, sources):
    """Files of bodies that no file of the compiled library includes, or several of them although they have functions that
    are no templates (templates may be instantiated by several files, so that these compile side by side)."""
    text = [file.read_text(encoding="utf-8") for file in sorted(sources.rglob("*.cpp"))]
    for file in sorted(root.rglob("*.inl.hpp")):
        name = file.relative_to(root).as_posix()
        times = sum(f"#include <meshwise/{name}>" in one for one in text)
        if times == 0:
            yield f"{name}:1: no file of src/ includes it; one has to, for the sake of meshwise::compiled"
        elif times > 1 and "MESHWISE_BODY" in file.read_text(encoding="utf-8"):
            yield f"{name}:1: {times} files of src/ include it; exactly one has to, for the sake of meshwise::compiled"


def print_map(root):
    sizes = collections.defaultdict(list)
    uses = collections.defaultdict(set)
    for file in headers(root):
        name = file.relative_to(root).as_posix()
        room = room_of(name)
        sizes[room].append(len(file.read_text(encoding="utf-8").splitlines()))
        uses[room] |= {room_of(t.removeprefix("meshwise/")) for _, t in includes(file, root) if t.startswith("meshwise/")}
    print(f"{'room':<14}{'files':>6}{'lines':>7}{'longest':>9}  uses")
    for room in MAY_USE:
        if sizes[room]:
            used = " ".join(r for r in MAY_USE if r in uses[room] - {room})
            print(f"{room + '/':<14}{len(sizes[room]):>6}{sum(sizes[room]):>7}{max(sizes[room]):>9}  {used}")


PLANTED = {  # a tree of headers -> the start of the one fault in it ('' when it is in order)
    "downward": ({"ops/dot.hpp": "#include <meshwise/core/axis.hpp>", "core/axis.hpp": "#include <utility>"}, ""),
    "upward": ({"core/axis.hpp": "#include <meshwise/ops/dot.hpp>", "ops/dot.hpp": ""}, "core/axis.hpp:1: core/ may not"),
    "siblings": ({"io/a.hpp": "#include <meshwise/text/b.hpp>", "text/b.hpp": ""}, "io/a.hpp:1: io/ may not use text/"),
    "nn from optim": ({"optim/a.hpp": "\n# include <meshwise/nn/b.hpp>", "nn/b.hpp": ""}, "optim/a.hpp:2: optim/ may not"),
    "nn from plan": ({"plan/a.hpp": "#include <meshwise/nn/b.hpp>", "nn/b.hpp": ""}, ""),
    "nn from report": ({"report/a.hpp": "#include <meshwise/nn/b.hpp>", "nn/b.hpp": ""}, "report/a.hpp:1: report/ may not"),
    "backend from communicator": ({"communicator/a.hpp": "#include <meshwise/backend/b.hpp>", "backend/b.hpp": ""},
                                  "communicator/a.hpp:1: communicator/ may not use backend/"),
    "dear": ({"core/axis.hpp": "#include <memory>"}, "core/axis.hpp:1: core/ may include only light"),
    "text in core": ({"core/axis.hpp": "#include <string_view>"}, "core/axis.hpp:1: core/ may include only light"),
    "string in error": ({"core/error.hpp": "#include <string>"}, ""),
    "third party": ({"core/axis.hpp": "#include <Eigen/Core>"}, "core/axis.hpp:1: core/ may include only light"),
    "neighbour": ({"ops/dot.hpp": '#include "sum.hpp"', "ops/sum.hpp": ""}, ""),
    "upward, in quotes": ({"core/a.hpp": '#include "../ops/b.hpp"', "ops/b.hpp": ""}, "core/a.hpp:1: core/ may not"),
    "absent": ({"ops/dot.hpp": "#include <meshwise/core/axis.hpp>"}, "ops/dot.hpp:1: <meshwise/core/axis.hpp> does not"),
    "edge": ({"meshwise.hpp": "#include <meshwise/communicator/mpi.hpp>", "communicator/mpi.hpp": "#include <mpi.h>"},
             "meshwise.hpp:1: <meshwise/communicator/mpi.hpp> needs"),
    "umbrella": ({"nn/a.hpp": "#include <meshwise/meshwise.hpp>", "meshwise.hpp": ""}, "nn/a.hpp:1: <meshwise/meshwise.hpp> is"),
    "umbrella of a room": ({"nn/a.hpp": "#include <meshwise/text.hpp>", "text.hpp": ""}, "nn/a.hpp:1: <meshwise/text.hpp> is"),
    "umbrella includes all": ({"io.hpp": "#include <meshwise/io/a.hpp>", "io/a.hpp": "#include <meshwise/io/b.hpp>",
                               "io/b.hpp": ""}, ""),
    "umbrella with a hole": ({"io.hpp": "#include <meshwise/io/a.hpp>", "io/a.hpp": "", "io/b.hpp": ""},
                             "io.hpp:1: does not include <meshwise/io/b.hpp>"),
    "circle": ({"nn/a.hpp": "#include <meshwise/nn/b.hpp>", "nn/b.hpp": "#include <meshwise/nn/a.hpp>"}, "nn/b.hpp: includes itself"),
    "bodies": ({"nn/a.hpp": "#include <meshwise/nn/a.inl.hpp>", "nn/a.inl.hpp": "#include <meshwise/nn/a.hpp>"}, ""),
    "a writer of its own": ({"report/a.hpp": "\nstd::FILE* f = std::fopen(path, \"wb\");"}, "report/a.hpp:2: writes a file by"),
    "a stream of its own": ({"text/a.hpp": "std::ofstream out(path);"}, "text/a.hpp:1: writes a file by ofstream"),
    "a reader": ({"parse/a.hpp": "std::fopen(path, \"rb\"); // not O_CREAT"}, ""),
    "the writer": ({"files/a.hpp": "open(path, O_CREAT); ::rename(a, b);"}, ""),
    "virtual": ({"nn/a.hpp": "struct a {\n    MESHWISE_BODY virtual void f();\n    virtual void g() = 0;  // virtual;\n"
                             "    void h() override {}\n};"}, ""),
    "bare virtual": ({"nn/a.hpp": "struct a : b {\n    void f(int = g())\n        override;\n};"}, "nn/a.hpp:3: a virtual"),
    "no room": ({"util/a.hpp": ""}, "util/a.hpp:1: util/ is not a room"),
    "long": ({"nn/a.hpp": "\n" * 351}, "nn/a.hpp:351: longer than"),
}

# the text of nn/a.inl.hpp, the files of the library, the fault
USES_A = "#include <meshwise/nn/a.inl.hpp>"
PLANTED_BODIES = {
    "bodies compiled once": ("MESHWISE_BODY void f() {}", {"a.cpp": USES_A}, ""),
    "bodies compiled never": ("MESHWISE_BODY void f() {}", {"a.cpp": ""}, "nn/a.inl.hpp:1: no file of src/"),
    "bodies compiled twice": ("MESHWISE_BODY void f() {}", {"a.cpp": USES_A, "b.cpp": USES_A}, "nn/a.inl.hpp:1: 2 files"),
    "templates of two files": ("template <class T> void f() {}", {"a.cpp": USES_A, "b.cpp": USES_A}, ""),
}


def self_test():
    failed = 0
    for title, (tree, expected) in PLANTED.items():
        with tempfile.TemporaryDirectory() as folder:
            for name, text in tree.items():
                file = pathlib.Path(folder, name)
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text, encoding="utf-8")
            found = check(pathlib.Path(folder))
        if len(found) != bool(expected) or (expected and not found[0].startswith(expected)):
            failed += 1
            print(f"self-test '{title}': expected {expected or 'no fault'}, found {found}")
    for title, (body, sources, expected) in PLANTED_BODIES.items():
        with tempfile.TemporaryDirectory() as folder:
            root, library = pathlib.Path(folder, "include"), pathlib.Path(folder, "src")
            for file, text in {root / "nn/a.inl.hpp": body, **{library / name: text for name, text in sources.items()}}.items():
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text, encoding="utf-8")
            found = list(body_faults(root, library))
        if len(found) != bool(expected) or (expected and not found[0].startswith(expected)):
            failed += 1
            print(f"self-test '{title}': expected {expected or 'no fault'}, found {found}")
    return len(PLANTED) + len(PLANTED_BODIES) - failed, failed


def main():
    if sys.argv[1:] == ["--map"]:
        print_map(ROOT)
        return 0
    passed, failed = self_test() if sys.argv[1:] == ["--self-test"] else (0, 0)
    faults = check(ROOT) + list(body_faults(ROOT, ROOT.parent.parent / "src"))
    print("".join(f"include/meshwise/{fault}\n" for fault in faults), end="")
    passed, failed = passed + (not faults), failed + len(faults)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


sys.exit(main())
