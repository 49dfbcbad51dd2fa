/*
 * ngx_http_aigc_set_oidc.c — the directive aigc_oidc: any OpenID provider.
 */

#include "ngx_http_aigc_directives.h"
#include "ngx_http_aigc_params.h"
#include "base/ngx_aigc_bounds.h"


static ngx_int_t ngx_http_aigc_set_prompt(ngx_conf_t *cf,
    const ngx_http_aigc_param_t *param, ngx_str_t *arg, ngx_str_t *value,
    void *conf);
static ngx_int_t ngx_http_aigc_logtos_own(ngx_conf_t *cf);
static ngx_int_t ngx_http_aigc_check_issuer(ngx_conf_t *cf,
    ngx_str_t *issuer);
static ngx_int_t ngx_http_aigc_check_ask(ngx_conf_t *cf,
    ngx_aigc_provider_t *provider);
static ngx_int_t ngx_http_aigc_oidc_claims(ngx_conf_t *cf,
    ngx_aigc_provider_t *provider, ngx_str_t *name);
static ngx_int_t ngx_http_aigc_oidc_claim(ngx_conf_t *cf, const char *param,
    ngx_str_t *text, ngx_aigc_claim_path_t *path);


static ngx_aigc_provider_words_t  ngx_http_aigc_oidc_words = {
    "the provider",
    "provider",
    "aigc_oidc",
    "client_id= and client_secret_file=",
    "have the provider know its public https URL, and the proxy before it "
        "send X-Forwarded-Proto",
    "have the provider know its public URL, and the proxy before it pass the "
        "Host header on, with the port",
    "have the provider put them into ID tokens, or say with roles_claim= where "
        "they are",
    NULL,
    "a role or group"
};


typedef struct {
    ngx_aigc_provider_t  provider;
    ngx_str_t            name;          /* name_claim=, as it is written */
} ngx_http_aigc_oidc_t;


/* conf: ngx_http_aigc_oidc_t */
const ngx_http_aigc_param_t  ngx_http_aigc_oidc_params[] = {

    { "issuer", "url", NULL, 1, ngx_http_aigc_param_text,
      offsetof(ngx_http_aigc_oidc_t, provider.issuer) },

    { "client_id", "id", NULL, 1, ngx_http_aigc_param_text,
      offsetof(ngx_http_aigc_oidc_t, provider.client_id) },

    { "client_secret_file", "path", NULL, 1, ngx_http_aigc_param_secret,
      offsetof(ngx_http_aigc_oidc_t, provider.client_secret) },

    { "scope", "names", NULL, 0, ngx_http_aigc_param_text,
      offsetof(ngx_http_aigc_oidc_t, provider.ask) },

    { "roles_claim", "path", "roles", 0, ngx_http_aigc_param_text,
      offsetof(ngx_http_aigc_oidc_t, provider.roles_claim) },

    { "name_claim", "path", NULL, 0, ngx_http_aigc_param_text,
      offsetof(ngx_http_aigc_oidc_t, name) },

    { "admin_role", "name", "aigc-admin", 0, ngx_http_aigc_param_text,
      offsetof(ngx_http_aigc_oidc_t, provider.admin_role) },

    { "audience", "name", NULL, 0, ngx_http_aigc_param_text,
      offsetof(ngx_http_aigc_oidc_t, provider.audience) },

    { "required_scope", "name|off", NULL, 0, ngx_http_aigc_param_text,
      offsetof(ngx_http_aigc_oidc_t, provider.scope) },

    { "prompt", "word", NULL, 0, ngx_http_aigc_set_prompt,
      offsetof(ngx_http_aigc_oidc_t, provider.prompt) },

    { "id_token_hint", "on|off", "off", 0, ngx_http_aigc_param_flag,
      offsetof(ngx_http_aigc_oidc_t, provider.hint) },

    { "grace", "time|off", "1h", 0, ngx_http_aigc_param_grace,
      offsetof(ngx_http_aigc_main_conf_t, grace) },

    { "ca_file", "path", NULL, 0, ngx_http_aigc_param_path,
      offsetof(ngx_http_aigc_oidc_t, provider.ca_file) },

    { NULL, NULL, NULL, 0, NULL, 0 }
};


char *
ngx_http_aigc_set_oidc(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_aigc_main_conf_t *mcf = conf;

    ngx_aigc_provider_t   *provider;
    ngx_http_aigc_oidc_t  *oidc;

    if (mcf->logto) {
        return ngx_http_aigc_two_providers(cf);
    }

    if (mcf->provider) {
        return "is duplicate";
    }

    oidc = ngx_pcalloc(cf->pool, sizeof(ngx_http_aigc_oidc_t));
    if (oidc == NULL) {
        return NGX_CONF_ERROR;
    }

    provider = &oidc->provider;
    provider->words = &ngx_http_aigc_oidc_words;

    if (ngx_http_aigc_logtos_own(cf) != NGX_OK
        || ngx_http_aigc_params(cf, ngx_http_aigc_oidc_params, oidc) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    if (provider->issuer.len == 0 || provider->client_id.len == 0
        || provider->client_secret.len == 0)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"aigc_oidc\" needs issuer=, client_id= and "
                           "client_secret_file= of a confidential client of "
                           "the provider's");
        return NGX_CONF_ERROR;
    }

    if (ngx_http_aigc_check_issuer(cf, &provider->issuer) != NGX_OK
        || ngx_http_aigc_check_ask(cf, provider) != NGX_OK
        || ngx_http_aigc_check_provider(cf, provider, "required_scope")
           != NGX_OK
        || ngx_http_aigc_oidc_claims(cf, provider, &oidc->name) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    mcf->provider = provider;

    return NGX_CONF_OK;
}


char *
ngx_http_aigc_two_providers(ngx_conf_t *cf)
{
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "\"aigc_oidc\" stands beside \"aigc_logto\": users sign "
                       "in at one provider: remove one of them");

    return NGX_CONF_ERROR;
}


/* What "aigc_logto" takes and no other provider has; or under another name. */
static ngx_int_t
ngx_http_aigc_logtos_own(ngx_conf_t *cf)
{
    size_t       len;
    ngx_str_t   *arg;
    ngx_uint_t   i, n;

    static struct {
        const char  *name;
        const char  *ours;
    } own[] = {
        { "app_id=", "client_id=" },
        { "app_secret_file=", "client_secret_file=" },
        { "m2m_app_id=", NULL },
        { "m2m_app_secret_file=", NULL },
        { "m2m_resource=", NULL },
        { "webhook_key_file=", NULL },
        { "custom_data=", NULL }
    };

    arg = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {
        for (n = 0; n < sizeof(own) / sizeof(own[0]); n++) {

            len = ngx_strlen(own[n].name);

            if (ngx_strncmp(arg[i].data, own[n].name, len) != 0) {
                continue;
            }

            if (own[n].ours) {
                ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                                   "\"aigc_oidc\" has %s, which is %s here",
                                   own[n].name, own[n].ours);
            } else {
                ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                                   "\"aigc_oidc\" has %s, which only Logto "
                                   "knows: remove it, or use \"aigc_logto\"",
                                   own[n].name);
            }

            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_aigc_check_issuer(ngx_conf_t *cf, ngx_str_t *issuer)
{
    ngx_aigc_url_t  url;

    if (issuer->len <= NGX_AIGC_ENDPOINT_MAX
        && ngx_aigc_url_parse(cf->pool, issuer, &url) == NGX_OK
        && ngx_strlchr(issuer->data, issuer->data + issuer->len, '?') == NULL
        && ngx_strlchr(issuer->data, issuer->data + issuer->len, '#') == NULL)
    {
        return NGX_OK;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "\"aigc_oidc\" has issuer=%V: it takes an http or https "
                       "URL of at most %d bytes, exactly as \"issuer\" in the "
                       "provider's /.well-known/openid-configuration",
                       issuer, NGX_AIGC_ENDPOINT_MAX);
    return NGX_ERROR;
}


/* scope of RFC 6749, 3.3, with openid in it */
static ngx_int_t
ngx_http_aigc_check_ask(ngx_conf_t *cf, ngx_aigc_provider_t *provider)
{
    size_t          i;
    u_char          c;
    ngx_uint_t      bad;
    ngx_aigc_jwt_t  jwt;

    static ngx_str_t  openid = ngx_string("openid");

    if (provider->ask.data == NULL) {
        ngx_str_set(&provider->ask, "openid profile email");
        provider->offline = 1;
        return NGX_OK;
    }

    jwt.scope = provider->ask;

    bad = (provider->ask.len > NGX_HTTP_AIGC_ASK_MAX
           || ngx_aigc_jwt_has_scope(&jwt, &openid) != NGX_OK);

    for (i = 0; i < provider->ask.len; i++) {
        c = provider->ask.data[i];
        bad |= (c < 0x20 || c >= 0x7f || c == '"' || c == '\\');
    }

    if (bad) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"aigc_oidc\" has scope=%V: it takes the scopes of "
                           "a sign-in with blanks between them, openid among "
                           "them: \"scope=openid profile email\"",
                           &provider->ask);
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_aigc_oidc_claims(ngx_conf_t *cf, ngx_aigc_provider_t *provider,
    ngx_str_t *name)
{
    ngx_str_t           text;
    ngx_aigc_claims_t  *claims;

    claims = ngx_pcalloc(cf->pool, sizeof(ngx_aigc_claims_t));
    if (claims == NULL) {
        return NGX_ERROR;
    }

    provider->claims = claims;

    if (name->data == NULL) {
        ngx_str_set(&text, "preferred_username");

        if (ngx_aigc_claim_path(cf->pool, &text, &claims->name_else)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        ngx_str_set(name, "name");
    }

    return (ngx_http_aigc_oidc_claim(cf, "roles_claim",
                                     &provider->roles_claim, &claims->roles)
            == NGX_OK
            && ngx_http_aigc_oidc_claim(cf, "name_claim", name, &claims->name)
               == NGX_OK)
           ? NGX_OK : NGX_ERROR;
}


static ngx_int_t
ngx_http_aigc_oidc_claim(ngx_conf_t *cf, const char *param, ngx_str_t *text,
    ngx_aigc_claim_path_t *path)
{
    ngx_int_t  rc;

    rc = ngx_aigc_claim_path(cf->pool, text, path);

    if (rc == NGX_DECLINED) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"aigc_oidc\" has %s=%V: it takes names with dots "
                           "between them, such as realm_access.roles, and "
                           "\"\\.\" for a dot within a name", param, text);
    }

    return rc == NGX_OK ? NGX_OK : NGX_ERROR;
}


/* OIDC Core 3.1.2.1; with "none" nobody could sign in for the first time. */
static ngx_int_t
ngx_http_aigc_set_prompt(ngx_conf_t *cf, const ngx_http_aigc_param_t *param,
    ngx_str_t *arg, ngx_str_t *value, void *conf)
{
    ngx_uint_t  i;

    static const char  *words[] = { "login", "consent", "select_account" };

    for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (ngx_strcmp(value->data, words[i]) == 0) {
            return ngx_http_aigc_param_text(cf, param, arg, value, conf);
        }
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "\"aigc_oidc\" has prompt=%V: it takes login, consent "
                       "or select_account", value);
    return NGX_ERROR;
}


ngx_int_t
ngx_http_aigc_check_provider(ngx_conf_t *cf, ngx_aigc_provider_t *provider,
    const char *param)
{
    size_t                      i;
    u_char                      c;
    ngx_uint_t                  bad;
    ngx_aigc_provider_words_t  *words;

    words = provider->words;

    if (provider->admin_role.len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%s\" has an empty admin_role=: give the name of "
                           "%s, or leave it out: aigc-admin",
                           words->directive, words->role);
        return NGX_ERROR;
    }

    if (provider->audience.len == 0) {

        if (provider->scope.data) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"%s\" has %s= without audience=: "
                               "only tokens for an API resource have one, "
                               "whose indicator is audience=",
                               words->directive, param);
            return NGX_ERROR;
        }

        return NGX_OK;
    }

    if (provider->scope.data == NULL) {
        ngx_str_set(&provider->scope, NGX_AIGC_SCOPE);
        return NGX_OK;
    }

    if (ngx_strcmp(provider->scope.data, "off") == 0) {
        provider->scope.len = 0;

        ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                           "\"%s\" has %s=off: every application of "
                           "this %s that a user has signed in to acts for "
                           "that user here",
                           words->directive, param, words->kind);
        return NGX_OK;
    }

    /* scope-token of RFC 6749, 3.3 */

    bad = (provider->scope.len == 0
           || provider->scope.len > NGX_AIGC_SCOPE_MAX);

    for (i = 0; i < provider->scope.len; i++) {
        c = provider->scope.data[i];
        bad |= (c <= 0x20 || c >= 0x7f || c == '"' || c == '\\');
    }

    if (bad) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%s\" has %s=%V: it takes one scope of "
                           "the API resource, such as %s=" NGX_AIGC_SCOPE
                           ", or %s=off", words->directive, param,
                           &provider->scope, param, param);
        return NGX_ERROR;
    }

    return NGX_OK;
}
