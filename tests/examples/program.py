"""An example as its user meets it: run with options and lines, then asked for its exit code and what it wrote."""
import subprocess
import sys
import tempfile
from pathlib import Path


class Program:
    """`expect` counts what was checked; the first thing that is not so ends the test."""

    def __init__(self):
        self.path = Path(sys.argv[1]).resolve()
        self.scratch = tempfile.TemporaryDirectory()
        self.folder = Path(self.scratch.name)
        self.checked = 0

    def run(self, *options, lines="", code=0):
        done = subprocess.run(
            [self.path, *map(str, options)], input=lines if isinstance(lines, bytes) else lines.encode(),
            capture_output=True, cwd=self.folder, timeout=280
        )
        self.out, self.err = done.stdout.decode(), done.stderr.decode()
        self.expect(done.returncode == code, f"exit code {done.returncode}, not {code}, of {options}")
        return self.out

    def refuses(self, code, words, *options):
        """It ends with this code and one line on standard error that has these words."""
        self.run(*options, code=code)
        self.expect(words in self.err and self.err.count("\n") == 1, f"no line with '{words}' of {options}")

    def write(self, name, text):
        (self.folder / name).write_text(text, encoding="utf-8")
        return name

    def expect(self, holds, what):
        self.checked += 1
        if not holds:
            sys.exit(f"{what}\n--- out\n{self.out[-3000:]}\n--- err\n{self.err[-3000:]}")

    def done(self):
        print(f"{self.checked} checks held")
