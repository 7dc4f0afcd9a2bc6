#!/usr/bin/env python3
"""The conformance suite with the other MPI library: builds it with MPICH's compiler wrapper and runs it under MPICH's
mpirun. Where MPICH is not installed, a note says so and nothing is tested.

    check_mpich.py SOURCES WORK INCLUDE...   SOURCES: the folder tests/; WORK: where the program is built
"""
import pathlib
import shutil
import subprocess
import sys

sources, work, includes = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3:]
compiler, launcher = shutil.which("mpicxx.mpich"), shutil.which("mpirun.mpich")
if not compiler or not launcher:
    print("not tested: there is no MPICH here (Debian: libmpich-dev mpich)")
    sys.exit(0)
work.mkdir(parents=True, exist_ok=True)
program = work / "conformance"
subprocess.run([compiler, "-std=c++20", "-O1", "-Wall", "-Wextra", *(f"-I{folder}" for folder in includes), f"-I{sources}",
                sources / "mpi" / "conformance.cpp", sources / "main.cpp", "-o", program, "-ltbb", "-lpthread"], check=True)
for processes in (1, 2, 4):
    print(f"{processes} processes", flush=True)
    subprocess.run([launcher, "-n", str(processes), program], check=True)
