/* api_customer: what a customer may do, or a service for one: open a conversation, write, read, decide, rate, close. */
#ifndef APP_API_CUSTOMER_H
#define APP_API_CUSTOMER_H

#include "app/api_call.h"

/* The rows of the table in api.c; docs/API.md says what each does. */
void api_customer_conversations(struct api_call *c);
void api_customer_open(struct api_call *c);
void api_customer_message(struct api_call *c);
void api_customer_events(struct api_call *c);
void api_customer_decision(struct api_call *c);
void api_customer_handoff(struct api_call *c);
void api_customer_rating(struct api_call *c);
void api_customer_close(struct api_call *c);

#endif
