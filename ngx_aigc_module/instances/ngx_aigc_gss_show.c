/*
 * instances/ngx_aigc_gss_show.c — what the dashboard shows of a GameServerSet:
 * its title and icon, what an instance of it gets, and what is wrong with it.
 */

#include "ngx_aigc_gss.h"
#include "base/ngx_aigc_bounds.h"
#include "base/ngx_aigc_text.h"


static ngx_int_t ngx_aigc_gss_show_icon(ngx_pool_t *pool, json_t *annotations,
    ngx_aigc_gss_t *gss);
static ngx_int_t ngx_aigc_gss_show_resource(ngx_pool_t *pool,
    json_t *container, const char *key, ngx_str_t *out);
static json_t *ngx_aigc_gss_resource(json_t *container, const char *key);
static ngx_int_t ngx_aigc_gss_quantity(ngx_pool_t *pool, json_t *value,
    ngx_str_t *out);
static ngx_int_t ngx_aigc_gss_show_gpu(ngx_pool_t *pool, json_t *template,
    ngx_aigc_gss_t *gss);
static ngx_int_t ngx_aigc_gss_count_gpus(json_t *containers, const char *key);
static ngx_int_t ngx_aigc_gss_eci_spec(ngx_pool_t *pool, json_t *template,
    ngx_str_t *out);
static ngx_int_t ngx_aigc_gss_show_disk(ngx_pool_t *pool, json_t *claims,
    ngx_aigc_gss_t *gss);
static ngx_int_t ngx_aigc_gss_disk_parse(json_t *value, ngx_int_t *n,
    ngx_str_t *unit);


typedef struct {
    const char   *key;
    const char   *unit;
} ngx_aigc_gpu_kind_t;


/* an instance has one kind of GPU; the first that it asks for is shown */

static ngx_aigc_gpu_kind_t  ngx_aigc_gpu_kinds[] = {
    { "nvidia.com/gpu", "" },
    { "aliyun.com/gpu-mem", "Gi" },
    { "amd.com/gpu", "" },
    { NULL, NULL }
};


ngx_int_t
ngx_aigc_gss_read_show(ngx_pool_t *pool, json_t *object, ngx_aigc_gss_t *gss)
{
    json_t  *annotations, *template, *container;

    annotations = json_object_get(json_object_get(object, "metadata"),
                                  "annotations");

    template = json_object_get(json_object_get(object, "spec"),
                               "gameServerTemplate");

    container = json_array_get(json_object_get(json_object_get(template,
                                                               "spec"),
                                               "containers"), 0);

    if (ngx_aigc_json_copy(pool, annotations, ngx_aigc_annotation(TITLE),
                           NGX_AIGC_TITLE_MAX, &gss->title)
        != NGX_OK
        || ngx_aigc_json_copy(pool, annotations,
                              ngx_aigc_annotation(DESCRIPTION),
                              NGX_AIGC_DESCRIPTION_MAX, &gss->description)
           != NGX_OK
        || ngx_aigc_json_copy(pool, container, "image", NGX_AIGC_IMAGE_MAX,
                              &gss->image)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ngx_aigc_gss_show_icon(pool, annotations, gss) != NGX_OK
        || ngx_aigc_gss_show_resource(pool, container, "cpu", &gss->cpu)
           != NGX_OK
        || ngx_aigc_gss_show_resource(pool, container, "memory", &gss->memory)
           != NGX_OK
        || ngx_aigc_gss_show_gpu(pool, template, gss) != NGX_OK
        || ngx_aigc_gss_show_disk(pool,
                         json_object_get(template, "volumeClaimTemplates"),
                         gss)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* half a URL is none: what is too long, or no image's, is dropped */

static ngx_int_t
ngx_aigc_gss_show_icon(ngx_pool_t *pool, json_t *annotations,
    ngx_aigc_gss_t *gss)
{
    size_t       i, n;
    u_char       ch;
    ngx_str_t    icon;

    static ngx_str_t  prefixes[] = {
        ngx_string("https://"),
        ngx_string("http://"),
        ngx_string("data:image/")
    };

    icon = ngx_aigc_json_text(annotations, ngx_aigc_annotation(ICON));

    if (icon.len > NGX_AIGC_ICON_MAX) {
        return NGX_OK;
    }

    for (i = 0; i < icon.len; i++) {
        ch = icon.data[i];

        if (ch <= 0x20 || ch >= 0x7f || ch == '"' || ch == '\''
            || ch == '<' || ch == '>' || ch == '\\')
        {
            return NGX_OK;
        }
    }

    n = sizeof(prefixes) / sizeof(ngx_str_t);

    for (i = 0; i < n; i++) {
        if (icon.len > prefixes[i].len
            && ngx_strncasecmp(icon.data, prefixes[i].data, prefixes[i].len)
               == 0)
        {
            return ngx_aigc_text_copy(pool, &icon, NGX_AIGC_ICON_MAX,
                                      &gss->icon);
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_aigc_gss_show_resource(ngx_pool_t *pool, json_t *container,
    const char *key, ngx_str_t *out)
{
    return ngx_aigc_gss_quantity(pool, ngx_aigc_gss_resource(container, key),
                                 out);
}


/* its limit, else its request */

static json_t *
ngx_aigc_gss_resource(json_t *container, const char *key)
{
    json_t  *resources, *value;

    resources = json_object_get(container, "resources");

    value = json_object_get(json_object_get(resources, "limits"), key);

    if (value == NULL) {
        value = json_object_get(json_object_get(resources, "requests"), key);
    }

    return value;
}


/* a Kubernetes quantity: "4Gi", "2", and as a number, 2 */

static ngx_int_t
ngx_aigc_gss_quantity(ngx_pool_t *pool, json_t *value, ngx_str_t *out)
{
    ngx_str_t  text;

    u_char     buf[NGX_AIGC_QUANTITY_MAX];

    ngx_str_null(out);

    if (json_is_string(value)) {
        text.data = (u_char *) json_string_value(value);
        text.len = json_string_length(value);

    } else if (json_is_integer(value)) {
        text.data = buf;
        text.len = ngx_snprintf(buf, NGX_AIGC_QUANTITY_MAX, "%L",
                                (int64_t) json_integer_value(value))
                   - buf;

    } else if (json_is_real(value)
               && json_real_value(value) >= 0
               && json_real_value(value) < NGX_MAX_INT32_VALUE)
    {
        text.data = buf;
        text.len = ngx_snprintf(buf, NGX_AIGC_QUANTITY_MAX, "%.3f",
                                json_real_value(value))
                   - buf;

    } else {
        return NGX_OK;
    }

    if (text.len > NGX_AIGC_QUANTITY_MAX) {
        return NGX_OK;                  /* half a number is a wrong number */
    }

    return ngx_aigc_text_copy(pool, &text, NGX_AIGC_QUANTITY_MAX, out);
}


static ngx_int_t
ngx_aigc_gss_show_gpu(ngx_pool_t *pool, json_t *template, ngx_aigc_gss_t *gss)
{
    json_t               *containers;
    ngx_int_t             n;
    ngx_str_t             text;
    ngx_aigc_gpu_kind_t  *kind;

    u_char                buf[NGX_AIGC_QUANTITY_MAX];

    containers = json_object_get(json_object_get(template, "spec"),
                                 "containers");

    for (kind = ngx_aigc_gpu_kinds; kind->key; kind++) {

        n = ngx_aigc_gss_count_gpus(containers, kind->key);
        if (n == 0) {
            continue;
        }

        text.data = (u_char *) kind->key;
        text.len = ngx_strlen(kind->key);

        if (ngx_aigc_text_copy(pool, &text, NGX_AIGC_GPU_MAX, &gss->gpu_kind)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        if (kind == ngx_aigc_gpu_kinds) {
            if (ngx_aigc_gss_eci_spec(pool, template, &gss->gpu) != NGX_OK) {
                return NGX_ERROR;
            }

            if (gss->gpu.len) {
                return NGX_OK;
            }
        }

        text.data = buf;
        text.len = ngx_snprintf(buf, NGX_AIGC_QUANTITY_MAX, "%i%s", n,
                                kind->unit)
                   - buf;

        return ngx_aigc_text_copy(pool, &text, NGX_AIGC_GPU_MAX, &gss->gpu);
    }

    return NGX_OK;
}


/* GPUs are whole numbers; what is none counts nothing */

static ngx_int_t
ngx_aigc_gss_count_gpus(json_t *containers, const char *key)
{
    size_t       i;
    json_t      *container, *value;
    json_int_t   n;
    ngx_int_t    sum;

    sum = 0;

    json_array_foreach(containers, i, container) {

        value = ngx_aigc_gss_resource(container, key);
        n = 0;

        if (json_is_integer(value)) {
            n = json_integer_value(value);

        } else if (json_is_string(value)) {
            n = ngx_atoi((u_char *) json_string_value(value),
                         json_string_length(value));
        }

        if (n > 0 && n <= NGX_AIGC_GPUS_MAX) {
            sum += n;
        }
    }

    return sum;
}


/* on Alibaba's elastic container instances the machine says which GPU it is */

static ngx_int_t
ngx_aigc_gss_eci_spec(ngx_pool_t *pool, json_t *template, ngx_str_t *out)
{
    json_t     *meta;
    ngx_str_t   eci;

    meta = json_object_get(template, "metadata");

    eci = ngx_aigc_json_text(json_object_get(meta, "labels"),
                             "alibabacloud.com/eci");

    if (!ngx_aigc_text_is(&eci, "true")) {
        ngx_str_null(out);
        return NGX_OK;
    }

    return ngx_aigc_json_copy(pool, json_object_get(meta, "annotations"),
                              "k8s.aliyun.com/eci-use-specs",
                              NGX_AIGC_GPU_MAX, out);
}


/* the disks' sum where their units agree, else the first one's size */

static ngx_int_t
ngx_aigc_gss_show_disk(ngx_pool_t *pool, json_t *claims, ngx_aigc_gss_t *gss)
{
    size_t      i;
    json_t     *claim, *value, *first;
    ngx_int_t   n, sum;
    ngx_str_t   unit, same, text;

    u_char      buf[NGX_AIGC_QUANTITY_MAX];

    first = NULL;
    sum = 0;
    ngx_str_null(&same);

    json_array_foreach(claims, i, claim) {

        value = json_object_get(json_object_get(claim, "spec"), "resources");
        value = json_object_get(json_object_get(value, "requests"), "storage");

        if (value == NULL) {
            continue;
        }

        if (first == NULL) {
            first = value;
        }

        if (ngx_aigc_gss_disk_parse(value, &n, &unit) != NGX_OK
            || (value != first
                && !ngx_aigc_text_eq(&unit, &same)))
        {
            return ngx_aigc_gss_quantity(pool, first, &gss->disk);
        }

        same = unit;
        sum += n;
    }

    if (sum == 0) {
        return NGX_OK;
    }

    text.data = buf;
    text.len = ngx_snprintf(buf, NGX_AIGC_QUANTITY_MAX, "%i%V", sum, &same)
               - buf;

    return ngx_aigc_text_copy(pool, &text, NGX_AIGC_QUANTITY_MAX, &gss->disk);
}


/* "50Gi" or 1000; unit is borrowed from value */

static ngx_int_t
ngx_aigc_gss_disk_parse(json_t *value, ngx_int_t *n, ngx_str_t *unit)
{
    size_t   len;
    u_char  *p;

    if (!json_is_string(value)) {
        return NGX_DECLINED;
    }

    p = (u_char *) json_string_value(value);
    len = 0;

    while (p[len] >= '0' && p[len] <= '9') {
        len++;
    }

    if (len == 0 || len > NGX_AIGC_DISK_DIGITS_MAX) {
        return NGX_DECLINED;
    }

    unit->data = p + len;
    unit->len = json_string_length(value) - len;

    if (unit->len > 2 || (unit->len && unit->data[0] == '.')) {
        return NGX_DECLINED;
    }

    *n = ngx_atoi(p, len);

    return (*n == NGX_ERROR) ? NGX_DECLINED : NGX_OK;
}


ngx_int_t
ngx_aigc_gss_blame(ngx_pool_t *pool, ngx_aigc_gss_t *gss, const char *subject,
    json_t *value, const char *why)
{
    u_char     *p;
    ngx_str_t   quote, sentence;

    u_char      buf[NGX_AIGC_WHY_MAX];

    if (gss->misconfigured.len) {
        return NGX_OK;
    }

    p = ngx_snprintf(buf, NGX_AIGC_WHY_MAX, "%s", subject);

    if (json_is_string(value)) {
        quote.data = (u_char *) json_string_value(value);
        quote.len = ngx_aigc_text_cut(quote.data, json_string_length(value),
                                      NGX_AIGC_QUOTE_MAX);

        p = ngx_slprintf(p, buf + NGX_AIGC_WHY_MAX, " \"%V%s\"", &quote,
                         quote.len < json_string_length(value) ? "..." : "");
    }

    p = ngx_slprintf(p, buf + NGX_AIGC_WHY_MAX, " %s", why);

    sentence.data = buf;
    sentence.len = p - buf;

    return ngx_aigc_text_copy(pool, &sentence, NGX_AIGC_WHY_MAX,
                              &gss->misconfigured);
}
