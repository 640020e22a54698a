#!/usr/bin/env python3
"""Holds the tree to docs/hacking.md's rules that a program can check: arrows, sizes, banned calls.

    tests/tidy/house.py [--root DIRECTORY] [RULE...]      all rules, or those named

Each rule is a function from a file to complaints; house_test.py shows each of them a bad sample. A line
may be excused with its reason: /* tidy: RULE because REASON */
"""

import argparse
import os
import re
import sys

LINE_LIMIT = 100
FUNCTION_LIMIT = 70
FILE_LIMIT = 800

BASE = ("common/base",)
MODEL = BASE + ("common/model",)
WIRE = MODEL + ("common/wire",)
RUNTIME = BASE + ("common/runtime",)
SHELL = MODEL + ("common/wire", "common/runtime", "common/storage")
USER = ("mesos",)

# The arrows: who may include what of ours. The longest folder that fits a file decides; a folder may
# always include itself.
ARROWS = {
    "include/mesos": USER,
    "src/common/base": BASE,
    "src/common/model": MODEL,
    "src/common/wire": WIRE + USER + ("internal",),
    "src/common/runtime": RUNTIME,
    "src/common/storage": RUNTIME,
    "src/allocator": MODEL + ("mesos",),
    "src/master/core": MODEL + ("allocator", "mesos/allocator.h"),
    "src/master/shell": SHELL + ("allocator", "master", "zookeeper", "mesos", "internal"),
    "src/agent/core": MODEL,
    "src/agent/container": MODEL + ("common/runtime", "init"),
    "src/agent/shell": SHELL + ("agent", "zookeeper", "mesos", "internal"),
    # Tiny and static; nothing of the cluster's words.
    "src/init": BASE,
    # The core is pure: the simulator has an ensemble of its own.
    "src/zookeeper/core": MODEL,
    "src/zookeeper/shell": SHELL + ("zookeeper",),
    "src/lib/core": MODEL + ("common/wire",) + USER,
    "src/lib/shell": SHELL + USER + ("lib", "zookeeper", "internal"),
    "src/lib": SHELL + USER + ("internal",),
    # Lives on libmesos and the operator API, as any user does.
    "src/cli": SHELL + USER + ("allocator/simulate", "zookeeper"),
    "src/frameworks": USER,
}

# The libraries of others: a header's first letters, and the only folders that see it.
FOREIGN = {
    "event2/": ("src/common/runtime",),
    "evhttp": ("src/common/runtime",),
    "protobuf-c/": ("src/common/wire", "src/lib", "src/cli", "include/mesos", "src/frameworks",
                    "src/master/shell", "src/agent/shell"),
    "zookeeper/zookeeper.h": ("src/zookeeper/shell",),
    "lmdb.h": ("src/common/storage",),
    "libcgroup.h": ("src/agent/container",),
    "jansson.h": ("src/common/wire", "src/cli", "src/zookeeper/shell"),
    "openssl/": ("src/common/runtime",),
    "pcre2.h": ("src/common/model",),
}
# Generated from proto/. In the shells only what answers the operator API sees them (decisions/0002).
GENERATED = re.compile(r"\.pb-c\.h$")
GENERATED_IN = FOREIGN["protobuf-c/"]

BANNED = {
    "strcpy": "struct buf", "strcat": "struct buf", "strncpy": "struct buf", "strncat": "struct buf",
    "sprintf": "buf_printf", "vsprintf": "buf_printf", "strtok": "text_split", "strtok_r": "text_split",
    "atoi": "text_to_i64", "atol": "text_to_i64", "atof": "units.h", "gets": "a bounded read",
    "rand": "struct rng", "srand": "struct rng", "random": "struct rng", "system": "child.h",
    "popen": "child.h", "alloca": "the arena",
}
BANNED_IN_TESTS = {"sleep": "an event", "usleep": "an event", "nanosleep": "an event"}
MARKS = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X|HA" + r"CK)\b|[Nn]ot " + r"implemented")

RULES = {}


def rule(function):
    RULES[function.__name__] = function
    return function


def strip(text):
    """Blanks comments and the insides of literals, keeping every line and column."""
    pattern = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)

    def blank(match):
        found = match.group()
        if found[0] in "\"'":
            return found[0] + " " * (len(found) - 2) + found[0]
        return re.sub(r"[^\n]", " ", found)

    return pattern.sub(blank, text)


def folder_of(path, table):
    fits = [folder for folder in table if path.startswith(folder + "/")]
    return max(fits, key=len) if fits else None


def under(include, prefixes):
    return any(include == prefix or include.startswith(prefix + "/") for prefix in prefixes)


@rule
def arrows(path, text):
    folder = folder_of(path, ARROWS)
    if folder is None:
        return
    own = folder.split("/", 1)[1]
    for number, line in enumerate(text.splitlines(), 1):
        found = re.match(r'\s*#\s*include\s*(["<])([^">]+)[">]', line)
        if not found:
            continue
        quote, include = found.groups()
        foreign = next((f for f in FOREIGN if include.startswith(f)), None)
        if GENERATED.search(include):
            if not under(path, GENERATED_IN):
                yield number, f"{include}: generated structs stay in {', '.join(GENERATED_IN)}"
        elif foreign:
            if not under(path, FOREIGN[foreign]):
                yield number, f"{include} is seen by {', '.join(FOREIGN[foreign])} alone"
        elif quote == '"' and "/" in include and not under(include, ARROWS[folder] + (own,)):
            yield number, f"{folder} may not include {include}"
        elif quote == '"' and "/" not in include:
            yield number, f"{include}: say the path from src/ or include/"
        elif quote == "<" and include.startswith("mesos/") and not under(include, ARROWS[folder] + (own,)):
            yield number, f"{folder} may not include {include}"


@rule
def sizes(path, text):
    lines = text.split("\n")
    if lines and lines[-1] == "":
        lines.pop()
    if len(lines) > FILE_LIMIT:
        yield len(lines), f"{len(lines)} lines; {FILE_LIMIT} at most"
    for number, line in enumerate(lines, 1):
        if len(line) > LINE_LIMIT:
            yield number, f"{len(line)} columns; {LINE_LIMIT} at most"
    opened = name = None
    for number, line in enumerate(strip(text).split("\n"), 1):
        if opened is None and re.match(r"^[A-Za-z_{].*\{$|^\{$|^ .*\) \{$", line) and "=" not in line:
            if ")" in line or line == "{":
                opened = number
                name = lines[number - 1].strip()
        if line.startswith("}"):
            if opened is not None and number - opened + 1 > FUNCTION_LIMIT:
                yield opened, f"{number - opened + 1} lines in {name}; {FUNCTION_LIMIT} at most"
            opened = None


@rule
def banned_calls(path, text):
    banned = dict(BANNED)
    if path.startswith("tests/"):
        banned.update(BANNED_IN_TESTS)
    call = re.compile(r"(?<![\w.>])(" + "|".join(banned) + r")\s*\(")
    for number, line in enumerate(strip(text).split("\n"), 1):
        for found in call.finditer(line):
            yield number, f"{found.group(1)}(): use {banned[found.group(1)]}"


@rule
def no_default_over_an_enum(path, text):
    """A switch whose every case is an enumerator in capitals, and that has a default none the less."""
    lines = strip(text).split("\n")
    for number, line in enumerate(lines, 1):
        found = re.match(r"^(\s*)switch \(", line)
        if not found:
            continue
        indent, labels, default = found.group(1), [], None
        for inner, body in enumerate(lines[number:], number + 1):
            if body.startswith(indent + "}"):
                break
            label = re.match(re.escape(indent) + r"\s{0,4}(case ([^:]+)|default)\s*:", body)
            if label and label.group(1) == "default":
                default = inner
            elif label:
                labels.append(label.group(2).strip())
        if default and labels and all(re.fullmatch(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)+", one) for one in labels):
            yield default, "a switch over an enum has no default: -Wswitch-enum finds what is missing"


@rule
def no_marks(path, text):
    for number, line in enumerate(text.split("\n"), 1):
        found = MARKS.search(line)
        if found:
            yield number, f"{found.group()}: do it, or write an issue"


@rule
def no_struct_typedefs(path, text):
    for number, line in enumerate(strip(text).split("\n"), 1):
        a_type = re.match(r"\s*typedef\s+(const\s+)?(struct|union|enum)\b", line)
        if a_type and "(" not in line:  # a type of functions has no other name
            yield number, "structs, unions and enums are called by their names"


@rule
def begins_with_its_idea(path, text):
    """A header tells what it is for; so does a source file that has no header of its own beside it."""
    alone = path.endswith(".c") and path.startswith("src/") and not HAS_HEADER(path)
    if (path.endswith(".h") or alone) and not text.startswith(("/*", "//")):
        yield 1, "a file begins with a comment that tells its idea"


def HAS_HEADER(path):
    return os.path.exists(os.path.join(ROOT, path[:-2] + ".h"))


@rule
def ends_well(path, text):
    if text and not text.endswith("\n"):
        yield text.count("\n") + 1, "no newline at the end"
    for number, line in enumerate(text.split("\n"), 1):
        if line != line.rstrip():
            yield number, "white space at the end of the line"
        if "\t" in line:
            yield number, "a tab; the tree has spaces"


ROOT = "."


def check(path, text, names=None):
    """The complaints about one file, as (line, rule, what)."""
    lines = text.split("\n")
    found = []
    for name in names or RULES:
        for number, what in RULES[name](path, text):
            line = lines[number - 1] if number <= len(lines) else ""
            if f"tidy: {name} because " not in line:
                found.append((number, name, what))
    return sorted(found)


def sources(root):
    for top in ("src", "include", "tests", "bench"):
        for directory, folders, files in os.walk(os.path.join(root, top)):
            folders[:] = sorted(f for f in folders if f not in ("build", "samples") and f[0] != ".")
            for file in sorted(files):
                if file.endswith((".c", ".h")):
                    yield os.path.relpath(os.path.join(directory, file), root)


def main():
    global ROOT
    parser = argparse.ArgumentParser(description="hold the tree to the rules of the house")
    parser.add_argument("--root", default=os.path.join(os.path.dirname(__file__), "..", ".."))
    parser.add_argument("rules", nargs="*", choices=[[], *RULES], default=[])
    given = parser.parse_args()
    ROOT = given.root
    files = complaints = 0
    for path in sources(given.root):
        files += 1
        with open(os.path.join(given.root, path), encoding="utf-8") as file:
            text = file.read()
        for number, name, what in check(path, text, given.rules):
            complaints += 1
            print(f"{path}:{number}: {name}: {what}")
    print(f"{files} files, {complaints} complaints")
    sys.exit(complaints > 0 or files == 0)


if __name__ == "__main__":
    main()
