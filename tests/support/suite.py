#!/usr/bin/env python3
"""Runs the test programs that a build tree registers with CTest under one label; prints one line per case.

usage: suite.py BUILD LABEL [--smoke|--figures]

A line is `ok PROGRAM.CASE`, `FAIL PROGRAM.CASE: reason` or `skip PROGRAM.CASE: reason`. A GoogleTest program has
one line per case; any other program is one case, judged by its exit status. The output is in BUILD/test-logs.
Two programs run at the same time.
"""

import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import sys

CASE = re.compile(r"^\[\s*(OK|FAILED|SKIPPED)\s*\] (\S+?),? .*\(\d+ ms\)$")


def declared_tests(build, label):
    listing = subprocess.run(["ctest", "--test-dir", str(build), "--show-only=json-v1"],
                             check=True, capture_output=True, text=True)
    for test in json.loads(listing.stdout)["tests"]:
        properties = {p["name"]: p["value"] for p in test.get("properties", [])}
        if label in properties.get("LABELS", []):
            yield test["name"], test.get("command"), properties


def run_program(build, name, command, properties):
    if not command or not pathlib.Path(command[0]).exists():
        return [f"FAIL {name}: not built"]
    log = build / "test-logs" / f"{name}.log"
    environment = dict(os.environ)
    for setting in properties.get("ENVIRONMENT", []):
        key, _, value = setting.partition("=")
        environment[key] = value
    with log.open("wb") as output:
        try:
            status = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                                    env=environment, timeout=float(properties.get("TIMEOUT", 600)),
                                    cwd=properties.get("WORKING_DIRECTORY", build)).returncode
        except subprocess.TimeoutExpired:
            status = "none, it did not end in time"
    lines = case_lines(name, log.read_text(errors="replace"))
    failed = any(line.startswith("FAIL ") for line in lines)
    if status != 0 and not failed:
        lines.append(f"FAIL {name}: exit status {status}, see {log}")
    elif failed:
        lines = [f"{line}: see {log}" if line.startswith("FAIL ") else line for line in lines]
    elif not lines:
        lines = [f"ok {name}"]
    return lines


def case_lines(program, output):
    words = {"OK": "ok", "FAILED": "FAIL", "SKIPPED": "skip"}
    lines = []
    for line in output.splitlines():
        match = CASE.match(line)
        if match:
            lines.append(f"{words[match[1]]} {program}.{match[2]}")
    return lines


def main():
    build, label = pathlib.Path(sys.argv[1]).resolve(), sys.argv[2]
    smoke = "--smoke" in sys.argv[3:]
    (build / "test-logs").mkdir(exist_ok=True)
    tests = list(declared_tests(build, label))
    if smoke:
        tests = [(name, command + ["--benchmark_min_time=0.001"], properties) for name, command, properties in tests]
    failed = not tests
    if label == "bench" and not smoke:
        for name, command, _ in tests:
            status = subprocess.run(command).returncode
            print(f"ok {name}" if status == 0 else f"FAIL {name}: exit status {status}", flush=True)
            failed |= status != 0
        return 1 if failed else 0
    with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
        runs = [pool.submit(run_program, build, *test) for test in tests]
        for run in concurrent.futures.as_completed(runs):
            lines = run.result()
            failed |= any(line.startswith("FAIL ") for line in lines)
            print("\n".join(lines), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
