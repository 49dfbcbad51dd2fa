/*
 * ngx_http_aigc_check_caches.c — nginx -t against caches that would give one
 * user's answers to another.
 *
 * The configurations of proxy, fastcgi, uwsgi, scgi are structs of their own
 * files, but each holds an ngx_http_upstream_conf_t, which is public: where, is
 * told by the offset of "…_store_access" in the module's table of directives.
 * No directive tells where the text of "…_cache_key" is: that is found by
 * setting one in a configuration made for it.
 */

#include "ngx_http_aigc_directives.h"

#include "base/ngx_aigc_compat.h"
#include "gateway/ngx_http_aigc_cache.h"
#include "gateway/ngx_http_aigc_upstream.h"


typedef struct {
    ngx_uint_t        ctx_index;
    ngx_uint_t        upstream;         /* offset of ngx_http_upstream_conf_t */
    ngx_uint_t        key;              /* offset of ngx_str_t; 0: unknown */
} ngx_http_aigc_passer_t;


static ngx_command_t *ngx_http_aigc_command(ngx_module_t *module,
    const char *suffix);
static ngx_uint_t ngx_http_aigc_key_offset(ngx_conf_t *cf,
    ngx_module_t *module);
static u_char *ngx_http_aigc_pool_end(ngx_pool_t *pool, u_char *p);
static char *ngx_http_aigc_check_passer(ngx_conf_t *cf,
    ngx_http_aigc_passer_t *passer, void **loc_conf);


char *
ngx_http_aigc_check_caches(ngx_conf_t *cf, ngx_http_aigc_main_conf_t *mcf)
{
    void                    ***location;
    ngx_uint_t                 i, n;
    ngx_module_t              *module;
    ngx_command_t             *cmd;
    ngx_http_aigc_passer_t     passer;

    if (!mcf->guards && !mcf->upstreams) {
        return NGX_CONF_OK;
    }

    location = mcf->locations->elts;

    for (i = 0; cf->cycle->modules[i]; i++) {

        module = cf->cycle->modules[i];

        if (module->type != NGX_HTTP_MODULE || module->commands == NULL) {
            continue;
        }

        cmd = ngx_http_aigc_command(module, "_store_access");

        if (cmd == NULL || cmd->conf != NGX_HTTP_LOC_CONF_OFFSET
            || cmd->offset < offsetof(ngx_http_upstream_conf_t, store_access))
        {
            continue;
        }

        passer.ctx_index = module->ctx_index;
        passer.upstream = cmd->offset
                          - offsetof(ngx_http_upstream_conf_t, store_access);
        passer.key = ngx_http_aigc_key_offset(cf, module);

        for (n = 0; n < mcf->locations->nelts; n++) {

            if (ngx_http_aigc_check_passer(cf, &passer, location[n])
                != NGX_CONF_OK)
            {
                return NGX_CONF_ERROR;
            }
        }
    }

    return NGX_CONF_OK;
}


static ngx_command_t *
ngx_http_aigc_command(ngx_module_t *module, const char *suffix)
{
    size_t          len;
    ngx_command_t  *cmd;

    len = ngx_strlen(suffix);

    for (cmd = module->commands; cmd->name.len; cmd++) {

        if (cmd->name.len > len
            && ngx_memcmp(cmd->name.data + cmd->name.len - len, suffix, len)
               == 0)
        {
            return cmd;
        }
    }

    return NULL;
}


/* 0: there is no such directive, or it keeps its text elsewhere */
static ngx_uint_t
ngx_http_aigc_key_offset(ngx_conf_t *cf, ngx_module_t *module)
{
    char               *rv;
    u_char             *conf, *p, *last;
    ngx_str_t           args[2], *text;
    ngx_array_t         array, *saved;
    ngx_command_t      *cmd;
    ngx_http_module_t  *ctx;

    ctx = module->ctx;
    cmd = ngx_http_aigc_command(module, "_cache_key");

    if (cmd == NULL || ctx->create_loc_conf == NULL) {
        return 0;
    }

    conf = ctx->create_loc_conf(cf);
    if (conf == NULL) {
        return 0;
    }

    args[0] = cmd->name;
    ngx_str_set(&args[1], "aigc");

    ngx_memzero(&array, sizeof(ngx_array_t));
    array.elts = args;
    array.nelts = 2;
    array.size = sizeof(ngx_str_t);
    array.nalloc = 2;
    array.pool = cf->pool;

    saved = cf->args;
    cf->args = &array;

    rv = cmd->set(cf, cmd, conf);

    cf->args = saved;

    if (rv != NGX_CONF_OK) {
        return 0;
    }

    last = ngx_http_aigc_pool_end(cf->pool, conf);

    for (p = conf; p + sizeof(ngx_str_t) <= last; p += sizeof(void *)) {

        text = (ngx_str_t *) p;

        if (text->data == args[1].data && text->len == args[1].len) {
            return p - conf;
        }
    }

    return 0;
}


/* The end of the block of pool that p lies in; p itself: of none. */
static u_char *
ngx_http_aigc_pool_end(ngx_pool_t *pool, u_char *p)
{
    for ( /* void */ ; pool; pool = pool->d.next) {

        if (p > (u_char *) pool && p < pool->d.last) {
            return pool->d.last;
        }
    }

    return p;
}


static char *
ngx_http_aigc_check_passer(ngx_conf_t *cf, ngx_http_aigc_passer_t *passer,
    void **loc_conf)
{
    u_char                    *conf;
    ngx_str_t                  none, *key;
    ngx_http_aigc_key_e        worth;
    ngx_http_core_loc_conf_t  *clcf;
    ngx_http_aigc_loc_conf_t  *lcf;
    ngx_http_upstream_conf_t  *u;

    conf = loc_conf[passer->ctx_index];
    clcf = loc_conf[ngx_http_core_module.ctx_index];
    lcf = loc_conf[ngx_http_aigc_module.ctx_index];

    u = (ngx_http_upstream_conf_t *) (conf + passer->upstream);

    /* an address in variables is known at run time alone, and checked then */

    if (u->upstream == NULL
        || (!lcf->access && !ngx_http_aigc_is_instances(u->upstream)))
    {
        return NGX_CONF_OK;
    }

    if (u->store > 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V_store\" in location \"%V\", in front of "
                           "instances, would give one user's answers to "
                           "another: remove it", &u->module, &clcf->name);
        return NGX_CONF_ERROR;
    }

    if (!ngx_aigc_conf_caches(u)) {
        return NGX_CONF_OK;
    }

    ngx_str_null(&none);

    key = passer->key ? (ngx_str_t *) (conf + passer->key) : &none;
    worth = ngx_http_aigc_cache_key(key);

    if (worth == NGX_HTTP_AIGC_KEY_GOOD) {
        return NGX_CONF_OK;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "\"%V_cache\" in location \"%V\", in front of "
                       "instances, would give one user's answers to another: "
                       "%s, as in %V_cache_key \"$aigc_instance $request_uri\""
                       ", or remove it",
                       &u->module, &clcf->name,
                       worth == NGX_HTTP_AIGC_KEY_WITHOUT
                       ? "let \"$aigc_instance\" be in its key"
                       : "let \"$aigc_instance\" come first in its key",
                       &u->module);

    return NGX_CONF_ERROR;
}
