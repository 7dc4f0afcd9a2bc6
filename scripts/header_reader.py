"""Reads C++ headers of this tree: which names they declare, with what comment, and which examples their comments hold.

Not a compiler: it relies on clang-format's layout no more than on balanced brackets, and on headers that define no macro
which opens or closes a scope. scripts/public_names.py compares what it finds with the names that clang finds.
"""
import dataclasses
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parent.parent
INCLUDE = ROOT / "include" / "meshwise"

TOKEN = re.compile(r"""
    (?P<doc>///[^\n]*)
  | (?P<comment>//[^\n]*|/\*.*?\*/)
  | (?P<directive>(?:(?<=\n)|\A)[ \t]*\#(?:[^\n\\]|\\.|\\\n)*)
  | (?P<string>(?:u8|[uUL])?R"(?P<fence>[^(\s]*)\(.*?\)(?P=fence)"|(?:u8|[uUL])?"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)+')
  | (?P<name>[A-Za-z_]\w*)
  | (?P<number>\.?\d(?:['\w.]|[eEpP][+-])*)
  | (?P<mark>::|<<|->|<=>|<=|>=|==|!=|&&|\|\||\+\+|--|\+=|-=|\*=|/=|\.\.\.|\[\[|\]\]|[^\s\w])
""", re.VERBOSE | re.DOTALL)

SPECIFIERS = {"inline", "constexpr", "static", "extern", "consteval", "constinit", "explicit", "virtual", "mutable", "friend",
              "thread_local", "typedef"}
# A parenthesis after one of these opens no parameter list.
NO_FUNCTION = {"decltype", "noexcept", "alignas", "requires", "sizeof", "explicit", "throw", "assert", "alignof", "return"}


@dataclasses.dataclass
class Token:
    kind: str
    text: str
    start: int
    end: int
    line: int


@dataclasses.dataclass
class Declaration:
    name: str
    kind: str  # class, enum, concept, alias, function, variable
    header: str  # below include/meshwise
    line: int
    comment: list  # [(line, text without ///)]
    text: str  # the declaration without its body, as it stands
    space: tuple  # of namespaces
    defined: bool = True  # not a declaration in advance
    members: list = dataclasses.field(default_factory=list)  # of a class: its public members that carry a name
    values: list = dataclasses.field(default_factory=list)  # of an enum


class Reader:
    def __init__(self, header, text):
        self.header = header
        self.text = text
        self.tokens = []
        self.docs = {}  # line -> text of a /// line that stands alone
        self.found = []
        line, at = 1, 0
        for match in TOKEN.finditer(text):
            line += text.count("\n", at, match.start())
            at = match.start()
            kind = match.lastgroup if match.lastgroup != "fence" else "string"
            if kind == "doc":
                if not text[text.rfind("\n", 0, at) + 1:at].strip():
                    self.docs[line] = match[0][3:].removeprefix(" ").rstrip()
            elif kind not in ("comment", "directive"):
                self.tokens.append(Token(kind, match[0], match.start(), match.end(), line))

    def is_at(self, i, text):
        return i < len(self.tokens) and self.tokens[i].text == text

    def closing(self, i):
        """One past the bracket that closes the one at i."""
        pairs = {"(": ")", "{": "}", "[": "]", "[[": "]]"}
        stack = []
        while i < len(self.tokens):
            text = self.tokens[i].text
            if text in pairs:
                stack.append(pairs[text])
            elif text == "]]" and stack and stack[-1] == "]":  # a[b[i]]
                stack = stack[:-2]
            elif stack and text == stack[-1]:
                stack.pop()
            i += 1
            if not stack:
                return i
        raise ValueError(f"{self.header}: a bracket is not closed")

    def angle_end(self, i):
        """One past the > that closes the < at i."""
        depth = 0
        while i < len(self.tokens):
            text = self.tokens[i].text
            if text in ("(", "{", "["):
                i = self.closing(i)
                continue
            depth += (text == "<") - (text == ">")
            i += 1
            if depth == 0:
                return i
        raise ValueError(f"{self.header}: a < is not closed")

    def comment_before(self, line):
        first = line
        while first - 1 in self.docs:
            first -= 1
        return [(n, self.docs[n]) for n in range(first, line)]

    def read(self):
        self.scope(0, (), self.found, None)
        return self.found

    def scope(self, i, space, into, owner):
        """Reads the declarations from i to the } that closes the scope; owner: the name of the class, if it is one."""
        public = True
        if owner is not None:
            owner, public = owner
        while i < len(self.tokens) and not self.is_at(i, "}"):
            text = self.tokens[i].text
            if text == ";":
                i += 1
            elif text in ("public", "private", "protected") and self.is_at(i + 1, ":"):
                public = text == "public"
                i += 2
            elif text == "namespace" or text == "inline" and self.is_at(i + 1, "namespace"):
                i = self.namespace(i + (text == "inline"), space, into)
            elif text == "extern" and self.tokens[i + 1].kind == "string" and self.is_at(i + 2, "{"):
                i = self.scope(i + 3, space, into, None) + 1
            else:
                i = self.declaration(i, space, into if public else [], owner)
        return i

    def namespace(self, i, space, into):
        i += 1
        names = []
        while not (self.is_at(i, "{") or self.is_at(i, "=")):
            if self.is_at(i, "[["):
                i = self.closing(i)
                continue
            if self.tokens[i].kind == "name" and self.tokens[i].text != "inline":
                names.append(self.tokens[i].text)
            i += 1
        if self.is_at(i, "="):
            while not self.is_at(i, ";"):
                i += 1
            return i + 1
        if "tbb_kernels" in names:  # kernels: nothing in them is public
            return self.closing(i)
        return self.scope(i + 1, space + (tuple(names) or ("",)), into, None) + 1

    def declaration(self, i, space, into, owner):
        first = i
        specialised = False
        while self.is_at(i, "template"):
            if not self.is_at(i + 1, "<"):  # an explicit instantiation
                return self.until_semicolon(i)
            specialised = self.is_at(i + 2, ">")
            i = self.angle_end(i + 1)
            if self.is_at(i, "requires"):
                i = self.constraint_end(i + 1)
        while i < len(self.tokens) and (self.tokens[i].text in SPECIFIERS or self.is_at(i, "[[")):
            i = self.closing(i) if self.is_at(i, "[[") else i + 1
        friend = any(t.text == "friend" for t in self.tokens[first:i])
        text = self.tokens[i].text
        if text == "static_assert":
            return self.until_semicolon(i)
        if text == "using":
            return self.using(first, i, space, into)
        if text == "concept":
            end = self.until_semicolon(i)
            self.add(into, first, end - 1, self.tokens[i + 1].text, "concept", space)
            return end
        if text in ("class", "struct", "union", "enum"):
            if friend:
                return self.until_semicolon(i)
            return self.record(first, i, space, into, specialised)
        end, name, kind, body = self.function_or_variable(i)
        if name and not specialised and not friend and name != owner:
            for one in name if isinstance(name, list) else [name]:
                self.add(into, first, body, one, kind, space, defined=True)
        return end

    def constraint_end(self, i):
        """One past a requires clause: primaries joined by && and ||."""
        while True:
            if self.is_at(i, "requires"):
                i += 1
                if self.is_at(i, "("):
                    i = self.closing(i)
                i = self.closing(i)
            elif self.is_at(i, "(") or self.is_at(i, "!"):
                i = self.closing(i + self.is_at(i, "!"))
            else:
                i += 1
                while True:
                    if self.is_at(i, "<"):
                        i = self.angle_end(i)
                    elif self.is_at(i, "::"):
                        i += 2
                    else:
                        break
            if not (self.is_at(i, "&&") or self.is_at(i, "||")):
                return i
            i += 1

    def until_semicolon(self, i):
        while not self.is_at(i, ";"):
            i = self.closing(i) if self.tokens[i].text in ("(", "{", "[", "[[") else i + 1
        return i + 1

    def using(self, first, i, space, into):
        end = self.until_semicolon(i)
        tokens = self.tokens[i + 1:end - 1]
        if tokens[0].text == "namespace":
            return end
        if len(tokens) > 1 and tokens[1].text == "=":
            self.add(into, first, end - 1, tokens[0].text, "alias", space)
        else:  # using a::b, c::d;
            for at, token in enumerate(tokens):
                if token.kind == "name" and (at + 1 == len(tokens) or tokens[at + 1].text == ","):
                    self.add(into, first, end - 1, token.text, "alias", space)
        return end

    def record(self, first, i, space, into, specialised):
        keyword = self.tokens[i].text
        i += 1
        if keyword == "enum" and self.tokens[i].text in ("class", "struct"):
            i += 1
        while self.is_at(i, "[[") or self.is_at(i, "alignas"):
            i = self.closing(i + self.is_at(i, "alignas"))
        name = self.tokens[i].text if self.tokens[i].kind == "name" else ""
        at = i + 1
        if self.is_at(at, "<") or self.is_at(at, "::"):
            specialised = True
        while not (self.is_at(at, "{") or self.is_at(at, ";")):
            at = self.angle_end(at) if self.is_at(at, "<") else self.closing(at) if self.is_at(at, "(") else at + 1
        kind = "enum" if keyword == "enum" else "class"
        if self.is_at(at, ";"):
            if not specialised:
                self.add(into, first, at, name, kind, space, defined=False)
            return at + 1
        if kind == "enum":
            members = []
            end = self.closing(at)
            values = [t.text for before, t in zip(self.tokens[at:end], self.tokens[at + 1:end])
                      if before.text in ("{", ",") and t.kind == "name"]
        else:
            members, values = [], []
            end = self.scope(at + 1, (), members, (name, keyword != "class")) + 1
        if not specialised and name:
            self.add(into, first, at, name, kind, space, members=members, values=values)
        for announced in into:  # template <...> class name; has its members where it is specialised
            if specialised and members and (announced.name, announced.space) == (name, space) and not announced.defined:
                announced.members = announced.members or members
        return self.until_semicolon(end)

    def function_or_variable(self, i):
        """(one past the end, the name or names, function or variable, the token at which the short form ends)."""
        start = i
        name, names = "", []
        while True:
            token = self.tokens[i]
            text = token.text
            before = self.tokens[i - 1] if i > start else None
            if text == "operator":
                at = i + 1
                at += 2 if self.is_at(at, "(") else 0
                while not self.is_at(at, "("):
                    at += 1
                name = "".join(t.text for t in self.tokens[i:at])
                i = self.closing(at)
            elif text == "(":
                if not name and before and before.kind == "name" and before.text not in NO_FUNCTION:
                    name = before.text
                    if i - 2 >= start and self.tokens[i - 2].text == "~":
                        name = "~" + name
                    if i - 2 >= start and self.tokens[i - 2].text == "::":
                        name = "::" + name
                i = self.closing(i)
            elif text == "requires" and name:
                i = self.constraint_end(i + 1)
            elif text == "<":
                i = self.angle_end(i)
            elif text in ("[", "[["):
                if text == "[" and not name and before and before.kind == "name":
                    names.append(before.text)
                i = self.closing(i)
            elif text == "->" and name and before and i - 2 >= start and self.is_guide(start):
                return self.until_semicolon(i), "", "", i
            elif text == ":" and name:  # initialisers of a constructor
                at = i
                i += 1
                while True:
                    while not (self.is_at(i, "(") or self.is_at(i, "{")):
                        i = self.angle_end(i) if self.is_at(i, "<") else i + 1
                    i = self.closing(i)
                    if self.is_at(i, "..."):
                        i += 1
                    if not self.is_at(i, ","):
                        break
                return self.closing(i), self.plain(name), "function", at
            elif text == "{" and name:
                return self.closing(i), self.plain(name), "function", i
            elif text in ("=", "{", ";", ",") or text == ":":
                if name:  # = default, = 0, or a declaration
                    return self.until_semicolon(i), self.plain(name), "function", i
                if before and before.kind == "name" and text != ":":
                    names.append(before.text)
                elif text == ":" and before:  # a field of some bits
                    names.append(before.text)
                if text == ";":
                    return i + 1, names, "variable", i
                if text == ",":
                    i += 1
                    continue
                end = self.until_semicolon(i)
                return end, names, "variable", end - 1
            else:
                i += 1

    def is_guide(self, start):
        return self.is_at(start + 1, "(")

    @staticmethod
    def plain(name):
        return "" if name.startswith("::") else name

    def add(self, into, first, end, name, kind, space, defined=True, members=(), values=()):
        begin = self.tokens[first]
        column = begin.start - (self.text.rfind("\n", 0, begin.start) + 1)
        lines = self.text[begin.start:self.tokens[end].start].rstrip().splitlines()
        text = "\n".join([lines[0], *(l[column:] if not l[:column].strip() else l.lstrip() for l in lines[1:])])
        into.append(Declaration(name, kind, self.header, begin.line, self.comment_before(begin.line), text, space,
                                defined, list(members), list(values)))


def read_header(path, root=INCLUDE):
    return Reader(path.relative_to(root).as_posix(), path.read_text(encoding="utf-8")).read()


def headers(root=INCLUDE):
    """Every header; name.inl.hpp holds the bodies of what name.hpp declares."""
    return sorted(path for path in root.rglob("*.hpp") if not path.name.endswith(".inl.hpp"))


def read_all(root=INCLUDE):
    """Every declaration of every header, in the order of the folders."""
    return [one for path in headers(root) for one in read_header(path, root)]


def room_of(header):
    return header.split("/")[0] if "/" in header else ""


def is_public(declaration):
    return declaration.space == ("meshwise",)


# ---- examples ----------------------------------------------------------------------------------------------------

EXAMPLE = re.compile(r"(?:(?<=^)|(?<=\s))Example(?: \(not compiled: (?P<reason>[^)]*)\))?:(?: |$)")


@dataclasses.dataclass
class Example:
    header: str
    line: int  # of its first line of code
    code: str
    reason: str = ""  # why it cannot be compiled
    name: str = ""  # of the entity it belongs to


def example_of(comment, header, name=""):
    """The example of a /// comment, given as [(line, text)], or None: all that follows `Example:`."""
    for at, (line, text) in enumerate(comment):
        if match := EXAMPLE.search(text):
            first = text[match.end():].strip()
            rest = [t for _, t in comment[at + 1:]]
            indent = min((len(t) - len(t.lstrip()) for t in rest if t.strip()), default=0)
            lines = ([first] if first else []) + [t[indent:] for t in rest]
            return Example(header, line + (not first), "\n".join(lines).rstrip() + "\n", match["reason"] or "", name)
    return None


def alternatives(block):
    """[(offset, lines)]: a line that declares what an earlier line of the block declares begins another example."""
    first, seen = 0, set()
    for at, line in enumerate(block):
        declared = re.match(r"(auto|static|typename|mw::)[^=({]*[=({]", line)
        if declared and declared[0] in seen and not line.startswith("mw::"):
            yield first, block[first:at]
            first, seen = at, set()
        if declared:
            seen.add(declared[0])
    yield first, block[first:]


def head_examples(header, text):
    """The blocks of the comment at the head of a file that are set in by three spaces and name something of mw::. What
    follows the code after two spaces is prose. The line before the block may end in `(not compiled: reason)`."""
    block, start, reason, before = [], 0, "", ""
    for number, line in enumerate([*text.splitlines(), ""], 1):
        in_head = line.startswith("//")
        if in_head and re.match(r"//   \S", line):
            if not block:
                start = number
                mark = re.search(r"\(not compiled: ([^)]*)\)", before)
                reason = mark[1] if mark else ""
            block.append(re.split(r"(?<=\S)(?:\s{2,}| +// )", line[5:])[0])
        elif in_head and block and re.match(r"//    +\S", line):
            block.append(line[5:])
        else:
            if any("mw::" in one for one in block):
                yield from (Example(header, start + at, "\n".join(lines) + "\n", reason) for at, lines in alternatives(block))
            block = []
        if not in_head:
            return
        before = line


def examples_of(path, root=INCLUDE):
    """Every example of a header: those of its /// comments and of its head."""
    header = path.relative_to(root).as_posix()
    text = path.read_text(encoding="utf-8")
    yield from head_examples(header, text)
    lines = text.splitlines()
    block = []
    for number, line in enumerate([*lines, ""], 1):
        if match := re.match(r"\s*/// ?(.*)$", line):
            block.append((number, match[1].rstrip()))
        elif block:
            if example := example_of(block, header):
                yield example
            block = []
