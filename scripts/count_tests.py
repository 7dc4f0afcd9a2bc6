#!/usr/bin/env python3
"""Counts test cases in a JUnit report of ctest and prints `N passed, N failed`; ends with 1 if any failed.

A ctest entry is a whole program. What it prints says how many cases it ran: doctest's summary, or the line
`N passed, N failed` of our own scripts. An entry that prints neither is one case. An entry that failed although its
cases passed (crash at exit, time limit, sanitizer) is one failure more.
"""
import re
import sys
import xml.etree.ElementTree

DOCTEST = re.compile(r"^\[doctest\] test cases: *\d+ *\| *(\d+) passed *\| *(\d+) failed", re.MULTILINE)
OURS = re.compile(r"^(\d+) passed, (\d+) failed$", re.MULTILINE)


def count(case):
    output = case.findtext("system-out") or ""
    found = DOCTEST.findall(output) or OURS.findall(output)
    good = case.get("status") == "run"
    if not found:
        return (1, 0) if good else (0, 1)
    passed, failed = (int(number) for number in found[-1])
    return passed, failed if good else max(failed, 1)


def main():
    try:
        cases = xml.etree.ElementTree.parse(sys.argv[1]).getroot().iter("testcase")
    except (OSError, xml.etree.ElementTree.ParseError) as error:
        print(f"no test report: {error}")
        print("0 passed, 1 failed")
        return 1
    counts = [count(case) for case in cases if case.get("status") != "disabled"]
    passed, failed = (sum(column) for column in zip(*counts)) if counts else (0, 1)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


sys.exit(main())
