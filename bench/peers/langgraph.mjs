// LangGraph.js: its prebuilt ReAct agent with its SQLite checkpointer. The action's tool interrupts the graph for the
// customer's yes, which resumes it from the checkpoint.
import { tool } from "@langchain/core/tools";
import { Command, interrupt } from "@langchain/langgraph";
import { SqliteSaver } from "@langchain/langgraph-checkpoint-sqlite";
import { createReactAgent } from "@langchain/langgraph/prebuilt";
import { ChatOpenAI } from "@langchain/openai";
import { z } from "zod";
import { isYes, question, reasons, told } from "./bank.mjs";

function tools(bank) {
  const described = (name, schema) => ({ name, description: told[name], schema });
  return [
    tool((_, { configurable }) => bank.profile(configurable.customer), described("get_customer_profile", z.object({}))),
    tool((_, { configurable }) => bank.delivery(configurable.customer), described("check_card_delivery", z.object({}))),
    tool(({ address, reason }, { configurable, toolCall }) => {
      if (!isYes(interrupt(question(address)))) return JSON.stringify({ class: "refused", reason: "declined" });
      return bank.reissue(configurable.thread_id, toolCall.id, configurable.customer, address, reason);
    }, described("reissue_card", z.object({ address: z.string(), reason: z.enum(reasons) }))),
  ];
}

export function langgraph({ provider, bank, db, instructions, durability }) {
  const agent = createReactAgent({
    llm: new ChatOpenAI({ model: "simulated-1", apiKey: "none", configuration: { baseURL: provider } }),
    tools: tools(bank),
    prompt: instructions,
    checkpointSaver: new SqliteSaver(db),
  });

  return async function say(talk, text) {
    const input = talk.asked ? new Command({ resume: text }) : { messages: [{ role: "user", content: text }] };
    const config = { configurable: { thread_id: talk.id, customer: talk.customer }, durability };
    const state = await agent.invoke(input, config);
    talk.asked = state.__interrupt__?.[0]?.value;
    return talk.asked ?? state.messages.at(-1).content;
  };
}
