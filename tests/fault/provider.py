#!/usr/bin/env python3
"""provider: a model that answers late, wrongly or not at all. Every message gets a reply or a person; no card is sent twice.

The simulated provider breaks answers by chance (seeded): 429, 5xx, silence, streams cut in the middle, broken SSE and JSON,
tools that do not exist, arguments that are no JSON, the same call for ever, empty answers. Customers hold conversations
through it; each message must be answered by the agent or handed over, within the time that the settings allow.
"""
import argparse, json, os, shutil, sys, tempfile, time

from running import ROOT, Candor, call, run_all, start_peer, words_of

FAULTS = ("429=0.1,500=0.1,hang=0.02,cut=0.1,badsse=0.05,badjson=0.05,badtool=0.05,badargs=0.05,loop=0.03,slow=0.02,empty=0.05")


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--conversations", type=int, default=60)
    a.add_argument("--seed", type=int, default=1)
    a.add_argument("--faults", default=FAULTS)
    a.add_argument("--build", default=os.path.join(ROOT, "build"))
    options = a.parse_args()
    folder = tempfile.mkdtemp(prefix="candor-provider-")
    workspace = os.path.join(folder, "workspace")
    shutil.copytree(os.path.join(ROOT, "examples/card-delivery"), workspace, ignore=shutil.ignore_patterns("data"))
    bank, bank_port = start_peer([os.path.join(options.build, "examples/bank/bank"), "--port", "0", "--data",
                                  os.path.join(folder, "bank"), "--reissues-max", "0"])
    model, model_port = start_peer([os.path.join(options.build, "tests/peer/simulated_provider"), "--port", "0", "--script",
                                    "card-delivery", "--seed", str(options.seed), "--faults", options.faults])
    candor = Candor(os.path.join(options.build, "src/candor"), workspace,
                    ["services.bank=http://127.0.0.1:%d" % bank_port, "provider.kind=openai", "messages_10s=0",
                     "provider.base_url=http://127.0.0.1:%d/v1" % model_port, "provider.model=simulated",
                     "provider.first_token_ms=1000", "provider.idle_ms=1000", "provider.total_ms=5000",
                     "provider.retry_ms_base=10", "provider.retry_ms_max=100"])
    scripts = [{"label": "p-%d" % i, "customer": ["ana", "ines", "joao"][i % 3], "channel": "web",
                "words": ["Where is my card?", "It never came, please send another one.", "yes please"]}
               for i in range(options.conversations)]
    candor.start()
    try:
        began = time.time()
        conversations = run_all(candor, scripts, 16)
        seconds = time.time() - began
        answered = handed = lost = doubled = 0
        for label, conversation in conversations.items():
            words = words_of(candor, conversation)
            mine = [t for who, t in words if who == "customer"]
            lost += len(mine) != 3
            status, _ = candor.call("GET", "/v1/conversations/%s/handoff" % conversation)
            handed += status == 200
            answered += status != 200
            lost += not any(who == "agent" for who, _ in words)
        cards = 0
        for customer in ("ana", "ines", "joao"):
            _, rows = call(bank_port, "GET", "/v1/reissues?customer=" + customer)
            cards += len(rows["reissues"] if "reissues" in rows else rows["data"]["reissues"])
        doubled = max(0, cards - options.conversations)
        _, control = call(model_port, "GET", "/control")
    finally:
        candor.stop()
        for p in (bank, model):
            p.terminate()
            p.wait()
        shutil.rmtree(folder, ignore_errors=True)
    print("%d conversations: %d ended by the agent, %d handed to a person, %d messages lost, %d cards, %d too many (%.1f s)" %
          (len(scripts), answered, handed, lost, cards, doubled, seconds))
    print("the provider broke: %s" % json.dumps(control))
    if candor.log:
        print("\n".join(candor.log[:5]))
    sys.exit(0 if lost == 0 and doubled == 0 and answered > 0 and not candor.log else 1)


main()
