/*
 * api/ngx_http_aigc_view.c — passes over the table.
 */

#include "ngx_http_aigc_view.h"
#include "ngx_http_aigc_tell.h"
#include "base/ngx_http_aigc_reply.h"
#include "instances/ngx_http_aigc_instance.h"

#include "base/ngx_aigc_loop_time.h"
#include "kube/ngx_aigc_date.h"


#define NGX_HTTP_AIGC_VIEW_SLICE  1000  /* us of a pass in one turn of the event
                                           loop */
#define NGX_HTTP_AIGC_VIEW_CLOCK  64    /* slots between looks at the clock */


/* A slot of the table, as the last pass found it. */
typedef struct {
    ngx_atomic_uint_t            seq;       /* its counter; SEQ_NONE: look */
    uint32_t                     late;      /* 1: its time will tell something,
                                               too */
    uint32_t                     owner;     /* a hash; 0: likely nobody */
    ngx_http_aigc_item_t        *item;      /* NULL: nobody was told of it */
} ngx_http_aigc_slot_t;


typedef struct {
    ngx_http_aigc_main_conf_t   *mcf;
    ngx_http_aigc_teller_t       teller;
    ngx_uint_t                   pass;      /* number of the last one */
    ngx_uint_t                   done;      /* … of the last whole one */
    uint32_t                     at;        /* slot where it goes on: templates,
                                               then instances */
    uint32_t                     end;       /* slots that it looks at */
    time_t                       late;      /* an instance is, after it; 0 */
    unsigned                     going:1;   /* it has not ended yet */
    unsigned                     lacks:1;   /* it leaves something out */
    unsigned                     due:1;     /* some instances are late now */
    unsigned                     again:1;   /* another one is needed */

    ngx_http_aigc_slot_t        *templates;
    ngx_http_aigc_slot_t        *instances;
    uint32_t                     ntemplates;
    uint32_t                     ninstances;

    ngx_rbtree_t                 tree;      /* audiences by user */
    ngx_rbtree_node_t            sentinel;
} ngx_http_aigc_view_t;


static ngx_http_aigc_audience_t *ngx_http_aigc_view_find(ngx_str_t *sub,
    uint32_t hash);
static void ngx_http_aigc_view_welcome(ngx_http_aigc_audience_t *audience,
    uint32_t hash);
static ngx_uint_t ngx_http_aigc_view_begin(ngx_http_aigc_view_t *view);
static ngx_int_t ngx_http_aigc_view_template(uint32_t n);
static ngx_int_t ngx_http_aigc_view_instance(uint32_t n);


static ngx_http_aigc_view_t  *ngx_http_aigc_view;


ngx_int_t
ngx_http_aigc_view_open(ngx_http_aigc_main_conf_t *mcf)
{
    ngx_http_aigc_view_t  *view;

    if (ngx_http_aigc_view) {
        return NGX_OK;
    }

    view = ngx_calloc(sizeof(ngx_http_aigc_view_t), ngx_cycle->log);
    if (view == NULL) {
        return NGX_ERROR;
    }

    view->mcf = mcf;
    view->teller.zone = mcf->zone;
    view->again = 1;
    view->ntemplates = ngx_aigc_table(mcf->zone)->ntemplates;
    view->ninstances = ngx_aigc_table(mcf->zone)->ninstances;

    view->teller.pool = ngx_create_pool(4096, ngx_cycle->log);
    view->templates = ngx_calloc(view->ntemplates
                                 * sizeof(ngx_http_aigc_slot_t),
                                 ngx_cycle->log);
    view->instances = ngx_calloc(view->ninstances
                                 * sizeof(ngx_http_aigc_slot_t),
                                 ngx_cycle->log);

    ngx_rbtree_init(&view->tree, &view->sentinel,
                    ngx_str_rbtree_insert_value);
    ngx_http_aigc_audience_init(&view->teller.all);
    ngx_queue_init(&view->teller.changed);

    ngx_http_aigc_view = view;

    if (view->teller.pool == NULL || view->templates == NULL
        || view->instances == NULL)
    {
        ngx_http_aigc_view_close();
        return NGX_ERROR;
    }

    return NGX_OK;
}


void
ngx_http_aigc_view_close(void)
{
    ngx_http_aigc_view_t  *view;

    view = ngx_http_aigc_view;

    if (view == NULL) {
        return;
    }

    ngx_http_aigc_audience_clear(&view->teller.all);

    ngx_free(view->templates);
    ngx_free(view->instances);

    if (view->teller.pool) {
        ngx_destroy_pool(view->teller.pool);
    }

    ngx_free(view);

    ngx_http_aigc_view = NULL;
}


static ngx_http_aigc_audience_t *
ngx_http_aigc_view_find(ngx_str_t *sub, uint32_t hash)
{
    return (ngx_http_aigc_audience_t *)
               ngx_str_rbtree_lookup(&ngx_http_aigc_view->tree, sub, hash);
}


ngx_uint_t
ngx_http_aigc_view_count(ngx_str_t *sub)
{
    ngx_http_aigc_audience_t  *audience;

    if (ngx_http_aigc_view == NULL) {
        return 0;
    }

    audience = ngx_http_aigc_view_find(sub,
                                       ngx_crc32_short(sub->data, sub->len));

    return audience ? audience->n : 0;
}


ngx_http_aigc_audience_t *
ngx_http_aigc_view_join(ngx_str_t *sub)
{
    uint32_t                   hash;
    ngx_http_aigc_view_t      *view;
    ngx_http_aigc_audience_t  *audience;

    view = ngx_http_aigc_view;
    hash = ngx_crc32_short(sub->data, sub->len);

    audience = ngx_http_aigc_view_find(sub, hash);

    if (audience) {
        audience->n++;
        return audience;
    }

    audience = ngx_alloc(sizeof(ngx_http_aigc_audience_t) + sub->len,
                         ngx_cycle->log);
    if (audience == NULL) {
        return NULL;
    }

    ngx_http_aigc_audience_init(audience);

    audience->n = 1;
    audience->node.node.key = hash;
    audience->node.str.len = sub->len;
    audience->node.str.data = (u_char *) (audience + 1);
    ngx_memcpy(audience->node.str.data, sub->data, sub->len);

    ngx_rbtree_insert(&view->tree, &audience->node.node);

    ngx_http_aigc_view_welcome(audience, hash);

    return audience;
}


/* What the last pass has seen of its instances, it was told to nobody. */
static void
ngx_http_aigc_view_welcome(ngx_http_aigc_audience_t *audience, uint32_t hash)
{
    uint32_t               i;
    ngx_http_aigc_view_t  *view;

    view = ngx_http_aigc_view;

    if (view->going || view->done != view->pass) {
        view->again = 1;
    }

    for (i = 0; i < view->ninstances; i++) {

        if (view->instances[i].owner != hash) {
            continue;
        }

        view->instances[i].seq = NGX_AIGC_SEQ_NONE;

        if (!view->again && ngx_http_aigc_view_instance(i) != NGX_OK) {
            view->again = 1;
        }
    }

    audience->since = view->again ? view->pass : view->pass - 1;
}


void
ngx_http_aigc_view_leave(ngx_http_aigc_audience_t *audience)
{
    if (--audience->n) {
        return;
    }

    ngx_http_aigc_audience_clear(audience);
    ngx_rbtree_delete(&ngx_http_aigc_view->tree, &audience->node.node);
    ngx_free(audience);
}


ngx_int_t
ngx_http_aigc_view_update(void)
{
    ngx_int_t              rc;
    ngx_http_aigc_view_t  *view;

    view = ngx_http_aigc_view;

    if (!view->going && !ngx_http_aigc_view_begin(view)) {
        return NGX_OK;
    }

    ngx_aigc_loop_time_begin();

    for ( /* void */ ; view->at < view->end; view->at++) {

        if (view->at % NGX_HTTP_AIGC_VIEW_CLOCK == 0
            && ngx_aigc_loop_time_spent() >= NGX_HTTP_AIGC_VIEW_SLICE)
        {
            return NGX_BUSY;
        }

        rc = (view->at < view->ntemplates)
             ? ngx_http_aigc_view_template(view->at)
             : ngx_http_aigc_view_instance(view->at - view->ntemplates);

        if (rc != NGX_OK) {
            view->lacks = 1;
        }
    }

    view->going = 0;

    if (view->lacks) {
        view->again = 1;
        return NGX_AGAIN;
    }

    view->done = view->pass;

    return view->again ? NGX_BUSY : NGX_OK;
}


/* 0: there is nothing to look at */
static ngx_uint_t
ngx_http_aigc_view_begin(ngx_http_aigc_view_t *view)
{
    ngx_aigc_zone_t    *zone;
    ngx_atomic_uint_t   version;

    zone = view->mcf->zone;

    version = ngx_aigc_table(zone)->version;

    view->due = (view->late && ngx_aigc_date(zone) > view->late);

    if (version == view->teller.version && !view->again && !view->due) {
        return 0;
    }

    ngx_memory_barrier();

    if (view->due) {
        view->late = 0;
    }

    view->teller.version = version;
    view->pass++;
    view->at = 0;
    view->end = view->ntemplates + ngx_min(view->ninstances,
                                           ngx_aigc_table(zone)->end_instances);
    view->going = 1;
    view->again = 0;
    view->lacks = ngx_aigc_table_holes(zone);

    return 1;
}


static ngx_int_t
ngx_http_aigc_view_template(uint32_t n)
{
    ngx_int_t              rc;
    ngx_atomic_uint_t      seq;
    ngx_aigc_template_t    tmpl;
    ngx_http_aigc_item_t   now;
    ngx_http_aigc_slot_t  *slot;
    ngx_http_aigc_view_t  *view;

    view = ngx_http_aigc_view;
    slot = &view->templates[n];
    seq = slot->seq;

    rc = ngx_aigc_table_template_changed(view->mcf->zone, n, &seq, &tmpl);

    if (rc == NGX_AGAIN || rc == NGX_BUSY) {
        return (rc == NGX_BUSY) ? NGX_AGAIN : NGX_OK;
    }

    now.audience = NULL;

    if (rc == NGX_OK && !tmpl.deleting) {
        now.audience = &view->teller.all;
        now.id = -1;
        ngx_aigc_fixed_get(&tmpl.ns, &now.ns);
        ngx_aigc_fixed_get(&tmpl.name, &now.name);

        if (ngx_http_aigc_json_dump(view->teller.pool,
                                    ngx_http_aigc_template_json(&tmpl),
                                    &now.json)
            != NGX_OK)
        {
            return NGX_AGAIN;
        }
    }

    rc = ngx_http_aigc_tell(&view->teller, &slot->item, &now);

    if (rc == NGX_OK) {
        slot->seq = seq;
    }

    ngx_reset_pool(view->teller.pool);

    return rc;
}


static ngx_int_t
ngx_http_aigc_view_instance(uint32_t n)
{
    time_t                 late;
    uint32_t               hash;
    ngx_int_t              rc;
    ngx_str_t              owner;
    ngx_atomic_uint_t      seq;
    ngx_aigc_record_t      record;
    ngx_http_aigc_item_t   now;
    ngx_http_aigc_slot_t  *slot;
    ngx_http_aigc_view_t  *view;

    view = ngx_http_aigc_view;
    slot = &view->instances[n];

    if (view->due && slot->late) {
        slot->seq = NGX_AIGC_SEQ_NONE;
    }

    seq = slot->seq;

    rc = ngx_aigc_table_record_changed(view->mcf->zone, n, &seq, &record);

    if (rc == NGX_AGAIN || rc == NGX_BUSY) {
        return (rc == NGX_BUSY) ? NGX_AGAIN : NGX_OK;
    }

    hash = 0;
    now.audience = NULL;

    if (rc == NGX_OK && record.owner.len) {
        ngx_aigc_fixed_get(&record.owner, &owner);
        hash = ngx_crc32_short(owner.data, owner.len);
        now.audience = ngx_http_aigc_view_find(&owner, hash);
    }

    if (now.audience) {
        now.id = record.id;
        ngx_aigc_fixed_get(&record.ns, &now.ns);
        ngx_aigc_fixed_get(&record.name, &now.name);

        if (ngx_http_aigc_json_dump(view->teller.pool,
                                    ngx_http_aigc_instance_json(view->mcf,
                                                          view->teller.pool,
                                                          &record),
                                    &now.json)
            != NGX_OK)
        {
            return NGX_AGAIN;
        }
    }

    rc = ngx_http_aigc_tell(&view->teller, &slot->item, &now);

    if (rc == NGX_OK) {
        slot->owner = hash;
        slot->seq = seq;
        slot->late = 0;

        late = now.audience ? ngx_http_aigc_instance_late(view->mcf, &record)
                            : 0;

        if (late >= ngx_aigc_date(view->mcf->zone)) {
            slot->late = 1;
            view->late = view->late ? ngx_min(view->late, late) : late;
        }
    }

    ngx_reset_pool(view->teller.pool);

    return rc;
}


ngx_http_aigc_text_t *
ngx_http_aigc_view_news(void)
{
    return ngx_http_aigc_view->teller.all.news;
}


ngx_queue_t *
ngx_http_aigc_view_changed(void)
{
    return &ngx_http_aigc_view->teller.changed;
}


void
ngx_http_aigc_view_forget(void)
{
    ngx_queue_t  *q;

    ngx_http_aigc_audience_quiet(&ngx_http_aigc_view->teller.all);

    while (!ngx_queue_empty(&ngx_http_aigc_view->teller.changed)) {
        q = ngx_queue_head(&ngx_http_aigc_view->teller.changed);
        ngx_http_aigc_audience_quiet(
                       ngx_queue_data(q, ngx_http_aigc_audience_t, changed));
    }
}


ngx_int_t
ngx_http_aigc_view_snapshot(ngx_http_aigc_audience_t *audience,
    ngx_http_aigc_text_t **first, ngx_http_aigc_text_t **second)
{
    u_char                     after[sizeof("]}\nid: \n\n")
                                     + NGX_ATOMIC_T_LEN];
    ngx_http_aigc_view_t      *view;
    ngx_http_aigc_audience_t  *all;

    view = ngx_http_aigc_view;
    all = &view->teller.all;

    if (audience->since >= view->done) {
        return NGX_DECLINED;
    }

    if (all->list == NULL) {
        all->list = ngx_http_aigc_audience_list(all,
                               "event: snapshot\ndata: {\"templates\":[",
                               "],");
    }

    *ngx_sprintf(after, "]}\nid: %uA\n\n", view->teller.version) = '\0';

    *first = all->list;
    *second = ngx_http_aigc_audience_list(audience, "\"instances\":[",
                                          (char *) after);

    if (*first == NULL || *second == NULL) {
        ngx_http_aigc_text_release(*second);
        return NGX_ERROR;
    }

    (*first)->refs++;

    return NGX_OK;
}
