/*
 * base/ngx_aigc_scan.h — a few members of a large JSON object, without building
 * the rest.  What is skipped may be anything: numbers of any size, any depth.
 * For text from a sender who is known (its signature was checked): brackets
 * are counted, not matched by kind.
 */

#ifndef _NGX_AIGC_SCAN_H_INCLUDED_
#define _NGX_AIGC_SCAN_H_INCLUDED_

#include <ngx_config.h>
#include <ngx_core.h>


/* A walk over the members of an object. */
typedef struct {
    u_char           *p;
    u_char           *last;
    unsigned          begun:1;
    unsigned          array:1;          /* elements, which have no names */
} ngx_aigc_scan_walk_t;

/* A member asked for: value is a part of the text, a string in its quotes. */
typedef struct {
    const char       *name;
    ngx_str_t         value;            /* len 0: there is none */
} ngx_aigc_scan_t;


/*
 * Looks once through text, one JSON object with blanks around it, for n
 * members, by name, and fills in their values.  It takes no memory and does not
 * recurse.
 * NGX_OK; NGX_DECLINED: not one whole object, or one asked for is there twice.
 */
ngx_int_t ngx_aigc_scan(ngx_str_t *text, ngx_aigc_scan_t *members,
    ngx_uint_t n);

/*
 * The same member by member, in as many steps as one likes: text, an object or
 * an array, stays as it is meanwhile.  next: NGX_OK, name (as it is written; of
 * an element: empty) and value are parts of text; NGX_DONE: that was all;
 * NGX_DECLINED: it is no object and no array, or not whole.
 */
void ngx_aigc_scan_walk(ngx_aigc_scan_walk_t *walk, ngx_str_t *text);
ngx_int_t ngx_aigc_scan_next(ngx_aigc_scan_walk_t *walk, ngx_str_t *name,
    ngx_str_t *value);

/*
 * A value as the string that it is, unescaped, from pool.  len 0: it is none,
 * or its text is longer than max bytes.  NGX_OK or NGX_ERROR (no memory).
 */
ngx_int_t ngx_aigc_scan_string(ngx_pool_t *pool, ngx_str_t *value, size_t max,
    ngx_str_t *out);


#endif /* _NGX_AIGC_SCAN_H_INCLUDED_ */
