/* customers: the ten invented people whom every domain tells stories of. One row is one sentence of the example. */
#include "domain.h"

static const char schema[] =
    "CREATE TABLE customers(id TEXT PRIMARY KEY, name TEXT NOT NULL, first_name TEXT NOT NULL, locale TEXT NOT NULL,"
    " email TEXT NOT NULL, phone TEXT NOT NULL, document_masked TEXT NOT NULL, story TEXT NOT NULL,"
    " segment TEXT NOT NULL, since_on INTEGER NOT NULL, reissues_max INTEGER,"
    " reissues_n INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;"
    "CREATE TABLE addresses(customer TEXT PRIMARY KEY REFERENCES customers, type TEXT NOT NULL,"
    " line TEXT NOT NULL, city TEXT NOT NULL, postcode TEXT NOT NULL, country TEXT NOT NULL) WITHOUT ROWID;";

static const char seed[] =
    "INSERT INTO customers(id, name, first_name, locale, email, phone, document_masked, story, segment, since_on,"
    " reissues_max) VALUES"
    "('ana','Ana Souza','Ana','pt-BR','ana.souza@example.com','+55 81 95550 0101','***.111.222-**',"
    " 'House in Recife; the card is on its way and 6 days late.','core',-812,NULL),"
    "('bruno','Bruno Carvalho','Bruno','pt-BR','bruno.carvalho@example.com','+55 11 95550 0102','***.333.444-**',"
    " 'Apartment in São Paulo; delivered 2 days ago, says the carrier, but Bruno has no card.','core',-301,NULL),"
    "('carla','Carla Mendoza','Carla','es-MX','carla.mendoza@example.com','+52 55 5550 0103','ME******C03',"
    " 'House in Puebla; on time, expected in 3 days.','core',-45,NULL),"
    "('diego','Diego Ramírez','Diego','es-MX','diego.ramirez@example.com','+52 33 5550 0104','RA******D04',"
    " 'Office in Guadalajara; delivered yesterday.','business',-1530,NULL),"
    "('emma','Emma Collins','Emma','en','emma.collins@example.com','+44 20 7946 0105','******05E',"
    " 'Apartment in London; delivered 3 days ago.','core',-220,NULL),"
    "('frank','Frank Miller','Frank','en','frank.miller@example.com','+44 161 496 0106','******06F',"
    " 'House in Manchester; no card was ever ordered.','core',-2,NULL),"
    "('grace','Grace Lee','Grace','en','grace.lee@example.com','+44 131 496 0107','******07G',"
    " 'PO box in Edinburgh; delivered 4 days ago.','core',-640,NULL),"
    "('henry','Henry Brooks','Henry','en','henry.brooks@example.com','+44 117 496 0108','******08H',"
    " 'House in Bristol; 9 days late, and a new card was ordered already.','core',-977,1),"
    "('ines','Inés Torres','Inés','es-MX','ines.torres@example.com','+52 81 5550 0109','TO******I09',"
    " 'Apartment in Monterrey; the card is on its way and 4 days late.','core',-130,NULL),"
    "('joao','João Pereira','João','pt-BR','joao.pereira@example.com','+55 31 95550 0110','***.555.666-**',"
    " 'House in Belo Horizonte; the card went back to the bank.','core',-415,NULL);"
    "INSERT INTO addresses VALUES"
    "('ana','house','Rua das Laranjeiras 120','Recife','50050-120','BR'),"
    "('bruno','apartment','Rua Augusta 1500, ap 72','São Paulo','01304-001','BR'),"
    "('carla','house','Calle 5 de Mayo 214','Puebla','72000','MX'),"
    "('diego','business','Av. Vallarta 3233, piso 4','Guadalajara','44130','MX'),"
    "('emma','apartment','Flat 9, 14 Canal Walk','London','N1 7AA','GB'),"
    "('frank','house','3 Orchard Row','Manchester','M1 2AB','GB'),"
    "('grace','po_box','PO Box 318','Edinburgh','EH1 1YZ','GB'),"
    "('henry','house','27 Quay Lane','Bristol','BS1 4DJ','GB'),"
    "('ines','apartment','Av. Constitución 400, depto 12','Monterrey','64000','MX'),"
    "('joao','house','Rua da Bahia 905','Belo Horizonte','30160-011','BR');";

static const struct domain_read reads[] = {
    {.path = "/v1/customers",
     .name = "customers",
     .many = true,
     .sql = "SELECT id, name, locale, story FROM customers ORDER BY id"},
    {.path = "/v1/customers/@",
     .name = "customer",
     .sql = "SELECT c.id, c.name, c.first_name, c.locale, c.email, c.phone, c.document_masked,"
            " 'AD-'||c.id AS \"address.id\", a.type AS \"address.type\", a.line AS \"address.line\","
            " a.city AS \"address.city\", a.postcode AS \"address.postcode\", a.country AS \"address.country\","
            " a.line||', '||a.city||', '||a.postcode AS \"address.text\", 'file' AS \"address.source\","
            " 1 AS \"address.verified?\", c.segment, c.since_on, 'full' AS \"kyc.level\", c.since_on AS "
            "\"kyc.checked_on\","
            " 'low' AS \"risk.band\", 12 AS \"risk.score\", 0 AS \"risk.watchlisted?\", 0 AS \"marketing.email?\","
            " 0 AS \"marketing.push?\", 'CRM-'||upper(c.id) AS \"internal.crm_id\", 4 AS \"internal.shard\","
            " 'retail-eu-2' AS \"internal.cost_centre\", NULL AS \"internal.notes\", 17 AS \"internal.row_version\""
            " FROM customers c JOIN addresses a ON a.customer = c.id WHERE c.id = :a",
     .missing_code = "CUSTOMER_UNKNOWN",
     .missing = "there is no such customer"},
};

const struct domain customers_domain = {schema, seed, DOMAIN_ROWS(reads), NULL, 0};
