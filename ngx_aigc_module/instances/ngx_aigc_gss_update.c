/*
 * instances/ngx_aigc_gss_update.c — does a changed template restart the
 * instances that run, or does each one wait until its user wants it?
 */

#include "ngx_aigc_gss.h"
#include "base/ngx_aigc_text.h"


static ngx_uint_t ngx_aigc_gss_partition(json_t *block);
static ngx_int_t ngx_aigc_gss_rolls(ngx_pool_t *pool, ngx_aigc_gss_t *gss,
    const char *why);


ngx_int_t
ngx_aigc_gss_read_update(ngx_pool_t *pool, json_t *strategy,
    ngx_aigc_gss_t *gss)
{
    json_t      *block;
    ngx_str_t    type;
    ngx_uint_t   on_delete;

    ngx_str_null(&gss->rolls);
    gss->seamless = 0;

    type = ngx_aigc_json_text(strategy, "type");
    block = json_object_get(strategy, "rollingUpdate");

    on_delete = ngx_aigc_text_is(&type, "OnDelete");

    if (!on_delete && type.len && !ngx_aigc_text_is(&type, "RollingUpdate")) {
        return ngx_aigc_gss_rolls(pool, gss, "updateStrategy.type is neither "
                                  "RollingUpdate nor OnDelete");
    }

    if (block == NULL || json_is_null(block)) {
        gss->seamless = on_delete;
        return NGX_OK;
    }

    if (json_is_true(json_object_get(block, "paused"))) {

        if (ngx_aigc_gss_partition(block)) {
            return ngx_aigc_gss_rolls(pool, gss, "updateStrategy."
                                      "rollingUpdate is paused, but with a "
                                      "partition: instances that start may "
                                      "get the old revision");
        }

        gss->seamless = 1;
        return NGX_OK;
    }

    if (on_delete) {
        return ngx_aigc_gss_rolls(pool, gss, "updateStrategy has a "
                                  "rollingUpdate block beside type OnDelete: "
                                  "OpenKruiseGame takes that as "
                                  "RollingUpdate; remove the block");
    }

    return NGX_OK;
}


/* anything but 0 holds some instances back */

static ngx_uint_t
ngx_aigc_gss_partition(json_t *block)
{
    json_t  *partition;

    partition = json_object_get(block, "partition");

    return partition != NULL && !json_is_null(partition)
           && !(json_is_integer(partition)
                && json_integer_value(partition) == 0);
}


static ngx_int_t
ngx_aigc_gss_rolls(ngx_pool_t *pool, ngx_aigc_gss_t *gss, const char *why)
{
    ngx_str_t  text;

    text.data = (u_char *) why;
    text.len = ngx_strlen(why);

    return ngx_aigc_text_copy(pool, &text, NGX_AIGC_WHY_MAX, &gss->rolls);
}
