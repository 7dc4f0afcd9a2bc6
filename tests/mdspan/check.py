#!/usr/bin/env python3
"""Compiles main.cpp as C++23 with the first compiler here whose standard library has <mdspan>, and runs it.

    tests/mdspan/check.py      exit 77: there is none (g++ 14 has none either; apt install clang-19 libc++-19-dev)
"""
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
COMPILERS = [["clang++-19", "-stdlib=libc++"], ["clang++-18", "-stdlib=libc++"], ["g++-15"], ["g++"]]
PROBE = "#include <version>\n#if !defined(__cpp_lib_mdspan)\n#error none\n#endif\n"


def main():
    for compiler in COMPILERS:
        if not shutil.which(compiler[0]) or subprocess.run([*compiler, "-std=c++23", "-fsyntax-only", "-x", "c++", "-"],
                                                           input=PROBE, capture_output=True, text=True).returncode:
            continue
        with tempfile.TemporaryDirectory() as folder:
            program = pathlib.Path(folder) / "main"
            subprocess.run([*compiler, "-std=c++23", "-O0", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror",
                            "-DMESHWISE_SERIAL", f"-I{HERE.parent.parent / 'include'}", str(HERE / "main.cpp"), "-o",
                            str(program), "-lpthread"], check=True)
            print(" ".join(compiler), flush=True)
            return subprocess.run([program]).returncode
    print("skipped: no compiler here has <mdspan>; apt install clang-19 libc++-19-dev")
    return 77


if __name__ == "__main__":
    sys.exit(main())
