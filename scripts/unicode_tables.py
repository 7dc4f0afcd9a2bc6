#!/usr/bin/env python3
"""Writes include/meshwise/text/tokenizers/unicode_tables.hpp from Python's Unicode database.

    scripts/unicode_tables.py            writes it
    scripts/unicode_tables.py --check    fails when it is not what would be written; a Python of another
                                         Unicode version says so and compares nothing

Five tables, each a list of numbers: the classes of all code points as runs, lower case letters as differences, what a
code point leaves of its canonical decomposition without nonspacing marks, canonical decompositions by one step, and
combining classes as runs. Hangul is left out: that is arithmetic.
A number is written in 5-bit digits, lowest first, '#' + digit, + 32 when another digit follows; signed ones as zigzag.
"""
import pathlib
import sys
import unicodedata

TARGET = pathlib.Path(__file__).resolve().parent.parent / "include" / "meshwise" / "text" / "tokenizers" / "unicode_tables.hpp"
HANGUL = range(0xAC00, 0xD7A4)
# in the order of `character_class` in unicode.hpp
OTHER, LETTER, NUMBER, SPACE, PUNCTUATION, MARK, CONTROL, UNASSIGNED = range(8)


def class_of(code):
    category = unicodedata.category(chr(code))
    if category[0] == "Z" or 9 <= code <= 13 or code == 0x85:
        return SPACE
    if category == "Mn":
        return MARK
    if category == "Cn":
        return UNASSIGNED
    return {"L": LETTER, "N": NUMBER, "P": PUNCTUATION, "C": CONTROL}.get(category[0], OTHER)


def classes():
    runs = []
    for code in range(0x110000):
        kind = class_of(code)
        if runs and runs[-1][0] == kind:
            runs[-1][1] += 1
        else:
            runs.append([kind, 1])
    return [length * 8 + kind for kind, length in runs]


def zigzag(number):
    return 2 * number if number >= 0 else -2 * number - 1


def lower_case():
    """For each letter of one lower case letter: the step from the letter before, the change of the difference."""
    numbers, before, difference = [], 0, 0
    for code in range(0x80, 0x110000):
        lower = chr(code).lower()
        if len(lower) == 1 and ord(lower) != code:
            numbers += [code - before, zigzag(ord(lower) - code - difference)]
            before, difference = code, ord(lower) - code
    return numbers


def without_marks():
    """The step from the code point before, how many are left, and each as a difference to the last one written."""
    numbers, before, last = [], 0, 0
    for code in range(0x80, 0x110000):
        if code in HANGUL or 0xD800 <= code < 0xE000:
            continue
        left = [c for c in unicodedata.normalize("NFD", chr(code)) if unicodedata.category(c) != "Mn"]
        if left == [chr(code)] or unicodedata.category(chr(code)) == "Mn":
            continue
        numbers += [code - before, len(left)]
        for c in left:
            numbers.append(zigzag(ord(c) - last))
            last = ord(c)
        before = code
    return numbers


def decompositions():
    """The step from the code point before, 0 for a single letter, 1 for two that NFC does not compose, 2 for two that it
    does, and each letter as a difference to the last one written."""
    numbers, before, last = [], 0, 0
    for code in range(0x80, 0x110000):
        mapping = unicodedata.decomposition(chr(code))
        if mapping == "" or mapping[0] == "<":
            continue
        parts = [int(part, 16) for part in mapping.split()]
        composes = unicodedata.normalize("NFC", chr(code)) == chr(code)
        assert len(parts) <= 2 and not (composes and len(parts) == 1)
        numbers += [code - before, 0 if len(parts) == 1 else 2 if composes else 1]
        for part in parts:
            numbers.append(zigzag(part - last))
            last = part
        before = code
    return numbers


def combining_classes():
    """Runs of equal classes that are not 0: the step from the end of the run before, the length, the class."""
    numbers, end, code = [], 0, 0
    while code < 0x110000:
        kind, begin = unicodedata.combining(chr(code)), code
        while code < 0x110000 and unicodedata.combining(chr(code)) == kind:
            code += 1
        if kind != 0:
            numbers += [begin - end, code - begin, kind]
            end = code
    return numbers


def written(numbers):
    text = ""
    for number in numbers:
        while number >= 32:
            text += chr(ord("#") + 32 + number % 32)
            number //= 32
        text += chr(ord("#") + number)
    return "\n".join(text[i : i + 108] for i in range(0, len(text), 108))


def header():
    parts = [
        "// unicode_tables: written by scripts/unicode_tables.py, which says how it is to be read; change nothing here.",
        "// Costs: nothing to the compiler but five strings; unicode.hpp unpacks them when the first text needs them.",
        "#pragma once",
        "",
        "#include <string_view>",
        "",
        "// clang-format off",
        "namespace meshwise::detail {",
        "",
        f'inline constexpr std::string_view unicode_version = "{unicodedata.unidata_version}";',
    ]
    for name, numbers in (("classes", classes()), ("lower_case", lower_case()), ("without_marks", without_marks()),
                          ("decompositions", decompositions()), ("combining_classes", combining_classes())):
        parts += ["", f'inline constexpr std::string_view unicode_{name} = R"(', written(numbers) + ')";']
    return "\n".join([*parts, "", "}  // namespace meshwise::detail", ""])


def main():
    fresh = header()
    if sys.argv[1:] == []:
        TARGET.write_text(fresh, encoding="ascii")
        return 0
    if sys.argv[1:] != ["--check"]:
        print(f"scripts/unicode_tables.py knows no option {' '.join(sys.argv[1:])!r}; it takes --check only.")
        return 2
    stored = TARGET.read_text(encoding="ascii")
    if f'"{unicodedata.unidata_version}"' not in stored:
        print(f"this Python knows Unicode {unicodedata.unidata_version}, the tables are of another version: not compared")
        return 0
    if stored != fresh:
        print("unicode_tables.hpp is not what scripts/unicode_tables.py writes; run it without options.")
        print("0 passed, 1 failed")
        return 1
    print("1 passed, 0 failed")
    return 0


sys.exit(main())
