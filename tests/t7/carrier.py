"""carrier: the telephone company's records, written from the published tools, and the world that it shares with one phone.

The records have the form of db.toml. A tool is a method named as in telecom.agent.tools.json; Refused is its error."""
import copy, datetime, json

TODAY = datetime.date(2025, 2, 25)  # the world of the tasks stands still
REFUEL_GB_MAX = 2.0


class Refused(Exception):
    pass


class Carrier:
    def __init__(self, db):
        self.db = copy.deepcopy(db)

    def find(self, table, key, value):
        for row in self.db[table]:
            if row.get(key) == value:
                return row
        raise Refused("There is no %s with %s %s." % (table.rstrip("s"), key, value))

    def line_of(self, customer_id, line_id):
        if line_id not in self.find("customers", "customer_id", customer_id)["line_ids"]:
            raise Refused("Line %s is not one of customer %s." % (line_id, customer_id))
        return self.find("lines", "line_id", line_id)

    # --- reads ---

    def get_customer_by_phone(self, phone_number):
        for c in self.db["customers"]:
            numbers = [self.find("lines", "line_id", i)["phone_number"] for i in c["line_ids"]]
            if phone_number == c["phone_number"] or phone_number in numbers:
                return c
        raise Refused("There is no customer with the phone number %s." % phone_number)

    def get_customer_by_id(self, customer_id):
        return self.find("customers", "customer_id", customer_id)

    def get_customer_by_name(self, full_name, dob):
        return [c for c in self.db["customers"] if c["full_name"].lower() == full_name.lower() and c["date_of_birth"] == dob]

    def get_details_by_id(self, id):
        for table, key in (("customers", "customer_id"), ("lines", "line_id"), ("devices", "device_id"), ("bills", "bill_id"),
                           ("plans", "plan_id")):
            for row in self.db.get(table, []):
                if row[key] == id:
                    return row
        raise Refused("There is nothing with the id %s." % id)

    def get_bills_for_customer(self, customer_id, limit=12):
        ids = self.find("customers", "customer_id", customer_id)["bill_ids"]
        bills = [self.find("bills", "bill_id", i) for i in ids]
        return sorted(bills, key=lambda b: b["issue_date"], reverse=True)[:limit]

    def get_data_usage(self, customer_id, line_id):
        line = self.line_of(customer_id, line_id)
        plan = self.find("plans", "plan_id", line["plan_id"])
        return {"line_id": line_id, "data_used_gb": line["data_used_gb"], "data_limit_gb": plan["data_limit_gb"],
                "data_refueling_gb": line["data_refueling_gb"], "cycle_end_date": "2025-02-28"}

    # --- actions ---

    def suspend_line(self, customer_id, line_id, reason):
        line = self.line_of(customer_id, line_id)
        if line["status"] != "Active":
            raise Refused("Only an active line can be suspended.")
        line.update(status="Suspended", suspension_start_date=TODAY.isoformat())
        return {"message": "Line suspended successfully.", "line": line}

    def resume_line(self, customer_id, line_id):
        line = self.line_of(customer_id, line_id)
        if line["status"] not in ("Suspended", "Pending Activation"):
            raise Refused("Only a suspended line can be resumed.")
        line.update(status="Active", suspension_start_date=None)
        return {"message": "Line resumed successfully", "line": line}

    def send_payment_request(self, customer_id, bill_id):
        bill = self.find("bills", "bill_id", bill_id)
        if bill_id not in self.find("customers", "customer_id", customer_id)["bill_ids"]:
            raise Refused("Bill %s is not one of customer %s." % (bill_id, customer_id))
        if any(b["status"] == "Awaiting Payment" for b in self.get_bills_for_customer(customer_id, 1000)):
            raise Refused("Another bill is awaiting payment.")
        bill["status"] = "Awaiting Payment"
        return "Payment request sent to the customer for bill " + bill_id

    def enable_roaming(self, customer_id, line_id):
        line = self.line_of(customer_id, line_id)
        if line["roaming_enabled"]:
            return "Roaming was already enabled"
        line["roaming_enabled"] = True
        return "Roaming enabled successfully"

    def disable_roaming(self, customer_id, line_id):
        self.line_of(customer_id, line_id)["roaming_enabled"] = False
        return "Roaming disabled successfully"

    def charge(self, customer_id, amount, text):
        """On the customer's draft bill; a new one where there is none."""
        customer = self.find("customers", "customer_id", customer_id)
        for bill in self.get_bills_for_customer(customer_id, 1000):
            if bill["status"] == "Draft":
                break
        else:
            bill = {"bill_id": "B%d" % (9000 + len(self.db["bills"])), "customer_id": customer_id, "period_start": "2025-03-01",
                    "period_end": "2025-03-31", "issue_date": "2025-03-01", "total_due": 0.0, "due_date": "2025-03-15",
                    "line_items": [], "status": "Draft"}
            self.db["bills"].append(bill)
            customer["bill_ids"].append(bill["bill_id"])
        bill["line_items"].append({"description": text, "amount": amount, "date": TODAY.isoformat(), "item_type": "Charge"})
        bill["total_due"] += amount

    def refuel_data(self, customer_id, line_id, gb_amount):
        line = self.line_of(customer_id, line_id)
        if line["status"] != "Active":
            raise Refused("Data can be added to an active line only.")
        if not 0 < gb_amount:
            raise Refused("The amount of data must be positive.")
        price = self.find("plans", "plan_id", line["plan_id"])["data_refueling_price_per_gb"]
        line["data_refueling_gb"] += gb_amount
        self.charge(customer_id, gb_amount * price, "Data refueling: %s GB at $%s/GB" % (gb_amount, price))
        return {"message": "Successfully added %s GB of data for line %s for $%.2f" % (gb_amount, line_id, gb_amount * price),
                "new_data_refueling_gb": str(line["data_refueling_gb"]), "charge": str(gb_amount * price)}

    def transfer_to_human_agents(self, summary):
        return "Transfer successful"

    # --- what a task begins with, and asserts ---

    def set_data_usage(self, customer_id, line_id, data_used_gb):
        self.line_of(customer_id, line_id)["data_used_gb"] = data_used_gb

    def suspend_line_for_overdue_bill(self, customer_id, line_id, new_bill_id, contract_ended=False):
        line = self.line_of(customer_id, line_id)
        price = self.find("plans", "plan_id", line["plan_id"])["price_per_month"]
        item = {"description": "Charge for line " + line_id, "amount": price, "date": TODAY.isoformat(), "item_type": "Charge"}
        self.db["bills"].append({"bill_id": new_bill_id, "customer_id": customer_id, "period_start": "2025-01-01",
                                 "period_end": "2025-01-31", "issue_date": "2025-01-01", "total_due": price,
                                 "due_date": "2025-01-15", "line_items": [item], "status": "Overdue"})
        self.find("customers", "customer_id", customer_id)["bill_ids"].append(new_bill_id)
        line.update(status="Suspended", suspension_start_date=TODAY.isoformat())
        if contract_ended:
            line["contract_end_date"] = "2025-01-31"

    def assert_data_refueling_amount(self, customer_id, line_id, expected_amount):
        return abs(self.line_of(customer_id, line_id)["data_refueling_gb"] - expected_amount) < 1e-6

    def assert_no_overdue_bill(self, overdue_bill_id):
        return all(b["status"] == "Paid" for b in self.db["bills"] if b["bill_id"] == overdue_bill_id)

    def assert_overdue_bill_exists(self, overdue_bill_id):
        return any(b["status"] == "Overdue" for b in self.db["bills"] if b["bill_id"] == overdue_bill_id)

    def assert_line_status(self, customer_id, line_id, expected_status):
        return self.line_of(customer_id, line_id)["status"] == expected_status


class World:
    """A carrier and the phone of one of its customers; what the one does is felt by the other after every call."""

    def __init__(self, carrier, phone):
        self.carrier, self.phone, self.calls = carrier, phone, []

    def side(self, who):
        return self.phone if who == "user" else self.carrier

    def call(self, who, name, arguments):
        f = getattr(self.side(who), name, None)
        if f is None:
            raise KeyError("the world knows no %s of the %s" % (name, who))
        try:
            return f(**arguments)
        finally:
            self.sync()

    def act(self, who, name, arguments):
        """A tool's call by the agent ("assistant") or the customer ("user"), kept for the assertions about actions."""
        out = self.call(who, name, arguments)
        self.calls.append((who, name, arguments))
        return out

    def sync(self):
        around, c = self.phone.around, self.carrier
        if not around["phone_number"]:
            return
        customer = c.get_customer_by_phone(around["phone_number"])
        line = c.find("lines", "phone_number", around["phone_number"])
        limit = c.find("plans", "plan_id", line["plan_id"])["data_limit_gb"] + line["data_refueling_gb"]
        around.update(line_active=line["status"] == "Active", roaming_allowed=line["roaming_enabled"],
                      mobile_data_usage_exceeded=line["data_used_gb"] >= limit)
        request = around["payment_request"]
        if request and request.get("paid"):
            c.find("bills", "bill_id", request["bill_id"])["status"] = "Paid"
            around["payment_request"] = None
        if not around["payment_request"]:
            for b in c.get_bills_for_customer(customer["customer_id"], 1000):
                if b["status"] == "Awaiting Payment":
                    around["payment_request"] = {"bill_id": b["bill_id"], "amount": b["total_due"], "paid": False}
                    break


def answer(result):
    return result if isinstance(result, str) else json.dumps(result)
