#!/usr/bin/env python3
"""Starts the program `faults` under mpirun, harms it, and judges how it ends: in time, with the right exit code, with
a sentence that names rank and call, and with no process left behind.

    check_faults.py [--inside MASK] FAULTS MPIRUN...   MPIRUN... is what comes before the number of processes;
                                                       MASK: the axes of 2 x 2 ranks that are threads of one process
"""
import contextlib
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time

LONG = bool(os.environ.get("MESHWISE_LONG"))
INSIDE = 0
if sys.argv[1:2] == ["--inside"]:
    INSIDE = int(sys.argv[2])
    del sys.argv[1:3]
PROGRAM, MPIRUN = sys.argv[1], sys.argv[2:]
THREADS = {0: 1, 1: 2, 2: 2, 3: 4}[INSIDE]  # of a process
SIZES = (4,) if INSIDE else (2, 4)  # teams that are tried
SMALL = SIZES[0]
RANK0 = r"rank 0 \((dp 0, )?tp 0\)"
FIRST_TO_SAY = r"rank \d \(dp \d, tp \d\)" if INSIDE else RANK0  # of several ranks that wait for one
PLACE = r"faults\.cpp:\d+"
RANK1 = r"rank 1 \((dp 0, )?tp 1\)"
RULE = "ranks that share a group must make the same calls in the same order"


def processes_of(mode):
    """The living processes of our program in this mode."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
            state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
        except (OSError, ValueError):
            continue
        if words[0] == PROGRAM.encode() and mode.encode() in words and state != "Z":
            found.append(int(entry.name))
    return found


class Run:
    """One run: `harm(run)` is called once all ranks said the word."""

    def __init__(self, ranks, *arguments, word=None, harm=None, limit=60):
        self.mode, self.started = arguments[0] + (f"/{INSIDE}" if INSIDE else ""), time.monotonic()
        processes = ranks // THREADS
        self.output = ""
        with tempfile.TemporaryFile() as out:
            job = subprocess.Popen([*MPIRUN, str(processes), PROGRAM, self.mode, *arguments[1:]], stdout=out, stderr=out,
                                   start_new_session=True)
            self.harmed = self.started
            try:
                if harm:
                    while self.read(out).count(word) < ranks and job.poll() is None:
                        if time.monotonic() > self.started + limit:
                            raise subprocess.TimeoutExpired(job.args, limit)
                        time.sleep(0.02)
                    self.harmed = time.monotonic()
                    harm(self)
                self.code = job.wait(timeout=limit)
            except subprocess.TimeoutExpired:
                self.code = "hang"
            self.ended = time.monotonic()
            time.sleep(0.3)
            self.left = processes_of(self.mode)
            if self.code == "hang":
                os.killpg(job.pid, signal.SIGKILL)
            for left in processes_of(self.mode):
                os.kill(left, signal.SIGKILL)
            self.read(out)

    def read(self, out):
        """Leaves the offset alone: it is the program's as well, which would write over its first words."""
        self.output = os.pread(out.fileno(), os.fstat(out.fileno()).st_size, 0).decode(errors="replace")
        return self.output

    def pid_of(self, rank):
        """Of a process, by the rank that the launcher has given it."""
        for pid in processes_of(self.mode):
            environment = pathlib.Path(f"/proc/{pid}/environ").read_bytes()
            if re.search(rb"(^|\0)(OMPI_COMM_WORLD_RANK|PMI_RANK)=%d\0" % rank, environment):
                return pid
        raise AssertionError(f"rank {rank} is not running")

    def expect(self, code, *texts, within=None):
        faults = []
        if self.code != code and not (code == "bad" and self.code not in (0, "hang")):
            faults.append(f"exit code {self.code} instead of {code}")
        faults += [f"no '{text}' in the output" for text in texts if not re.search(text, self.output)]
        if "TOUCHED" in self.output:
            faults.append("values were touched")
        if self.left:
            faults.append(f"{len(self.left)} processes were left behind")
        if within is not None and self.ended - self.harmed > within:
            faults.append(f"it took {self.ended - self.harmed:.1f} s, not {within} s")
        return [f"{fault}; the output was:\n{self.output}" if n == 0 else fault for n, fault in enumerate(faults)]


def sentences(run, most):
    """One record, not one per rank."""
    lines = [line for line in run.output.splitlines() if line.startswith("meshwise:")]
    return [] if 1 <= len(lines) <= most else [f"{len(lines)} records: {lines}"]


def all_is_well():
    yield "a program that does nothing ends with 0", Run(4, "nothing").expect(0)


def wrong_number_of_processes():
    if INSIDE:
        axes = {1: "dp", 2: "tp", 3: "dp x tp"}[INSIDE]
        run = Run(3 * THREADS, "nothing")
        yield "3 processes with threads inside", run.expect(
            64, f"the mesh has 4 ranks, dp 2 x tp 2, of which each process runs {THREADS} as threads, along {axes}, but mpirun "
            f"has started 3 processes; start the program by mpirun -n {4 // THREADS}", within=10) + sentences(run, 1)
        return
    run = Run(3, "nothing")
    yield "3 processes for a mesh of 2", run.expect(64, "the mesh has 2 ranks, tp 2, but mpirun has started 3 processes; "
                                                    "start the program by mpirun -n 2", within=10) + sentences(run, 1)


def ranks_start_differently():
    run = Run(4, "handshake")
    ranks = "0 on ranks 0 2 and 1 on ranks 1 3" if INSIDE == 1 else "0 on ranks 0 1 and 1 on ranks 2 3"
    if INSIDE != 3:
        yield "ranks that start with another seed", run.expect(70, f"the seed is {ranks}", within=10) + sentences(run, 1)


def an_exception():
    for ranks in SIZES:
        run = Run(ranks, "throw")
        found = run.expect(70, f"meshwise: {RANK1} failed: disk is full; .* all_reduce.* at .*{PLACE}", within=10)
        for rank in set(range(ranks)) - {1}:
            found += run.expect(70, f"rank {rank}: heard: {RANK1} failed: disk is full; this released rank {rank}")
        yield f"an exception on one of {ranks} ranks", found + sentences(run, 1)
    for mode, code, text in (("throw_input", 65, "it is damaged"), ("throw_output", 74, "disk is full"),
                             ("throw_system", 74, "No space left")):
        run = Run(SMALL, mode)
        yield f"the exit code of {mode}", run.expect(code, f"meshwise: {RANK1} failed: {text}", within=10) + sentences(run, 1)
    yield "an exception while the peers are busy", Run(SMALL, "throw_while_busy").expect(70, "disk is full", within=10)
    yield "an exception that is swallowed", Run(SMALL, "swallow").expect(70, f"{RANK1} failed: disk is full", within=10)
    yield "unwinding that does not end", Run(SMALL, "slow_to_leave").expect(70, "hangs after a failure", within=12)
    run = Run(4, "throw_elsewhere")
    yield "an exception of a rank that nobody waits for", run.expect(
        70, rf"rank 0: heard: rank 3 \(dp 1, tp 1\) failed: disk is full; this released {RANK0} from barrier", within=10)


def a_rank_leaves():
    yield "exit() on one rank", Run(SMALL, "exit").expect(70, "rank 1 left its program by exit", within=10)
    for ranks in SIZES:
        run = Run(ranks, "end")
        yield f"one of {ranks} ranks ends its program early", run.expect(
            70, f"{RANK1} is at the end of its program while rank 0 .* entered all_reduce.* at .*{PLACE}", RULE,
            within=10) + sentences(run, 1)
    run = Run(4, "end_before_a_pair")
    yield "a rank waits for one that has ended", run.expect(
        70, f"{RANK0} waits in barrier.* for {RANK1}, which waits at the end of its program for {RANK0}|"
        f"{RANK1} waits at the end of its program for {RANK0}, which waits in barrier.* for {RANK1}|"
        rf"rank 0 waits in barrier.* waits at the end of its program|waits at the end of its program for.* {RANK0}",
        "so none of them can go on", within=10) + sentences(run, 2)  # both may come to see it at the same time


def mismatches():
    even = r"all_reduce\(sum, float32, 320\)"
    odd = {"operation": r"all_gather\(float32, 1 x 80 per rank\)", "reduction": r"all_reduce\(max, float32, 320\)",
           "type": r"all_reduce\(sum, int32, 320\)", "extents": r"all_reduce\(sum, float32, 319\)",
           "extents_large": r"all_reduce\(sum, float32, 1\)", "root": r"broadcast\(float32, 800, root 1\)",
           "order": r"barrier\(\)", "call_site": even}
    other = {"root": r"broadcast\(float32, 800, root 0\)", "order": r"broadcast\(float32, 8, root 0\)",
             "extents_large": r"all_reduce\(sum, float32, 1000\)"}
    for kind, text in odd.items():
        for ranks in SIZES:
            run = Run(ranks, kind)
            found = run.expect(70, f"meshwise: {RANK1} entered {text} over .* at .*{PLACE} while rank 0 .* entered "
                               f"{other.get(kind, even)} over .* at .*{PLACE}; {RULE}", within=10)
            for rank in range(ranks):
                found += run.expect(70, f"rank {rank}: heard of the disagreement, untouched")
            yield f"mismatch of {kind} on {ranks} ranks", found + sentences(run, 1)
    for ranks in SIZES:
        run = Run(ranks, "batch")
        yield f"different batches on {ranks} ranks", run.expect(
            70, f"meshwise: rank 0 .* and {RANK1} were given different batches, as their call at .*{PLACE} shows",
            within=10) + sentences(run, 1)
    run = Run(4, "axis")
    yield "mismatch of axis: a circle of waiting", run.expect(
        70, rf"waits in barrier\(\) over dp( x tp)? at .*{PLACE} for .* which waits in barrier\(\) over .* at .*{PLACE}",
        "so none of them can go on", "heard of the disagreement, untouched", within=10)


def while_sums_are_under_way():
    """Two are started; rank 1 does something else in place of the second. With all threads inside none is under way."""
    start = "" if INSIDE == 3 else "start_"
    started = start + r"all_reduce\(sum, float32, 300000\)"
    kinds = {"started_extents": start + r"all_reduce\(sum, float32, 299999\)", "started_operation": r"barrier\(\)",
             "started_not": r"all_reduce\(sum, float32, 300000\)"}
    if INSIDE == 3:
        del kinds["started_not"]  # there it is the same call
    for ranks in SIZES:
        for mode, text in kinds.items():
            run = Run(ranks, mode)
            found = run.expect(70, f"meshwise: {RANK1} entered {text} over .* at .*{PLACE} while rank 0 .* entered "
                               f"{started} over .* at .*{PLACE}; {RULE}", within=10)
            for rank in range(ranks):
                found += run.expect(70, f"rank {rank}: heard of the disagreement, untouched")
            yield f"{mode} on {ranks} ranks", found + sentences(run, 1)
        run = Run(ranks, "started_end")
        yield f"one of {ranks} ranks ends while sums are under way", run.expect(
            70, f"{RANK1} is at the end of its program while rank 0 .* entered {started}", RULE, within=10)
        run = Run(ranks, "started_throw")
        found = run.expect(70, f"meshwise: {RANK1} failed: disk is full; .* {started}.* at .*{PLACE}", within=10)
        for rank in set(range(ranks)) - {1}:
            found += run.expect(70, f"rank {rank}: heard: {RANK1} failed: disk is full; this released rank {rank}")
        yield f"an exception of one of {ranks} ranks passes sums under way", found + sentences(run, 1)
    with tempfile.TemporaryDirectory() as folder:
        record = os.path.join(folder, "calls")
        run = Run(SMALL, "started_late", "1500", record)
        yield "a rank that does not start a sum", run.expect(
            71, f"after 1500 ms {FIRST_TO_SAY} still waits in {started} at .*{PLACE} for {RANK1}; no answer from {RANK1}"
            .replace(" at ", " over .* at "), within=8)
    if INSIDE != 3:
        run = Run(SMALL, "started_forever", word="at work", harm=lambda run: os.kill(run.pid_of(1), signal.SIGKILL))
        yield "kill -9 while sums are under way", run.expect("bad", "rank 1", within=5)


def how_often_calls_are_compared():
    """sampled: the first 64 calls of a group and then every 16th, so another place at call 70 is not found."""
    if INSIDE == 3:
        return  # threads of one process compare every call
    for compare, odd in (("sampled", 3), ("sampled", 63), ("sampled", 80), ("full", 70)):
        run = Run(SMALL, f"compare_{compare}_{odd}")
        yield f"{compare}: another place of call {odd}", run.expect(
            70, rf"{RANK1} entered all_reduce\(sum, float32, 1000\) .*; {RULE} \(only the call sites differ",
            within=10) + sentences(run, 1)
    for compare, odd in (("sampled", 70), ("sampled", 1000), ("off", 3)):
        run = Run(SMALL, f"compare_{compare}_{odd}")
        yield f"{compare}: call {odd} is not compared", run.expect(0)


def signalled(folder):
    """SIGUSR1 and SIGTERM to one process, or to all: each writes its own record."""
    for number in (signal.SIGUSR1, signal.SIGTERM):
        record = os.path.join(folder, number.name)

        def harm(run):
            time.sleep(0.3)
            processes = [run.pid_of(number) for number in range(SMALL // THREADS)]
            for process in processes:
                with contextlib.suppress(ProcessLookupError):  # the launcher ends the second when the first has gone
                    os.kill(process, number)
            time.sleep(1)
            if number == signal.SIGUSR1:
                os.kill(processes[-1], signal.SIGKILL)

        run = Run(SMALL, "forever", "30000", record, word="at work", harm=harm)
        faults = run.expect("bad", within=10)
        for rank in range(SMALL):
            try:
                text = pathlib.Path(f"{record}.rank-{rank}").read_text()
            except OSError as error:
                text = str(error)
            if not re.search(rf"rank {rank} \(.*\) of the mesh (dp 2 x )?tp 2 has entered \d+ calls.*\n\d+ call \d+ of its group: "
                             r"all_reduce\(sum, float32, 100000\) over (dp x )?tp at .*faults.cpp:\d+", text):
                faults.append(f"the record of rank {rank} is: {text[:300]}")
        yield f"{number.name} has the records written", faults


def someone_is_late():
    with tempfile.TemporaryDirectory() as folder:
        record = os.path.join(folder, "calls")
        run = Run(SMALL, "late", "1500", record)
        yield "a rank that is asleep past the deadline", run.expect(
            71, r"after 1500 ms " + FIRST_TO_SAY + r" still waits in all_reduce.* at .*" + PLACE + " for " + RANK1 +
            "; no answer from " + RANK1 + r", last seen in barrier\(\) over (dp x )?tp at .*" + PLACE, within=8)
        try:
            text = pathlib.Path(record + ".rank-0").read_text()
        except OSError as error:
            text = str(error)
        yield "its calls are on record", [] if re.search(r"rank 0 .*\n0 call 0 of its group: barrier", text) else [text]
        yield from signalled(folder)
    run = Run(4, "late_behind_another", "1500")
    yield "a missing rank is named even if another one is waited for", run.expect(
        71, r"no answer from rank 3 \(dp 1, tp 1\), which has made no call yet", within=8)


def killed():
    if INSIDE == 3:
        return
    def kill(run):
        os.kill(run.pid_of(1), signal.SIGKILL)
    # The launcher notices; it names the rank.
    for n in range(50 if LONG else 2):
        run = Run(4, "forever", word="at work", harm=lambda run: (time.sleep(0.037 * n), kill(run)))
        yield f"kill -9, no. {n + 1}", run.expect("bad", "rank 1", within=5)


def stopped():
    wanted = Run(SMALL, "work").output.count("digest")
    right = re.findall("digest (.*)", Run(SMALL, "work").output)
    yield "all ranks have one digest", [] if wanted == SMALL and len(set(right)) == 1 else [f"digests {right}"]

    the_last = SMALL // THREADS - 1

    def stop(run):
        os.kill(run.pid_of(the_last), signal.SIGSTOP)

    def stop_and_go_on(run):
        pid = run.pid_of(the_last)
        os.kill(pid, signal.SIGSTOP)
        time.sleep(1)
        os.kill(pid, signal.SIGCONT)

    if INSIDE != 3:
        run = Run(SMALL, "forever", "2000", word="at work", harm=stop)
        took = run.ended - run.harmed
        # After the deadline the living wait half a second for the others to hear, and the launcher needs a moment.
        yield "a stopped rank is named at the deadline", run.expect(
            71, r"after 2000 ms " + FIRST_TO_SAY + " still waits in all_reduce.* at .*" + PLACE + ".*no answer from " +
            {0: RANK1, 1: r"rank \d \(dp \d, tp 1\)", 2: r"rank \d \(dp 1, tp \d\)"}[INSIDE],  # any rank of the process
            within=8) + ([] if took > 1.9 else [f"it took only {took:.1f} s"])
    run = Run(SMALL, "work_slowly", "3000", word="at work", harm=stop_and_go_on)
    yield "a rank that was stopped for a while changes nothing", run.expect(0) + (
        [] if re.findall("digest (.*)", run.output) == right else [f"not the digest {right}: {run.output}"])


def main():
    passed = failed = 0
    for part in (all_is_well, wrong_number_of_processes, ranks_start_differently, an_exception, a_rank_leaves, mismatches,
                 while_sums_are_under_way, how_often_calls_are_compared, someone_is_late, killed, stopped):
        for title, faults in part():
            passed, failed = passed + (not faults), failed + bool(faults)
            for fault in faults:
                print(f"{title}: {fault}", flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


sys.exit(main())
