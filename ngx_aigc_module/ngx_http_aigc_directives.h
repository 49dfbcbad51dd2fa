/*
 * ngx_http_aigc_directives.h — reading the configuration: each directive's set
 * function, and what they must be together.  A wrong value is an error of
 * "nginx -t" that names the directive, the value and the fix; no secret is
 * printed.
 */

#ifndef _NGX_HTTP_AIGC_DIRECTIVES_H_INCLUDED_
#define _NGX_HTTP_AIGC_DIRECTIVES_H_INCLUDED_

#include "ngx_http_aigc_params.h"
#include "oidc/ngx_aigc_provider.h"
#include "kube/ngx_aigc_kind.h"

#include "base/ngx_http_aigc_conf.h"


/* What each takes; see ngx_http_aigc_params.h. */
extern const ngx_http_aigc_param_t  ngx_http_aigc_zone_params[];
extern const ngx_http_aigc_param_t  ngx_http_aigc_kubernetes_params[];
extern const ngx_http_aigc_param_t  ngx_http_aigc_logto_params[];
extern const ngx_http_aigc_param_t  ngx_http_aigc_oidc_params[];
extern const ngx_http_aigc_param_t  ngx_http_aigc_session_params[];
extern const ngx_http_aigc_param_t  ngx_http_aigc_gateway_params[];
extern const ngx_http_aigc_param_t  ngx_http_aigc_limits_params[];
extern const ngx_http_aigc_param_t  ngx_http_aigc_auth_params[];

/* What is watched; ngx_http_aigc_kinds.c. */
extern const ngx_aigc_kind_t  ngx_http_aigc_kinds[];

char *ngx_http_aigc_set_zone(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_aigc_set_kubernetes(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_aigc_set_logto(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_aigc_set_oidc(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_aigc_set_session(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_aigc_set_gateway(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_aigc_set_limits(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_aigc_set_auth(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/* Logs that two directives name a provider; NGX_CONF_ERROR. */
char *ngx_http_aigc_two_providers(ngx_conf_t *cf);

/*
 * What holds for each provider: the administrators' role, and the scope that a
 * program's token needs besides the audience; param is the name of the
 * parameter that gives the scope.  NGX_OK; NGX_ERROR: it has logged why.
 */
ngx_int_t ngx_http_aigc_check_provider(ngx_conf_t *cf,
    ngx_aigc_provider_t *provider, const char *param);

/* After all directives: are those there that those used need? */
char *ngx_http_aigc_check_conf(ngx_conf_t *cf,
    ngx_http_aigc_main_conf_t *mcf);

/*
 * Before all directives: the module was built in the tree of this very nginx?
 * nginx's own check (--with-compat's signature) does not tell a patched tree
 * from a plain one.  NGX_CONF_ERROR: it has logged what to do.
 */
char *ngx_http_aigc_check_tree(ngx_conf_t *cf);

/*
 * proxy_set_header replaces a client's header of exactly that name; with names
 * like X_Forwarded_User let through, beside "aigc_access", a client could say
 * who it is (RFC 3875 4.1.18 makes them one).  An error.
 */
char *ngx_http_aigc_check_names(ngx_conf_t *cf,
    ngx_http_aigc_main_conf_t *mcf);

/*
 * Once the whole configuration is read: has each worker connections enough for
 * clients beside those that the gateway keeps for its own calls?
 */
ngx_int_t ngx_http_aigc_check_connections(ngx_cycle_t *cycle);

/* How many of these worker 0 keeps for the gateway's own duties. */
ngx_uint_t ngx_http_aigc_duties(ngx_http_aigc_main_conf_t *mcf);

/*
 * What remembers answers (proxy_cache, fastcgi_store, …) in a location with
 * "aigc_access" or of an upstream with "aigc_instances", and does not tell
 * instances apart, is an error.  After all modules have merged theirs.
 */
char *ngx_http_aigc_check_caches(ngx_conf_t *cf,
    ngx_http_aigc_main_conf_t *mcf);


#endif /* _NGX_HTTP_AIGC_DIRECTIVES_H_INCLUDED_ */
