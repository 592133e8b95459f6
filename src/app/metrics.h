/* metrics: the counters as Prometheus text. Labels never hold a customer or a conversation. */
#ifndef APP_METRICS_H
#define APP_METRICS_H

#include "engine/runner.h"

/* The text lives in `a`. readers_open: event streams and long polls. */
struct str metrics_text(struct arena *a, const struct runner *r, const struct llm *m, size_t readers_open);

#endif
