/*
 * t/unit/unit_json.h — JSON in tests, and numbers that are random but the same
 * in every run.
 */

#ifndef _UNIT_JSON_H_INCLUDED_
#define _UNIT_JSON_H_INCLUDED_

#include "unit.h"

#include <jansson.h>


/*
 * Parses text, in which each ' stands for a ".  Lives as long as the test's
 * pool.  Text that is no JSON fails the test and gives an empty object.
 */
json_t *unit_json(unit_t *u, const char *text);

/* Likewise, of bytes as they are. */
json_t *unit_json_bytes(unit_t *u, ngx_str_t *text);

/*
 * Applies a JSON Patch as the API server does: all of it or nothing; a test
 * with null passes exactly where nothing is; a test without "value" is an
 * error.  Of arrays: "-" is added to, an index is tested and removed.  The
 * patched copy, or NULL.
 */
json_t *unit_json_patch(unit_t *u, json_t *object, ngx_str_t *patch);

/* The next number in 0..n-1; *seed is any number but 0 at first. */
ngx_uint_t unit_random(uint32_t *seed, ngx_uint_t n);


#endif /* _UNIT_JSON_H_INCLUDED_ */
