/* debts: personal loans, what is overdue of them, and how it can be paid.
 *
 * Which plans a customer is offered depends on how long the oldest instalment is overdue (table plans): fewer days, little
 * time and no discount; more days, more time or money off. A simulation is what an agreement would be: the overdue amount
 * less the discount, with simple interest for each month, in equal instalments rounded up to a cent. */
#include "domain.h"

enum { PROMISE_DAYS_MAX = 15 };

static const char schema[] =
    /* flag: what a person has to deal with: '', dispute, hardship */
    "CREATE TABLE loans(id TEXT PRIMARY KEY, customer TEXT NOT NULL REFERENCES customers, outstanding_cents INTEGER "
    "NOT NULL,"
    " overdue_cents INTEGER NOT NULL, overdue_n INTEGER NOT NULL, instalment_cents INTEGER NOT NULL, due_on INTEGER,"
    " next_due_on INTEGER NOT NULL, flag TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE plans(days_min INTEGER NOT NULL, days_max INTEGER NOT NULL, size TEXT NOT NULL, instalments INTEGER "
    "NOT NULL,"
    " discount_bp INTEGER NOT NULL, rate_bp INTEGER NOT NULL, PRIMARY KEY(days_min, instalments)) WITHOUT ROWID;"
    "CREATE TABLE agreements(id INTEGER PRIMARY KEY AUTOINCREMENT, loan TEXT NOT NULL REFERENCES loans,"
    " instalments INTEGER NOT NULL, instalment_cents INTEGER NOT NULL, first_due_on INTEGER NOT NULL, made_on INTEGER "
    "NOT NULL,"
    " key TEXT);"
    "CREATE TABLE promises(id INTEGER PRIMARY KEY AUTOINCREMENT, loan TEXT NOT NULL REFERENCES loans,"
    " amount_cents INTEGER NOT NULL, pay_on INTEGER NOT NULL, made_on INTEGER NOT NULL, key TEXT);";

static const char seed[] =
    "INSERT INTO plans VALUES"
    "(1,29,'once',1,0,0),(1,29,'middle',2,0,0),(1,29,'long',3,0,100),"
    "(30,89,'once',1,1000,0),(30,89,'middle',6,0,100),(30,89,'long',12,0,190),"
    "(90,9999,'once',1,4000,0),(90,9999,'middle',12,1000,90),(90,9999,'long',24,0,140);"
    "INSERT INTO loans VALUES"
    "('PL-1001','ana',840000,0,0,42820,NULL,6,''),"            /* pays on time */
    "('PL-1002','bruno',1210000,642000,4,160500,-112,-22,'')," /* four months behind */
    "('PL-1004','diego',5240000,980000,2,490000,-41,-11,''),"
    "('PL-1005','emma',310000,21240,1,21240,-12,18,''),"
    "('PL-1006','frank',420000,90000,2,45000,-47,-17,''),"
    "('PL-1007','grace',260000,72000,3,24000,-67,-7,'hardship')," /* told a colleague of an illness */
    "('PL-1008','henry',505000,118000,2,59000,-52,-22,''),"       /* agreed to a plan last week */
    "('PL-1009','ines',1830000,431050,1,431050,-33,-3,''),"       /* promised to pay in four days */
    "('PL-1010','joao',390000,128460,3,42820,-38,-8,''),"
    "('PL-1011','joao',150000,60000,2,30000,-55,-25,'dispute');" /* says that he never took it */
    "INSERT INTO agreements VALUES(20990,'PL-1008',6,20847,3,-7,NULL);"
    "INSERT INTO promises VALUES(20990,'PL-1009',431050,4,-1,NULL);";

#define SIGN "CASE WHEN c.locale LIKE 'pt%' THEN 'R$ ' WHEN c.locale LIKE 'es%' THEN '$' ELSE '£' END"
#define DAYS "(:today - day(l.due_on))"
#define PLAN(size) \
    "(SELECT CAST(instalments AS TEXT) FROM plans WHERE " DAYS " BETWEEN days_min AND days_max AND size = '" size "')"

/* What one instalment would be: (overdue - discount) * (1 + months * rate) / months, rounded up. */
#define EACH_CENTS \
    "((l.overdue_cents * (10000 - p.discount_bp) * (10000 + p.rate_bp * p.instalments) / 10000" \
    " + 10000 * p.instalments - 1) / (10000 * p.instalments))"

static const struct domain_read reads[] = {
    /* The loan to talk about: of those behind, the one that needs no person; else the oldest debt; else any. */
    {.path = "/v1/customers/@/debt",
     .name = "debt",
     .sql = "SELECT l.id AS loan, l.overdue_cents > 0 AS \"overdue?\", l.overdue_cents AS \"overdue_amount$\","
            " coalesce(" DAYS ", 0) AS days_overdue, l.overdue_n, l.due_on AS oldest_due_on, l.next_due_on,"
            " l.instalment_cents AS \"instalment$\", l.outstanding_cents AS \"outstanding$\", l.flag, " SIGN " AS sign,"
            " (SELECT 'AG-'||max(a.id) FROM agreements a WHERE a.loan = l.id) AS agreement,"
            " (SELECT max(p.pay_on) FROM promises p WHERE p.loan = l.id) AS promised_on,"
            " (SELECT count(*) FROM loans o WHERE o.customer = c.id AND o.overdue_cents > 0) AS loans_overdue_n,"
            " " PLAN("once") " AS \"plans.once\", " PLAN("middle") " AS \"plans.middle\", " PLAN(
                "long") " AS \"plans.long\","
                        " 'retail-collections' AS \"internal.queue\", 3 AS \"internal.score_band\", 11 AS "
                        "\"internal.row_version\""
                        " FROM loans l JOIN customers c ON c.id = l.customer WHERE l.customer = :a"
                        " ORDER BY l.overdue_cents > 0 DESC, l.flag <> '', l.due_on LIMIT 1",
     .missing_code = "NO_LOAN",
     .missing = "this customer has no loan, or there is no such customer"},
    {.path = "/v1/customers/@/loans",
     .name = "loans",
     .many = true,
     .sql = "SELECT id AS loan, overdue_cents AS \"overdue_amount$\", overdue_n, due_on AS oldest_due_on, next_due_on, "
            "flag"
            " FROM loans WHERE customer = :a ORDER BY id"},
    {.path = "/v1/loans/@/simulations/@",
     .name = "simulation",
     .sql = "SELECT l.id AS loan, p.instalments, " EACH_CENTS " AS \"instalment$\", " EACH_CENTS
            " * p.instalments AS \"total$\","
            " l.overdue_cents AS \"overdue_amount$\", p.discount_bp / 100 AS discount_percent, :today + 10 AS "
            "first_due_on,"
            " p.rate_bp AS \"internal.rate_bp\", 'PRICING-7' AS \"internal.table\" FROM loans l JOIN plans p"
            " ON " DAYS " BETWEEN p.days_min AND p.days_max WHERE l.id = :a AND p.instalments = CAST(:b AS INTEGER)"
            " AND l.overdue_cents > 0",
     .missing_code = "PLAN_NOT_OFFERED",
     .missing = "this loan is not overdue, or has no plan with so many instalments"},
    {.path = "/v1/customers/@/agreements",
     .name = "agreements",
     .many = true,
     .sql =
         "SELECT 'AG-'||a.id AS id, a.loan, a.instalments, a.instalment_cents AS \"instalment$\", a.first_due_on, a.key"
         " FROM agreements a JOIN loans l ON l.id = a.loan WHERE l.customer = :a ORDER BY a.id"},
    {.path = "/v1/customers/@/promises",
     .name = "promises",
     .many = true,
     .sql = "SELECT 'PR-'||p.id AS id, p.loan, p.amount_cents AS \"amount$\", p.pay_on, p.key"
            " FROM promises p JOIN loans l ON l.id = p.loan WHERE l.customer = :a ORDER BY p.id"},
};

/* The customer's overdue loan that the order names, or NULL: then the refusal stands already. */
static const struct json *loan_of(struct deed *d)
{
    const struct json *loan = deed_row(
        d, "SELECT l.overdue_cents, l.flag, (SELECT count(*) FROM agreements a WHERE a.loan = l.id) AS agreements_n,"
           " (SELECT count(*) FROM promises p WHERE p.loan = l.id AND day(p.pay_on) >= :today) AS promises_n"
           " FROM loans l WHERE l.id = :loan AND l.customer = :customer");
    struct str flag = json_str(json_get(loan, "flag"));
    if (!loan)
        deed_refuse(d, 404, "LOAN_UNKNOWN", "this customer has no such loan");
    else if (!json_int(json_get(loan, "overdue_cents"), 0))
        deed_refuse(d, 409, "NOT_OVERDUE", "nothing of this loan is overdue");
    else if (flag.n)
        deed_refuse(d, 409, "NEEDS_PERSON", "this loan is in dispute or under a hardship review");
    else if (json_int(json_get(loan, "agreements_n"), 0))
        deed_refuse(d, 409, "ALREADY_AGREED", "there is an agreement about this loan");
    else
        return loan;
    return NULL;
}

static int agree(struct deed *d, struct err *e)
{
    if (!loan_of(d))
        return 0;
    const struct json *offer = deed_row(d, "SELECT " EACH_CENTS " AS each_cents, :today + 10 AS first_due FROM loans l"
                                           " JOIN plans p ON " DAYS " BETWEEN p.days_min AND p.days_max"
                                           " WHERE l.id = :loan AND p.instalments = :instalments");
    int64_t each = json_int(json_get(offer, "each_cents"), -1), first = json_int(json_get(offer, "first_due"), -1);
    if (!offer)
        return deed_refuse(d, 422, "PLAN_NOT_OFFERED", "this loan has no plan with so many instalments");
    if (each != deed_cents(d, "instalment") || first != deed_day(d, "first_due_on"))
        return deed_refuse(d, 409, "OFFER_CHANGED",
                           "the plan has another instalment or first day now; simulate it again");
    deed_set(d, "each_cents", each);
    deed_set(d, "first_day", first);
    int result = deed_write(d,
                            "INSERT INTO agreements(loan, instalments, instalment_cents, first_due_on, made_on, key)"
                            " VALUES(:loan, :instalments, :each_cents, :first_day, :today, :key)",
                            e);
    return result < 0
               ? result
               : deed_done(d, "SELECT 'AG-'||id AS id, loan, instalments, instalment_cents AS \"instalment$\","
                              " instalment_cents * instalments AS \"total$\", first_due_on, made_on,"
                              " 'CT-'||(id * 31) AS contestation_ref FROM agreements WHERE id = last_insert_rowid()");
}

static int promise(struct deed *d, struct err *e)
{
    const struct json *loan = loan_of(d);
    int64_t day = deed_day(d, "pay_on"), cents = deed_cents(d, "amount");
    if (!loan)
        return 0;
    const struct json *today = deed_row(d, "SELECT :today AS n");
    int64_t in_days = day - json_int(json_get(today, "n"), 0);
    if (json_int(json_get(loan, "promises_n"), 0))
        return deed_refuse(d, 409, "PROMISE_OPEN", "there is a promise about this loan that is not due yet");
    if (day < 0 || in_days < 0 || in_days > PROMISE_DAYS_MAX)
        return deed_refuse(d, 422, "DATE_INVALID", "a promise is for one of the next 15 days");
    if (cents < 1 || cents > json_int(json_get(loan, "overdue_cents"), 0))
        return deed_refuse(d, 422, "AMOUNT_INVALID", "a promise is for an amount up to what is overdue");
    deed_set(d, "cents", cents);
    deed_set(d, "day", day);
    int result = deed_write(d,
                            "INSERT INTO promises(loan, amount_cents, pay_on, made_on, key)"
                            " VALUES(:loan, :cents, :day, :today, :key)",
                            e);
    return result < 0 ? result
                      : deed_done(d, "SELECT 'PR-'||id AS id, loan, amount_cents AS \"amount$\", pay_on, made_on"
                                     " FROM promises WHERE id = last_insert_rowid()");
}

static const struct domain_action actions[] = {
    {"/v1/agreements", "agreement", agree},
    {"/v1/promises", "promise", promise},
};

const struct domain debts_domain = {schema, seed, DOMAIN_ROWS(reads), DOMAIN_ROWS(actions)};
