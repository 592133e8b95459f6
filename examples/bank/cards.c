/* cards: the cards that customers hold, and what they may change about them.
 *
 * A card is inactive (on its way), active, frozen (by the customer, who can lift it), locked (by the bank: wrong PINs, which
 * the customer can lift, or a suspicion, which only a person can) or blocked: for good. */
#include "domain.h"

enum { VIRTUAL_CARDS_MAX = 3 };

static const char schema[] =
    "CREATE TABLE cards(id TEXT PRIMARY KEY, customer TEXT NOT NULL REFERENCES customers, last4 TEXT NOT NULL,"
    " kind TEXT NOT NULL, status TEXT NOT NULL, lock TEXT NOT NULL DEFAULT '', online INTEGER NOT NULL DEFAULT 1,"
    " contactless INTEGER NOT NULL DEFAULT 1, limit_cents INTEGER NOT NULL, limit_max_cents INTEGER NOT NULL,"
    " spent_cents INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE INDEX cards_customer ON cards(customer);"
    /* What was done to a card: one row an order. */
    "CREATE TABLE card_events(id INTEGER PRIMARY KEY AUTOINCREMENT, card TEXT NOT NULL REFERENCES cards,"
    " did TEXT NOT NULL, made_on INTEGER NOT NULL, key TEXT, new_card TEXT REFERENCES cards);"
    "CREATE INDEX card_events_card ON card_events(card);";

static const char seed[] =
    "INSERT INTO cards(id, customer, last4, kind, status, lock, limit_cents, limit_max_cents, spent_cents) VALUES"
    "('CD-4417','ana','4417','credit','inactive','',300000,500000,0),"
    "('CD-1102','ana','1102','debit','active','',200000,400000,38050),"
    "('CD-9031','ana','9031','virtual','active','',100000,500000,12990),"
    "('CD-8820','bruno','8820','credit','inactive','',300000,300000,0),"
    "('CD-6118','bruno','6118','debit','locked','wrong_pin',150000,300000,9900),"
    "('CD-3051','carla','3051','debit','inactive','',1000000,2000000,0),"
    "('CD-7702','carla','7702','credit','active','',1500000,2000000,421000),"
    "('CD-7719','diego','7719','credit','inactive','',2000000,3000000,0),"
    "('CD-2040','diego','2040','credit','active','',2000000,3000000,664010),"
    "('CD-5566','diego','5566','debit','active','',800000,1500000,120000),"
    "('CD-6604','emma','6604','debit','inactive','',100000,200000,0),"
    "('CD-3310','emma','3310','credit','active','',150000,250000,41237),"
    "('CD-7745','emma','7745','virtual','active','',50000,250000,999),"
    "('CD-5210','frank','5210','debit','active','',120000,200000,20415),"
    "('CD-2298','grace','2298','credit','inactive','',200000,300000,0),"
    "('CD-8004','grace','8004','debit','frozen','',100000,200000,15000),"
    "('CD-5143','henry','5143','credit','inactive','',200000,300000,0),"
    "('CD-9920','henry','9920','debit','locked','suspicion',100000,200000,88000),"
    "('CD-9076','ines','9076','credit','inactive','',1000000,1500000,0),"
    "('CD-4471','ines','4471','debit','active','',600000,1000000,210000),"
    "('CD-3001','ines','3001','virtual','active','',200000,1500000,0),"
    "('CD-3002','ines','3002','virtual','active','',200000,1500000,4500),"
    "('CD-3003','ines','3003','virtual','active','',200000,1500000,0),"
    "('CD-1385','joao','1385','debit','inactive','',100000,200000,0),"
    "('CD-6650','joao','6650','credit','active','',200000,200000,176020);";

#define KIND_WORDS(credit, debit, virtual) \
    "CASE kind WHEN 'credit' THEN '" credit "' WHEN 'debit' THEN '" debit "' ELSE '" virtual "' END"

static const struct domain_read reads[] = {
    {.path = "/v1/customers/@/cards",
     .name = "cards",
     .many = true,
     .sql = "SELECT id, last4, kind, status, lock, online AS \"online?\", contactless AS \"contactless?\","
            " limit_cents AS \"limit$\", limit_max_cents AS \"limit_max$\", spent_cents AS \"spent$\""
            " FROM cards WHERE customer = :a ORDER BY id"},
    /* Which card is meant? The one that fits what is known of it, or how many could be; the lists name those that fit, or
     * all where none does. What is not in the customer's hands is left out. "any" stands for not known. */
    {.path = "/v1/customers/@/card-choice",
     .name = "choice",
     .query = {"last4", "kind"},
     .sql =
         "WITH mine AS (SELECT * FROM cards WHERE customer = :a AND status NOT IN ('blocked','inactive')),"
         " hit AS (SELECT * FROM mine WHERE coalesce(:last4, 'any') IN ('any', last4)"
         "  AND coalesce(:kind, 'any') IN ('any', kind)),"
         " shown AS (SELECT * FROM hit UNION ALL SELECT * FROM mine WHERE NOT EXISTS (SELECT 1 FROM hit)"
         "  ORDER BY id)"
         " SELECT (SELECT count(*) FROM hit) AS matches, (SELECT count(*) FROM mine) AS cards_n, h.id AS card, h.last4,"
         " h.kind, h.status, h.lock, h.online AS \"online?\", h.contactless AS \"contactless?\","
         " h.limit_cents AS \"limit$\", h.limit_max_cents AS \"limit_max$\", h.spent_cents AS \"spent$\","
         " CASE WHEN c.locale LIKE 'pt%' THEN 'R$ ' WHEN c.locale LIKE 'es%' THEN '$' ELSE '£' END AS sign,"
         " (SELECT group_concat(" KIND_WORDS(
             "credit", "debit", "virtual") "||' ending in '||last4, ', ') FROM shown)"
                                           "  AS list_en,"
                                           " (SELECT group_concat(" KIND_WORDS(
                                               "crédito", "débito",
                                               "virtual") "||' com final '||last4, ', ') FROM shown)"
                                                          "  AS list_pt,"
                                                          " (SELECT group_concat(" KIND_WORDS(
                                                              "crédito", "débito",
                                                              "virtual") "||' con terminación '||last4, ', ')"
                                                                         "  FROM shown) AS list_es"
                                                                         " FROM customers c LEFT JOIN hit h ON (SELECT "
                                                                         "count(*) FROM hit) = 1 WHERE c.id = :a",
     .missing_code = "CUSTOMER_UNKNOWN",
     .missing = "there is no such customer"},
    {.path = "/v1/cards/@/events",
     .name = "events",
     .many = true,
     .sql = "SELECT 'CE-'||id AS id, card, did, made_on, new_card, key FROM card_events WHERE card = :a ORDER BY id"},
    {.path = "/v1/customers/@/card-events",
     .name = "events",
     .many = true,
     .sql = "SELECT 'CE-'||e.id AS id, e.card, e.did, e.made_on, e.new_card, e.key FROM card_events e"
            " JOIN cards d ON d.id = e.card WHERE d.customer = :a ORDER BY e.id"},
};

static const char EVENT_ANSWER[] =
    "SELECT 'CE-'||e.id AS id, e.card, d.last4, d.kind, d.status, d.online AS \"online?\", d.contactless AS"
    " \"contactless?\", d.limit_cents AS \"limit$\", e.did, e.made_on, n.last4 AS new_last4,"
    " CASE WHEN n.id IS NOT NULL THEN e.made_on + 7 END AS eta_date"
    " FROM card_events e JOIN cards d ON d.id = e.card LEFT JOIN cards n ON n.id = e.new_card"
    " WHERE e.id = (SELECT max(id) FROM card_events)";

/* The customer's card that the order names by its last four digits, or NULL: then the refusal stands already. */
static const struct json *card_of(struct deed *d)
{
    const struct json *card = deed_row(d, "SELECT * FROM cards WHERE last4 = :card AND customer = :customer");
    struct str status = json_str(json_get(card, "status"));
    if (card)
        deed_set_text(d, "id", json_str(json_get(card, "id")));
    if (card && !str_is(status, "blocked") && !str_is(status, "inactive"))
        return card;
    if (!card)
        deed_refuse(d, 404, "CARD_UNKNOWN", "this customer has no such card");
    else if (str_is(status, "blocked"))
        deed_refuse(d, 409, "CARD_BLOCKED", "this card is blocked for good");
    else
        deed_refuse(d, 409, "CARD_INACTIVE", "this card is not in the customer's hands yet");
    return NULL;
}

static int note_and_answer(struct deed *d, const char *did, struct err *e)
{
    deed_set_text(d, "did", str_of(did));
    int result = deed_write(d,
                            "INSERT INTO card_events(card, did, made_on, key, new_card)"
                            " VALUES(:id, :did, :today, :key, :new_card)",
                            e);
    return result < 0 ? result : deed_done(d, EVENT_ANSWER);
}

static int freeze(struct deed *d, struct err *e)
{
    const struct json *card = card_of(d);
    if (!card)
        return 0;
    if (str_is(json_str(json_get(card, "status")), "frozen"))
        return deed_refuse(d, 409, "ALREADY_FROZEN", "this card is frozen already");
    if (str_is(json_str(json_get(card, "status")), "locked"))
        return deed_refuse(d, 409, "CARD_LOCKED", "the bank has locked this card");
    int result = deed_write(d, "UPDATE cards SET status = 'frozen' WHERE id = :id", e);
    return result < 0 ? result : note_and_answer(d, "frozen", e);
}

/* Lifts the customer's own freeze, and the lock after wrong PINs. */
static int unfreeze(struct deed *d, struct err *e)
{
    const struct json *card = card_of(d);
    if (!card)
        return 0;
    if (str_is(json_str(json_get(card, "status")), "active"))
        return deed_refuse(d, 409, "ALREADY_ACTIVE", "this card can be used already");
    if (str_is(json_str(json_get(card, "lock")), "suspicion"))
        return deed_refuse(d, 409, "LOCKED_ON_SUSPICION", "only a person may lift this lock");
    int result = deed_write(d, "UPDATE cards SET status = 'active', lock = '' WHERE id = :id", e);
    return result < 0 ? result : note_and_answer(d, "unfrozen", e);
}

static int set_switch(struct deed *d, struct err *e)
{
    struct str which = deed_text(d, "switch"), to = deed_text(d, "to");
    bool online = str_is(which, "online"), on = str_is(to, "on");
    const struct json *card = card_of(d);
    if (!card)
        return 0;
    if ((!online && !str_is(which, "contactless")) || (!on && !str_is(to, "off")))
        return deed_refuse(d, 422, "SWITCH_INVALID", "a switch is online or contactless, and goes on or off");
    if (json_int(json_get(card, online ? "online" : "contactless"), 0) == on)
        return deed_refuse(d, 409, "ALREADY_SO", "the switch stands so already");
    deed_set(d, "on", on);
    int result = online ? deed_write(d, "UPDATE cards SET online = :on WHERE id = :id", e)
                        : deed_write(d, "UPDATE cards SET contactless = :on WHERE id = :id", e);
    return result < 0 ? result : note_and_answer(d, online ? "online" : "contactless", e);
}

static int set_limit(struct deed *d, struct err *e)
{
    const struct json *card = card_of(d);
    int64_t cents = deed_cents(d, "amount");
    if (!card)
        return 0;
    if (cents < 0)
        return deed_refuse(d, 422, "AMOUNT_INVALID", "an amount is a number from 0 on with at most two decimals");
    if (cents > json_int(json_get(card, "limit_max_cents"), 0))
        return deed_refuse(d, 409, "ABOVE_MAXIMUM", "this card cannot have so high a limit");
    deed_set(d, "cents", cents);
    int result = deed_write(d, "UPDATE cards SET limit_cents = :cents WHERE id = :id", e);
    return result < 0 ? result : note_and_answer(d, "limit", e);
}

/* Numbers of new cards follow from how many cards there are: invented, and never twice. */
static int new_card(struct deed *d, const char *kind, const char *status, int64_t limit_cents, struct err *e)
{
    const struct json *n = deed_row(d, "SELECT count(*) AS n FROM cards");
    int64_t number = json_int(json_get(n, "n"), 0) * 7919 % 10000;
    deed_set_text(d, "new_last4", str_f(d->arena, "%04lld", (long long)number));
    deed_set_text(d, "new_card", str_f(d->arena, "CD-N%lld", (long long)json_int(json_get(n, "n"), 0)));
    deed_set_text(d, "kind", str_of(kind));
    deed_set_text(d, "status", str_of(status));
    deed_set(d, "limit_cents", limit_cents);
    return deed_write(d,
                      "INSERT INTO cards(id, customer, last4, kind, status, limit_cents, limit_max_cents, spent_cents)"
                      " VALUES(:new_card, :customer, :new_last4, :kind, :status, :limit_cents, :limit_cents, 0)",
                      e);
}

static int make_virtual(struct deed *d, struct err *e)
{
    const struct json *c =
        deed_row(d, "SELECT (SELECT count(*) FROM cards WHERE customer = :customer AND"
                    " kind = 'virtual' AND status <> 'blocked') AS n FROM customers WHERE id = :customer");
    if (!c)
        return deed_refuse(d, 404, "CUSTOMER_UNKNOWN", "there is no such customer");
    if (json_int(json_get(c, "n"), 0) >= VIRTUAL_CARDS_MAX)
        return deed_refuse(d, 409, "TOO_MANY_VIRTUAL", "a customer has at most three virtual cards");
    int result = new_card(d, "virtual", "active", 100000, e);
    if (result < 0)
        return result;
    deed_set_text(d, "id", json_str(json_get(d->values, "new_card")));
    return note_and_answer(d, "virtual", e);
}

/* Lost or stolen: the card is blocked for good, and another one goes to the address on file. */
static int report(struct deed *d, struct err *e)
{
    struct str reason = deed_text(d, "reason");
    const struct json *card = card_of(d);
    if (!card)
        return 0;
    if (!str_is(reason, "lost") && !str_is(reason, "stolen"))
        return deed_refuse(d, 422, "REASON_INVALID", "a reason is lost or stolen");
    const char *kind = str_c(d->arena, json_str(json_get(card, "kind")));
    int result = deed_write(d, "UPDATE cards SET status = 'blocked' WHERE id = :id", e);
    if (result == 0)
        result = new_card(d, kind, "inactive", json_int(json_get(card, "limit_cents"), 0), e);
    return result < 0 ? result : note_and_answer(d, str_is(reason, "lost") ? "lost" : "stolen", e);
}

static const struct domain_action actions[] = {
    {"/v1/card-freezes", "event", freeze},        {"/v1/card-unfreezes", "event", unfreeze},
    {"/v1/card-switches", "event", set_switch},   {"/v1/card-limits", "event", set_limit},
    {"/v1/virtual-cards", "event", make_virtual}, {"/v1/card-reports", "event", report},
};

const struct domain cards_domain = {schema, seed, DOMAIN_ROWS(reads), DOMAIN_ROWS(actions)};
