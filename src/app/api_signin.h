/* api_signin: the example's customers, and signing in as one of them. For workspaces with `signin: {kind: example}`. */
#ifndef APP_API_SIGNIN_H
#define APP_API_SIGNIN_H

#include "app/api_call.h"

/* The rows of the table in api.c; docs/API.md says what each does. */
void api_signin_customers(struct api_call *c);
void api_signin_session(struct api_call *c);

#endif
