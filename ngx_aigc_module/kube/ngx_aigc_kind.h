/*
 * kube/ngx_aigc_kind.h — a kind of objects that is watched: where the API
 * server has it, and what becomes of an object.  The table of all kinds is the
 * root's, ngx_http_aigc_kinds.c; whatever goes by kind goes through it, and
 * none of it names one.
 */

#ifndef _NGX_AIGC_KIND_H_INCLUDED_
#define _NGX_AIGC_KIND_H_INCLUDED_

#include "base/ngx_aigc_zone.h"

#include <jansson.h>


#define NGX_AIGC_KINDS_MAX      8


/*
 * Flags of a kind.  Without a required one nothing can be decided.  Of another
 * one is missed only what it tells: it is watched once the required ones are
 * listed, and a cluster that refuses it leaves the table as good as it was.
 */
#define NGX_AIGC_KIND_REQUIRED  0x01
#define NGX_AIGC_KIND_QUIET     0x02    /* the server sends no bookmarks */
#define NGX_AIGC_KIND_OWN       0x04    /* in the gateway's own namespace, and
                                           watched from the start */
#define NGX_AIGC_KIND_AGE       0x08    /* its metric is not "synced" but when
                                           it was last heard of, in seconds */


/*
 * Which objects a sweep drops: those in none of the namespaces (ngx_str_t);
 * with namespaces NULL, those in ns (len 0: anywhere) whose mark is another.
 */
typedef struct {
    ngx_array_t   *namespaces;
    ngx_str_t     *ns;
    uint32_t       mark;
} ngx_aigc_sweep_t;


/*
 * The functions run in the process that writes the zone, each under the lock
 * that it needs.  put and drop: NGX_OK; NGX_DECLINED: no room (logged) or we
 * are not the writer any more; NGX_ERROR: no memory.
 */
typedef struct {
    const char   *name;                 /* in the log: "Pods" */
    const char   *api;                  /* "/api/v1" */
    const char   *plural;               /* "pods" */
    const char   *labels;               /* which of them: a label selector, */
    const char   *fields;               /* … or a field selector; both NULL: the
                                           administrator's label selector */
    ngx_uint_t    page;                 /* objects in a page of a list */
    ngx_uint_t    flags;
    const char   *without;              /* what instances are shown without
                                           where it is refused, or NULL */
    const char   *metric;               /* "pods_synced" of /metrics, … */
    const char   *help;                 /* … what it says; NULL: no metric */

    size_t        size;                 /* bytes of a value: what read fills */

    /*
     * The value's strings are from pool.  NGX_OK; NGX_DECLINED: the object is
     * none of ours; NGX_ERROR: no memory.
     */
    ngx_int_t   (*read)(ngx_pool_t *pool, json_t *object, void *value);

    /* It was added or has changed.  mark: the running list's, 0: a watch's. */
    ngx_int_t   (*put)(ngx_aigc_zone_t *zone, void *value, uint32_t mark,
                       ngx_log_t *log);

    /* It is gone; NULL: that says nothing. */
    ngx_int_t   (*drop)(ngx_aigc_zone_t *zone, void *value);

    /* After a whole list, or with other namespaces; NULL: nothing goes. */
    void        (*sweep)(ngx_aigc_zone_t *zone, ngx_aigc_sweep_t *sweep);

    /*
     * Not NULL, in place of read, put and drop: for an object too large to be
     * parsed at once.  text is its JSON, len 0: it is gone.  NGX_OK;
     * NGX_AGAIN: in a later pass it is called again, with more 1 and text where
     * it was; NGX_ERROR: it makes no sense.
     */
    ngx_int_t   (*take)(ngx_aigc_zone_t *zone, ngx_str_t *text,
                        ngx_uint_t more, uint32_t mark, ngx_log_t *log);

    /*
     * Not NULL: says in the log, in place of the watch, that it could not be
     * read.  error NULL: the status tells why.
     */
    void        (*failed)(ngx_aigc_zone_t *zone, ngx_uint_t status,
                          const char *error);
} ngx_aigc_kind_t;


/* All of them are templates that the administrator has chosen. */
#define ngx_aigc_kind_chosen(kind)                                            \
    ((kind)->labels == NULL && (kind)->fields == NULL)

/* All of them, until one without a name; how many; a bit for each required. */
extern const ngx_aigc_kind_t  *ngx_aigc_kinds;
extern ngx_uint_t              ngx_aigc_nkinds;
extern ngx_uint_t              ngx_aigc_kinds_required;

/* Once, before any is used: at most NGX_AIGC_KINDS_MAX of them. */
void ngx_aigc_kinds_set(const ngx_aigc_kind_t *kinds);

/*
 * Reads one object and puts or drops it; mark as for put.  NGX_OK, also for one
 * that is none of ours or has no room; NGX_ERROR: no memory, or we are not the
 * writer any more.
 */
ngx_int_t ngx_aigc_kind_apply(const ngx_aigc_kind_t *kind,
    ngx_aigc_zone_t *zone, json_t *object, ngx_uint_t deleted, uint32_t mark,
    ngx_log_t *log);

/* Drops what ngx_aigc_sweep_t says of these three. */
void ngx_aigc_kind_sweep(const ngx_aigc_kind_t *kind, ngx_aigc_zone_t *zone,
    ngx_array_t *namespaces, ngx_str_t *ns, uint32_t mark);

/* 1: the sweep drops an object of this namespace and mark. */
ngx_uint_t ngx_aigc_sweep_drops(ngx_aigc_sweep_t *sweep, u_char *ns,
    size_t len, uint32_t mark);


#endif /* _NGX_AIGC_KIND_H_INCLUDED_ */
