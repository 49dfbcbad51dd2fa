/*
 * ngx_http_aigc_params.h — the arguments of directives: what they may be, and
 * the error that names directive, value and fix.  No secret is ever printed.
 */

#ifndef _NGX_HTTP_AIGC_PARAMS_H_INCLUDED_
#define _NGX_HTTP_AIGC_PARAMS_H_INCLUDED_

#include "base/ngx_http_aigc_conf.h"


typedef struct ngx_http_aigc_param_s  ngx_http_aigc_param_t;

/*
 * Takes one argument: arg is all of it, value what follows the "=", conf the
 * structure that the directive fills.  NGX_OK; NGX_DECLINED: no value that this
 * parameter knows; NGX_ERROR: it has logged why.
 */
typedef ngx_int_t (*ngx_http_aigc_param_pt)(ngx_conf_t *cf,
    const ngx_http_aigc_param_t *param, ngx_str_t *arg, ngx_str_t *value,
    void *conf);

/*
 * One parameter of a directive.  A directive's parameters are an array that
 * name == NULL ends and that "post" of its ngx_command_t points to:
 * ngx_http_aigc_params() reads arguments by it, aigc_describe prints it.
 */
struct ngx_http_aigc_param_s {
    const char              *name;      /* without "=" */
    const char              *value;     /* what it takes, in a word: "time";
                                           NULL: an argument by its place */
    const char              *init;      /* default, read as one that is given;
                                           NULL: none, or others decide */
    ngx_uint_t               required;  /* its absence is an error */
    ngx_http_aigc_param_pt   set;
    size_t                   offset;    /* into conf, for those below */
};

/*
 * Reads the arguments behind those that go by their place, then the defaults of
 * those not given.  NGX_OK; NGX_ERROR: it has logged why.
 */
ngx_int_t ngx_http_aigc_params(ngx_conf_t *cf,
    const ngx_http_aigc_param_t *params, void *conf);

/* The defaults alone, for a directive that is not there. */
ngx_int_t ngx_http_aigc_param_defaults(ngx_conf_t *cf,
    const ngx_http_aigc_param_t *params, void *conf);

/* Into the ngx_str_t at offset: the value as it is; a path; a secret's text. */
ngx_int_t ngx_http_aigc_param_text(ngx_conf_t *cf,
    const ngx_http_aigc_param_t *param, ngx_str_t *arg, ngx_str_t *value,
    void *conf);
ngx_int_t ngx_http_aigc_param_path(ngx_conf_t *cf,
    const ngx_http_aigc_param_t *param, ngx_str_t *arg, ngx_str_t *value,
    void *conf);
ngx_int_t ngx_http_aigc_param_secret(ngx_conf_t *cf,
    const ngx_http_aigc_param_t *param, ngx_str_t *arg, ngx_str_t *value,
    void *conf);

/* Into the ngx_flag_t at offset: "on" or "off". */
ngx_int_t ngx_http_aigc_param_flag(ngx_conf_t *cf,
    const ngx_http_aigc_param_t *param, ngx_str_t *arg, ngx_str_t *value,
    void *conf);

/* Into the time_t at offset of the main configuration: seconds. */
ngx_int_t ngx_http_aigc_param_seconds(ngx_conf_t *cf,
    const ngx_http_aigc_param_t *param, ngx_str_t *arg, ngx_str_t *value,
    void *conf);

/* The same, of the main configuration's grace; "off": none. */
ngx_int_t ngx_http_aigc_param_grace(ngx_conf_t *cf,
    const ngx_http_aigc_param_t *param, ngx_str_t *arg, ngx_str_t *value,
    void *conf);

/* Each: NGX_OK; NGX_ERROR: it has logged why. */

/* A path, from nginx's own folder when it is relative; it ends with a NUL. */
ngx_int_t ngx_http_aigc_path(ngx_conf_t *cf, ngx_str_t *value,
    ngx_str_t *path);

/* path is there and holds something; name is the parameter's, "ca_file". */
ngx_int_t ngx_http_aigc_readable(ngx_conf_t *cf, const char *name,
    ngx_str_t *path);

/* A file of one line, nobody else's to read; its text goes into memory. */
ngx_int_t ngx_http_aigc_secret(ngx_conf_t *cf, const char *name,
    ngx_str_t *file, ngx_str_t *secret);

/* scheme://host[:port], with nothing behind it; base is that text. */
ngx_int_t ngx_http_aigc_url(ngx_conf_t *cf, ngx_str_t *text,
    ngx_aigc_url_t *url, ngx_str_t *base);

/* A whole number from min to max. */
ngx_int_t ngx_http_aigc_number(ngx_conf_t *cf, ngx_str_t *arg,
    ngx_str_t *value, ngx_uint_t min, ngx_uint_t max, ngx_uint_t *number);

ngx_int_t ngx_http_aigc_seconds(ngx_conf_t *cf, ngx_str_t *arg,
    ngx_str_t *value, time_t *seconds);


#endif /* _NGX_HTTP_AIGC_PARAMS_H_INCLUDED_ */
