/*
 * t/unit/unit.h — what a test of a pure file needs.
 *
 * A suite is a file x_test.c with a table
 *
 *     unit_test_t  x_tests[] = {
 *         { "what is promised", x_promise },
 *         { NULL, NULL }
 *     };
 *
 * and a line UNIT(x) in suites.h.  A test is one line of TAP; each check that
 * fails in it prints where and what, and fails the test.
 */

#ifndef _UNIT_H_INCLUDED_
#define _UNIT_H_INCLUDED_

#include <ngx_config.h>
#include <ngx_core.h>


typedef struct {
    ngx_pool_t   *pool;       /* of this test; each allocation a malloc of its
                                 own, so that ASan sees a byte too far */
    ngx_log_t    *log;
    ngx_uint_t    checks;
    ngx_uint_t    failed;
} unit_t;

typedef struct {
    const char   *name;
    void        (*run)(unit_t *u);
} unit_test_t;


/* ok(u, x): x is true.  is_int(u, got, want).  is_str(u, &got, "want"). */

#define ok(u, x)                                                              \
    unit_ok(u, (x) ? 1 : 0, #x, __FILE__, __LINE__)

#define is_int(u, got, want)                                                  \
    unit_is_int(u, (int64_t) (got), (int64_t) (want), #got, __FILE__, __LINE__)

#define is_str(u, got, want)                                                  \
    unit_is_str(u, got, want, #got, __FILE__, __LINE__)

/* Each returns 1 when the check held, so that a loop can stop. */

ngx_uint_t unit_ok(unit_t *u, ngx_uint_t x, const char *what,
    const char *file, ngx_uint_t line);
ngx_uint_t unit_is_int(unit_t *u, int64_t got, int64_t want, const char *what,
    const char *file, ngx_uint_t line);
ngx_uint_t unit_is_str(unit_t *u, ngx_str_t *got, const char *want,
    const char *what, const char *file, ngx_uint_t line);

/* A line of explanation in the TAP. */
void unit_note(const char *fmt, ...);

/* A copy in exactly len bytes, no NUL behind: ASan sees a read too far. */
ngx_str_t unit_bytes(unit_t *u, const void *data, size_t len);
ngx_str_t unit_str(unit_t *u, const char *text);

/* Microseconds of a monotonic clock, for costs. */
double unit_usec(void);


#endif /* _UNIT_H_INCLUDED_ */
