"""Tries build/site in a headless chromium: the search finds cross_entropy, pages load without a script error.

Called by scripts/site.sh --browser. Leaves pictures of three pages and of the search in build/site-pictures.
"""
import functools
import http.server
import pathlib
import shutil
import sys
import threading

from playwright.sync_api import sync_playwright

SITE = pathlib.Path(__file__).resolve().parent.parent / "build" / "site"
PICTURES = SITE.parent / "site-pictures"
PAGES = ["index.html", "guide.html", "reference/ops-rows.html"]


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def main():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=SITE))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}/"
    PICTURES.mkdir(exist_ok=True)
    faults = []
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1400, "height": 1100})
        page.on("pageerror", lambda error: faults.append(f"{page.url}: {error}"))
        for name in PAGES:
            answer = page.goto(address + name)
            if not answer.ok:
                faults.append(f"{name}: {answer.status}")
            page.screenshot(path=PICTURES / (name.replace("/", "_").removesuffix(".html") + ".png"))
        page.goto(address + "index.html")
        page.click("[data-md-component=search-query]")
        page.fill("[data-md-component=search-query]", "cross_entropy")
        page.wait_for_selector(".md-search-result__link", timeout=30000)
        page.screenshot(path=PICTURES / "search.png")
        found = page.eval_on_selector_all(".md-search-result__link", "all => all.map(one => one.getAttribute('href'))")
        if not found[0].startswith(address + "reference/ops-rows.html"):
            faults.append(f"the search for cross_entropy finds first {found[0]}")
        browser.close()
    print("\n".join(faults) or f"{len(PAGES)} pages and the search work in chromium; pictures are in {PICTURES.relative_to(SITE.parent.parent)}")
    return 1 if faults else 0


sys.exit(main())
