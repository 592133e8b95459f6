/* expr_tree: what an expression is once it is compiled (base/expr.h); only for the parts of expr. */
#ifndef BASE_EXPR_TREE_H
#define BASE_EXPR_TREE_H

#include "base/expr.h"

enum expr_node {
    EXPR_LITERAL, /* `value` */
    EXPR_PATH,    /* `text` */
    EXPR_ITEMS,   /* a list; each child is an item */
    EXPR_CHAIN,   /* the first child, then by `op` of each other one, from left to right */
    EXPR_MINUS,   /* of the only child */
    EXPR_COMPARE, /* the two children, as `compare` says */
    EXPR_IS_SET,  /* the only child; `text` is "not" for `is not set` */
    EXPR_NOT,
    EXPR_AND, /* all children */
    EXPR_OR   /* any child */
};

enum expr_op {
    EXPR_FIRST,
    EXPR_ADD,
    EXPR_SUBTRACT,
    EXPR_MULTIPLY,
    EXPR_DIVIDE,
    EXPR_ROUND,
    EXPR_HOURS_SINCE,
    EXPR_PLUS_HOURS
};

enum expr_compare {
    EXPR_NO_COMPARISON,
    EXPR_SAME,
    EXPR_DIFFERENT,
    EXPR_LESS,
    EXPR_LESS_OR_SAME,
    EXPR_MORE,
    EXPR_MORE_OR_SAME,
    EXPR_IN,
    EXPR_CONTAINS,
    EXPR_MATCHES,
    EXPR_IS
};

/* A tree is as deep as the parentheses, lists, minus signs and `not`s of its source, not as its chains are long. */
struct expr {
    enum expr_node node;
    enum expr_op op; /* how a chain comes to this child */
    enum expr_compare compare;
    unsigned n;         /* children */
    size_t at;          /* its first byte in the source; of a comparison that of its sign */
    struct str text;    /* in the compiled source */
    struct json *value; /* of a literal */
    struct expr *child; /* the first */
    struct expr *next;  /* sibling */
    struct expr *last;  /* child */
};

/* The sign or word of what joins; "" of EXPR_FIRST. */
const char *expr_op_word(enum expr_op op);
/* The sign or word of a comparison; "" of none. */
const char *expr_compare_word(enum expr_compare c);

#endif
