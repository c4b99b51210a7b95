/* Release table: a release's figures as rows of one table, for the terminal, CSV and people who
 * read no JSON. */
#pragma once

#include "app/release/release_doc.h"
#include "view/table.h"

/* -1 when output failed. */
int release_table_print(const struct release_doc *d, enum table_shape shape, FILE *out);
