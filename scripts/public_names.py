#!/usr/bin/env python3
"""Prints docs/reference/names.md: every public name of meshwise, by room, from the headers.

Public is what stands directly in namespace meshwise, or in its inline namespace of literals, and is defined there. The
words of refusals (meshwise::rules, meshwise::facts) have a page of their own, docs/rules.md.

    scripts/public_names.py               prints the page
    scripts/public_names.py --count       how many names each room has
    scripts/public_names.py --self-test   that planted declarations are read rightly
    scripts/public_names.py --clang       that clang 19 knows every name which was found (half a minute)
"""
import collections
import pathlib
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
import header_reader  # noqa: E402

ROOMS = {  # in the order in which one meets them, each with what it holds
    "core": "Types only: axes, meshes, layouts, strategies, relations, rules, uniform and per-rank values.",
    "tensor": "The value: tensors, parameters, names of fields, memory, shards, random numbers.",
    "ops-elements": "Operations element by element: arithmetic, functions, comparisons, masks, map, dropout.",
    "ops-reductions": "Operations that fold an axis, or go along it: sums, means, extrema, norms, cumulative ones, sort.",
    "ops-moves": "Operations that move elements or pieces: reshard, reshape, slice, concatenate, take, shift.",
    "ops-products": "Operations that sum over shared axes: dot, contract, einsum, attention.",
    "ops-matrices": "Linear algebra of small matrices, by Eigen: solve, inverse, determinants, decompositions. Include `<meshwise/linear_algebra.hpp>`, or one of these headers.",
    "ops-rows": "Operations on rows of features: norms, softmax, losses, embeddings, rotary positions.",
    "autodiff": "Gradients: value_and_gradient, recompute, the tape for operations of your own.",
    "parallel": "Running a program on ranks, and what a program sees of the rank it runs as.",
    "nn": "Layers and models, and how texts are generated with them.",
    "optim": "Optimisers, schedules, gradient clipping.",
    "plan": "What a program will do: its collectives, its memory, pictures of placements.",
    "report": "What a program did: progress, loss curves, flight records.",
    "text-tokenizers": "Tokenizers of every kind, and how text goes in and out of them.",
    "text-readers": "Readers of examples: lines, CSV, JSON lines, tagged words, conversations.",
    "text-batches": "Batches of token ids, their order, their padding, and where a run stands in them.",
    "text-scores": "Scores of classifiers, taggers and translations.",
    "io": "Weights and checkpoints.",
    "parse": "Input files: UTF-8, JSON, messages with file and byte.",
    "files": "Files that are written.",
    "scalar": "Numbers and vectors of numbers: bfloat16, dual numbers, elementary functions.",
    "backend": "Kernels on raw memory.",
    "communicator": "Collectives on raw memory: threads, processes, planning.",
}
PUBLIC = {("meshwise",), ("meshwise", "literals")}
HEAD = """# Public names

<!-- printed by scripts/public_names.py; scripts/generate_docs.sh rewrites it -->

Every name that a program may use: what stands directly in `namespace meshwise`. Names in `meshwise::detail` and in the
namespaces of rooms may change in any version. The words of refusals are in [rules.md](../rules.md).
"""


def room_of(header):
    """The page of a header: its room, or the sub-room where ROOMS has it."""
    folders = header.split("/")[:-1]
    return "-".join(folders[:2]) if "-".join(folders[:2]) in ROOMS else header_reader.room_of(header)


def public_names(root=header_reader.INCLUDE):
    """{room: {name: [declarations]}}; a name that is only announced in one header belongs to the one that defines it."""
    found = collections.defaultdict(list)
    for one in header_reader.read_all(root):
        if one.space in PUBLIC:
            found[one.name].append(one)
    rooms = collections.defaultdict(dict)
    for name, declarations in found.items():
        for one in [d for d in declarations if d.defined] or declarations[:1]:
            rooms[room_of(one.header)].setdefault(name, []).append(one)
    return rooms


def sorted_names(names):
    return sorted(names, key=lambda name: (name.startswith("operator"), name))


def page(rooms):
    text = HEAD
    for room in [*ROOMS, *sorted(set(rooms) - set(ROOMS))]:
        if names := rooms.get(room):
            text += f"\n## {room}\n\n[{ROOMS.get(room, room)}]({room}.md)\n\n"
            text += "".join(f"- `{name}`\n" for name in sorted_names(names))
    return text


PLANTED = """#pragma once
namespace meshwise {
struct announced;
/// One.
template <class T, bool B = (sizeof(T) > 4)>
    requires std::is_arithmetic_v<T> && (B || requires(T t) { t + 1; })
constexpr auto one(T x) -> decltype(x) { return x < 2 ? x : T{}; }
class two {
public:
    explicit two(int a) : a_{a}, b_(a) {}
    int a() const { return a_; }
    bool operator==(two const&) const = default;
private:
    int secret() const { return b_; }
    int a_, b_;
};
template <class T>
two(T) -> two;
enum class three { here, there };
template <class T>
concept four = requires(T x) { { x.a() } -> four_again; };
using five = std::vector<std::pair<int, std::array<int, (4 >> 1)>>>;
inline constexpr int six = 6;
template <>
struct special<int> {};
int two::outside() const { return 1; }
inline bool operator<(two a, two b) { return a.a() < b.a(); }
namespace detail { struct hidden {}; }
namespace room { inline int also_hidden() { return 0; } }
inline namespace literals { consteval int operator""_GB(unsigned long long n) { return int(n) << 2; } }
inline auto const text = R"(struct no_name { )";
static_assert(sizeof(two) == 8, "meshwise: struct nothing {}");
}  // namespace meshwise
"""
EXPECTED = ["announced", "five", "four", "one", "six", "text", "three", "two", 'operator""_GB', "operator<"]
MEMBERS = ["a", "operator=="]


def self_test():
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        (root / "core").mkdir()
        (root / "core" / "planted.hpp").write_text(PLANTED, encoding="utf-8")
        found = public_names(root)["core"]
        members = [m.name for m in found["two"][0].members]
    faults = [f"expected {want}, found {got}" for want, got in
              ((EXPECTED, sorted_names(found)), (MEMBERS, members), ([(4, "One.")], found["one"][0].comment)) if want != got]
    print("\n".join(f"self-test: {fault}" for fault in faults), end="\n" if faults else "")
    return len(faults)


def unknown_to_clang(rooms):
    """Names that clang does not list; headers of MPI are left out."""
    local = [p.relative_to(header_reader.INCLUDE.parent).as_posix() for p in header_reader.headers() if "/mpi" not in p.as_posix()]
    command = ["clang++-19", "-std=c++20", "-fsyntax-only", f"-I{header_reader.INCLUDE.parent}", "-isystem", "/usr/include/eigen3",
               "-Xclang", "-ast-list", "-x", "c++", "-"]
    done = subprocess.run(command, input="".join(f"#include <{h}>\n" for h in local), capture_output=True, text=True, check=True)
    known = set(done.stdout.splitlines())
    return [name for names in rooms.values() for name, ones in names.items()
            if f"meshwise::{name}" not in known and any("mpi" not in one.header for one in ones)]


def main():
    if "--self-test" in sys.argv:
        failed = self_test()
        print(f"{3 - failed} passed, {failed} failed")
        return 1 if failed else 0
    rooms = public_names()
    if "--clang" in sys.argv:
        unknown = unknown_to_clang(rooms)
        for name in unknown:
            print(f"clang does not know meshwise::{name}")
        return 1 if unknown else 0
    if "--count" in sys.argv:
        for room, names in rooms.items():
            print(f"{len(names):4} {room}")
        print(f"{len({n for names in rooms.values() for n in names}):4} in all")
        return 0
    print(page(rooms), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
