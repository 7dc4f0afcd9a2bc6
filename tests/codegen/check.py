#!/usr/bin/env python3
"""What a training step costs beyond its kernels, in instructions, counted by valgrind: the same on every machine.

    the library on one rank            at most 2 % more than the same step written directly on the kernels
    two more mesh axes of size 1       within 0.1 % of none, and not one function of a communicator more
All three must compute the same. Without valgrind a note says so and nothing is tested.

    tests/codegen/check.py PROGRAM     (the program that one_step.cpp becomes)
"""
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

COLLECTIVES = re.compile(r"::(all_reduce|reduce_scatter|all_gather|all_to_all|broadcast|barrier|send|receive)\b")


def count(program, which):
    """(instructions, what they call of communicators' collectives, what the program printed)"""
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "counts"
        run = subprocess.run(["valgrind", "--tool=callgrind", "--toggle-collect=counted", "--compress-strings=no",
                              f"--callgrind-out-file={out}", program, which], capture_output=True, text=True)
        if run.returncode != 0:
            raise RuntimeError(f"{which}: {run.stdout}{run.stderr}")
        counts = out.read_text()
    instructions = int(re.search(r"^(?:totals|summary): (\d+)", counts, re.MULTILINE).group(1))
    functions = set(re.findall(r"^c?fn=(.*)$", counts, re.MULTILINE))
    return instructions, {name for name in functions if COLLECTIVES.search(name)}, run.stdout


def apart(one, other):
    """The largest difference of two programs' numbers, as a part of the number."""
    pairs = zip(map(float, one.split()), map(float, other.split()), strict=True)
    return max(abs(a - b) / max(abs(a), 1e-3) for a, b in pairs)


def main():
    if shutil.which("valgrind") is None:
        print("not tested: no valgrind here, which counts instructions")
        return 0
    program = sys.argv[1]
    names = ("by_hand", "library", "with_axes")
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = dict(zip(names, pool.map(lambda which: count(program, which), names)))
    counted, calls, printed = ({name: results[name][part] for name in names} for part in range(3))
    over = counted["library"] / counted["by_hand"]
    axes = counted["with_axes"] / counted["library"]
    print(f"by hand                     {counted['by_hand']:>12} instructions")
    print(f"the library                 {counted['library']:>12}, {over:.4f} times as many")
    print(f"with two axes of size 1     {counted['with_axes']:>12}, {axes:.5f} times as many as without")
    checks = {
        "the library's step is the one that is written by hand": apart(printed["by_hand"], printed["library"]) < 1e-6,
        "axes of size 1 change no bit": printed["with_axes"] == printed["library"],
        "the step is large enough to be one": counted["by_hand"] > 5e6,
        "the library adds at most 2 %": over <= 1.02,
        "axes of size 1 add nothing": abs(axes - 1) <= 0.001,
        f"one rank makes no collective: {sorted(calls['library'])}": not calls["library"],
        f"nor does it with axes of size 1: {sorted(calls['with_axes'])}": not calls["with_axes"],
    }
    failed = [sentence for sentence, holds in checks.items() if not holds]
    for sentence in failed:
        print(f"FAILED: {sentence}")
    print(f"{len(checks) - len(failed)} passed, {len(failed)} failed")
    return 1 if failed else 0


sys.exit(main())
