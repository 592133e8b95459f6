#!/usr/bin/env python3
"""Tasks with several faults at once, made of tasks with one: what a generator of such tasks would ask for.

    tests/t7/combine.py TASKS.json MAX [SEED] > MORE.json

Takes the single faults of the file, puts them together (faults that exclude each other are never put together), and asserts what
the kind of the task asserts: that all works again, or, where a fault can only be handed over, that it was. Of all combinations MAX
are drawn by the seed; the ids tell the faults."""
import copy, itertools, json, random, re, sys

EXCLUDE = [{"unseat_sim_card", "lock_sim_card_pin"}, {"overdue_bill_suspension", "contract_end_suspension"},
           {"user_abroad_roaming_enabled_off", "user_abroad_roaming_disabled_on", "user_abroad_roaming_disabled_off"},
           {"break_app_sms_permission", "break_app_storage_permission", "break_app_both_permissions"}]
NOT_FOR_US = {"lock_sim_card_pin", "contract_end_suspension"}
UNDER = {"service_issue": ["service_issue"], "mobile_data_issue": ["service_issue", "mobile_data_issue"],
         "mms_issue": ["service_issue", "mobile_data_issue", "mms_issue"]}
NO_MATTER = {"mms_issue": {"data_saver_mode_on", "bad_vpn"}}  # they make data slow, which picture messages do not mind


def parts(task):
    kind, fault = re.match(r"\[(\w+)\]([^\[]*)", task["id"]).groups()
    return kind, fault


def choices(names):
    """One list for each group of faults that exclude each other: none, or one of them."""
    groups = []
    for n in names:
        group = next((g for g in EXCLUDE if n in g), {n})
        if group not in groups:
            groups.append(group)
    return [[None] + [n for n in names if n in g] for g in groups]


def together(kind, faults, single):
    own = next(t for (k, _), t in single.items() if k == kind and t["evaluation_criteria"].get("reward_basis") == ["ENV_ASSERTION"])
    task = copy.deepcopy(own)
    task["id"] = "[%s]%s" % (kind, "|".join(faults))
    of = [single[next(k for k in single if k[1] == f)] for f in faults]
    begin, checks = [own["initial_state"]["initialization_actions"][0]], []
    for t in of:
        begin += t["initial_state"]["initialization_actions"][1:]
        checks += [a for a in t["evaluation_criteria"]["env_assertions"] if a["env_type"] == "assistant"]
    begin.append({"env_type": "user", "func_name": "simulate_network_search", "arguments": {}})
    task["initial_state"]["initialization_actions"] = begin
    said = task["user_scenario"]["instructions"]
    abroad = any("abroad" in f for f in faults)
    said["known_info"] = "You are John Smith with phone number 555-123-2002. You are currently %s." % (
        "abroad in France" if abroad else "at home in the United States")
    task["ticket"] = ""
    e = task["evaluation_criteria"]
    e["env_assertions"] = [a for a in own["evaluation_criteria"]["env_assertions"] if a["env_type"] == "user"] + checks
    e["actions"], e["reward_basis"] = [], ["ENV_ASSERTION"]
    if set(faults) & NOT_FOR_US:
        lost = {"env_type": "user", "func_name": "assert_service_status", "arguments": {"expected_status": "no_service"}}
        e["env_assertions"], e["reward_basis"] = [lost], ["ENV_ASSERTION", "ACTION"]
        e["actions"] = [{"requestor": "assistant", "name": "transfer_to_human_agents", "arguments": {}, "compare_args": []}]
    return task


def combined(path, most, seed):
    """(tasks, how many combinations there are)"""
    with open(path) as f:
        single = {parts(t): t for t in json.load(f) if "|" not in t["id"]}
    made = []
    for kind, under in UNDER.items():
        names = list(dict.fromkeys(f for k, f in single if k in under and f not in NO_MATTER.get(kind, ())))
        for chosen in itertools.product(*choices(names)):
            faults = [f for f in chosen if f]
            if len(faults) > 1:
                made.append((kind, faults))
    random.Random(seed).shuffle(made)
    return [together(kind, faults, single) for kind, faults in made[:most]], len(made)


def main():
    tasks, n = combined(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 1)
    json.dump(tasks, sys.stdout)
    sys.stderr.write("%d of %d combinations\n" % (len(tasks), n))


if __name__ == "__main__":
    main()
