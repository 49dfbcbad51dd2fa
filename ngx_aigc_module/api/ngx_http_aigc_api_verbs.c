/*
 * api/ngx_http_aigc_api_verbs.c — what is done with an instance: the verbs.
 * Who may, and in which states, is in the table of ngx_http_aigc_api_routes.c.
 */

#include "ngx_http_aigc_api.h"
#include "ngx_http_aigc_pod.h"
#include "ngx_http_aigc_write.h"
#include "base/ngx_http_aigc_reply.h"
#include "instances/ngx_http_aigc_instance.h"


typedef struct {
    ngx_str_t    query;
    ngx_uint_t   keep;
} ngx_http_aigc_uninstall_query_t;


static void ngx_http_aigc_api_write_op(ngx_http_request_t *r,
    ngx_http_aigc_call_t *call, ngx_aigc_op_kind_e op);
static ngx_int_t ngx_http_aigc_api_uninstall_query(ngx_http_request_t *r,
    ngx_uint_t *keep);


/* "keep_disk=false" is none: data go only where a request says so in full. */

static ngx_http_aigc_uninstall_query_t  ngx_http_aigc_uninstall_queries[] = {
    { ngx_string(""), 1 },
    { ngx_string("delete_disk=true"), 0 },
    { ngx_string("delete_disk=false"), 1 },
    { ngx_string("keep_disk=true"), 1 }
};


void
ngx_http_aigc_api_instance(ngx_http_request_t *r, ngx_http_aigc_call_t *call)
{
    ngx_http_finalize_request(r,
        ngx_http_aigc_instance_reply(r, NGX_HTTP_OK, call->record));
}


/* start, release, an administrator's release */
void
ngx_http_aigc_api_write(ngx_http_request_t *r, ngx_http_aigc_call_t *call)
{
    ngx_http_aigc_api_write_op(r, call, call->route->op);
}


static void
ngx_http_aigc_api_write_op(ngx_http_request_t *r, ngx_http_aigc_call_t *call,
    ngx_aigc_op_kind_e op)
{
    uint32_t                    slot;
    ngx_str_t                   owner;
    ngx_aigc_record_t          *record;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);
    record = call->record;

    if (ngx_http_aigc_call_template(r, call, &slot) != NGX_OK) {
        return;
    }

    if (record == NULL) {
        ngx_http_aigc_write(r, op, slot, NULL, &call->user.sub);
        return;
    }

    /* what was asked for before is not done yet: this comes after it */

    if (record->state == call->route->to
        && (!ngx_aigc_is_uninstall(op)
            || record->keep == (op == NGX_AIGC_UNINSTALL_KEEP))
        && !ngx_aigc_queue_busy(mcf->zone, slot, call->id))
    {
        ngx_http_aigc_api_instance(r, call);
        return;
    }

    ngx_aigc_fixed_get(&record->owner, &owner);

    if (call->route->may == NGX_HTTP_AIGC_ADMIN
        && !ngx_aigc_text_eq(&owner, &call->user.sub))
    {
        ngx_log_error(NGX_LOG_NOTICE, r->connection->log, 0,
                      "aigc: administrator \"%V\" asks for instance "
                      "%V/%V/%i of user \"%V\" to be %V", &call->user.sub,
                      &call->ns, &call->name, call->id, &owner,
                      ngx_aigc_state_name(call->route->to));
    }

    ngx_http_aigc_write(r, op, slot, record, &owner);
}


/* With {"another":true} one more than there is. */
void
ngx_http_aigc_api_install(ngx_http_request_t *r, ngx_http_aigc_call_t *call)
{
    json_t  *another;

    another = json_object_get(call->body, "another");

    if (another && !json_is_boolean(another)) {
        ngx_http_finalize_request(r,
            ngx_http_aigc_problem(r, NGX_HTTP_AIGC_CODE_BAD_PARAMETER,
                                  "\"another\" is true or false."));
        return;
    }

    ngx_http_aigc_api_write_op(r, call, json_is_true(another)
                                        ? NGX_AIGC_INSTALL_ANOTHER
                                        : NGX_AIGC_INSTALL);
}


/*
 * The disk waits for its owner's next install; with ?delete_disk=true it goes,
 * too.  What follows is instances/ngx_aigc_uninstall.c's.
 */
void
ngx_http_aigc_api_uninstall(ngx_http_request_t *r, ngx_http_aigc_call_t *call)
{
    ngx_uint_t  keep;

    if (ngx_http_aigc_api_uninstall_query(r, &keep) != NGX_OK) {
        ngx_http_finalize_request(r,
            ngx_http_aigc_problem(r, NGX_HTTP_AIGC_CODE_BAD_PARAMETER,
                                  "The query may be delete_disk=true, "
                                  "delete_disk=false or keep_disk=true, and "
                                  "nothing else."));
        return;
    }

    ngx_http_aigc_api_write_op(r, call, keep ? NGX_AIGC_UNINSTALL_KEEP
                                             : NGX_AIGC_UNINSTALL);
}


/* A word that is misread here would cost a disk: nothing but these. */
static ngx_int_t
ngx_http_aigc_api_uninstall_query(ngx_http_request_t *r, ngx_uint_t *keep)
{
    ngx_uint_t                        i, n;
    ngx_http_aigc_uninstall_query_t  *known;

    known = ngx_http_aigc_uninstall_queries;
    n = sizeof(ngx_http_aigc_uninstall_queries)
        / sizeof(ngx_http_aigc_uninstall_query_t);

    for (i = 0; i < n; i++) {
        if (r->args.len == known[i].query.len
            && (r->args.len == 0                /* then data may be NULL */
                || ngx_memcmp(r->args.data, known[i].query.data, r->args.len)
                   == 0))
        {
            *keep = known[i].keep;
            return NGX_OK;
        }
    }

    return NGX_DECLINED;
}


/*
 * The pod is deleted, and comes back under the same id, with the same disk.
 * Whose it is does not change, so nothing is written.
 */
void
ngx_http_aigc_api_restart(ngx_http_request_t *r, ngx_http_aigc_call_t *call)
{
    ngx_http_aigc_pod_delete(r, call->record);
}


/* The same, to its template's present revision. */
void
ngx_http_aigc_api_update(ngx_http_request_t *r, ngx_http_aigc_call_t *call)
{
    if (call->record->outdated) {
        ngx_http_aigc_pod_delete(r, call->record);

    } else {
        ngx_http_aigc_api_instance(r, call);
    }
}
