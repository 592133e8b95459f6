/* api_switch: an operator moves conversations to another agent version, or to people, at their next turn border. */
#ifndef APP_API_SWITCH_H
#define APP_API_SWITCH_H

#include "app/api_call.h"

/* {"to","reason"}: `to` is a version, its sha256, or "human". */
void api_switch_one(struct api_call *c);
/* {"from"?,"to","reason"}: every open conversation of the agent, or of its version `from`. */
void api_switch_all(struct api_call *c);

#endif
