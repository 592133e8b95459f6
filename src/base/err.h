/* err: what went wrong, as a code for the program and one sentence for the operator.
 *
 * A function that can fail returns 0 (or a count) for yes and one of these negative codes for no,
 * and fills the caller's `struct err`. The sentence says what, where and what to do; it never
 * holds a secret. Only src/app turns a code into an HTTP status or an exit status. */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdarg.h>

#define MUST_USE          __attribute__((warn_unused_result))
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))

enum err_code {
    ERR_INVALID = -1,     /* the input is wrong; the same input will be wrong again */
    ERR_NOT_FOUND = -2,   /* no such thing */
    ERR_CONFLICT = -3,    /* somebody else was first: read again and decide again */
    ERR_DUPLICATE = -4,   /* this very thing is already recorded */
    ERR_BUSY = -5,        /* not now; try later */
    ERR_LIMIT = -6,       /* a published limit was reached */
    ERR_DENIED = -7,      /* not allowed (no right, lease lost, confirmation missing) */
    ERR_TIMEOUT = -8,     /* time ran out; the outcome may be unknown */
    ERR_IO = -9,          /* disk or network failed */
    ERR_FULL = -10,       /* the disk is full */
    ERR_UNDEFINED = -11,  /* the question has no answer (statistics) */
    ERR_UNSUPPORTED = -12 /* known, but not in this build or setting */
};

struct err {
    int code;       /* 0 or an enum err_code */
    char text[400]; /* one sentence, NUL-terminated, cut when longer */
};

/* Fills e and returns code, so that `return err_set(e, ...)` reads as the refusal it is.
 * e may be NULL when the caller wants the code alone. */
int err_set(struct err *e, int code, const char *format, ...) PRINTF_LIKE(3, 4);

/* Puts "where: " before the sentence that is already there; returns e's code. */
int err_in(struct err *e, const char *format, ...) PRINTF_LIKE(2, 3);

/* The code's name in words, for logs: "invalid", "not found", ... Static. */
const char *err_name(int code);

#endif
