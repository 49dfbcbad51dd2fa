/*
 * t/fuzz/config_fuzz.c — the arguments of directives.  The first line is the
 * directive, the others are its arguments; a file "secret" holds a secret, and
 * "keys" two keys.
 */

#include "sign.h"

#include <ngx_http.h>

#include "ngx_http_aigc_directives.h"
#include "instances/ngx_aigc_plan.h"


static void config_conf(fuzz_t *f, ngx_conf_t *cf,
    ngx_http_aigc_main_conf_t *mcf);
static void config_folder(ngx_str_t *folder);
static void config_file(ngx_str_t *folder, const char *name,
    const char *text);
static void config_read(fuzz_t *f, ngx_http_aigc_main_conf_t *mcf);


/* What the directives point to, and no target uses. */

ngx_module_t  ngx_http_aigc_module;

ngx_aigc_part_t  ngx_aigc_doubt_part, ngx_aigc_flight_part,
                 ngx_aigc_leader_part, ngx_aigc_queue_part,
                 ngx_aigc_revocation_part, ngx_aigc_token_part;

ngx_int_t ngx_http_aigc_auth_handler(ngx_http_request_t *r);
ngx_int_t ngx_http_aigc_forward_auth_handler(ngx_http_request_t *r);


ngx_int_t
ngx_http_aigc_auth_handler(ngx_http_request_t *r)
{
    return NGX_ERROR;
}


ngx_int_t
ngx_http_aigc_forward_auth_handler(ngx_http_request_t *r)
{
    return NGX_ERROR;
}


FUZZ(config)
{
    char                       *rc;
    ngx_str_t                  *arg, line;
    ngx_uint_t                  i;
    ngx_conf_t                  cf;
    ngx_http_aigc_main_conf_t  *mcf;

    static const struct {
        const char  *name;
        char      *(*set)(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
    } directives[] = {
        { "aigc_oidc", ngx_http_aigc_set_oidc },
        { "aigc_logto", ngx_http_aigc_set_logto },
        { "aigc_session", ngx_http_aigc_set_session },
        { "aigc_gateway", ngx_http_aigc_set_gateway },
        { "aigc_limits", ngx_http_aigc_set_limits }
    };

    mcf = fuzz_alloc(f, sizeof(ngx_http_aigc_main_conf_t));
    mcf->limits = fuzz_alloc(f, sizeof(ngx_aigc_limits_t));
    config_conf(f, &cf, mcf);

    do {
        line = fuzz_line(f);
        arg = ngx_array_push(cf.args);
        must(arg != NULL);

        *arg = fuzz_fmt(f, "%V%Z", &line);
        arg->len = ngx_strlen(arg->data);   /* as nginx reads it */

        for (i = 0; i < arg->len; i++) {
            if (arg->data[i] < 0x20 || arg->data[i] == 0x7f) {
                arg->data[i] = '?';         /* an administrator's log line */
            }
        }
    } while (fuzz_more(f) && cf.args->nelts < 20);

    arg = cf.args->elts;

    for (i = 0; i < sizeof(directives) / sizeof(directives[0]); i++) {

        if (ngx_strcmp(arg[0].data, directives[i].name) != 0
            || cf.args->nelts < 2)
        {
            continue;
        }

        rc = directives[i].set(&cf, NULL, mcf);

        if (rc == NGX_CONF_OK) {
            config_read(f, mcf);
        }
    }
}


static void
config_conf(fuzz_t *f, ngx_conf_t *cf, ngx_http_aigc_main_conf_t *mcf)
{
    void               **confs;
    ngx_cycle_t         *cycle;
    ngx_http_conf_ctx_t *ctx;

    static ngx_str_t     folder;

    if (folder.len == 0) {
        config_folder(&folder);
    }

    cycle = fuzz_alloc(f, sizeof(ngx_cycle_t));
    cycle->pool = f->pool;
    cycle->log = f->log;
    cycle->conf_prefix = folder;
    cycle->prefix = folder;

    ctx = fuzz_alloc(f, sizeof(ngx_http_conf_ctx_t));
    confs = fuzz_alloc(f, sizeof(void *));
    confs[0] = mcf;

    ctx->main_conf = confs;
    ctx->srv_conf = confs;
    ctx->loc_conf = confs;

    ngx_memzero(cf, sizeof(ngx_conf_t));
    cf->cycle = cycle;
    cf->pool = f->pool;
    cf->temp_pool = f->pool;
    cf->log = f->log;
    cf->ctx = ctx;
    cf->args = ngx_array_create(f->pool, 4, sizeof(ngx_str_t));
    must(cf->args != NULL);
}


/* A folder in TMPDIR, which stays there: it always has the same content. */
static void
config_folder(ngx_str_t *folder)
{
    static char  path[4096];

    ngx_snprintf((u_char *) path, sizeof(path), "%s/config%Z",
                 getenv("TMPDIR"));

    must(mkdir(path, 0700) == 0 || ngx_errno == NGX_EEXIST);

    (void) strcat(path, "/");

    folder->data = (u_char *) path;
    folder->len = ngx_strlen(path);

    config_file(folder, "secret", FUZZ_SECRET "\n");
    config_file(folder, "keys",
                "00112233445566778899aabbccddeeff"
                "00112233445566778899aabbccddeeff\n"
                "ffeeddccbbaa99887766554433221100"
                "ffeeddccbbaa99887766554433221100\n");
}


static void
config_file(ngx_str_t *folder, const char *name, const char *text)
{
    int   fd;
    char  path[4096];

    ngx_snprintf((u_char *) path, sizeof(path), "%V%s%Z", folder, name);

    fd = open(path, O_CREAT|O_WRONLY, 0600);    /* others may read it now */
    must(fd != -1);
    must(write(fd, text, ngx_strlen(text)) == (ssize_t) ngx_strlen(text));
    close(fd);
}


static void
config_read(fuzz_t *f, ngx_http_aigc_main_conf_t *mcf)
{
    ngx_aigc_url_t        url;
    ngx_aigc_provider_t  *p;

    p = mcf->provider;

    if (p) {
        must(p->issuer.len <= NGX_AIGC_ENDPOINT_MAX + sizeof("/oidc"));
        must(ngx_aigc_url_parse(f->pool, &p->issuer, &url) == NGX_OK);
        must(p->client_id.len > 0);
        must(p->client_secret.len > 0
             && p->client_secret.len <= NGX_AIGC_SECRET_MAX);
        must(p->admin_role.len > 0);
        must(p->scope.len <= NGX_AIGC_SCOPE_MAX);
        must(p->claims == NULL || p->claims->roles.n > 0);
    }
}
