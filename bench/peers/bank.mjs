// The three card-delivery tools against the example bank: the same requests that Candor's make, and results in the form
// in which its prompts hold them, which the simulated provider's script reads.
async function data(url, options) {
  const answer = await fetch(url, options);
  if (!answer.ok) throw new Error(`${url}: ${answer.status} ${await answer.text()}`);
  return (await answer.json()).data;
}

const ok = (result) => JSON.stringify({ class: "ok", result });

export function bank(url) {
  return {
    async profile(customer) {
      const { customer: c } = await data(`${url}/v1/customers/${customer}`);
      return ok({ first_name: c.first_name, address: c.address.text, address_type: c.address.type });
    },

    async delivery(customer) {
      const { order } = await data(`${url}/v1/customers/${customer}/card-order`);
      const { shipment } = await data(`${url}/v1/shipments/${order.tracking_code}`);
      return ok({
        card_last4: order.card_last4, promised_on: order.promised_on, carrier: order.carrier.name,
        tracking_code: order.tracking_code, status: shipment.status, delivered_on: shipment.delivered_on,
        estimated_on: shipment.estimated_on,
        days_late: Math.floor((Date.now() - Date.parse(order.promised_on)) / 86400000),
      });
    },

    // The key begins with the conversation: bench/run counts the cards of each.
    async reissue(conversation, call, customer, address, reason) {
      const { reissue } = await data(`${url}/v1/reissues`, {
        method: "POST",
        headers: { "Content-Type": "application/json", "Idempotency-Key": `${conversation}/${call}` },
        body: JSON.stringify({ customer, address, reason }),
      });
      return ok({ reissue_id: reissue.id, eta: reissue.shipping.eta_date, card_last4: reissue.card_last4 });
    },
  };
}

// What the model is told about the tools: examples/card-delivery/tools.
export const told = {
  get_customer_profile: "Name and registered address of the customer who is signed in.",
  check_card_delivery: "Where the customer's card is: the card order and the carrier's tracking in one call, with the days it is late.",
  reissue_card: "Orders a replacement card to the address on file and blocks the old one.",
};

export const reasons = ["lost", "stolen", "damaged", "not_received"];
export const question = (address) => `Shall I order a new card to ${address}? The old card will be blocked.`;
export const isYes = (text) => /^yes\b/i.test(text);
