#!/usr/bin/env python3
"""mesos simulate, the program itself: the table of the allocator's rows, its output, and what it refuses.

    simulate_test.py BIN [PART...]      BIN: the build's bin/; parts: table wrong_ways output refused docs

A row is simulate/ROW.json; what is to run at its end stands here, in the order of its frameworks.
"""

import json
import os
import re
import subprocess
import sys

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "simulate")
PAGE = os.path.join(HERE, "../../../../docs/simulate.md")
MESOS = os.path.join(sys.argv[1], "mesos")

ROWS = {
    "drf-1": [3, 2],
    "hdrf-2": [240, 48, 96, 96],
    "hdrf-2-idle": [240, 80, 160, 0],
    "hdrf-4": [5, 5, 10],
    "hdrf-4b": [30, 30, 30],
    "hdrf-5": [10, 10, 10, 15, 15],
    "hdrf-6": [60, 90, 30],
    "hdrf-8": [156, 196, 20, 20],
    "hdrf-w1": [40, 20, 60],
    "mixed": [20, 20, 20, 60],
}
# The second comes when the first has it all: alone on one machine, on ten, and with a guarantee besides.
LATE = {"big-late": [52, 12], "late-on-many": [51, 7], "late-with-quota": [51, 7]}
# What adding up the tree comes to, as Mesos does: it starves somebody after churn.
STARVED = {"hdrf-4": [10, 0, 10], "hdrf-5": [15, 15, 0, 15, 15]}
SEEDS = (1, 2, 3)

failures = 0


def check(what, wanted, got):
    global failures
    if wanted != got:
        print(f"FAILED: {what}\n  wanted: {wanted}\n  got:    {got}")
        failures += 1


def load(row, **changes):
    with open(os.path.join(HERE, row + ".json"), encoding="utf-8") as file:
        return {**json.load(file), **changes}


def call(scenario, *flags):
    text = scenario if isinstance(scenario, str) else json.dumps(scenario)
    return subprocess.run([MESOS, "simulate", *flags, "-"], input=text, capture_output=True,
                          encoding="utf-8", check=False)


def run(scenario):
    done = call(scenario, "--json")
    if done.returncode != 0:
        return {"frameworks": [], "error": done.stderr}
    return json.loads(done.stdout)


def tasks(scenario):
    return [one["running"] for one in run(scenario)["frameworks"]]


def check_table():
    for row, wanted in ROWS.items():
        check(f"{row} after the first fill", wanted, tasks(load(row, churn={"steps": 0})))
        for seed in SEEDS:
            check(f"{row} after churn, seed {seed}", wanted, tasks(load(row, seed=seed)))
    for row, wanted in LATE.items():
        for seed in SEEDS:
            check(f"{row}, seed {seed}", wanted, tasks(load(row, seed=seed)))


def check_wrong_ways():
    for row, wanted in STARVED.items():
        for seed in SEEDS:
            check(f"{row} by drf", wanted, tasks(load(row, policy="drf", seed=seed)))
    drifted = tasks(load("hdrf-8", policy="drf"))
    check(f"hdrf-8 by drf drifts ({drifted})", True, drifted != ROWS["hdrf-8"])
    check("random keeps to no table", True, tasks(load("hdrf-2", policy="random")) != ROWS["hdrf-2"])


TWO = {
    "agents": [{"count": 3, "resources": {"cpus": 2, "mem": 4}}, {"resources": {"cpus": 1.5, "mem": 1}}],
    "roles": [{"name": "a", "weight": 2, "quota": {"limit": {"cpus": 5}}}],
    "frameworks": [
        {"name": "one", "role": "a", "task": {"cpus": 0.5, "mem": 0.125}},
        {"name": "few", "role": "b/c", "task": {"cpus": 0.5}, "tasks": 2},
    ],
}


def check_output():
    got = run(TWO)
    check("three keys", ["frameworks", "roles", "decisions"], list(got))
    one, few = got["frameworks"]
    check("who waits has six keys",
          ["name", "role", "running", "resources", "dominant_share", "waiting_because"], list(one))
    check("who has all it wants has no reasons", False, "waiting_because" in few)
    check("the limit holds", (10, {"cpus": 5, "mem": 1.25}), (one["running"], one["resources"]))
    check("reasons add up to the agents", 4, sum(why["agents"] for why in one["waiting_because"]))
    check("a reason is words", True, all(why["reason"] for why in one["waiting_because"]))
    check("a finite number of tasks", (2, {"cpus": 1}), (few["running"], few["resources"]))
    check("a share", round(5 / 7.5, 6), one["dominant_share"])
    check("roles by path, those above too", ["a", "b", "b/c"], [role["name"] for role in got["roles"]])
    check("keys of a role", ["name", "dominant_share", "guaranteed_share"], list(got["roles"][0]))
    check("decisions", 12, got["decisions"])
    check("the same twice", call(TWO, "--json").stdout, call(TWO, "--json").stdout)
    table = call(TWO).stdout.split("\n")
    check("a table without --json", ["FRAMEWORK", "ROLE", "RUNNING", "HOLDS", "SHARE"], table[0].split()[:5])
    path = os.path.join(HERE, "drf-1.json")
    by_name = subprocess.run([MESOS, "simulate", "--json", path], capture_output=True,
                             encoding="utf-8", check=False)
    check("a file by its name", run(load("drf-1")), json.loads(by_name.stdout))


def check_refused():
    for what, text, words in (
        ("no JSON", "{", "stdin: line 1, column 1"),
        ("an empty file", "", "stdin: line 1"),
        ("NaN", '{"agents": [{"resources": {"cpus": NaN}}]}', "stdin: line 1"),
        ("no object", "[]", "all of it: an object is wanted"),
        ("an unknown key", {**TWO, "agent": 1}, "agent: there is no such key"),
        ("more tasks than can be counted one by one",
         {"agents": [{"count": 50000, "resources": {"cpus": 4000}}],
          "frameworks": [{"name": "dust", "role": "a", "task": {"cpus": 0.001}}]}, "frameworks[0].task: so small"),
        ("a wrong role", {**TWO, "roles": [{"name": "a//b"}]}, 'roles[0].name: role "a//b" '),
    ):
        done = call(text)
        check(f"{what}: status", 2, done.returncode)
        check(f"{what}: nothing on stdout", "", done.stdout)
        check(f"{what}: one line", 1, done.stderr.count("\n"))
        check(f"{what}: the place in {done.stderr!r}", True, words in done.stderr)
    for flags in ([], ["a", "b"], ["--no-such-flag"], ["/no/such/file"]):
        done = subprocess.run([MESOS, "simulate", *flags], capture_output=True, encoding="utf-8", check=False)
        check(f"simulate {flags}", (2, 1), (done.returncode, done.stderr.count("\n")))


def blocks(page):
    """What is set in by four columns, with the last `NAME.json` that a line before it begins with."""
    name, block = None, []
    for line in page.split("\n") + [""]:
        if line.startswith("    "):
            block.append(line[4:])
        elif line == "" and block and block[0].startswith("$ "):
            block.append("")  # tables are parted by empty lines; the answer goes on
        else:
            if block:
                yield name, "\n".join(block).rstrip("\n")
            block = []
            found = re.match(r"`(\w+\.json)`", line)
            name = found[1] if found else name


def check_docs():
    """A page's example is a scenario, or what differs from the last whole one; and what it prints."""
    with open(PAGE, encoding="utf-8") as file:
        page = file.read()
    whole, scenarios, answers = {}, {}, 0
    for name, block in blocks(page[page.index("## Example"):]):
        if block.startswith("{"):
            whole = scenarios[name] = json.loads(block)
        elif block.startswith('"'):
            scenarios[name] = {**whole, **json.loads("{" + block.rstrip(",") + "}")}
        elif block.startswith("$ mesos simulate "):
            command, answer = block.split("\n", 1)
            check(f"docs/simulate.md: {command}", answer, call(scenarios[command.split()[-1]]).stdout.rstrip("\n"))
            answers += 1
    check("all answers of the page", 7, answers)


for part in (check_table, check_wrong_ways, check_output, check_refused, check_docs):
    if len(sys.argv) < 3 or part.__name__.removeprefix("check_") in sys.argv[2:]:
        part()
print(f"{failures} failures" if failures else "all is well")
sys.exit(failures > 0)
