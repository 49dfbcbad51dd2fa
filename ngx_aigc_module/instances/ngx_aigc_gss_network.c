/*
 * instances/ngx_aigc_gss_network.c — where the instances of a GameServerSet are
 * reached, and why they could not be: what would fail only after somebody has
 * installed one is said before.
 */

#include "ngx_aigc_gss.h"
#include "ngx_aigc_host.h"
#include "base/ngx_aigc_bounds.h"
#include "base/ngx_aigc_text.h"


/* What networkConf says, as OKG's Kubernetes-Ingress plugin reads it. */
typedef struct {
    json_t       *host;                 /* of several, the last */
    json_t       *port;                 /* … the first: the first Path's */
    ngx_uint_t    nports;
    ngx_uint_t    npaths;
} ngx_aigc_gss_conf_t;


static void ngx_aigc_gss_conf(json_t *list, ngx_aigc_gss_conf_t *conf);
static ngx_int_t ngx_aigc_gss_check(ngx_pool_t *pool, json_t *spec,
    ngx_aigc_gss_conf_t *conf, ngx_aigc_gss_t *gss);
static in_port_t ngx_aigc_gss_port(json_t *value);
static void ngx_aigc_gss_ports(json_t *containers, in_port_t port,
    ngx_uint_t *n, ngx_uint_t *found);


ngx_int_t
ngx_aigc_gss_read_network(ngx_pool_t *pool, json_t *spec, ngx_aigc_gss_t *gss)
{
    json_t               *network;
    ngx_int_t             rc;
    ngx_str_t             type, text;
    const char           *why;
    ngx_aigc_gss_conf_t   conf;

    network = json_object_get(spec, "network");
    type = ngx_aigc_json_text(network, "networkType");

    if (!ngx_aigc_text_is(&type, "Kubernetes-Ingress")) {
        return ngx_aigc_gss_blame(pool, gss, "networkType",
                                  json_object_get(network, "networkType"),
                                  "is not Kubernetes-Ingress");
    }

    ngx_aigc_gss_conf(json_object_get(network, "networkConf"), &conf);

    gss->port = ngx_aigc_gss_port(conf.port);

    if (!json_is_string(conf.host)) {
        return ngx_aigc_gss_blame(pool, gss, "network", NULL, "has no Host");
    }

    text.data = (u_char *) json_string_value(conf.host);
    text.len = json_string_length(conf.host);

    rc = ngx_aigc_host_pattern(pool, &text, &gss->host, &why);

    if (rc == NGX_DECLINED) {
        return ngx_aigc_gss_blame(pool, gss, "network Host", conf.host, why);
    }

    if (rc != NGX_OK) {
        return NGX_ERROR;
    }

    if (conf.port == NULL) {
        return ngx_aigc_gss_blame(pool, gss, "network", NULL, "has no Port");
    }

    if (gss->port == 0) {
        return ngx_aigc_gss_blame(pool, gss, "network Port", conf.port,
                                  "is not a port");
    }

    return ngx_aigc_gss_check(pool, spec, &conf, gss);
}


static void
ngx_aigc_gss_conf(json_t *list, ngx_aigc_gss_conf_t *conf)
{
    size_t      i;
    json_t     *item;
    ngx_str_t   name;

    ngx_memzero(conf, sizeof(ngx_aigc_gss_conf_t));

    json_array_foreach(list, i, item) {

        name = ngx_aigc_json_text(item, "name");

        if (name.len != 4) {
            continue;
        }

        if (ngx_memcmp(name.data, "Host", 4) == 0) {
            conf->host = json_object_get(item, "value");

        } else if (ngx_memcmp(name.data, "Path", 4) == 0) {
            conf->npaths++;

        } else if (ngx_memcmp(name.data, "Port", 4) == 0) {

            if (conf->nports++ == 0) {
                conf->port = json_object_get(item, "value");
            }
        }
    }
}


/* What can be read, and would not work all the same. */

static ngx_int_t
ngx_aigc_gss_check(ngx_pool_t *pool, json_t *spec, ngx_aigc_gss_conf_t *conf,
    ngx_aigc_gss_t *gss)
{
    json_t      *pod;
    ngx_str_t    host;
    ngx_uint_t   n, found;

    if (gss->name.len > NGX_AIGC_GSS_NAME_MAX) {
        return ngx_aigc_gss_blame(pool, gss, "metadata.name", NULL,
                                  "is longer than "
                                  ngx_value(NGX_AIGC_GSS_NAME_MAX)
                                  " characters: no pod can carry its label "
                                  "controller-revision-hash");
    }

    host.data = (u_char *) json_string_value(conf->host);
    host.len = json_string_length(conf->host);

    if (!ngx_aigc_text_eq(&host, &gss->host)) {
        return ngx_aigc_gss_blame(pool, gss, "network Host", conf->host,
                                  "has capitals: Kubernetes refuses such an "
                                  "Ingress");
    }

    if (conf->nports > 1 || conf->npaths > 1) {
        return ngx_aigc_gss_blame(pool, gss, "network", NULL,
                                  "has several Ports or Paths: an instance "
                                  "has one");
    }

    pod = json_object_get(json_object_get(spec, "gameServerTemplate"), "spec");

    n = 0;
    found = 0;

    ngx_aigc_gss_ports(json_object_get(pod, "containers"), gss->port, &n,
                       &found);
    ngx_aigc_gss_ports(json_object_get(pod, "initContainers"), gss->port, &n,
                       &found);

    /* a container that names no port may listen on any */

    if (n && !found) {
        return ngx_aigc_gss_blame(pool, gss, "network Port", conf->port,
                                  "is none of the containers' ports");
    }

    return NGX_OK;
}


static void
ngx_aigc_gss_ports(json_t *containers, in_port_t port, ngx_uint_t *n,
    ngx_uint_t *found)
{
    size_t   i, k;
    json_t  *container, *ports, *item;

    json_array_foreach(containers, i, container) {

        ports = json_object_get(container, "ports");

        json_array_foreach(ports, k, item) {

            (*n)++;
            *found |= (ngx_aigc_gss_port(json_object_get(item,
                                                         "containerPort"))
                       == port);
        }
    }
}


/* "7860", or the same as a number; 0: neither */

static in_port_t
ngx_aigc_gss_port(json_t *value)
{
    json_int_t   n;

    n = 0;

    if (json_is_integer(value)) {
        n = json_integer_value(value);

    } else if (json_is_string(value)) {
        n = ngx_atoi((u_char *) json_string_value(value),
                     json_string_length(value));
    }

    return (n < 1 || n > 65535) ? 0 : (in_port_t) n;
}
