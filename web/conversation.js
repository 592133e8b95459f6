"use strict";
// One conversation's journal for staff. Everything is put in as text: nothing in a journal is ever markup here.
(function () {
  const id = location.pathname.split("/").pop();
  const form = document.getElementById("key"), status = document.getElementById("status"), list = document.getElementById("events");
  document.getElementById("name").textContent = id;

  const classes = {
    "message.received": "customer", "reply.sent": "agent", "human.message": "agent", "action.proposed": "action",
    "confirmation.given": "action", "action.started": "action", "action.done": "action"
  };

  function add(parent, tag, className, text) {
    const e = document.createElement(tag);
    e.className = className;
    e.textContent = text;
    parent.appendChild(e);
  }

  function show(event) {
    const item = document.createElement("li");
    const body = Object.assign({}, event.body), words = body.text;
    item.id = String(event.seq);
    item.className = classes[event.kind] || "";
    add(item, "div", "head", event.seq + " · " + event.kind + " · " + event.at);
    if (typeof words === "string") {
      add(item, "p", "words", words);
      delete body.text;
    }
    if (Object.keys(body).length) {
      const more = document.createElement("details");
      add(more, "summary", "head", "the event");
      add(more, "pre", "", JSON.stringify(body, null, 1));
      for (const call of body.calls || []) add(item, "p", "words", "calls " + call.name + " " + call.args);
      if (body.tool && body.result) add(item, "p", "words", body.tool + ": " + JSON.stringify(body.result));
      if (body.tool && body.args && event.kind === "action.proposed") add(item, "p", "words", "proposes " + body.tool + " " + JSON.stringify(body.args));
      item.appendChild(more);
    }
    list.appendChild(item);
  }

  async function load(token) {
    status.textContent = "Loading…";
    try {
      const answer = await fetch("/v1/conversations/" + encodeURIComponent(id) + "/journal", { headers: { Authorization: "Bearer " + token } });
      const data = await answer.json();
      if (!answer.ok) throw new Error(data.detail);
      list.textContent = "";
      data.events.forEach(show);
      form.hidden = true;
      status.textContent = data.events.length + " events";
      sessionStorage.setItem("candor-operator", token);
    } catch (e) {
      form.hidden = false;
      sessionStorage.removeItem("candor-operator");
      status.textContent = "It cannot be shown: " + e.message;
    }
  }

  form.addEventListener("submit", function (e) {
    e.preventDefault();
    load(document.getElementById("token").value.trim());
  });
  const known = sessionStorage.getItem("candor-operator");
  if (known) load(known);
})();
