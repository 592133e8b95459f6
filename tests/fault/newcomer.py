#!/usr/bin/env python3
"""newcomer: chat, kill -9 in the middle of a reissue, start again: exactly one card.

The bank carries out the order and never answers it, so that candor waits in the middle of the action when it is killed.
"""
import argparse, os, shutil, signal, subprocess, sys, tempfile, time

from running import ROOT, Candor, call, events_of, start_peer, words_of


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--build", default=os.path.join(ROOT, "build"))
    options = a.parse_args()
    folder = tempfile.mkdtemp(prefix="candor-newcomer-")
    workspace = os.path.join(folder, "workspace")
    shutil.copytree(os.path.join(ROOT, "examples/card-delivery"), workspace, ignore=shutil.ignore_patterns("data"))
    bank, port = start_peer([os.path.join(options.build, "examples/bank/bank"), "--port", "0", "--data",
                             os.path.join(folder, "bank"), "--hang-after-effect-next", "1"])
    sets = ["services.bank=http://127.0.0.1:%d" % port]
    candor = Candor(os.path.join(options.build, "src/candor"), workspace, sets)
    candor.start()
    try:
        _, opened = candor.call("POST", "/v1/conversations", {"customer": "ana", "locale": "pt-BR"}, {"Idempotency-Key": "n1"})
        path = "/v1/conversations/" + opened["id"]
        candor.call("POST", path + "/messages", {"text": "Cadê meu cartão?", "client_id": "1"})
        seen = 0
        while not any(t.startswith("Vou") or "?" in t for who, t in words_of(candor, opened["id"]) if who == "agent"):
            time.sleep(0.02)
        candor.call("POST", path + "/messages", {"text": "sim, pode pedir", "client_id": "2"})
        cards = 0
        while cards == 0:  # the order has reached the bank, its answer will never come
            _, rows = call(port, "GET", "/v1/reissues?customer=ana")
            cards = len(rows["reissues"] if "reissues" in rows else rows["data"]["reissues"])
            time.sleep(0.01)
        candor.process.send_signal(signal.SIGKILL)
        print("killed in the middle of the reissue; started again")
        until = time.time() + 30
        while time.time() < until:
            words = words_of(candor, opened["id"])
            if "RC-" in words[-1][1]:
                break
            time.sleep(0.05)
        _, rows = call(port, "GET", "/v1/reissues?customer=ana")
        cards = len(rows["reissues"] if "reissues" in rows else rows["data"]["reissues"])
        for who, text in words:
            print("%s> %s" % (who, text))
        print("cards: %d" % cards)
        good = cards == 1 and "RC-" in words[-1][1] and candor.kills == 1
    finally:
        candor.stop()
        bank.terminate()
        bank.wait()
        shutil.rmtree(folder, ignore_errors=True)
    sys.exit(0 if good else 1)


main()
