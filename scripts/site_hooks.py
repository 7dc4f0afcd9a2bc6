"""Hooks of mkdocs: the pages that lie beside docs/ join the site, and their links point to where pages are there."""
import pathlib
import posixpath
import re

from mkdocs.structure.files import File

ROOT = pathlib.Path(__file__).resolve().parent.parent
ADDED = {"README.md": "index.md", "CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md"}
LINK = re.compile(r"(?P<before>(?<!\\)\]\()(?P<to>[^)#:\s]+)(?P<anchor>#[^)\s]*)?\)")
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


def place_of(target):
    """Where a file of the repository is on the site, or None."""
    if target in ADDED:
        return ADDED[target]
    return target.removeprefix("docs/") if target.startswith("docs/") else None


def with_links_of_the_site(markdown, source):
    """The text of a repository's file, its links as they are on the site; a link to what is not there is only its words."""
    folder = posixpath.dirname(source)
    page = place_of(source)

    def changed(match):
        target = place_of(posixpath.normpath(posixpath.join(folder, match["to"])))
        if target is None:
            return match["before"] + match["to"] + ")"
        return match["before"] + posixpath.relpath(target, posixpath.dirname(page) or ".") + (match["anchor"] or "") + ")"

    parts, at = [], 0
    for fence in FENCE.finditer(markdown):
        parts += [LINK.sub(changed, markdown[at:fence.start()]), fence[0]]
        at = fence.end()
    text = "".join(parts) + LINK.sub(changed, markdown[at:])
    return text


def on_files(files, config):
    for source, page in ADDED.items():
        text = with_links_of_the_site((ROOT / source).read_text(encoding="utf-8"), source)
        files.append(File.generated(config, page, content=text))
    return files


def on_page_markdown(markdown, page, config, files):
    if page.file.generated_by:
        return markdown
    return with_links_of_the_site(markdown, "docs/" + page.file.src_uri)
