/*
 * api/ngx_http_aigc_view.c — passes over the table.
 */

#include "ngx_http_aigc_view.h"
#include "base/ngx_http_aigc_reply.h"
#include "instances/ngx_http_aigc_instance.h"

#include "kube/ngx_aigc_date.h"


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
    ngx_pool_t                  *pool;      /* emptied after each visit */
    ngx_atomic_uint_t            version;   /* of the last pass */
    ngx_uint_t                   again;     /* … which left something out */
    time_t                       late;      /* an instance is, after it; 0 */

    ngx_http_aigc_slot_t        *templates;
    ngx_http_aigc_slot_t        *instances;
    uint32_t                     ntemplates;
    uint32_t                     ninstances;

    ngx_rbtree_t                 tree;      /* audiences by user */
    ngx_rbtree_node_t            sentinel;
    ngx_http_aigc_audience_t     all;       /* for templates */
    ngx_queue_t                  changed;
} ngx_http_aigc_view_t;


static ngx_http_aigc_audience_t *ngx_http_aigc_view_find(ngx_str_t *sub,
    uint32_t hash);
static ngx_int_t ngx_http_aigc_view_template(uint32_t n);
static ngx_int_t ngx_http_aigc_view_instance(uint32_t n);
static ngx_int_t ngx_http_aigc_view_compare(ngx_http_aigc_item_t **place,
    ngx_http_aigc_item_t *now);
static ngx_int_t ngx_http_aigc_view_gone(ngx_http_aigc_item_t *item);
static ngx_int_t ngx_http_aigc_view_moved(ngx_http_aigc_item_t *item);
static ngx_int_t ngx_http_aigc_view_message(ngx_http_aigc_audience_t *audience,
    const char *event, ngx_str_t *json);


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
    view->again = 1;
    view->ntemplates = ngx_aigc_table(mcf->zone)->ntemplates;
    view->ninstances = ngx_aigc_table(mcf->zone)->ninstances;

    view->pool = ngx_create_pool(4096, ngx_cycle->log);
    view->templates = ngx_calloc(view->ntemplates
                                 * sizeof(ngx_http_aigc_slot_t),
                                 ngx_cycle->log);
    view->instances = ngx_calloc(view->ninstances
                                 * sizeof(ngx_http_aigc_slot_t),
                                 ngx_cycle->log);

    ngx_rbtree_init(&view->tree, &view->sentinel,
                    ngx_str_rbtree_insert_value);
    ngx_http_aigc_audience_init(&view->all);
    ngx_queue_init(&view->changed);

    ngx_http_aigc_view = view;

    if (view->pool == NULL || view->templates == NULL
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

    ngx_http_aigc_audience_clear(&view->all);

    ngx_free(view->templates);
    ngx_free(view->instances);

    if (view->pool) {
        ngx_destroy_pool(view->pool);
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
    uint32_t                   i, hash;
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

    for (i = 0; i < view->ninstances; i++) {
        if (view->instances[i].owner == hash) {
            view->instances[i].seq = NGX_AIGC_SEQ_NONE;
            view->again = 1;
        }
    }

    return audience;
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
    uint32_t               i;
    ngx_uint_t             late;
    ngx_atomic_uint_t      version;
    ngx_http_aigc_view_t  *view;

    view = ngx_http_aigc_view;
    version = ngx_aigc_table(view->mcf->zone)->version;

    late = (view->late && ngx_aigc_date(view->mcf->zone) > view->late);

    if (version == view->version && !view->again && !late) {
        return NGX_OK;
    }

    ngx_memory_barrier();

    if (late) {
        view->late = 0;
    }

    view->version = version;
    view->again = (ngx_aigc_table_holes(view->mcf->zone));

    for (i = 0; i < view->ntemplates; i++) {
        if (ngx_http_aigc_view_template(i) != NGX_OK) {
            view->again = 1;
        }
    }

    for (i = 0; i < view->ninstances; i++) {

        if (late && view->instances[i].late) {
            view->instances[i].seq = NGX_AIGC_SEQ_NONE;
        }

        if (ngx_http_aigc_view_instance(i) != NGX_OK) {
            view->again = 1;
        }
    }

    return view->again ? NGX_AGAIN : NGX_OK;
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
        now.audience = &view->all;
        now.id = -1;
        ngx_aigc_fixed_get(&tmpl.ns, &now.ns);
        ngx_aigc_fixed_get(&tmpl.name, &now.name);

        if (ngx_http_aigc_json_dump(view->pool,
                                    ngx_http_aigc_template_json(&tmpl),
                                    &now.json)
            != NGX_OK)
        {
            return NGX_AGAIN;
        }
    }

    rc = ngx_http_aigc_view_compare(&slot->item, &now);

    if (rc == NGX_OK) {
        slot->seq = seq;
    }

    ngx_reset_pool(view->pool);

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

        if (ngx_http_aigc_json_dump(view->pool,
                          ngx_http_aigc_instance_json(view->mcf, view->pool,
                                                      &record),
                          &now.json)
            != NGX_OK)
        {
            return NGX_AGAIN;
        }
    }

    rc = ngx_http_aigc_view_compare(&slot->item, &now);

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

    ngx_reset_pool(view->pool);

    return rc;
}


/*
 * What was told of a slot against what is in it now (audience NULL: nothing
 * for anybody here).  NGX_OK; NGX_AGAIN: it cannot be told now.
 */
static ngx_int_t
ngx_http_aigc_view_compare(ngx_http_aigc_item_t **place,
    ngx_http_aigc_item_t *now)
{
    ngx_int_t              rc;
    ngx_http_aigc_item_t  *old;

    old = *place;

    if (old && (now->audience == NULL || !ngx_http_aigc_item_is(old, now))) {

        rc = ngx_http_aigc_view_gone(old);
        if (rc != NGX_OK) {
            return rc;
        }

        old = NULL;
    }

    /* a counter moves more often than what is shown changes */

    if (now->audience == NULL
        || (old && ngx_aigc_text_eq(&old->json, &now->json)))
    {
        return NGX_OK;
    }

    rc = ngx_http_aigc_view_message(now->audience,
                                    now->id < 0 ? "template" : "instance",
                                    &now->json);
    if (rc != NGX_OK) {
        return rc;
    }

    return (ngx_http_aigc_item_put(now, place) == NGX_OK) ? NGX_OK : NGX_AGAIN;
}


/*
 * Says that what was in a slot is gone, unless it only has another slot now.
 * While the table is listed again, what is missing has only not been listed
 * yet.
 */
static ngx_int_t
ngx_http_aigc_view_gone(ngx_http_aigc_item_t *item)
{
    json_t      *key;
    ngx_int_t    rc;
    ngx_str_t    json;
    const char  *event;

    if (ngx_aigc_table_holes(ngx_http_aigc_view->mcf->zone)) {
        return NGX_AGAIN;
    }

    if (ngx_http_aigc_item_twice(item)) {
        ngx_http_aigc_item_free(item);
        return NGX_OK;
    }

    if (ngx_http_aigc_view_moved(item) != NGX_DECLINED) {
        return NGX_AGAIN;
    }

    if (item->id < 0) {
        event = "template-gone";
        key = json_pack("{s:o, s:o}",
                        "namespace", ngx_http_aigc_json_str(&item->ns),
                        "name", ngx_http_aigc_json_str(&item->name));

    } else {
        event = "instance-gone";
        key = json_pack("{s:o, s:o, s:i}",
                        "namespace", ngx_http_aigc_json_str(&item->ns),
                        "template", ngx_http_aigc_json_str(&item->name),
                        "id", (int) item->id);
    }

    if (ngx_http_aigc_json_dump(ngx_http_aigc_view->pool, key, &json)
        != NGX_OK)
    {
        return NGX_AGAIN;
    }

    rc = ngx_http_aigc_view_message(item->audience, event, &json);

    if (rc == NGX_OK) {
        ngx_http_aigc_item_free(item);
    }

    return rc;
}


/*
 * Does the table hold it in another slot, for the same audience?  NGX_OK;
 * NGX_DECLINED; NGX_BUSY.
 */
static ngx_int_t
ngx_http_aigc_view_moved(ngx_http_aigc_item_t *item)
{
    ngx_int_t             rc;
    ngx_aigc_zone_t      *zone;
    ngx_aigc_record_t     record;
    ngx_aigc_template_t   tmpl;

    zone = ngx_http_aigc_view->mcf->zone;

    if (item->id < 0) {
        rc = ngx_aigc_table_template(zone, &item->ns, &item->name, &tmpl,
                                     NULL);

        return (rc == NGX_OK && tmpl.deleting) ? NGX_DECLINED : rc;
    }

    rc = ngx_aigc_table_by_id(zone, &item->ns, &item->name, item->id,
                              &record);

    return (rc == NGX_OK
            && !ngx_aigc_fixed_eq(&record.owner, &item->audience->node.str))
           ? NGX_DECLINED : rc;
}


static ngx_int_t
ngx_http_aigc_view_message(ngx_http_aigc_audience_t *audience,
    const char *event, ngx_str_t *json)
{
    ngx_http_aigc_view_t  *view;

    view = ngx_http_aigc_view;

    if (ngx_http_aigc_audience_message(audience, view->version, event, json)
        != NGX_OK)
    {
        return NGX_AGAIN;
    }

    if (audience != &view->all && ngx_queue_empty(&audience->changed)) {
        ngx_queue_insert_tail(&view->changed, &audience->changed);
    }

    return NGX_OK;
}


ngx_http_aigc_text_t *
ngx_http_aigc_view_news(void)
{
    return ngx_http_aigc_view->all.news;
}


ngx_queue_t *
ngx_http_aigc_view_changed(void)
{
    return &ngx_http_aigc_view->changed;
}


void
ngx_http_aigc_view_forget(void)
{
    ngx_queue_t  *q;

    ngx_http_aigc_audience_quiet(&ngx_http_aigc_view->all);

    while (!ngx_queue_empty(&ngx_http_aigc_view->changed)) {
        q = ngx_queue_head(&ngx_http_aigc_view->changed);
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
    all = &view->all;

    if (all->list == NULL) {
        all->list = ngx_http_aigc_audience_list(all,
                               "event: snapshot\ndata: {\"templates\":[",
                               "],");
    }

    *ngx_sprintf(after, "]}\nid: %uA\n\n", view->version) = '\0';

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
