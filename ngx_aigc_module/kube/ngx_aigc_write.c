/*
 * kube/ngx_aigc_write.c — the verdict on a write, and the body of a DELETE.
 */

#include "ngx_aigc_write.h"
#include "base/ngx_aigc_bounds.h"
#include "base/ngx_aigc_text.h"


static ngx_aigc_verdict_e ngx_aigc_verdict_of(ngx_uint_t http, json_t *root);
static ngx_uint_t ngx_aigc_test_failed(json_t *root);


ngx_aigc_verdict_e
ngx_aigc_verdict(ngx_pool_t *pool, ngx_uint_t http, ngx_str_t *body,
    ngx_aigc_status_t *status)
{
    json_t              *root;
    ngx_aigc_verdict_e   verdict;

    root = NULL;

    if (http >= 300 && body->len && body->len <= NGX_AIGC_STATUS_MAX) {
        root = json_loadb((char *) body->data, body->len, 0, NULL);
    }

    verdict = ngx_aigc_verdict_of(http, root);

    if (status) {
        ngx_memzero(status, sizeof(ngx_aigc_status_t));
    }

    if (status && ngx_aigc_json_is(root, "kind", "Status")) {

        /* without memory it says nothing */

        (void) ngx_aigc_json_copy(pool, root, "reason", NGX_AIGC_STATUS_REASON,
                                  &status->reason);
        (void) ngx_aigc_json_copy(pool, root, "message", NGX_AIGC_STATUS_TEXT,
                                  &status->message);
    }

    json_decref(root);

    return verdict;
}


/* What is no answer of the API server's says nothing of the object. */
static ngx_aigc_verdict_e
ngx_aigc_verdict_of(ngx_uint_t http, json_t *root)
{
    switch (http) {

    case 200:
    case 201:
    case 202:
        return NGX_AIGC_WRITE_DONE;

    case 404:
        return (ngx_aigc_json_is(root, "kind", "Status")
                && ngx_aigc_json_is(root, "reason", "NotFound"))
               ? NGX_AIGC_WRITE_GONE : NGX_AIGC_WRITE_REFUSED;

    case 409:
        return root ? NGX_AIGC_WRITE_MOVED : NGX_AIGC_WRITE_UNSURE;

    case 422:
        return ngx_aigc_test_failed(root) ? NGX_AIGC_WRITE_MOVED
                                          : NGX_AIGC_WRITE_REFUSED;

    case 400:
    case 403:
    case 405:
    case 413:
    case 415:
        return NGX_AIGC_WRITE_REFUSED;

    default:
        return NGX_AIGC_WRITE_UNSURE;
    }
}


ngx_uint_t
ngx_aigc_verdict_level(ngx_aigc_verdict_e verdict)
{
    switch (verdict) {

    case NGX_AIGC_WRITE_REFUSED:
        return NGX_LOG_ERR;

    case NGX_AIGC_WRITE_UNSURE:
        return NGX_LOG_WARN;

    default:
        return NGX_LOG_INFO;            /* others write, too */
    }
}


/*
 * The API server keeps it to itself which operation of a JSON Patch failed:
 * one that could not be applied is "Invalid" with a general sentence and empty
 * details, while an object that does not validate is named there.  A patch of
 * ours can only fail to apply for a test: its tests come first and cover what
 * the rest needs.
 */

static ngx_uint_t
ngx_aigc_test_failed(json_t *root)
{
    json_t     *details;
    ngx_str_t   message;

    static ngx_str_t  generic = ngx_string("the server rejected our request "
                                           "due to an error in our request");
    static ngx_str_t  testing = ngx_string("testing ");

    if (!ngx_aigc_json_is(root, "kind", "Status")
        || !ngx_aigc_json_is(root, "reason", "Invalid"))
    {
        return 0;
    }

    details = json_object_get(root, "details");

    if (json_object_get(details, "name") || json_object_get(details, "causes"))
    {
        return 0;
    }

    message = ngx_aigc_json_text(root, "message");

    if (ngx_aigc_text_eq(&message, &generic)) {
        return 1;
    }

    if (message.len < testing.len) {
        return 0;
    }

    return ngx_strlcasestrn(message.data, message.data + message.len,
                            testing.data, testing.len - 1)
           != NULL;
}


ngx_int_t
ngx_aigc_delete_options(ngx_pool_t *pool, ngx_str_t *uid, ngx_str_t *version,
    ngx_str_t *out)
{
    ngx_aigc_writer_t  w;

    ngx_aigc_writer_init(&w, pool);

    ngx_aigc_put_literal(&w, "{\"apiVersion\":\"v1\","
                             "\"kind\":\"DeleteOptions\"");

    if (uid->len) {
        ngx_aigc_put_literal(&w, ",\"preconditions\":{\"uid\":");
        ngx_aigc_put_string(&w, uid);

        if (version) {
            ngx_aigc_put_literal(&w, ",\"resourceVersion\":");
            ngx_aigc_put_string(&w, version);
        }

        ngx_aigc_put_literal(&w, "}");
    }

    ngx_aigc_put_literal(&w, "}");

    return ngx_aigc_writer_text(&w, out);
}
