/* UUIDs (RFC 9562) that are made of what they name, so that the same report has the same ones. */
#pragma once

#include "base/buf.h"

#define UUID_LEN      16
#define UUID_TEXT_MAX 37

/* Version 5: SHA-1 of the namespace and the name. */
void uuid_of_name(const uint8_t space[UUID_LEN], struct span name, uint8_t out[UUID_LEN]);
/* Version 4 in form, for receivers that take no other: the bits are of SHA-256 of the seed. */
void uuid_of_seed(struct span seed, uint8_t out[UUID_LEN]);
/* "00abedb4-aa42-466c-9c01-fed23315a9b7", terminated. */
void uuid_format(const uint8_t uuid[UUID_LEN], char out[UUID_TEXT_MAX]);
