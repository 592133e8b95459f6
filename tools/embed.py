#!/usr/bin/env python3
"""Writes the files of web/ as an assembler file that includes their bytes, and a table of them in C.

    tools/embed.py FOLDER FILE ...      # writes FOLDER/assets.S, FOLDER/assets_table.c and FOLDER/NAME.gz

src/app/assets.h says what the table holds. The same files give the same bytes on every machine:
paths are sorted and gzip gets no time stamp. .incbin takes milliseconds where a C array of a
megabyte takes gcc seconds.
"""
import gzip
import hashlib
import os
import sys

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".txt": "text/plain; charset=utf-8",
}


def gzipped(folder, name, data):
    """The path of the gzipped copy, or None where it would be no smaller."""
    packed = gzip.compress(data, 9, mtime=0)
    packed = packed[:9] + b"\xff" + packed[10:]  # the byte that names the packing system: unknown
    path = os.path.join(folder, name + ".gz")
    with open(path, "wb") as f:
        f.write(packed)
    return (path, len(packed)) if len(packed) < len(data) else (None, 0)


def main():
    folder, files = os.path.abspath(sys.argv[1]), sorted(sys.argv[2:], key=os.path.basename)
    asm = ["/* Made by tools/embed.py. */", ".section .rodata"]
    rows, names = [], []

    def include(label, path):
        asm.extend([".balign 16", ".global %s" % label, ".hidden %s" % label, "%s:" % label,
                    '.incbin "%s"' % path.replace("\\", "\\\\").replace('"', '\\"')])
        names.append(label)

    for i, file in enumerate(files):
        name = os.path.basename(file)
        kind = TYPES.get(os.path.splitext(name)[1])
        if not kind:
            sys.exit("%s:1: tools/embed.py knows no content type for this ending" % file)
        with open(file, "rb") as f:
            data = f.read()
        include("asset_%d" % i, os.path.abspath(file))
        gz_path, gz_n = gzipped(folder, name, data)
        if gz_path:
            include("asset_%d_gz" % i, gz_path)
        etag = hashlib.sha256(data).hexdigest()[:16]
        rows.append('    {"/%s", "%s", "W/\\"%s\\"", asset_%d, %d, %s, %d},'
                    % (name, kind, etag, i, len(data), "asset_%d_gz" % i if gz_path else "NULL", gz_n))
    asm.append('.section .note.GNU-stack,"",%progbits')

    table = ["/* Made by tools/embed.py. */", '#include "app/assets.h"', ""]
    table += ["extern const unsigned char %s[] __attribute__((visibility(\"hidden\")));" % n for n in names]
    table += ["", "const struct asset assets[] = {", *rows, "};",
              "const size_t assets_n = sizeof assets / sizeof assets[0];"]
    for name, lines in (("assets.S", asm), ("assets_table.c", table)):
        with open(os.path.join(folder, name), "w", encoding="utf-8") as f:
            f.write("\n".join(lines) + "\n")


main()
