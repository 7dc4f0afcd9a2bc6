#!/usr/bin/env bash
# Builds the site of docs/ into build/site with mkdocs-material, which it installs into build/site-venv.
#   scripts/site.sh           builds it, and says where it is
#   scripts/site.sh --serve   builds it and serves it on http://127.0.0.1:8000
#   scripts/site.sh --check   the same, for CI: a dead link, a page that the navigation lacks or an empty search is an error
#   scripts/site.sh --browser tries it in a headless chromium as well (playwright is installed beside mkdocs-material)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/machine.sh
. scripts/machine.sh

command=build
case ${1:-} in
    "" | --check) ;;
    --browser) command=browser ;;
    --serve) command=serve ;;
    *) refuse "scripts/site.sh knows no option '$1'; it takes --check, --browser and --serve." ;;
esac

venv=build/site-venv
if ! "$venv/bin/python" -c "import material" 2> /dev/null; then
    echo "installing mkdocs-material into $venv"
    python3 -m venv "$venv" && "$venv/bin/pip" install --quiet --requirement scripts/site_requirements.txt ||
        stop "mkdocs-material cannot be installed into $venv: python3-venv and a package index are needed."
fi
export NO_MKDOCS_2_WARNING=1
if [ "$command" = serve ]; then
    exec "$venv/bin/mkdocs" serve --strict
fi
# not --quiet: strict counts only the warnings that are shown
log=$("$venv/bin/mkdocs" build --strict 2>&1) ||
    { grep -E "WARNING|ERROR" <<< "$log" || echo "$log"; stop "the site is not in order: see above."; }
"$venv/bin/python" - << 'PYTHON'
import json, pathlib, sys
pages = json.loads(pathlib.Path("build/site/search/search_index.json").read_text(encoding="utf-8"))["docs"]
if not any(page["title"] == "cross_entropy" and page["location"].startswith("reference/ops") for page in pages):
    sys.exit("run: the search of the site does not know cross_entropy")
print(f"build/site/index.html: {len(list(pathlib.Path('build/site').rglob('*.html')))} pages, {len(pages)} places to find")
PYTHON
if [ "$command" = browser ]; then
    install chromium
    "$venv/bin/python" -c "import playwright" 2> /dev/null || "$venv/bin/pip" install --quiet playwright
    "$venv/bin/python" scripts/try_site.py
fi
