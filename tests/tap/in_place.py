# SPDX-License-Identifier: Apache-2.0
"""in_place.py FILE ASKED ANSWERED: changes octets of FILE, and not its times.

It writes through a mapping that stays. The file system notices the first octet that is written
there, and none of the next ones until it has written the file.

Each line of the FIFO ASKED is "OLD NEW", two strings of the same length, or "young", which
sets the file's times to now. A line in the FIFO ANSWERED tells the file's state: inode, size
and times. Ends at the line "quit".
"""
import mmap
import os
import sys

path, asked, answered = sys.argv[1:]
with open(path, "r+b") as file:
    text = mmap.mmap(file.fileno(), 0)
    line = []
    while line != ["quit"]:
        with open(asked) as lines:
            line = lines.readline().split()
        if line == ["young"]:
            text[0] = text[0]
            os.utime(file.fileno())
        elif line != ["quit"]:
            old, new = (word.encode() for word in line)
            at = text.find(old)
            text[at:at + len(old)] = new
        state = os.fstat(file.fileno())
        with open(answered, "w") as answer:
            print(state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns, file=answer)
