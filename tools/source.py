"""What the checks share: the project's files, C text without comments and strings, and one way to report."""
import fnmatch
import os
import re
import subprocess
import sys

sys.dont_write_bytecode = True
ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
os.chdir(ROOT)

findings = 0


def files(*patterns):
    """The project's files (known to git, or new and not ignored) that match a pattern (* also matches /), sorted."""
    git = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], capture_output=True,
                         text=True)
    names = git.stdout.split("\0") if git.returncode == 0 else unpacked()
    return sorted({name for name in names if os.path.isfile(name)
                   and (not patterns or any(fnmatch.fnmatchcase(name, p) for p in patterns))})


def unpacked():
    """Where git does not answer (an unpacked archive): everything but what a build leaves."""
    for folder, folders, names in os.walk("."):
        folders[:] = [f for f in folders if f not in ("__pycache__", "data") and not f.startswith(("build", ".git"))]
        for name in names:
            yield os.path.relpath(os.path.join(folder, name))


def text_of(path):
    with open(path, encoding="utf-8", errors="replace") as f:
        return f.read()


def found(path, line, sentence):
    global findings
    findings += 1
    print("%s:%d: %s" % (path, line, sentence))


def finish():
    sys.exit(1 if findings else 0)


C_TOKEN = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def code_only(text, keep_strings=False):
    """C text with comments (and the insides of strings) blanked; lines keep their numbers."""
    def blank(m):
        token = m[0]
        if token[0] in "\"'":
            return token if keep_strings else token[0] + " " * (len(token) - 2) + token[0]
        return re.sub(r"[^\n]", " ", token)
    return C_TOKEN.sub(blank, text)


def includes(path):
    """(line, name, quoted or not) of every #include."""
    for n, line in enumerate(code_only(text_of(path), keep_strings=True).splitlines(), 1):
        m = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
        if m:
            yield n, m[2], m[1] == '"'


def folder_of(path):
    """src/engine/turn.c -> engine; src/main.c -> main; None outside src/."""
    parts = path.split("/")
    if parts[0] != "src":
        return None
    return parts[1] if len(parts) > 2 else os.path.splitext(parts[1])[0]


def layers():
    """{folder: the folders it may use}, in the order of tools/layers.txt."""
    table = {}
    for line in text_of("tools/layers.txt").splitlines():
        if line.strip() and not line.startswith("#"):
            folder, uses = line.split(":")
            table[folder] = set(uses.split())
    return table


def objects(build):
    """{source path: (set of undefined symbols, set of defined symbols)} of src/, from the built objects."""
    table = {}
    for folder, _, names in os.walk(os.path.join(build, "src")):
        for name in names:
            if not name.endswith(".c.o"):
                continue
            parts = folder[len(build) + 1:].split("/")
            source = "/".join(parts[:-1] + [name[:-2]]) if parts[-1].endswith(".p") else None
            if not source or not os.path.isfile(source):
                continue
            listed = subprocess.run(["nm", "-P", os.path.join(folder, name)], check=True, capture_output=True,
                                    text=True).stdout
            undefined, defined = set(), set()
            for line in listed.splitlines():
                symbol, kind = line.split()[:2]
                if kind == "U" or kind == "w":
                    undefined.add(symbol)
                elif kind.isupper():
                    defined.add(symbol)
            table[source] = (undefined, defined)
    if not table:
        print("%s:1: nothing is built here; run make build first" % build)
        sys.exit(1)
    return table


def build_folder():
    return sys.argv[1] if len(sys.argv) > 1 else "build"
