/*
 * t/fuzz/fuzz.c — the host of the targets: a core module of nginx whose
 * directive "aigc_fuzz;" runs an engine while the configuration is read, so
 * that the code has nginx's own pools and strings.  The engine is libFuzzer,
 * or replay.c.  AIGC_FUZZ names the target and the engine's arguments.
 */

#include "fuzz.h"
#include "engine.h"

#include <stdarg.h>
#include <stdio.h>


#define FUZZ_ARGS_MAX  64


typedef struct {
    const char   *name;
    void        (*run)(fuzz_t *f);
} fuzz_target_t;


static char *fuzz_directive(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
static void fuzz_log(ngx_log_t *log, ngx_uint_t level, u_char *buf,
    size_t len);
static void fuzz_decref(void *data);


#undef FUZZ
#define FUZZ(target)  extern void target##_fuzz(fuzz_t *f);
#include "targets.h"
#undef FUZZ


static fuzz_target_t  fuzz_targets[] = {
#define FUZZ(target)  { #target, target##_fuzz },
#include "targets.h"
#undef FUZZ
    { NULL, NULL }
};

static fuzz_target_t  *fuzz_target;
static ngx_uint_t      fuzz_tells;      /* the input has the secret itself */


static ngx_command_t  fuzz_commands[] = {

    { ngx_string("aigc_fuzz"),
      NGX_MAIN_CONF|NGX_DIRECT_CONF|NGX_CONF_NOARGS,
      fuzz_directive,
      0,
      0,
      NULL },

      ngx_null_command
};


static ngx_core_module_t  fuzz_module_ctx = {
    ngx_string("aigc_fuzz"),
    NULL,
    NULL
};


ngx_module_t  ngx_aigc_fuzz_module = {
    NGX_MODULE_V1,
    &fuzz_module_ctx,
    fuzz_commands,
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


/* What nginx asks a module's file for. */

ngx_module_t *ngx_modules[] = { &ngx_aigc_fuzz_module, NULL };
char *ngx_module_names[] = { "ngx_aigc_fuzz_module", NULL };
char *ngx_module_order[] = { NULL };


static char *
fuzz_directive(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    int    argc;
    char  *args, *argv[FUZZ_ARGS_MAX + 1], **p;

    args = getenv("AIGC_FUZZ");
    args = strdup(args ? args : "");

    argc = 0;

    for (args = strtok(args, " "); args; args = strtok(NULL, " ")) {
        if (argc == FUZZ_ARGS_MAX) {
            return "has too many arguments";
        }

        argv[argc++] = args;
    }

    argv[argc] = NULL;

    if (argc < 2) {
        return "needs AIGC_FUZZ=\"program target arguments\"";
    }

    for (fuzz_target = fuzz_targets; fuzz_target->name; fuzz_target++) {
        if (ngx_strcmp(fuzz_target->name, argv[1]) == 0) {
            break;
        }
    }

    if (fuzz_target->name == NULL) {
        return "has no such target";
    }

    for (p = &argv[1]; *p; p++) {           /* the engine's are behind it */
        p[0] = p[1];
    }

    ngx_use_stderr = 0;

    argc--;
    p = argv;

    exit(LLVMFuzzerRunDriver(&argc, &p, fuzz_one));
}


int
fuzz_one(const uint8_t *data, size_t size)
{
    fuzz_t     f;
    ngx_log_t  log;

    ngx_memzero(&log, sizeof(ngx_log_t));
    log.log_level = NGX_LOG_INFO;
    log.writer = fuzz_log;

    f.log = &log;
    f.p = (u_char *) data;
    f.last = f.p + size;

    fuzz_tells = (memmem(data, size, FUZZ_SECRET, sizeof(FUZZ_SECRET) - 1)
                  != NULL);

    /* no room for small allocations: each becomes a malloc */
    f.pool = ngx_create_pool(sizeof(ngx_pool_t), &log);

    if (f.pool) {
        fuzz_target->run(&f);
        ngx_destroy_pool(f.pool);
    }

    return 0;
}


/* Whatever somebody sent, it begins no line of its own, nor tells a secret. */
static void
fuzz_log(ngx_log_t *log, ngx_uint_t level, u_char *buf, size_t len)
{
    ngx_str_t  line;

    line.data = buf;
    line.len = len;

    if (len && buf[len - 1] == LF) {
        line.len--;
    }

    must(fuzz_plain(&line));
    must(fuzz_tells
         || memmem(buf, len, FUZZ_SECRET, sizeof(FUZZ_SECRET) - 1) == NULL);
}


void
fuzz_fail(const char *what, const char *file, ngx_uint_t line)
{
    fprintf(stderr, "%s:%d: not so: %s\n", file, (int) line, what);
    abort();
}


ngx_str_t
fuzz_all(fuzz_t *f)
{
    return fuzz_copy(f, f->p, f->last - f->p);
}


ngx_str_t
fuzz_line(fuzz_t *f)
{
    u_char     *end;
    ngx_str_t   line;

    end = fuzz_more(f) ? memchr(f->p, LF, f->last - f->p) : NULL;

    if (end == NULL) {
        return fuzz_rest(f);
    }

    line = fuzz_copy(f, f->p, end - f->p);
    f->p = end + 1;

    return line;
}


ngx_str_t
fuzz_rest(fuzz_t *f)
{
    ngx_str_t  rest;

    rest = fuzz_all(f);
    f->p = f->last;

    return rest;
}


ngx_int_t
fuzz_number(fuzz_t *f)
{
    size_t     len;
    ngx_int_t  n;
    ngx_str_t  line;

    line = fuzz_line(f);

    for (len = 0; len < line.len; len++) {
        if (line.data[len] < '0' || line.data[len] > '9') {
            break;
        }
    }

    n = ngx_atoi(line.data, len);

    return (n == NGX_ERROR) ? 0 : n;
}


void *
fuzz_alloc(fuzz_t *f, size_t size)
{
    void  *p;

    p = ngx_pcalloc(f->pool, size ? size : 1);
    must(p != NULL);

    return p;
}


ngx_str_t
fuzz_copy(fuzz_t *f, void *data, size_t len)
{
    ngx_str_t  s;

    s.len = len;
    s.data = ngx_palloc(f->pool, len ? len : 1);
    must(s.data != NULL);

    if (len) {
        ngx_memcpy(s.data, data, len);
    }

    return s;
}


ngx_str_t
fuzz_text(fuzz_t *f, const char *text)
{
    return fuzz_copy(f, (u_char *) text, ngx_strlen(text));
}


ngx_str_t
fuzz_fmt(fuzz_t *f, const char *fmt, ...)
{
    u_char   *buf, *p;
    size_t    size;
    va_list   args;

    for (size = 4096; /* void */ ; size *= 4) {
        buf = ngx_alloc(size, f->log);
        must(buf != NULL);

        va_start(args, fmt);
        p = ngx_vslprintf(buf, buf + size, fmt, args);
        va_end(args);

        if (p < buf + size) {
            ngx_str_t  s = fuzz_copy(f, buf, p - buf);

            ngx_free(buf);
            return s;
        }

        ngx_free(buf);
    }
}


ngx_uint_t
fuzz_eq(ngx_str_t *a, ngx_str_t *b)
{
    return a->len == b->len
           && (a->len == 0 || ngx_memcmp(a->data, b->data, a->len) == 0);
}


ngx_uint_t
fuzz_inside(ngx_str_t *part, ngx_str_t *whole)
{
    return part->len == 0
           || (part->data >= whole->data
               && part->data + part->len <= whole->data + whole->len);
}


ngx_uint_t
fuzz_plain(ngx_str_t *text)
{
    size_t  i;

    for (i = 0; i < text->len; i++) {
        if (text->data[i] < 0x20 || text->data[i] == 0x7f) {
            return 0;
        }
    }

    return 1;
}


json_t *
fuzz_json(fuzz_t *f, ngx_str_t *text, size_t flags)
{
    return fuzz_own(f, json_loadb((char *) text->data, text->len, flags,
                                  NULL));
}


json_t *
fuzz_own(fuzz_t *f, json_t *json)
{
    ngx_pool_cleanup_t  *cln;

    cln = ngx_pool_cleanup_add(f->pool, 0);
    must(cln != NULL);

    cln->handler = fuzz_decref;
    cln->data = json;

    return json;
}


static void
fuzz_decref(void *data)
{
    json_decref(data);
}


ngx_str_t
fuzz_dump(fuzz_t *f, json_t *json)
{
    char       *text;
    ngx_str_t   s;

    text = json_dumps(json, JSON_COMPACT|JSON_ENCODE_ANY);
    must(text != NULL);

    s = fuzz_text(f, text);
    free(text);

    return s;
}
