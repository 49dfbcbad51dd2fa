/*
 * t/fuzz/fuzz.h — what a fuzz target needs.
 *
 * A target is a file x_fuzz.c with one function
 *
 *     FUZZ(x)
 *     {
 *         ngx_str_t  text = fuzz_rest(f);
 *         …
 *         must(what is promised for every input);
 *     }
 *
 * a line FUZZ(x) in targets.h, and seeds in corpus/x/.
 */

#ifndef _FUZZ_H_INCLUDED_
#define _FUZZ_H_INCLUDED_

#include <ngx_config.h>
#include <ngx_core.h>

#include <jansson.h>


typedef struct {
    ngx_pool_t   *pool;       /* of this input; each allocation a malloc of its
                                 own, so that ASan sees a byte too far */
    ngx_log_t    *log;        /* checks lines, and drops them */
    u_char       *p;          /* what is left of the input */
    u_char       *last;
} fuzz_t;


/* No log line has it, unless the input has. */
#define FUZZ_SECRET  "not-to-be-told"

#define FUZZ(target)  void target##_fuzz(fuzz_t *f)

/* Ends the process, as a crash does, if x does not hold. */
#define must(x)                                                               \
    do {                                                                      \
        if (!(x)) {                                                           \
            fuzz_fail(#x, __FILE__, __LINE__);                                \
        }                                                                     \
    } while (0)

void fuzz_fail(const char *what, const char *file, ngx_uint_t line);

/*
 * Parts of the input, each a copy of exactly its bytes without a NUL behind
 * it, which the code under test may write to.  A line ends with LF, which is
 * left out; behind the last one all lines are empty.
 */
ngx_str_t fuzz_all(fuzz_t *f);
ngx_str_t fuzz_line(fuzz_t *f);
ngx_str_t fuzz_rest(fuzz_t *f);

/* 1: something is left for fuzz_line() and fuzz_rest(). */
#define fuzz_more(f)  ((f)->p < (f)->last)

/* A number at the begin of the next line; 0: it has none. */
ngx_int_t fuzz_number(fuzz_t *f);

/* Memory of size bytes and more than nothing, zeroed. */
void *fuzz_alloc(fuzz_t *f, size_t size);

/* A copy of exactly its bytes. */
ngx_str_t fuzz_copy(fuzz_t *f, void *data, size_t len);
ngx_str_t fuzz_text(fuzz_t *f, const char *text);

/* A printf whose result is a string of its exact size. */
ngx_str_t fuzz_fmt(fuzz_t *f, const char *fmt, ...);

ngx_uint_t fuzz_eq(ngx_str_t *a, ngx_str_t *b);

/* 1: all bytes of part are inside of whole (len 0: anywhere). */
ngx_uint_t fuzz_inside(ngx_str_t *part, ngx_str_t *whole);

/* 1: no byte is a control byte. */
ngx_uint_t fuzz_plain(ngx_str_t *text);

/* JSON of text as jansson reads it, freed with the pool; NULL: it is none. */
json_t *fuzz_json(fuzz_t *f, ngx_str_t *text, size_t flags);

/* Frees json with the pool; json may be NULL.  Returns json. */
json_t *fuzz_own(fuzz_t *f, json_t *json);

/* The text of json, compact, from the pool. */
ngx_str_t fuzz_dump(fuzz_t *f, json_t *json);


#endif /* _FUZZ_H_INCLUDED_ */
