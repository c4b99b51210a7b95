/* Objects: networks, ASes, organisations, roles and incident teams of one registry's dump, and who
 * answers for abuse of which. An object's contact is, the first of these that has a mailbox:
 *
 *   1. the role that its abuse-c names      3. the role that its organisation's abuse-c names
 *   2. its own abuse-mailbox                4. its organisation's abuse-mailbox
 *                                           5. the abuse-mailbox of the irt that its mnt-irt names
 *
 * Nothing else is taken: not admin-c or tech-c, not "e-mail" but of what an abuse-c names. Chains
 * are no longer than that, so loops do no harm. */
#pragma once

#include "contact/gather.h"
#include "contact/rpsl.h"

struct gather;
struct objects;
struct objects *objects_new(struct gather *g, bool arin);
void objects_free(struct objects *o);
int objects_line(struct objects *o, struct span line);
int objects_file_end(struct objects *o);
/* Adds a row for each network and AS that has a contact. */
int objects_resolve(struct objects *o);
/* True when objects of a dump begin with that attribute (in small letters). */
bool objects_begin_with(struct span name, bool *arin);
