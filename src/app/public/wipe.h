/* Wipe: in a process through which secrets of other people pass, in the hands of libraries, too
 * (HTTP, TLS, forms): from now on whatever is freed is overwritten first. So nothing of a request
 * is left in memory when it was answered, whoever had a copy of it. */
#pragma once

/* For the rest of this process; there is no way back. Without effect under AddressSanitizer, which
 * has its own allocator. */
void wipe_what_is_freed(void);
