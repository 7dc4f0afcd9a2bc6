#!/usr/bin/env python3
"""Every system call of a save that touches its folder fails, once or from then on, or the process is killed there, by
strace. Afterwards what is there loads with the bytes that were saved, the newest is the old one or the new one, the new
one if the save ended well, and the next save works.

    check.py PROGRAM     PROGRAM: tests/syscalls/save.cpp

Some of the cases; all of them with MESHWISE_LONG=1. Without strace, or where it may not trace, a note says so and nothing
is tested.
"""
import collections
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

# What disks, quotas, rights, the process's own limits and network file systems answer.
KINDS = ["signal=KILL", *(f"error=E{name}" for name in ("IO NOSPC DQUOT ROFS ACCES PERM INTR NOMEM MFILE NFILE STALE"
                                                       " TIMEDOUT").split())]
LASTING = [f"error=E{name}" for name in "IO NOSPC DQUOT ROFS STALE".split()]  # from this call on
program = sys.argv[1]


def steps_in(folder):
    """The steps that are whole; fails where one is not."""
    found = subprocess.run([program, folder], capture_output=True, text=True, timeout=60)
    if found.returncode != 0:
        raise AssertionError(f"what is there does not load: {found.stderr.strip()}")
    return [int(line) for line in found.stdout.split()]


def calls_of_a_save(folder):
    """(name, which of its thread) of each call that touches the folder."""
    with tempfile.NamedTemporaryFile("r") as log:
        done = subprocess.run(["strace", "-f", "-y", "-o", log.name, program, folder, "2"], capture_output=True, text=True)
        if done.returncode != 0:
            return None
        made, found = collections.Counter(), set()
        for line in log:
            if call := re.match(r"(\d+) +(?:<\.\.\. )?(\w+)(\(| resumed>)", line):
                thread, name, begun = call.groups()
                if begun != "(":
                    continue
                made[thread, name] += 1
                if folder in line and name != "execve":
                    found.add((name, made[thread, name]))
        return sorted(found)


def try_one(start, work, name, which, kind, lasting):
    folder = str(work)
    shutil.rmtree(work, ignore_errors=True)
    shutil.copytree(start, work)
    fault = f"inject={name}:{kind}:when={which}{'+' if lasting else ''}"
    done = subprocess.run(["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={name}", "-e", fault, program, folder, "2"],
                          capture_output=True, text=True, timeout=120)
    ended_well = done.returncode == 0
    if not ended_well and not kind.startswith("signal") and "save: " not in done.stderr and "error while loading" not in done.stderr:
        raise AssertionError(f"{fault}: ended with {done.returncode} and without a sentence: {done.stderr.strip()!r}")
    if name == "flock" and ended_well != (kind == "error=EINTR" and not lasting) and not kind.startswith("signal"):
        raise AssertionError(f"{fault}: a lock that failed counts as taken, or an interrupted one as failed")
    try:
        newest = steps_in(folder)[-1]
        if newest not in ((2,) if ended_well else (1, 2)):
            raise AssertionError(f"the newest is step {newest}")
        subprocess.run([program, folder, "3"], check=True, capture_output=True, timeout=60)
        if steps_in(folder)[-1] != 3:
            raise AssertionError("the next save is not the newest")
    except (AssertionError, IndexError, subprocess.CalledProcessError) as wrong:
        raise AssertionError(f"{fault} (the save {'ended well' if ended_well else 'failed'}): {wrong}") from wrong
    return ended_well


def main():
    if shutil.which("strace") is None:
        print("not tested: no strace here, which lets system calls fail")
        return
    with tempfile.TemporaryDirectory() as place:
        start, work = pathlib.Path(place, "start"), pathlib.Path(place, "runs")
        subprocess.run([program, str(start), "1"], check=True)
        assert steps_in(str(start)) == [1]
        shutil.copytree(start, work)
        calls = calls_of_a_save(str(work))
        if not calls:
            print("not tested: strace may not trace here")
            return
        cases = [(name, which, kind, lasting) for lasting in (False, True) for name, which in calls
                 for kind in (LASTING if lasting else KINDS)]
        assert len(cases) >= 500, f"only {len(cases)} cases"
        if not os.environ.get("MESHWISE_LONG"):
            cases = cases[::11]
        wrong, survived = [], 0
        for case in cases:
            try:
                survived += try_one(start, work, *case)
            except AssertionError as fault:
                wrong.append(str(fault))
                print(fault, flush=True)
        print(f"{len(calls)} places, {len(cases)} cases: {survived} saves ended well all the same, "
              f"{len(cases) - survived - len(wrong)} failed and left the old or the new one, {len(wrong)} wrong")
        sys.exit(bool(wrong))


main()
