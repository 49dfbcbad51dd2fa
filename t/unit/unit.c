/*
 * t/unit/unit.c — the runner: a core module of nginx whose directive
 * "aigc_unit [suite];" runs the tests while the configuration is read, prints
 * TAP to stdout, and is an error when one failed.
 */

#include "unit.h"

#include <stdio.h>
#include <time.h>


#define UNIT(suite)  extern unit_test_t  suite##_tests[];
#include "suites.h"
#undef UNIT


/* There in a build with ASan only: 1 when something has leaked since. */
extern int __lsan_do_recoverable_leak_check(void) __attribute__((weak));


typedef struct {
    const char   *name;
    unit_test_t  *tests;
} unit_suite_t;


static char *unit_directive(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
static ngx_uint_t unit_run(const char *suite, unit_test_t *test,
    ngx_uint_t n, ngx_log_t *log);


static unit_suite_t  unit_suites[] = {
#define UNIT(suite)  { #suite, suite##_tests },
#include "suites.h"
#undef UNIT
    { NULL, NULL }
};


static ngx_command_t  unit_commands[] = {

    { ngx_string("aigc_unit"),
      NGX_MAIN_CONF|NGX_DIRECT_CONF|NGX_CONF_NOARGS|NGX_CONF_TAKE1,
      unit_directive,
      0,
      0,
      NULL },

      ngx_null_command
};


static ngx_core_module_t  unit_module_ctx = {
    ngx_string("aigc_unit"),
    NULL,
    NULL
};


ngx_module_t  ngx_aigc_unit_module = {
    NGX_MODULE_V1,
    &unit_module_ctx,
    unit_commands,
    NGX_CORE_MODULE,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NGX_MODULE_V1_PADDING
};


static char *
unit_directive(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_str_t     *args;
    ngx_uint_t     n, failed;
    unit_test_t   *test;
    unit_suite_t  *suite;

    args = cf->args->elts;
    n = 0;
    failed = 0;

    for (suite = unit_suites; suite->name; suite++) {

        if (cf->args->nelts == 2
            && ngx_strcmp(args[1].data, suite->name) != 0)
        {
            continue;
        }

        for (test = suite->tests; test->name; test++) {
            n++;
            failed += unit_run(suite->name, test, n, cf->log);
        }
    }

    printf("1..%d\n", (int) n);
    fflush(stdout);

    if (n == 0) {
        return "has no such suite";
    }

    return failed ? "has failed tests" : NGX_CONF_OK;
}


static ngx_uint_t
unit_run(const char *suite, unit_test_t *test, ngx_uint_t n, ngx_log_t *log)
{
    unit_t     u;
    ngx_log_t  quiet;

    ngx_memzero(&u, sizeof(unit_t));

    /* what the code says of bad input at notice is not to be read here */

    quiet = *log;
    quiet.log_level = NGX_LOG_WARN;
    u.log = &quiet;

    /* no room for small allocations: each becomes a malloc */
    u.pool = ngx_create_pool(sizeof(ngx_pool_t), &quiet);
    if (u.pool == NULL) {
        printf("Bail out! no memory\n");
        return 1;
    }

    test->run(&u);

    ngx_destroy_pool(u.pool);

    if (u.checks == 0) {
        u.failed++;
        unit_note("%s", "a test without a check");
    }

    if (__lsan_do_recoverable_leak_check
        && __lsan_do_recoverable_leak_check())
    {
        u.failed++;
        unit_note("%s", "memory has leaked, see stderr");
    }

    printf("%s %d - %s: %s\n", u.failed ? "not ok" : "ok", (int) n, suite,
           test->name);
    fflush(stdout);

    return u.failed ? 1 : 0;
}


ngx_uint_t
unit_ok(unit_t *u, ngx_uint_t x, const char *what, const char *file,
    ngx_uint_t line)
{
    u->checks++;

    if (!x) {
        u->failed++;
        printf("# %s:%d: not so: %s\n", file, (int) line, what);
    }

    return x;
}


ngx_uint_t
unit_is_int(unit_t *u, int64_t got, int64_t want, const char *what,
    const char *file, ngx_uint_t line)
{
    u->checks++;

    if (got == want) {
        return 1;
    }

    u->failed++;
    printf("# %s:%d: %s is %lld, not %lld\n", file, (int) line, what,
           (long long) got, (long long) want);

    return 0;
}


ngx_uint_t
unit_is_str(unit_t *u, ngx_str_t *got, const char *want, const char *what,
    const char *file, ngx_uint_t line)
{
    u->checks++;

    if (got->len == ngx_strlen(want)
        && (got->len == 0 || ngx_memcmp(got->data, want, got->len) == 0))
    {
        return 1;
    }

    u->failed++;
    printf("# %s:%d: %s is \"%.*s\", not \"%s\"\n", file, (int) line, what,
           (int) got->len, got->data ? (char *) got->data : "", want);

    return 0;
}


void
unit_note(const char *fmt, ...)
{
    va_list  args;

    printf("# ");
    va_start(args, fmt);
    vprintf(fmt, args);
    va_end(args);
    printf("\n");
}


ngx_str_t
unit_bytes(unit_t *u, const void *data, size_t len)
{
    ngx_str_t  s;

    s.len = len;
    s.data = ngx_palloc(u->pool, len ? len : 1);

    if (s.data == NULL) {
        printf("Bail out! no memory\n");
        exit(1);
    }

    ngx_memcpy(s.data, data, len);

    return s;
}


ngx_str_t
unit_str(unit_t *u, const char *text)
{
    return unit_bytes(u, text, ngx_strlen(text));
}


double
unit_usec(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_MONOTONIC, &ts);

    return ts.tv_sec * 1e6 + ts.tv_nsec / 1e3;
}
