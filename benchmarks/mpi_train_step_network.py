#!/usr/bin/env python3
"""bench_mpi_train_step between two network namespaces, joined by a virtual cable whose rate `tc` limits; as root.

    mpi_train_step_network.py PROGRAM [ROUNDS [KiB of a bucket]...]

The first run has no limit: there nobody waits for the wire, and its `sum` is what a rank's own core has to do for all
sums. It is given to the others, as the program's head explains.
"""
import os
import pathlib
import subprocess
import sys
import tempfile

PROGRAM, ROUNDS = os.path.abspath(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "4"
BUCKETS = sys.argv[3:] or ["1024"]
MACHINES, ADDRESSES = ["mwbench-a", "mwbench-b"], ["10.78.0.1", "10.78.0.2"]


def call(*command):
    subprocess.run(command, check=True)


def limit(rate):
    for number, machine in enumerate(MACHINES):
        if rate:
            call("tc", "-n", machine, "qdisc", "replace", "dev", f"cable{number}", "root", "tbf", "rate", rate, "burst",
                 "256kb", "latency", "20ms")


def run(agent, *arguments):
    network = ADDRESSES[0] + "/24"
    command = ["mpirun", "--bind-to", "none", "--mca", "plm_rsh_agent", agent, "--mca", "btl", "tcp,self", "--mca", "btl_tcp_if_include", network,
               "--mca", "oob_tcp_if_include", network, "--host", ",".join(a + ":1" for a in ADDRESSES), "-n", "2", PROGRAM]
    on = ["ip", "netns", "exec", MACHINES[0], "unshare", "--uts", "sh", "-c", 'hostname "$0"; exec "$@"', MACHINES[0]]
    text = subprocess.run([*on, *command, *arguments], check=True, stdout=subprocess.PIPE, text=True).stdout
    print(text, flush=True)
    return text


def main():
    with tempfile.TemporaryDirectory() as folder:
        agent = pathlib.Path(folder) / "agent"
        agent.write_text(f'#!/bin/sh\nshift\nexec ip netns exec {MACHINES[1]} unshare --uts sh -c "hostname {MACHINES[1]}; $*"\n')
        agent.chmod(0o755)
        try:
            for machine in MACHINES:
                call("ip", "netns", "add", machine)
            call("ip", "link", "add", "cable0", "netns", MACHINES[0], "type", "veth", "peer", "name", "cable1", "netns", MACHINES[1])
            for number, machine in enumerate(MACHINES):
                call("ip", "-n", machine, "address", "add", ADDRESSES[number] + "/24", "dev", f"cable{number}")
                for device in ("lo", f"cable{number}"):
                    call("ip", "-n", machine, "link", "set", device, "up")
            for bucket in BUCKETS:
                core = "0"
                for rate in (None, "2500mbit", "1gbit"):
                    limit(rate)
                    print(f"link: {rate or 'no limit'}")
                    text = run(str(agent), bucket, core, ROUNDS)
                    core = core if rate else text.splitlines()[-1].split()[4]
                for number, machine in enumerate(MACHINES):
                    call("tc", "-n", machine, "qdisc", "delete", "dev", f"cable{number}", "root")
        finally:
            for machine in MACHINES:
                subprocess.run(["ip", "netns", "delete", machine], check=False)


main()
