/* underwriting: an insurer's desk beside the bank: classes of business, a closed list of products, guidelines, submissions,
 * and referrals to a senior underwriter.
 *
 * What may be written is in the tables, and every row names the guideline that says so. Classes have codes of the form that
 * NAICS has; sizes, limits and guidelines are invented. */
#include "domain.h"

static const char schema[] =
    "CREATE TABLE uw_users(id TEXT PRIMARY KEY, name TEXT NOT NULL, locale TEXT NOT NULL, story TEXT NOT NULL) WITHOUT "
    "ROWID;"
    "CREATE TABLE uw_guidelines(id TEXT PRIMARY KEY, title TEXT NOT NULL, text TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE uw_products(id TEXT PRIMARY KEY, title TEXT NOT NULL, place INTEGER NOT NULL) WITHOUT ROWID;"
    /* words: what the class is called beside its title. most: people, or cents of revenue, of a small business */
    "CREATE TABLE uw_classes(code TEXT PRIMARY KEY, title TEXT NOT NULL, words TEXT NOT NULL, hazard TEXT NOT NULL,"
    " basis TEXT NOT NULL, most INTEGER NOT NULL, holds_data INTEGER NOT NULL, has_vehicles INTEGER NOT NULL) WITHOUT "
    "ROWID;"
    "CREATE TABLE uw_defaults(hazard TEXT NOT NULL, product TEXT NOT NULL REFERENCES uw_products, decision TEXT NOT "
    "NULL,"
    " why TEXT NOT NULL, ug TEXT NOT NULL REFERENCES uw_guidelines, PRIMARY KEY(hazard, product)) WITHOUT ROWID;"
    "CREATE TABLE uw_exceptions(class TEXT NOT NULL REFERENCES uw_classes, product TEXT NOT NULL REFERENCES "
    "uw_products,"
    " decision TEXT NOT NULL, why TEXT NOT NULL, ug TEXT NOT NULL REFERENCES uw_guidelines, PRIMARY KEY(class, "
    "product)) WITHOUT ROWID;"
    "CREATE TABLE uw_limits(product TEXT NOT NULL REFERENCES uw_products, hazard TEXT NOT NULL, standard_cents INTEGER "
    "NOT "
    "NULL,"
    " most_cents INTEGER NOT NULL, deductible_cents INTEGER NOT NULL, ug TEXT NOT NULL REFERENCES uw_guidelines,"
    " PRIMARY KEY(product, hazard)) WITHOUT ROWID;"
    "CREATE TABLE uw_submissions(id TEXT PRIMARY KEY, owner TEXT NOT NULL REFERENCES uw_users, applicant TEXT NOT NULL,"
    " class TEXT NOT NULL REFERENCES uw_classes, state TEXT NOT NULL, employees INTEGER NOT NULL, revenue_cents "
    "INTEGER NOT "
    "NULL,"
    " product TEXT NOT NULL REFERENCES uw_products, limit_cents INTEGER, losses INTEGER NOT NULL, status TEXT NOT NULL)"
    " WITHOUT ROWID;"
    "CREATE TABLE uw_referrals(id INTEGER PRIMARY KEY AUTOINCREMENT, submission TEXT NOT NULL REFERENCES "
    "uw_submissions,"
    " limit_cents INTEGER NOT NULL, ug TEXT NOT NULL REFERENCES uw_guidelines, underwriter TEXT NOT NULL REFERENCES "
    "uw_users,"
    " made_on INTEGER NOT NULL, key TEXT);"
    "CREATE VIEW uw_decisions AS SELECT c.code, c.title AS class, c.hazard, p.id AS product, p.title, p.place,"
    " coalesce(x.decision, d.decision) AS decision, coalesce(x.why, d.why) AS why, coalesce(x.ug, d.ug) AS ug"
    " FROM uw_classes c JOIN uw_products p JOIN uw_defaults d ON d.hazard = c.hazard AND d.product = p.id"
    " LEFT JOIN uw_exceptions x ON x.class = c.code AND x.product = p.id;";

static const char seed[] =
    "INSERT INTO uw_users VALUES"
    "('una','Una Reyes','en','Junior underwriter, six submissions on her desk.'),"
    "('ben','Ben Ortiz','en','Broker in Columbus; one of his submissions was referred already.'),"
    "('olga','Olga Lind','en','Broker in Duluth; her only submission was withdrawn.');"
    "INSERT INTO uw_guidelines VALUES"
    "('UG-01','Products','The company writes six products and no others: business owner''s policy, general liability, "
    "property, workers'' compensation, commercial auto, cyber. Anything else is declined.'),"
    "('UG-02','Classes','A business is written under one class code, the one that brings in most of its revenue.'),"
    "('UG-10','Low hazard','Classes of low hazard are in appetite for all six products.'),"
    "('UG-11','Medium hazard','Classes of medium hazard are in appetite; commercial auto needs a referral.'),"
    "('UG-12','High hazard','Classes of high hazard need a referral for general liability, property, workers'' "
    "compensation and commercial auto. No business owner''s policy is written for them; cyber is in appetite.'),"
    "('UG-21','Roofing','No workers'' compensation for roofing contractors.'),"
    "('UG-22','Long-haul trucking','No commercial auto for trips beyond 300 miles.'),"
    "('UG-23','Cooking','Property of a business that fries or cooks with solid fuel needs a referral.'),"
    "('UG-24','Who runs others'' systems','Cyber for a business that runs or writes systems for others needs a "
    "referral.'),"
    "('UG-25','Fitness','General liability for fitness centres needs a referral: waivers have to be read.'),"
    "('UG-30','Business owner''s policy','Written for small businesses only.'),"
    "('UG-31','Small by people','Where the class counts people: small means at most as many employees as the class "
    "allows, part-time people included.'),"
    "('UG-32','Small by revenue','Where the class counts revenue: small means at most so much a year, averaged over "
    "three "
    "years.'),"
    "('UG-40','Limits, low hazard','The standard limit is what is offered first; up to the highest limit the desk "
    "decides "
    "alone; above it a senior underwriter does.'),"
    "('UG-41','Limits, medium hazard','As for low hazard, with lower limits and higher deductibles.'),"
    "('UG-42','Limits, high hazard','Only the standard limit without a referral.'),"
    "('UG-44','Cyber limits','Cyber is offered at 1,000,000; the desk goes to 3,000,000; above that a senior "
    "underwriter "
    "decides.'),"
    "('UG-50','Recommending','Recommend only what is in appetite or may be referred, and say what each product is "
    "for.'),"
    "('UG-51','Base cover','A business that is not small gets general liability and property instead of the business "
    "owner''s policy.'),"
    "('UG-52','Employees','Where there are employees, workers'' compensation.'),"
    "('UG-53','Personal data','Where personal data is held, cyber.'),"
    "('UG-54','Vehicles','Where vehicles are part of the work, commercial auto.'),"
    "('UG-60','Losses','Three or more losses in five years need a referral, whatever the class.'),"
    "('UG-70','Why we declined','Reasons for declining a named applicant are given by a person, never by the "
    "assistant.');"
    "INSERT INTO uw_products VALUES"
    "('business_owners','business owner''s policy',1),('general_liability','general liability',2),"
    "('property','property',3),('workers_comp','workers'' compensation',4),('commercial_auto','commercial auto',5),"
    "('cyber','cyber',6);"
    "INSERT INTO uw_classes VALUES"
    "('722511','full-service restaurants','restaurant restaurants diner bistro "
    "steakhouse','medium','revenue',1150000000,0,0),"
    "('722513','limited-service restaurants','fast food restaurant restaurants takeaway pizza "
    "place','medium','revenue',"
    "1350000000,0,0),"
    "('311811','retail bakeries','bakery bakeries bread shop','low','people',500,0,0),"
    "('238160','roofing contractors','roofer roofers roofing contractor','high','revenue',1900000000,0,1),"
    "('238220','plumbing and heating contractors','plumber plumbers plumbing "
    "contractor','medium','revenue',1900000000,0,1),"
    "('541511','custom software developers','software developer software company "
    "programmer','low','revenue',3400000000,1,"
    "0),"
    "('621210','dentists','dentist dental practice dental office','low','revenue',900000000,1,0),"
    "('332710','machine shops','machine shop','high','people',500,0,0),"
    "('484121','long-haul freight trucking','trucking company trucker haulier freight company','high','revenue',"
    "3400000000,0,1),"
    "('459310','florists','florist flower shop','low','revenue',900000000,0,1),"
    "('812112','beauty salons','beauty salon hair salon hairdresser','low','revenue',950000000,0,0),"
    "('423510','metal wholesalers','metal wholesaler steel wholesaler','medium','people',200,0,1),"
    "('713940','fitness centres','gym gyms fitness centre fitness center','medium','revenue',1750000000,1,0),"
    "('561720','janitorial services','janitorial service cleaning company cleaner','medium','revenue',2200000000,0,1);"
    "INSERT INTO uw_defaults SELECT 'low', id, 'in', '', 'UG-10' FROM uw_products;"
    "INSERT INTO uw_defaults SELECT 'medium', id, CASE id WHEN 'commercial_auto' THEN 'refer' ELSE 'in' END,"
    " CASE id WHEN 'commercial_auto' THEN 'medium hazard' ELSE '' END, 'UG-11' FROM uw_products;"
    "INSERT INTO uw_defaults SELECT 'high', id, CASE id WHEN 'business_owners' THEN 'out' WHEN 'cyber' THEN 'in' ELSE "
    "'refer' END,"
    " CASE id WHEN 'cyber' THEN '' ELSE 'high hazard' END, 'UG-12' FROM uw_products;"
    "INSERT INTO uw_exceptions VALUES"
    "('238160','workers_comp','out','falls from height','UG-21'),"
    "('484121','commercial_auto','out','trips beyond 300 miles','UG-22'),"
    "('722511','property','refer','cooking','UG-23'),('722513','property','refer','frying','UG-23'),"
    "('541511','cyber','refer','it runs systems for others','UG-24'),"
    "('713940','general_liability','refer','waivers have to be read','UG-25');"
    "INSERT INTO uw_limits SELECT p.id, h.column1, CASE p.id WHEN 'property' THEN 2 ELSE 1 END * h.column2,"
    " CASE p.id WHEN 'property' THEN 2 ELSE 1 END * h.column3, h.column4, h.column5"
    " FROM uw_products p JOIN (VALUES('low',100000000,200000000,50000,'UG-40'),('medium',100000000,150000000,100000,"
    "'UG-41'),"
    "('high',100000000,100000000,250000,'UG-42')) h WHERE p.id <> 'cyber';"
    "INSERT INTO uw_limits SELECT 'cyber', column1, 100000000, 300000000, 250000, 'UG-44' FROM"
    " (VALUES('low'),('medium'),('high'));"
    "INSERT INTO uw_submissions VALUES"
    "('SUB-2001','una','Corner Crust','311811','OH',38,420000000,'business_owners',100000000,0,'open'),"
    "('SUB-2002','una','Highline Roofing','238160','OH',24,310000000,'general_liability',100000000,1,'open'),"
    "('SUB-2003','una','Highline Roofing','238160','OH',24,310000000,'workers_comp',100000000,1,'open'),"
    "('SUB-2004','una','Bright Smile Dental','621210','MI',11,210000000,'cyber',NULL,0,'open'),"
    "('SUB-2005','una','Apex Gym','713940','IN',60,2500000000,'business_owners',100000000,0,'open'),"
    "('SUB-2006','una','Tide Salon','812112','MI',9,80000000,'general_liability',250000000,0,'open'),"
    "('SUB-2101','ben','Fern and Fig','459310','OH',7,90000000,'general_liability',100000000,4,'open'),"
    "('SUB-2102','ben','Blue Line Freight','484121','OH',45,1200000000,'commercial_auto',100000000,2,'open'),"
    "('SUB-2103','ben','Codewright','541511','OH',30,600000000,'cyber',200000000,0,'open'),"
    "('SUB-2201','olga','North Pier Steel','423510','MN',120,1800000000,'commercial_auto',100000000,0,'withdrawn');"
    "INSERT INTO uw_referrals(submission, limit_cents, ug, underwriter, made_on, key) VALUES"
    "('SUB-2103',200000000,'UG-24','ben',-3,NULL);";

/* One product's row in words, with its guideline behind it. */
#define VERDICT \
    "d.title||': '||CASE d.decision WHEN 'in' THEN 'in appetite' WHEN 'refer' THEN 'needs a referral ('||d.why||')'" \
    " ELSE 'out of appetite ('||d.why||')' END||' ['||d.ug||']'"
#define LIMITS \
    "d.title||': '||CASE d.decision WHEN 'out' THEN 'not offered ['||d.ug||']' ELSE printf('standard $%,d, up to $%,d" \
    " without a referral, deductible $%,d [%s]', l.standard_cents / 100, l.most_cents / 100, l.deductible_cents / " \
    "100," \
    " l.ug) END"
#define ASKED       "d.code = :a AND (:product IS NULL OR :product = 'all' OR d.product = :product)"
#define SMALL       "CASE c.basis WHEN 'people' THEN s.employees <= c.most ELSE s.revenue_cents <= c.most END"
#define SIZE_UG     "CASE c.basis WHEN 'people' THEN 'UG-31' ELSE 'UG-32' END"
#define WANTED      "coalesce(CAST(:limit AS INTEGER) * 100, s.limit_cents)"
#define WORDS_FOUND "' '||c.code||' '||c.title||' '||c.words||' ' LIKE '% '||rtrim(trim(:words), 's')||'%'"

static const struct domain_read reads[] = {
    {.path = "/v1/underwriting/users",
     .name = "customers",
     .many = true,
     .sql = "SELECT id, name, locale, story FROM uw_users ORDER BY id"},
    /* How many classes have the word, which one it is when it is one, and all of them to choose from. */
    {.path = "/v1/underwriting/classes",
     .name = "found",
     .query = {"words"},
     .sql = "SELECT count(*) AS n, min(c.code) AS code, min(c.title) AS title,"
            " group_concat(c.code||' '||c.title, ', ') AS options FROM uw_classes c WHERE trim(:words) <> '' AND"
            " " WORDS_FOUND},
    {.path = "/v1/underwriting/classes/@",
     .name = "class",
     .sql = "SELECT c.code, c.title, c.hazard, c.basis, CASE c.basis WHEN 'people' THEN c.most END AS most_people,"
            " CASE c.basis WHEN 'revenue' THEN c.most END AS \"most_revenue$\", " SIZE_UG " AS ug,"
            " 'UWX-'||c.code AS \"internal.rating_cell\" FROM uw_classes c WHERE c.code = :a",
     .missing_code = "CLASS_UNKNOWN",
     .missing = "there is no such class code"},
    {.path = "/v1/underwriting/classes/@/appetite",
     .name = "appetite",
     .query = {"product"},
     .sql = "SELECT d.class, group_concat(" VERDICT ", '; ') AS text, count(*) AS n,"
            " sum(d.decision = 'in') AS n_in, sum(d.decision = 'refer') AS n_refer, sum(d.decision = 'out') AS n_out"
            " FROM (SELECT * FROM uw_decisions d WHERE " ASKED " ORDER BY d.place) d HAVING count(*) > 0",
     .missing_code = "NO_DECISION",
     .missing = "there is no such class code, or no such product"},
    {.path = "/v1/underwriting/classes/@/limits",
     .name = "limits",
     .query = {"product"},
     .sql = "SELECT d.class, group_concat(" LIMITS ", '; ') AS text, count(*) AS n FROM"
            " (SELECT * FROM uw_decisions d WHERE " ASKED " ORDER BY d.place) d"
            " JOIN uw_limits l ON l.product = d.product AND l.hazard = d.hazard HAVING count(*) > 0",
     .missing_code = "NO_DECISION",
     .missing = "there is no such class code, or no such product"},
    /* What UG-50 to UG-54 come to; nothing that is out of appetite. */
    {.path = "/v1/underwriting/classes/@/recommendations",
     .name = "recommended",
     .query = {"small"},
     .sql = "SELECT class, group_concat(title||CASE decision WHEN 'refer' THEN ', after a referral' ELSE '' END||' "
            "['||r||']', '; ') AS text,"
            " count(*) AS n FROM (SELECT d.*, CASE d.product WHEN 'business_owners' THEN 'UG-30' WHEN 'cyber' THEN "
            "'UG-53'"
            " WHEN 'workers_comp' THEN 'UG-52' WHEN 'commercial_auto' THEN 'UG-54' ELSE 'UG-51' END AS r"
            " FROM uw_decisions d JOIN uw_classes c ON c.code = d.code WHERE d.code = :a AND d.decision <> 'out' AND"
            " CASE d.product WHEN 'business_owners' THEN :small = 'true' WHEN 'cyber' THEN c.holds_data"
            " WHEN 'workers_comp' THEN 1 WHEN 'commercial_auto' THEN c.has_vehicles ELSE :small <> 'true' OR"
            " c.hazard = 'high' END ORDER BY d.place) HAVING count(*) > 0",
     .missing_code = "CLASS_UNKNOWN",
     .missing = "there is no such class code"},
    {.path = "/v1/underwriting/guidelines/@",
     .name = "guideline",
     .sql = "SELECT id, title, text FROM uw_guidelines WHERE id = upper(:a)",
     .missing_code = "GUIDELINE_UNKNOWN",
     .missing = "there is no guideline of that number"},
    /* With another limit than the submission's, when one is asked for. */
    {.path = "/v1/underwriting/users/@/submissions/@",
     .name = "submission",
     .query = {"limit"},
     .sql =
         "SELECT s.id, s.applicant, s.state, s.status, c.code AS class, c.title AS class_title, s.product, d.title AS "
         "product_title,"
         " s.employees, s.revenue_cents AS \"revenue$\", s.losses, d.decision, d.why, d.ug, " SMALL " AS \"small?\","
         " " SIZE_UG " AS size_ug, " WANTED " AS \"limit$\", l.most_cents AS \"most$\", l.ug AS limit_ug,"
         " CASE WHEN d.decision = 'refer' THEN d.ug WHEN s.losses > 2 THEN 'UG-60' WHEN " WANTED
         " > l.most_cents THEN l.ug END AS refer_ug,"
         " CASE WHEN d.decision = 'refer' THEN d.why WHEN s.losses > 2 THEN s.losses||' losses in five years' "
         "WHEN " WANTED " > l.most_cents THEN printf('the limit is above $%,d', l.most_cents / 100) END AS refer_why,"
         " 'PX-'||s.id AS \"internal.policy_admin\""
         " FROM uw_submissions s JOIN uw_classes c ON c.code = s.class"
         " JOIN uw_decisions d ON d.code = s.class AND d.product = s.product"
         " JOIN uw_limits l ON l.product = s.product AND l.hazard = c.hazard WHERE s.owner = :a AND s.id = upper(:b)",
     .missing_code = "SUBMISSION_UNKNOWN",
     .missing = "no submission of this number is on this person's desk"},
    {.path = "/v1/underwriting/users/@/referrals",
     .name = "referrals",
     .many = true,
     .sql =
         "SELECT 'RF-'||(1000 + r.id) AS id, r.submission, r.limit_cents AS \"limit$\", r.ug AS guideline, r.made_on,"
         " r.key FROM uw_referrals r WHERE r.underwriter = :a ORDER BY r.id"},
};

static int refer(struct deed *d, struct err *e)
{
    int64_t cents = deed_cents(d, "limit");
    const struct json *submission =
        deed_row(d, "SELECT status, EXISTS(SELECT 1 FROM uw_referrals r WHERE r.submission = s.id) AS referred"
                    " FROM uw_submissions s WHERE id = :submission AND owner = :underwriter");
    if (!submission)
        return deed_refuse(d, 404, "SUBMISSION_UNKNOWN", "no submission of this number is on this person's desk");
    if (!str_is(json_str(json_get(submission, "status")), "open"))
        return deed_refuse(d, 409, "SUBMISSION_CLOSED", "the submission was withdrawn");
    if (json_int(json_get(submission, "referred"), 0))
        return deed_refuse(d, 409, "ALREADY_REFERRED", "this submission is with a senior underwriter already");
    if (!deed_row(d, "SELECT 1 AS there FROM uw_guidelines WHERE id = :guideline"))
        return deed_refuse(d, 422, "GUIDELINE_UNKNOWN", "a referral names the guideline that asks for it");
    if (cents < 1)
        return deed_refuse(d, 422, "LIMIT_INVALID", "a referral names the limit that is asked for");
    deed_set(d, "cents", cents);
    int result = deed_write(d,
                            "INSERT INTO uw_referrals(submission, limit_cents, ug, underwriter, made_on, key)"
                            " VALUES(:submission, :cents, :guideline, :underwriter, :today, :key)",
                            e);
    return result < 0 ? result
                      : deed_done(d, "SELECT 'RF-'||(1000 + r.id) AS id, r.submission, r.limit_cents AS \"limit$\","
                                     " r.ug AS guideline, :today + 2 AS answer_by_on, s.applicant"
                                     " FROM uw_referrals r JOIN uw_submissions s ON s.id = r.submission"
                                     " WHERE r.id = (SELECT max(id) FROM uw_referrals)");
}

static const struct domain_action actions[] = {{"/v1/underwriting/referrals", "referral", refer}};

const struct domain underwriting_domain = {schema, seed, DOMAIN_ROWS(reads), DOMAIN_ROWS(actions)};
