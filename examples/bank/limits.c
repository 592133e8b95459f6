/* limits: credit limits, what takes them up, and raising or lowering them.
 *
 * A request for more is decided here, by rules: granted up to what the customer is approved for, partly granted where more
 * was asked, refused with a reason where nothing can be given. Each decision has a reference under which it can be
 * contested. */
#include "domain.h"

enum { RAISE_AGAIN_DAYS = 90, OVERDUE_DAYS = 30 };

static const char schema[] =
    "CREATE TABLE credit_lines(customer TEXT PRIMARY KEY REFERENCES customers, last4 TEXT NOT NULL, total_cents "
    "INTEGER NOT NULL,"
    " approved_cents INTEGER NOT NULL, statement_cents INTEGER NOT NULL, statement_due_on INTEGER NOT NULL,"
    " blocked_cents INTEGER NOT NULL, blocked_for TEXT NOT NULL, blocked_until_on INTEGER, savings_cents INTEGER NOT "
    "NULL,"
    " raised_on INTEGER) WITHOUT ROWID;"
    /* kind: posted (since the statement), pending (not posted yet), instalments (left_n more of amount_cents each) */
    "CREATE TABLE charges(id INTEGER PRIMARY KEY, customer TEXT NOT NULL REFERENCES credit_lines, merchant TEXT NOT "
    "NULL,"
    " kind TEXT NOT NULL, amount_cents INTEGER NOT NULL, left_n INTEGER NOT NULL, made_on INTEGER NOT NULL);"
    "CREATE TABLE limit_requests(id INTEGER PRIMARY KEY AUTOINCREMENT, customer TEXT NOT NULL REFERENCES credit_lines,"
    " asked_cents INTEGER NOT NULL, decision TEXT NOT NULL, reason TEXT NOT NULL, old_cents INTEGER NOT NULL,"
    " new_cents INTEGER NOT NULL, made_on INTEGER NOT NULL, key TEXT);";

static const char seed[] =
    "INSERT INTO credit_lines VALUES"
    "('ana','4417',500000,800000,124050,9,30000,'Hotel Maré',5,200000,NULL),"
    "('bruno','8820',300000,300000,88000,4,0,'',NULL,0,-400),"
    "('carla','7702',2000000,3500000,421000,12,0,'',NULL,1000000,-200),"
    "('diego','2040',3000000,4500000,664010,2,120000,'Renta Autos del Norte',3,0,NULL),"
    "('emma','3310',250000,400000,41237,15,0,'',NULL,80000,-365),"
    "('grace','2298',180000,300000,60000,7,0,'',NULL,0,-20),"
    "('henry','5143',300000,360000,151000,11,45000,'Harbour Hotel',2,50000,NULL),"
    "('ines','9076',1500000,1500000,310000,8,0,'',NULL,0,NULL),"
    "('joao','6650',200000,260000,97020,6,0,'',NULL,40000,-150);"
    "INSERT INTO charges(customer, merchant, kind, amount_cents, left_n, made_on) VALUES"
    "('ana','Mercado Boa Vista','posted',31000,1,-4),('ana','Farmácia Aurora','pending',4500,1,-1),"
    "('ana','Posto Litoral','pending',18990,1,-1),('ana','Lojas Horizonte','instalments',40000,3,-60),"
    "('ana','Clínica Sorriso','instalments',15000,2,-90),"
    "('bruno','Padaria Augusta','posted',2500,1,-3),"
    "('carla','Librería Puebla','posted',52000,1,-6),('carla','Muebles Roble','instalments',180000,5,-30),"
    "('diego','Gasolinera Vallarta','pending',90000,1,-1),('diego','Vuelos Occidente','instalments',210000,4,-75),"
    "('emma','Canal Books','posted',2599,1,-5),('emma','Northern Rail','pending',6440,1,0),"
    "('emma','Bright Bikes','instalments',9900,6,-40),"
    "('grace','Leith Market','posted',8000,1,-2),"
    "('henry','Quay Garage','pending',27500,1,-2),('henry','Sound and Vision','instalments',12000,3,-25),"
    "('ines','Super Regio','posted',45000,1,-3),"
    "('joao','Mineira Móveis','instalments',26500,3,-70),('joao','Pão e Prosa','pending',2200,1,0);";

#define SUM(kind, what) \
    "coalesce((SELECT sum(" what ") FROM charges WHERE customer = l.customer AND kind = '" kind "'), 0)"
#define POSTED      SUM("posted", "amount_cents")
#define PENDING     SUM("pending", "amount_cents")
#define INSTALMENTS SUM("instalments", "amount_cents * left_n")
#define USED        "(l.statement_cents + " POSTED " + " PENDING " + " INSTALMENTS ")"
#define NAMES(kind) \
    "(SELECT group_concat(merchant, ', ') FROM charges WHERE customer = l.customer AND kind = '" kind "')"
#define SIGN "CASE WHEN c.locale LIKE 'pt%' THEN 'R$ ' WHEN c.locale LIKE 'es%' THEN '$' ELSE '£' END"

static const struct domain_read reads[] = {
    {.path = "/v1/customers/@/credit-limit",
     .name = "limit",
     .sql = "SELECT l.last4, " SIGN " AS sign, l.total_cents AS \"total$\", " USED
            " AS \"used$\", l.blocked_cents AS \"blocked$\","
            " l.total_cents - " USED " - l.blocked_cents AS \"available$\", l.statement_cents AS \"statement$\","
            " l.statement_due_on, " POSTED " AS \"posted$\", " PENDING " AS \"pending$\", " SUM(
                "pending",
                "1") " AS pending_n,"
                     " " NAMES("pending") " AS pending_at, " INSTALMENTS
                                          " AS \"instalments$\", " SUM("instalments", "1") " AS instalments_n, " NAMES(
                                              "instalments") " AS instalments_at, l.blocked_for, l.blocked_until_on, "
                                                             "l.raised_on,"
                                                             " 'LIM-2' AS \"internal.engine\", l.approved_cents AS "
                                                             "\"internal.approved$\", 8 AS \"internal.row_version\""
                                                             " FROM credit_lines l JOIN customers c ON c.id = "
                                                             "l.customer WHERE l.customer = :a",
     .missing_code = "NO_CREDIT_LINE",
     .missing = "this customer has no credit limit, or there is no such customer"},
    {.path = "/v1/customers/@/charges",
     .name = "charges",
     .many = true,
     .sql =
         "SELECT merchant, kind, amount_cents AS \"amount$\", left_n, amount_cents * left_n AS \"takes_up$\", made_on"
         " FROM charges WHERE customer = :a ORDER BY made_on DESC, id"},
    /* What frees or adds room without a decision about credit. */
    {.path = "/v1/customers/@/limit-alternatives",
     .name = "alternatives",
     .sql = "SELECT l.statement_cents AS \"pay_now$\", l.statement_cents + " POSTED " AS \"pay_all_now$\","
            " " INSTALMENTS
            " AS \"anticipate$\", l.savings_cents AS \"savings$\", l.savings_cents * 8 / 10 AS \"savings_limit$\""
            " FROM credit_lines l WHERE l.customer = :a",
     .missing_code = "NO_CREDIT_LINE",
     .missing = "this customer has no credit limit, or there is no such customer"},
    {.path = "/v1/customers/@/limit-requests",
     .name = "requests",
     .many = true,
     .sql = "SELECT 'LR-'||id AS id, asked_cents AS \"asked$\", decision, reason, old_cents AS \"old_total$\","
            " new_cents AS \"new_total$\", made_on, key FROM limit_requests WHERE customer = :a ORDER BY id"},
};

static const struct json *line_of(struct deed *d)
{
    const struct json *line =
        deed_row(d, "SELECT l.total_cents, l.approved_cents, " USED " + l.blocked_cents AS taken_cents,"
                    " :today - day(l.raised_on) AS raised_days, (SELECT max(:today - day(due_on)) FROM loans o"
                    "  WHERE o.customer = l.customer AND o.overdue_cents > 0) AS overdue_days"
                    " FROM credit_lines l WHERE l.customer = :customer");
    if (!line)
        deed_refuse(d, 404, "NO_CREDIT_LINE", "this customer has no credit limit, or there is no such customer");
    return line;
}

static int decide(struct deed *d, const char *decision, const char *reason, int64_t asked, int64_t new_cents,
                  struct err *e)
{
    deed_set_text(d, "decision", str_of(decision));
    deed_set_text(d, "reason", str_of(reason));
    deed_set(d, "asked", asked);
    deed_set(d, "new_cents", new_cents);
    int result =
        deed_write(d,
                   "INSERT INTO limit_requests(customer, asked_cents, decision, reason, old_cents, new_cents, made_on,"
                   " key) SELECT :customer, :asked, :decision, :reason, total_cents, :new_cents, :today, :key"
                   " FROM credit_lines WHERE customer = :customer",
                   e);
    if (result == 0)
        result = deed_write(
            d,
            "UPDATE credit_lines SET raised_on = CASE WHEN :new_cents > total_cents THEN :today ELSE raised_on END,"
            " total_cents = :new_cents WHERE customer = :customer",
            e);
    return result < 0
               ? result
               : deed_done(
                     d, "SELECT 'LR-'||id AS id, asked_cents AS \"asked$\", decision, reason,"
                        " old_cents AS \"old_total$\", new_cents AS \"new_total$\", made_on, made_on + 90 AS again_on,"
                        " 'CT-'||(id * 37) AS contestation_ref FROM limit_requests"
                        " WHERE id = (SELECT max(id) FROM limit_requests)");
}

static int raise_limit(struct deed *d, struct err *e)
{
    const struct json *line = line_of(d);
    int64_t asked = deed_cents(d, "amount"), total = json_int(json_get(line, "total_cents"), 0);
    int64_t approved = json_int(json_get(line, "approved_cents"), 0);
    if (!line)
        return 0;
    if (asked <= total)
        return deed_refuse(d, 422, "AMOUNT_INVALID", "more than the limit that there is must be asked for");
    if (json_int(json_get(line, "raised_days"), INT64_MAX) < RAISE_AGAIN_DAYS)
        return deed_refuse(d, 409, "RAISED_RECENTLY", "the limit was raised in the last 90 days");
    if (json_int(json_get(line, "overdue_days"), 0) >= OVERDUE_DAYS)
        return decide(d, "refused", "overdue_debt", asked, total, e);
    if (approved <= total)
        return decide(d, "refused", "no_margin", asked, total, e);
    return decide(d, asked <= approved ? "granted" : "partly", "", asked, asked <= approved ? asked : approved, e);
}

static int lower_limit(struct deed *d, struct err *e)
{
    const struct json *line = line_of(d);
    int64_t asked = deed_cents(d, "amount");
    if (!line)
        return 0;
    if (asked < 0 || asked >= json_int(json_get(line, "total_cents"), 0))
        return deed_refuse(d, 422, "AMOUNT_INVALID", "less than the limit that there is must be asked for");
    if (asked < json_int(json_get(line, "taken_cents"), 0))
        return deed_refuse(d, 409, "BELOW_USED", "more than that is in use");
    return decide(d, "lowered", "", asked, asked, e);
}

static const struct domain_action actions[] = {
    {"/v1/limit-increases", "request", raise_limit},
    {"/v1/limit-decreases", "request", lower_limit},
};

const struct domain limits_domain = {schema, seed, DOMAIN_ROWS(reads), DOMAIN_ROWS(actions)};
