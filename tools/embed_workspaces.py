#!/usr/bin/env python3
"""Writes the example workspaces as an assembler file that includes their bytes, and a table of them in C.

    tools/embed_workspaces.py FOLDER DEPFILE EXAMPLES   # writes FOLDER/workspaces.S and FOLDER/workspaces_table.c

src/app/workspaces.h says what the table holds. A folder of EXAMPLES is a workspace when it has a candor.yaml; its data and keys
stay out. DEPFILE names every file and folder that was read, so that a new file is noticed.
"""
import os
import sys

folder, depfile, examples = os.path.abspath(sys.argv[1]), sys.argv[2], os.path.abspath(sys.argv[3])
asm, rows, labels, read = ["/* Made by tools/embed_workspaces.py. */", ".section .rodata"], [], [], [examples]
for name in sorted(os.listdir(examples)):
    top = os.path.join(examples, name)
    if not os.path.exists(os.path.join(top, "candor.yaml")):
        continue
    for at, folders, files in os.walk(top):
        folders[:] = sorted(f for f in folders if f != "data" and not f.startswith("."))
        read.append(at)
        for file in sorted(files):
            path = os.path.join(at, file)
            if file.endswith((".key", "~")) or (file.startswith(".") and file != ".gitignore"):
                continue
            label = "workspace_file_%d" % len(rows)
            asm += [".balign 16", ".global %s" % label, ".hidden %s" % label, "%s:" % label,
                    '.incbin "%s"' % path.replace("\\", "\\\\").replace('"', '\\"')]
            labels.append(label)
            rows.append('    {"%s", "%s", %s, %d},' % (name, os.path.relpath(path, top), label, os.path.getsize(path)))
            read.append(path)
asm.append('.section .note.GNU-stack,"",%progbits')
table = ["/* Made by tools/embed_workspaces.py. */", '#include "app/workspaces.h"', ""]
table += ["extern const unsigned char %s[] __attribute__((visibility(\"hidden\")));" % n for n in labels]
table += ["", "const struct workspace_file workspace_files[] = {", *rows, "};",
          "const size_t workspace_files_n = sizeof workspace_files / sizeof workspace_files[0];"]
for name, lines in (("workspaces.S", asm), ("workspaces_table.c", table)):
    with open(os.path.join(folder, name), "w", encoding="utf-8") as f:
        f.write("\n".join(lines) + "\n")
with open(depfile, "w", encoding="utf-8") as f:
    made = " ".join(os.path.join(os.path.dirname(depfile), n) for n in ("workspaces.S", "workspaces_table.c"))
    f.write("%s: %s\n" % (made, " ".join(p.replace(" ", "\\ ") for p in read)))
