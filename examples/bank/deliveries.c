/* deliveries: cards on their way, and ordering a new one. */
#include "domain.h"

enum { ADDRESS_BYTES_MAX = 200 };

static const char schema[] =
    "CREATE TABLE carriers(code TEXT PRIMARY KEY, name TEXT NOT NULL, phone TEXT NOT NULL, sla_days INTEGER NOT NULL)"
    " WITHOUT ROWID;"
    "CREATE TABLE orders(customer TEXT PRIMARY KEY REFERENCES customers, card TEXT NOT NULL REFERENCES cards, id TEXT "
    "NOT NULL, reason TEXT NOT NULL,"
    " status TEXT NOT NULL, ordered_on INTEGER NOT NULL, promised_on INTEGER NOT NULL,"
    " carrier TEXT NOT NULL REFERENCES carriers, tracking_code TEXT NOT NULL UNIQUE) WITHOUT ROWID;"
    "CREATE TABLE shipments(tracking_code TEXT PRIMARY KEY, status TEXT NOT NULL, last_event TEXT NOT NULL,"
    " last_event_on INTEGER NOT NULL, delivered_on INTEGER, estimated_on INTEGER NOT NULL, delivered_to TEXT)"
    " WITHOUT ROWID;"
    "CREATE TABLE reissues(id INTEGER PRIMARY KEY AUTOINCREMENT, customer TEXT NOT NULL REFERENCES customers,"
    " address TEXT NOT NULL, reason TEXT NOT NULL, key TEXT, carrier TEXT NOT NULL, made_on INTEGER NOT NULL);"
    "CREATE INDEX reissues_customer ON reissues(customer);"
    "CREATE TRIGGER reissue_counted AFTER INSERT ON reissues BEGIN"
    " UPDATE customers SET reissues_n = reissues_n + 1 WHERE id = new.customer; END;";

static const char seed[] =
    "INSERT INTO carriers VALUES"
    "('CORREIOS','Correios','+55 3003 0100',8),"
    "('JADLOG','Jadlog','+55 3003 0200',6),"
    "('ESTAFETA','Estafeta','+52 55 5550 0300',7),"
    "('ROYALMAIL','Royal Mail','+44 20 7946 0400',5);"
    "INSERT INTO orders(card, customer, reason, ordered_on, promised_on, carrier, tracking_code, id, status) VALUES"
    "('CD-4417','ana','first_card',-16,-6,'CORREIOS','BR100000001','CO-100000001','shipped'),"
    "('CD-8820','bruno','first_card',-9,-1,'JADLOG','BR100000002','CO-100000002','shipped'),"
    "('CD-3051','carla','first_card',-4,3,'ESTAFETA','MX100000003','CO-100000003','shipped'),"
    "('CD-7719','diego','renewal',-7,0,'ESTAFETA','MX100000004','CO-100000004','shipped'),"
    "('CD-6604','emma','first_card',-8,-2,'ROYALMAIL','GB100000005','CO-100000005','shipped'),"
    "('CD-2298','grace','replacement',-10,-3,'ROYALMAIL','GB100000007','CO-100000007','shipped'),"
    "('CD-5143','henry','first_card',-18,-9,'ROYALMAIL','GB100000008','CO-100000008','shipped'),"
    "('CD-9076','ines','first_card',-13,-4,'ESTAFETA','MX100000009','CO-100000009','shipped'),"
    "('CD-1385','joao','first_card',-14,-5,'CORREIOS','BR100000010','CO-100000010','shipped');"
    "INSERT INTO shipments VALUES"
    "('BR100000001','in_transit','left the sorting centre',-5,NULL,-6,NULL),"
    "('BR100000002','delivered','handed to the concierge',-2,-2,-1,'Portaria'),"
    "('MX100000003','in_transit','arrived at the local depot',-1,NULL,3,NULL),"
    "('MX100000004','delivered','handed to the mailroom',-1,-1,0,'Recepción'),"
    "('GB100000005','delivered','left with the front desk',-3,-3,-2,'Front desk'),"
    "('GB100000007','delivered','put into the box',-4,-4,-3,'PO box'),"
    "('GB100000008','in_transit','no scan since the depot',-11,NULL,-9,NULL),"
    "('MX100000009','in_transit','delayed on the road',-3,NULL,-4,NULL),"
    "('BR100000010','returned','nobody at home three times; sent back',-2,NULL,-5,NULL);"
    "INSERT INTO reissues VALUES"
    "(20990,'henry','27 Quay Lane, Bristol, BS1 4DJ','not_received',NULL,'ROYALMAIL',-2);";

/* What a reissue looks like to the outside. */
#define REISSUE_COLUMNS \
    "'RC-'||r.id AS id, r.customer, printf('%04d', r.id * 7919 % 10000) AS card_last4, r.address, r.reason, " \
    "r.made_on," \
    " r.made_on + 7 AS \"shipping.eta_date\"," \
    " (SELECT name FROM carriers WHERE code = r.carrier) AS \"shipping.carrier\"," \
    " 'standard' AS \"shipping.service_level\", 'queued' AS \"production.status\", 1 AS \"production.priority\"," \
    " 'PB-'||(r.id / 50) AS \"production.batch_id\", r.key AS idempotency_key"

static const struct domain_read reads[] = {
    {.path = "/v1/customers/@/card-order",
     .name = "order",
     .sql = "SELECT o.id, d.last4 AS card_last4, d.kind AS card_kind, o.reason, o.status, o.ordered_on, o.promised_on,"
            " r.code AS \"carrier.code\", r.name AS \"carrier.name\", r.phone AS \"carrier.phone\","
            " r.sla_days AS \"carrier.sla_days\", o.tracking_code, a.type AS address_type, d.status AS card_status,"
            " c.reissues_n, 2 AS \"print.site\", 'PB-'||abs(o.ordered_on * 31 % 997) AS \"print.batch_id\","
            " 'PVC-R' AS \"print.plastic\", o.ordered_on + 1 AS \"print.done_on\", 1 AS \"print.pin_mailer?\","
            " 'CC-7710' AS \"internal.cost_centre\", 3 AS \"internal.priority\", 'card-ops' AS \"internal.queue\","
            " 0 AS \"internal.manual?\", 9 AS \"internal.row_version\" FROM orders o JOIN cards d ON d.id = o.card"
            " JOIN customers c ON c.id = o.customer JOIN addresses a ON a.customer = o.customer"
            " JOIN carriers r ON r.code = o.carrier WHERE o.customer = :a",
     .missing_code = "NO_CARD_ORDER",
     .missing = "no card was ordered for this customer, or there is no such customer"},
    {.path = "/v1/shipments/@",
     .name = "shipment",
     .sql = "SELECT s.tracking_code, s.status, s.last_event, s.last_event_on, s.delivered_on, s.estimated_on,"
            " s.delivered_to, o.carrier AS carrier_code, o.ordered_on + 2 AS handed_over_on, 38 AS weight_g,"
            " 'letter' AS service_level, CASE s.status WHEN 'returned' THEN 3 WHEN 'delivered' THEN 1 ELSE 0 END"
            " AS attempts, 1 AS \"signature.required?\", NULL AS \"signature.image\", 4 AS \"route.scans\","
            " 'D-114' AS \"route.depot\", 'T-20' AS \"route.tour\", 0 AS \"route.exception?\","
            " 'EDI' AS \"internal.feed\", 5 AS \"internal.row_version\" FROM shipments s"
            " JOIN orders o ON o.tracking_code = s.tracking_code WHERE s.tracking_code = :a",
     .missing_code = "SHIPMENT_UNKNOWN",
     .missing = "there is no such tracking code"},
    {.path = "/v1/reissues",
     .name = "reissues",
     .many = true,
     .sql = "SELECT " REISSUE_COLUMNS " FROM reissues r WHERE r.customer = :customer ORDER BY r.id",
     .query = {"customer"}},
};

static bool reason_known(struct str reason)
{
    return str_is(reason, "lost") || str_is(reason, "stolen") || str_is(reason, "damaged") ||
           str_is(reason, "not_received");
}

static int reissue(struct deed *d, struct err *e)
{
    const struct json *s = deed_row(d, "SELECT (SELECT count(*) FROM orders WHERE customer = :customer) AS orders_n,"
                                       " reissues_n, reissues_max FROM customers WHERE id = :customer");
    int64_t most = json_int(json_get(s, "reissues_max"), d->reissues_max ? d->reissues_max : INT64_MAX);
    size_t address_n = deed_text(d, "address").n;
    if (!s)
        return deed_refuse(d, 404, "CUSTOMER_UNKNOWN", "there is no such customer");
    if (!json_int(json_get(s, "orders_n"), 0))
        return deed_refuse(d, 404, "NO_CARD_ORDER", "no card was ordered for this customer");
    if (address_n == 0 || address_n > ADDRESS_BYTES_MAX)
        return deed_refuse(d, 422, "ADDRESS_INVALID", "an address has 1 to 200 bytes");
    if (!reason_known(deed_text(d, "reason")))
        return deed_refuse(d, 422, "REASON_INVALID", "a reason is lost, stolen, damaged or not_received");
    if (json_int(json_get(s, "reissues_n"), 0) >= most)
        return deed_refuse(d, 409, "LIMIT_REACHED", "no more cards can be reissued to this customer for now");
    int result = deed_write(d,
                            "INSERT INTO reissues(customer, address, reason, key, carrier, made_on)"
                            " SELECT :customer, :address, :reason, :key, carrier, :today FROM orders"
                            " WHERE customer = :customer",
                            e);
    return result < 0 ? result
                      : deed_done(d, "SELECT " REISSUE_COLUMNS " FROM reissues r WHERE r.id = last_insert_rowid()");
}

static const struct domain_action actions[] = {{"/v1/reissues", "reissue", reissue}};

const struct domain deliveries_domain = {schema, seed, DOMAIN_ROWS(reads), DOMAIN_ROWS(actions)};
