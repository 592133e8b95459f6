/* transfers: accounts, saved recipients, one-time codes and money sent.
 *
 * Names of other people are masked before they leave. Money moves once a key, out of an account that has it, within the day's
 * limit, and only for a session that was stepped up with a code. In the example a customer's code is always the same one
 * (README.md): no message is sent. */
#include "domain.h"

static const char schema[] =
    "CREATE TABLE accounts(customer TEXT PRIMARY KEY REFERENCES customers, last4 TEXT NOT NULL, balance_cents INTEGER "
    "NOT "
    "NULL,"
    " daily_cents INTEGER NOT NULL, one_time_code TEXT NOT NULL) WITHOUT ROWID;"
    /* search: the name as it is looked for, in lower case without accents */
    "CREATE TABLE recipients(id TEXT PRIMARY KEY, customer TEXT NOT NULL REFERENCES accounts, name TEXT NOT NULL,"
    " masked TEXT NOT NULL, search TEXT NOT NULL, bank TEXT NOT NULL, last4 TEXT NOT NULL, blocked INTEGER NOT NULL)"
    " WITHOUT ROWID;"
    "CREATE TABLE transfers(id INTEGER PRIMARY KEY AUTOINCREMENT, customer TEXT NOT NULL REFERENCES accounts,"
    " recipient TEXT NOT NULL REFERENCES recipients, amount_cents INTEGER NOT NULL, made_on INTEGER NOT NULL, key "
    "TEXT);";

static const char seed[] =
    "INSERT INTO accounts VALUES"
    "('ana','3301',245000,100000,'204060'),('bruno','3302',4200,100000,'113355'),('carla','3303',1850000,500000,'"
    "908070'),"
    "('diego','3304',90000000,20000000,'556677'),('emma','3305',132050,50000,'314159'),('henry','3308',60000,50000,'"
    "271828'),"
    "('ines','3309',430000,300000,'161803'),('joao','3310',87000,60000,'141421');"
    "INSERT INTO recipients VALUES"
    "('RC-101','ana','Maria Silva','Maria S.','maria silva','Banco Aurora','7781',0),"
    "('RC-102','ana','Pedro Lima','Pedro L.','pedro lima','Banco do Porto','2210',0),"
    "('RC-103','ana','Mariana Costa','Mariana C.','mariana costa','Banco Aurora','5512',0),"
    "('RC-201','bruno','Maria Nunes','Maria N.','maria nunes','Banco Sol','9021',0),"
    "('RC-301','carla','José Hernández','José H.','jose hernandez','Banco del Valle','1177',0),"
    "('RC-302','carla','José Luis Ortega','José Luis O.','jose luis ortega','Banco Norte','6624',0),"
    "('RC-303','carla','Lupita Reyes','Lupita R.','lupita reyes','Banco del Valle','3305',0),"
    "('RC-401','diego','Taller Ruiz','Taller R.','taller ruiz','Banco Norte','4410',0),"
    "('RC-501','emma','Maria Jones','Maria J.','maria jones','North Bank','8842',0),"
    "('RC-502','emma','Maria Okafor','Maria O.','maria okafor','Harbour Bank','1963',0),"
    "('RC-503','emma','Tom Reed','Tom R.','tom reed','North Bank','0457',0),"
    "('RC-504','emma','Quick Cash Ltd','Quick C.','quick cash ltd','Unknown Bank','0666',1),"
    "('RC-801','henry','Sue Brooks','Sue B.','sue brooks','North Bank','7310',0),"
    "('RC-901','ines','Óscar Torres','Óscar T.','oscar torres','Banco Norte','2093',0),"
    "('RC-910','joao','Cláudia Pereira','Cláudia P.','claudia pereira','Banco Aurora','6001',0);";

#define SIGN "CASE WHEN c.locale LIKE 'pt%' THEN 'R$ ' WHEN c.locale LIKE 'es%' THEN '$' ELSE '£' END"
#define TODAY \
    "coalesce((SELECT sum(amount_cents) FROM transfers t WHERE t.customer = a.customer AND t.made_on = :today), 0)"
/* Looked for as a whole name or as one of its first words, accents left out by who asks or not. */
#define FOLDED(s) \
    "lower(replace(replace(replace(replace(replace(replace(replace(replace(replace(" s \
    ",'á','a'),'é','e'),'í','i'),'ó','o'),'ú','u'),'ã','a'),'ç','c'),'Ó','o'),'É','e'))"
#define NAMED \
    "r.customer = :a AND (' '||r.search||' ') LIKE '% '||" FOLDED("trim(:name)") "||' %' AND trim(:name) <> ''"

static const struct domain_read reads[] = {
    {.path = "/v1/customers/@/account",
     .name = "account",
     .sql = "SELECT a.last4, " SIGN " AS sign, a.balance_cents AS \"balance$\", a.daily_cents AS \"daily_limit$\","
            " " TODAY " AS \"sent_today$\", a.daily_cents - " TODAY " AS \"left_today$\", 'EU-4' AS \"internal.ledger\""
            " FROM accounts a JOIN customers c ON c.id = a.customer WHERE a.customer = :a",
     .missing_code = "NO_ACCOUNT",
     .missing = "this customer has no account, or there is no such customer"},
    /* How many there are of a name, which one it is when it is one, and all of them to choose from. */
    {.path = "/v1/customers/@/recipients",
     .name = "found",
     .query = {"name"},
     .sql =
         "SELECT count(*) AS n, min(r.id) AS id, min(r.masked) AS masked, min(r.bank) AS bank, min(r.last4) AS last4,"
         " group_concat(r.place||') '||r.masked||' ('||r.bank||', '||r.last4||')', ', ') AS options"
         " FROM (SELECT r.*, row_number() OVER (ORDER BY r.id) AS place FROM recipients r WHERE " NAMED
         " ORDER BY r.id) r"},
    /* The one of that place in the list, or the one whose account ends so. */
    {.path = "/v1/customers/@/recipient",
     .name = "recipient",
     .query = {"name", "choice"},
     .sql = "SELECT id, masked, bank, last4, masked||', '||bank||', '||last4 AS shown FROM (SELECT r.*, row_number() "
            "OVER (ORDER BY r.id) AS place FROM recipients r"
            " WHERE " NAMED ") WHERE last4 = printf('%04d', :choice) OR place = CAST(:choice AS INTEGER)"
            " ORDER BY last4 = printf('%04d', :choice) DESC LIMIT 1",
     .missing_code = "NOT_ONE_OF_THEM",
     .missing = "no saved recipient of that name has that place or that account number"},
    {.path = "/v1/customers/@/code",
     .name = "code",
     .sql = "SELECT '***'||substr(c.phone, -4) AS sent_to, 6 AS digits FROM accounts a JOIN customers c ON c.id = "
            "a.customer"
            " WHERE a.customer = :a",
     .missing_code = "NO_ACCOUNT",
     .missing = "this customer has no account, or there is no such customer"},
    {.path = "/v1/customers/@/code-check",
     .name = "check",
     .query = {"code"},
     .sql = "SELECT a.one_time_code = :code AS \"verified?\" FROM accounts a WHERE a.customer = :a",
     .missing_code = "NO_ACCOUNT",
     .missing = "this customer has no account, or there is no such customer"},
    {.path = "/v1/customers/@/transfers",
     .name = "transfers",
     .many = true,
     .sql = "SELECT 'TR-'||(1000 + t.id) AS id, r.masked, r.last4, t.amount_cents AS \"amount$\", t.made_on, t.key"
            " FROM transfers t JOIN recipients r ON r.id = t.recipient WHERE t.customer = :a ORDER BY t.id"},
};

static int send_money(struct deed *d, struct err *e)
{
    int64_t cents = deed_cents(d, "amount");
    const struct json *account = deed_row(d, "SELECT a.balance_cents, a.daily_cents - " TODAY
                                             " AS left_cents FROM accounts a WHERE a.customer = :customer");
    const struct json *recipient =
        deed_row(d, "SELECT blocked FROM recipients WHERE id = :recipient AND customer = :customer");
    if (!account)
        return deed_refuse(d, 404, "NO_ACCOUNT", "this customer has no account, or there is no such customer");
    if (json_int(json_get(d->body, "identity"), 0) < 2)
        return deed_refuse(d, 403, "STEP_UP_REQUIRED", "money is sent for a session of identity 2 only");
    if (!recipient)
        return deed_refuse(d, 404, "RECIPIENT_UNKNOWN", "the customer has no saved recipient of that id");
    if (json_int(json_get(recipient, "blocked"), 0))
        return deed_refuse(d, 409, "RECIPIENT_BLOCKED", "money is not sent to this recipient");
    if (cents < 1)
        return deed_refuse(d, 422, "AMOUNT_INVALID", "an amount of at least one cent is sent");
    if (cents > json_int(json_get(account, "balance_cents"), 0))
        return deed_refuse(d, 409, "NO_FUNDS", "the account does not hold so much");
    if (cents > json_int(json_get(account, "left_cents"), 0))
        return deed_refuse(d, 409, "LIMIT_EXCEEDED", "the day's limit does not allow so much");
    deed_set(d, "cents", cents);
    int result = deed_write(d,
                            "INSERT INTO transfers(customer, recipient, amount_cents, made_on, key)"
                            " VALUES(:customer, :recipient, :cents, :today, :key)",
                            e);
    if (result == 0)
        result =
            deed_write(d, "UPDATE accounts SET balance_cents = balance_cents - :cents WHERE customer = :customer", e);
    return result < 0 ? result
                      : deed_done(d, "SELECT 'TR-'||(1000 + t.id) AS id, r.masked, r.last4, r.bank,"
                                     " t.amount_cents AS \"amount$\", t.made_on, a.balance_cents AS \"balance$\""
                                     " FROM transfers t JOIN recipients r ON r.id = t.recipient"
                                     " JOIN accounts a ON a.customer = t.customer"
                                     " WHERE t.id = (SELECT max(id) FROM transfers)");
}

static const struct domain_action actions[] = {{"/v1/transfers", "transfer", send_money}};

const struct domain transfers_domain = {schema, seed, DOMAIN_ROWS(reads), DOMAIN_ROWS(actions)};
