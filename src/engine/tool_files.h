/* tool_files: programs that stand in files of their own become part of the tool that names them.
 *
 * `lua: plans.lua` in tools/x.yaml means the file tools/plans.lua. Its text takes the name's place, so that a version of the
 * tool is all of it. A text of one word that ends in .lua is a file's name; everything else is a program. */
#ifndef ENGINE_TOOL_FILES_H
#define ENGINE_TOOL_FILES_H

#include "base/json.h"

/* `path` is the tool's file. Errors: ERR_INVALID with "file:line: ..." (no such file, too large). */
MUST_USE int tool_files_read(struct arena *a, struct json *spec, const char *path, struct err *e);

#endif
