#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""promises.py SOURCE-DIR: each promise of docs/security.md names the tests that show it.

A promise is a list item or a table row. It links to its tests by reference, [test][NAME]. At the end of
the document, [NAME]: ../tests/FILE "SUBTEST" names the file and the subtest. SUBTEST is in the file as it
is here. Where the file puts the name together, SUBTEST is a part of it.
"""
import pathlib
import re
import sys

# Sections that explain and promise nothing: what they say is what the extension does not do.
EXPLAIN = {
    "Security model",
    "Bearer tokens",
    "What the server logs",
    "What is trusted",
    "What is not protected",
    "What a seal cannot do",
}

root = pathlib.Path(sys.argv[1])
document = root / "docs/security.md"
complaints = []


def complain(line, text):
    complaints.append(f"{document.name}:{line}: {text}")


def blocks(lines):
    """The list items and table rows of the document: section, number of the first line, text."""
    section = ""
    item = None
    header = True
    for number, line in enumerate(lines, 1):
        heading = re.match(r"#+ (.*)", line)
        if heading:
            section = heading.group(1)
        if line.startswith("- "):
            if item:
                yield item
            item = [section, number, line]
        elif item and line.startswith("  ") and line.strip():
            item[2] += " " + line.strip()
        else:
            if item:
                yield item
            item = None
        if line.startswith("|"):
            if not header and not re.match(r"\|[-| ]*\|$", line):
                yield [section, number, line]
            header = False
        else:
            header = True
    if item:
        yield item


text = document.read_text(encoding="utf-8")
lines = text.splitlines()
definition = re.compile(r'^\[([a-z0-9-]+)\]: \.\./tests/(\S+) "(.*)"$')
tests = {}
for number, line in enumerate(lines, 1):
    found = definition.match(line)
    if not found:
        continue
    name, path, subtest = found.groups()
    if name in tests:
        complain(number, f"{name} is defined twice")
    tests[name] = number
    path = root / "tests" / path
    if not path.is_file():
        complain(number, f"there is no {path.relative_to(root)}")
    elif subtest not in path.read_text(encoding="utf-8"):
        complain(number, f'{path.relative_to(root)} has no subtest "{subtest}"')

used = set()
for number, line in enumerate(lines, 1):
    for name in re.findall(r"\[test\]\[([^]]*)\]", line):
        used.add(name)
        if name not in tests:
            complain(number, f"{name} is not defined")
for name in sorted(set(tests) - used):
    complain(tests[name], f"no promise names {name}")

promises = {}
for section, number, promise in blocks(lines):
    if section in EXPLAIN:
        continue
    if "[test][" not in promise:
        complain(number, f'a promise without a test, in "{section}": {promise[:60]}')
    words = re.sub(r"\[test\]\[[^]]*\]|\W+", " ", promise).strip()
    if words in promises:
        complain(number, f"the same promise as in line {promises[words]}")
    promises[words] = number
if not promises or not tests:
    complaints.append("found no promises, or no tests")

print("\n".join(complaints), file=sys.stderr)
print(f"{len(promises)} promises, {len(tests)} tests")
sys.exit(1 if complaints else 0)
