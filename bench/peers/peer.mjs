// One peer and its customers in one process, without an HTTP server between them, which spares the peer that work.
//
//   node peer.mjs NAME PROVIDER_URL BANK_URL DATABASE INSTRUCTIONS_FOLDER TALKS SECONDS
//
// NAME is langgraph-sync, langgraph-async, langgraph-default (async, the checkpointer's own pragmas) or ai-sdk. Like
// bench/load it prints "begin" when it is warm, "end" and a JSON object when the time is over, and "drained" with the number
// of conversations once all are finished; a reply that is not the expected one ends it. `node peer.mjs check` only says by
// its exit status whether everything that it needs is installed.
import Database from "better-sqlite3";
import { readFileSync } from "node:fs";
import { aiSdk } from "./ai_sdk.mjs";
import { bank } from "./bank.mjs";
import { langgraph } from "./langgraph.mjs";

const WARM_UP_MS = 5000; // longer than bench/load's: V8 compiles what is hot little by little
const lines = [
  { say: "Where is my card?", hear: "your card ending in" },
  { say: "I asked at the desk, it is not there", hear: "Shall I order a new card to" },
  { say: "Yes please", hear: "Your new card is ordered, reference RC-" },
];
const customers = ["emma", "bruno", "grace"];

const [name, provider, bankUrl, database, folder, talks, seconds] = process.argv.slice(2);
if (name === "check") {
  new Database(":memory:").close();
  process.exit(0);
}
const db = new Database(database);
if (name !== "langgraph-default") {
  db.pragma("journal_mode = WAL");
  db.pragma("synchronous = FULL");
}
const world = {
  provider, bank: bank(bankUrl), db, durability: name === "langgraph-sync" ? "sync" : "async",
  instructions: ["voice.md", "card_delivery.md"].map((file) => readFileSync(`${folder}/${file}`, "utf8")).join("\n"),
};
const say = name === "ai-sdk" ? aiSdk(world) : langgraph(world);

const took = [];
let measuring = false, draining = false, turns = 0, conversations = 0, measured = 0;

async function converse(talk) {
  for (const line of lines) {
    const began = performance.now(), reply = await say(talk, line.say);
    if (!reply.includes(line.hear)) throw new Error(`${name} said ${JSON.stringify(reply)} to "${line.say}"`);
    turns++;
    if (measuring) took.push(performance.now() - began);
  }
  conversations++;
  measured += measuring;
}

async function customer(n) {
  for (let i = 0; !draining; i++) await converse({ id: `${n}-${i}`, customer: customers[n % customers.length] });
}

// At least so long, and until each customer could have had so many turns: they begin in step, so that with 256 of them a
// slow peer ends no turn at all for seconds, and then many at once.
async function pass(ms, turnsEach) {
  const began = performance.now(), before = turns;
  while (performance.now() - began < ms || turns < before + turnsEach * talks) await new Promise((done) => setTimeout(done, 10));
  return performance.now() - began;
}

const share = (p) => took[Math.floor(p * (took.length - 1))] ?? 0;

const all = Promise.all(Array.from({ length: Number(talks) }, (_, n) => customer(n)));
all.catch((e) => { console.error(e); process.exit(1); });
await pass(WARM_UP_MS, 1);
console.log("begin");
measuring = true;
const lasted = await pass(seconds * 1000, lines.length);
measuring = false;
draining = true;
console.log("end");
took.sort((a, b) => a - b);
console.log(JSON.stringify({
  seconds: lasted / 1000, turns: took.length, conversations: measured, turn_p50_ms: share(0.5), turn_p99_ms: share(0.99),
  journal_mode: db.pragma("journal_mode", { simple: true }), synchronous: db.pragma("synchronous", { simple: true }),
}));
await all;
db.close();
console.log("drained " + JSON.stringify({ conversations }));
process.exit(0);
