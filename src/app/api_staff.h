/* api_staff: what needs the operator's token: reading a conversation whole, taking it over, answering in it. */
#ifndef APP_API_STAFF_H
#define APP_API_STAFF_H

#include "app/api_call.h"

/* The rows of the table in api.c; docs/API.md says what each does. */
void api_staff_handoff(struct api_call *c);
void api_staff_journal(struct api_call *c);
void api_staff_takeover(struct api_call *c);
void api_staff_giveback(struct api_call *c);
void api_staff_reply(struct api_call *c);

#endif
