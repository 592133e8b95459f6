"""routes: the table of routes as src/app/api.c has it, and as docs/API.md tells it."""
import glob, os, re

from server import ROOT


def text_of(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as f:
        return f.read()


def table():
    """(method, path, what it needs) of every row; a conversation is {id}, any other part {n}."""
    rows = re.findall(r'^    \{"(GET|POST)", "([^"]+)", ([\w| ]+), \w+\},$', text_of("src/app/api.c"), re.M)
    return [(method, path, set(needs.split(" | "))) for method, path, needs in rows]


def documented():
    """The same from the document's table: (method, path, is it for staff)."""
    rows = set()
    for line in text_of("docs/API.md").splitlines():
        if not re.match(r"\| `(GET|POST) ", line):
            continue
        first = line.split(" | ")[0].strip("| ")
        staff = first.endswith(" S")
        for call in re.findall(r"`([^`]+)`", first):
            method, path = call.split(" ")[:2]
            rows.add((method, path.split("?")[0].replace("{seq}", "{n}"), staff))
    return rows


def titles_in_code():
    """Every title of a problem that the API's files can answer with, and its status."""
    found = set()
    for path in glob.glob(os.path.join(ROOT, "src/app/*.c")):
        code = text_of(path)
        found |= {(title, int(status)) for status, title in
                  re.findall(r'(?:api_call_refuse|reply_problem)(?:_at)?\((?:&?\w+|\w+->\w+),\s*(\d{3}),\s*"(\w+)"', code)}
        found |= {(title, int(status)) for status, title in re.findall(r'\{(?:ERR_\w+|0), (\d{3}), "(\w+)", ', code)}
    return found


def titles_in_document():
    return {(title, int(status)) for title, status in re.findall(r"^\| `(\w+)` \| (\d{3}) \|", text_of("docs/API.md"), re.M)}
