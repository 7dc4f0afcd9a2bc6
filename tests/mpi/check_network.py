#!/usr/bin/env python3
"""Two machines, as far as one can have two: network namespaces joined by a virtual cable, an mpirun across them, and the
cable cut in the middle. Where this may not be done, a note says so and nothing is tested.

    check_network.py FAULTS TRAINING MPIRUN FLAG      FLAG is what comes before the number of processes
"""
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

FAULTS, TRAINING, MPIRUN, FLAG = sys.argv[1:]
MACHINES = [f"mw{os.getpid() % 100000}{letter}" for letter in "ab"]
ADDRESSES = ["10.77.0.1", "10.77.0.2"]
DEADLINE, GRACE = 2, 5


def call(*command):
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=20)


def on(machine, *command):
    """A command as if typed there: own network, own host name."""
    return ["ip", "netns", "exec", machine, "unshare", "--uts", "sh", "-c", 'hostname "$0"; exec "$@"', machine, *command]


def link(state):
    call("ip", "-n", MACHINES[0], "link", "set", "cable0", state)


def set_up(folder):
    for machine in MACHINES:
        call("ip", "netns", "add", machine)
    call("ip", "link", "add", "cable0", "netns", MACHINES[0], "type", "veth", "peer", "name", "cable1", "netns", MACHINES[1])
    for number, machine in enumerate(MACHINES):
        call("ip", "-n", machine, "address", "add", ADDRESSES[number] + "/24", "dev", f"cable{number}")
        for device in ("lo", f"cable{number}"):
            call("ip", "-n", machine, "link", "set", device, "up")
    call(*on(MACHINES[1], "true"))
    # What mpirun uses in place of ssh: HOST COMMAND...
    agent = folder / "agent"
    agent.write_text(f'#!/bin/sh\nshift\nexec ip netns exec {MACHINES[1]} unshare --uts sh -c "hostname {MACHINES[1]}; $*"\n')
    agent.chmod(0o755)
    return str(agent)


def inhabitants():
    """The living processes of both machines, with their command lines."""
    found = {}
    for machine in MACHINES:
        listed = subprocess.run(["ip", "netns", "pids", machine], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        for pid in map(int, listed.stdout.split()):
            try:
                found[pid] = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                pass
    return found


def tear_down():
    for pid in inhabitants():
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    for machine in MACHINES:
        subprocess.run(["ip", "netns", "delete", machine], stderr=subprocess.DEVNULL, check=False)


def start(agent, out, *program):
    network = ADDRESSES[0] + "/24"
    return subprocess.Popen(
        on(MACHINES[0], MPIRUN, "--mca", "plm_rsh_agent", agent, "--mca", "btl", "tcp,self", "--mca", "btl_tcp_if_include",
           network, "--mca", "oob_tcp_if_include", network, "--host", ",".join(a + ":1" for a in ADDRESSES), FLAG, "2",
           *program), stdin=subprocess.DEVNULL, stdout=out, stderr=out)


def run(agent, *program):
    """Exit code and output of a program of one rank on each machine."""
    with tempfile.TemporaryFile("w+") as out:
        try:
            code = start(agent, out, *program).wait(timeout=100)
        except subprocess.TimeoutExpired:
            code = "hang"
        out.seek(0)
        return code, out.read()


def same_bits(agent):
    here = subprocess.run([MPIRUN, FLAG, "2", FAULTS, "work"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=100).stdout
    code, there = run(agent, FAULTS, "work")
    digests = [sorted(re.findall(r"rank \d: digest \d+", text)) for text in (here, there)]
    right = code == 0 and len(digests[0]) == 2 and digests[0] == digests[1]
    yield "sums across two machines have the bits of one", right, f"exit code {code}, {digests}:\n{there}"
    code, output = run(agent, TRAINING)
    yield "training across two machines equals threads and one rank", code == 0, f"exit code {code}:\n{output}"


def cut(agent):
    with tempfile.TemporaryFile() as out:
        def output():  # leaves the offset alone: it is the program's as well
            return os.pread(out.fileno(), os.fstat(out.fileno()).st_size, 0).decode(errors="replace")

        start(agent, out, FAULTS, "forever", str(1000 * DEADLINE))
        end = time.monotonic() + 30
        while output().count("at work") < 2 and time.monotonic() < end:
            time.sleep(0.05)
        time.sleep(0.5)
        link("down")
        begin = time.monotonic()

        def ranks():
            return [line for line in inhabitants().values() if line.startswith(FAULTS)]

        both = len(ranks())
        while ranks() and time.monotonic() < begin + DEADLINE + GRACE + 1:
            time.sleep(0.1)
        took = time.monotonic() - begin
        # The launcher itself needs longer to find out: it is not ours.
        yield ("both sides of a cut cable end in time", both == 2 and not ranks(),
               f"{both} ranks, of which {len(ranks())} still live after {took:.1f} s:\n{output()}")
        yield ("and say who is missing", re.search(r"after 2000 ms rank . \(tp .\) still waits in .* no answer from rank",
                                                   output()), output())


def main():
    if not (shutil.which("ip") and shutil.which("unshare")):
        print("note: no ip and unshare here, so nothing is tried across a network\n0 passed, 0 failed")
        return 0
    version = subprocess.run([MPIRUN, "--version"], stdout=subprocess.PIPE, text=True).stdout
    if not re.search("Open MPI|OpenRTE|PRRTE", version):
        print("note: this mpirun is not Open MPI's, and its words for hosts are another's\n0 passed, 0 failed")
        return 0
    passed = failed = 0
    with tempfile.TemporaryDirectory() as folder:
        try:
            try:
                agent = set_up(pathlib.Path(folder))
            except subprocess.CalledProcessError as error:
                print(f"note: network namespaces are not permitted here ({error.output.decode().strip()})\n0 passed, 0 failed")
                return 0
            for part in (same_bits, cut):
                for title, right, details in part(agent):
                    passed, failed = passed + bool(right), failed + (not right)
                    if not right:
                        print(f"{title}: {details}")
        finally:
            tear_down()
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


sys.exit(main())
