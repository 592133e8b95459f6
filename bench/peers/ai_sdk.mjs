// Vercel AI SDK: generateText with tools. It keeps nothing itself, so the messages go into a table: the customer's before
// the model is asked, and what each step brought when it ends; every turn reads them from there. The action's tool needs
// an approval, which is the customer's yes.
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateText, stepCountIs, tool } from "ai";
import { z } from "zod";
import { isYes, question, reasons, told } from "./bank.mjs";

function messages(db) {
  db.exec(`CREATE TABLE messages(conversation TEXT NOT NULL, seq INTEGER NOT NULL, message TEXT NOT NULL,
           PRIMARY KEY(conversation, seq)) WITHOUT ROWID`);
  const select = db.prepare("SELECT message FROM messages WHERE conversation = ? ORDER BY seq").pluck();
  const insert = db.prepare("INSERT INTO messages VALUES(?, ?, ?)");
  return {
    load: (id) => select.all(id).map((text) => JSON.parse(text)),
    append: db.transaction((id, seq, list) => list.forEach((m, i) => insert.run(id, seq + i, JSON.stringify(m)))),
  };
}

function tools(bank) {
  const about = (name, inputSchema, execute, more) => ({
    [name]: tool({ description: told[name], inputSchema, execute: (input, { toolCallId, experimental_context: talk }) =>
      execute(input, talk, toolCallId), ...more }),
  });
  return {
    ...about("get_customer_profile", z.object({}), (_, talk) => bank.profile(talk.customer)),
    ...about("check_card_delivery", z.object({}), (_, talk) => bank.delivery(talk.customer)),
    ...about("reissue_card", z.object({ address: z.string(), reason: z.enum(reasons) }),
      ({ address, reason }, talk, call) => bank.reissue(talk.id, call, talk.customer, address, reason),
      { needsApproval: true }),
  };
}

const approvalAsked = (message) =>
  Array.isArray(message?.content) ? message.content.find((part) => part.type === "tool-approval-request") : undefined;

function customerMessage(text, last) {
  const asked = approvalAsked(last);
  if (!asked) return { role: "user", content: text };
  return { role: "tool", content: [{ type: "tool-approval-response", approvalId: asked.approvalId, approved: isYes(text) }] };
}

export function aiSdk({ provider, bank, db, instructions }) {
  const model = createOpenAICompatible({ name: "simulated", baseURL: provider })("simulated-1");
  const table = messages(db), toolSet = tools(bank);

  return async function say(talk, text) {
    const before = table.load(talk.id), said = customerMessage(text, before.at(-1));
    table.append(talk.id, before.length, [said]);
    let kept = 0;
    const result = await generateText({
      model, system: instructions, messages: [...before, said], tools: toolSet, stopWhen: stepCountIs(8),
      experimental_context: talk,
      onStepFinish({ response }) {
        table.append(talk.id, before.length + 1 + kept, response.messages.slice(kept));
        kept = response.messages.length;
      },
    });
    const asked = result.content.find((part) => part.type === "tool-approval-request");
    return asked ? question(asked.toolCall.input.address) : result.text;
  };
}
