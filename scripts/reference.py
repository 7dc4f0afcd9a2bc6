#!/usr/bin/env python3
"""Prints docs/reference/<room>.md from the /// comments of the headers: every public name with its declaration, what it is,
Placement, Communication, Shape and units, Errors, Source and an example, which scripts/check_snippets.py compiles.

    scripts/reference.py FOLDER            writes a page for each room, names.md and index.md into a folder
    scripts/reference.py --missing [ROOM]  the public names without a comment or without an example, and how many; fails if
                                           there are any
    scripts/reference.py --self-test       that a planted header gives the page that it should
"""
import pathlib
import re
import sys
import tempfile

sys.dont_write_bytecode = True
import header_reader  # noqa: E402
import public_names  # noqa: E402

LABELS = ["Placement", "Communication", "Shape and units", "Shape", "Units", "Axes", "Lengths", "Gradient", "Cost", "Costs",
          "Errors", "Source", "Sources", "Needs", "Guarantees"]
LABEL = re.compile(rf"(?:^|(?<=\s))({'|'.join(LABELS)}): ")
SHOWN_MEMBERS = {"class", "enum", "concept", "function", "variable", "alias"}


def in_markdown(text):
    """Prose of a comment: what Markdown or HTML would take for its own is escaped outside of `code`."""
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(part if part.startswith("`") else
                   part.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("*", "\\*").replace("[", "\\[")
                   for part in parts)


def parts_of(comment):
    """(what it is, {label: text}, example or None) of a /// comment."""
    example = header_reader.example_of(comment, "")
    before = []
    for _, text in comment:
        if match := header_reader.EXAMPLE.search(text):
            before.append(text[:match.start()].rstrip())
            break
        before.append(text)
    paragraphs = [" ".join(p.split()) for p in "\n".join(before).split("\n\n")]
    prose = "\n\n".join(p for p in paragraphs if p)
    pieces = LABEL.split(prose)
    labelled = {}
    for label, text in zip(pieces[1::2], pieces[2::2]):
        labelled[label] = (labelled[label] + " " if label in labelled else "") + text.strip()
    return pieces[0].strip(), labelled, example


def short(declaration):
    """The declaration as a user reads it: without attributes, and without the argument that only messages use."""
    text = re.sub(r",?\s*std::source_location where = std::source_location::current\(\)", "", declaration.text)
    text = re.sub(r"\[\[[^\]]*\]\]\s*", "", text)
    text = re.sub(r"\b(inline|constexpr inline|friend|MESHWISE_BODY) (?!namespace)", "", text)
    text = re.sub(r"\s+requires std::is_same_v<Rank, rank<.*$", "", text)
    ends = {"class": "", "enum": " { " + ", ".join(declaration.values) + " }", "function": ""}
    text = text.rstrip() + ends.get(declaration.kind, "")
    return text if text.endswith((";", "}")) else text + ";"


def head_example(name, header, root):
    """The example in a header's first comment that uses the name."""
    path = root / header
    for one in header_reader.head_examples(header, path.read_text(encoding="utf-8")):
        if re.search(rf"\bmw::{re.escape(name)}\b", one.code):
            return one
    return None


def example_for(name, declarations, root=header_reader.INCLUDE):
    """The example of a name, of its comments or else of the first comment of its header."""
    own = next((e for d in declarations if (e := parts_of(d.comment)[2])), None)
    return own or head_example(name, declarations[0].header, root)


def entry(declaration, level, inherited=None):
    """One declaration with its comment; `inherited` is an example from elsewhere."""
    what, labelled, example = parts_of(declaration.comment)
    example = example or inherited
    text = f"```cpp\n{short(declaration)}\n```\n\n"
    if what:
        text += in_markdown(what) + "\n\n"
    text += "".join(f"- **{label}**: {in_markdown(said)}\n" for label, said in labelled.items())
    if labelled:
        text += "\n"
    if example:
        note = f" (not compiled: {example.reason})" if example.reason else ""
        text += f"Example{note}:\n\n```cpp\n{example.code}```\n\n"
    members = [m for m in declaration.members if m.name and not m.name.startswith(("~", "operator=")) and
               "= delete" not in m.text and (m.comment or m.kind in ("function", "variable", "class", "enum"))]
    if level == 3 and members:
        text += "Members:\n\n" + "".join(member(m) for m in members) + "\n"
    return text


def one_line(text):
    return " ".join(text.split())


def member(declaration):
    what, labelled, example = parts_of(declaration.comment)
    prose = " ".join([what, *(f"{label}: {said}" for label, said in labelled.items())]).strip()
    code = one_line(short(declaration))
    text = f"- `{code}`"
    if prose:
        text += f"  \n  {in_markdown(one_line(prose))}"
    if example:
        text += "  \n  " + " ".join(f"`{line.strip()}`" for line in example.code.splitlines() if line.strip())
    return text + "\n"


def head_of(path):
    """The first sentence of a header's comment."""
    lines = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.startswith("//") or re.match(r"//   ", line):
            break
        lines.append(line[2:].strip())
    text = " ".join(lines)
    match = re.match(r"(.*?[.:])(\s|$)(?!\w)", text + " ")
    sentence = re.split(r"(?<=[.])\s+(?=[A-Z])", text)[0]
    return sentence if sentence else (match[1] if match else text)


def page(room, names, root=header_reader.INCLUDE):
    text = (f"# {room}\n\n<!-- printed by scripts/reference.py; scripts/generate_docs.sh rewrites it -->\n\n"
            f"{public_names.ROOMS.get(room, '')}\n")
    by_header = {}
    for name, declarations in names.items():
        for one in declarations:
            if re.search(r"^poison operator", one.text, re.MULTILINE):  # of what was refused already
                continue
            by_header.setdefault(one.header, {}).setdefault(name, []).append(one)
    for header in sorted(by_header):
        title = header.split("/", 1)[1]
        head = head_of(root / header)
        text += f"\n## {title}\n\n`#include <meshwise/{header}>`" + (f"\n\n{in_markdown(head)}" if head else "") + "\n"
        for name, declarations in by_header[header].items():
            own = any(parts_of(d.comment)[2] for d in declarations)
            inherited = None if own else example_for(name, declarations, root)
            text += f"\n### {name}\n\n" + "".join(
                entry(one, 3, inherited if one is declarations[-1] else None) for one in declarations).rstrip() + "\n"
    return text


def index(rooms):
    text = ("# Reference\n\n<!-- printed by scripts/reference.py; scripts/generate_docs.sh rewrites it -->\n\n"
            "Every public name, room by room, from the comments of the headers. Each example is compiled by\n"
            "`scripts/check_snippets.py` below the lines of `scripts/example_preamble.hpp`, which declare its axes, tensors and\n"
            "models. [All names on one page](names.md).\n\n| room | |\n|---|---|\n")
    for room in [*public_names.ROOMS, *sorted(set(rooms) - set(public_names.ROOMS))]:
        if rooms.get(room):
            text += f"| [{room}]({room}.md) | {public_names.ROOMS.get(room, '')} |\n"
    return text


def missing(rooms, only):
    without_comment, without_example, names = [], [], 0
    for room in [*public_names.ROOMS, *sorted(set(rooms) - set(public_names.ROOMS))]:
        if only and room != only:
            continue
        for name, declarations in rooms.get(room, {}).items():
            if name.startswith("operator"):
                continue
            names += 1
            place = f"{declarations[0].header}:{declarations[0].line} {name}"
            if not any(parts_of(d.comment)[0] or parts_of(d.comment)[1] for d in declarations):
                without_comment.append(place)
            if not example_for(name, declarations):
                without_example.append(place)
    for place in without_comment:
        print(f"no comment: {place}")
    for place in without_example:
        print(f"no example: {place}")
    print(f"{names} public names: {len(without_comment)} without a comment, {len(without_example)} without an example")
    return bool(without_comment or without_example)


PLANTED = """// planted: a header. It has a second sentence.
#pragma once
namespace meshwise {
/// The sum of *a* and `*b`, of any axis<8>. Placement: kept. Communication: none.
/// Errors: none at all.
/// Example: auto sum = mw::sum_of_two(1, 2);
///          sum = sum + 1;
template <class A>
[[nodiscard]] inline auto sum_of_two(A a, A b, std::source_location where = std::source_location::current()) {
    return a + b;
}
/// A pair.
struct pair_of_two {
    int first = 1;  // of two
    /// The larger one.
    int larger() const { return first; }
};
}  // namespace meshwise
"""
EXPECTED = """# core

<!-- printed by scripts/reference.py; scripts/generate_docs.sh rewrites it -->

Types only: axes, meshes, layouts, strategies, relations, rules, uniform and per-rank values.

## planted.hpp

`#include <meshwise/core/planted.hpp>`

planted: a header.

### sum_of_two

```cpp
template <class A>
auto sum_of_two(A a, A b);
```

The sum of \\*a\\* and `*b`, of any axis&lt;8&gt;.

- **Placement**: kept.
- **Communication**: none.
- **Errors**: none at all.

Example:

```cpp
auto sum = mw::sum_of_two(1, 2);
sum = sum + 1;
```

### pair_of_two

```cpp
struct pair_of_two;
```

A pair.

Members:

- `int first = 1;`
- `int larger() const;`  
  The larger one.
"""


def self_test():
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        (root / "core").mkdir()
        (root / "core" / "planted.hpp").write_text(PLANTED, encoding="utf-8")
        got = page("core", public_names.public_names(root)["core"], root)
    if got != EXPECTED:
        print(f"self-test: expected\n{EXPECTED}\nfound\n{got}")
    return got == EXPECTED


def main():
    arguments = sys.argv[1:]
    if "--self-test" in arguments:
        good = self_test()
        print(f"{int(good)} passed, {int(not good)} failed")
        return int(not good)
    rooms = public_names.public_names()
    if "--missing" in arguments:
        arguments.remove("--missing")
        return int(missing(rooms, arguments[0] if arguments else ""))
    if len(arguments) != 1:
        print(__doc__)
        return 2
    folder = pathlib.Path(arguments[0])
    folder.mkdir(parents=True, exist_ok=True)
    for room, names in rooms.items():
        (folder / f"{room}.md").write_text(page(room, names), encoding="utf-8")
    (folder / "names.md").write_text(public_names.page(rooms), encoding="utf-8")
    (folder / "index.md").write_text(index(rooms), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
