/* instances/ngx_aigc_gss.h: what the dashboard shows of a template. */

#include "unit.h"
#include "unit_json.h"
#include "instances/ngx_aigc_gss.h"


#define SET(meta, spec)                                                       \
    "{'kind': 'GameServerSet', 'metadata': {'name': 'sd',"                    \
    " 'namespace': 'ns', 'uid': 'uid-1'" meta "}, 'spec': {" spec "}}"


static ngx_int_t
show_read(unit_t *u, const char *text, ngx_aigc_gss_t *gss)
{
    ngx_memset(gss, 0xff, sizeof(ngx_aigc_gss_t));

    return ngx_aigc_gss_read(u->pool, unit_json(u, text), gss);
}


static void
show_resources(unit_t *u)
{
    u_char          buf[2048];
    ngx_uint_t      i;
    ngx_aigc_gss_t  gss;

    static const struct {
        const char  *containers, *cpu, *memory, *gpu, *gpu_kind;
    } cases[] = {
        { "{'resources': {'limits': {'cpu': 2}, 'requests': {'cpu': 1,"
          " 'memory': '1Gi'}}}", "2", "1Gi", "", "" },
        { "{'resources': {'requests': {'cpu': '500m', 'memory':"
          " 1073741824}}}", "500m", "1073741824", "", "" },
        { "{'resources': {'limits': {'cpu': 0.5}}}", "0.500", "", "", "" },
        { "{'resources': {'limits': {'cpu': '1234567890123456789012345',"
          " 'memory': ['4Gi']}}}", "", "", "", "" },
        { "{'resources': 7}, {'resources': {'limits': {'cpu': '9'}}}", "",
          "", "", "" },

        { "{'resources': {'limits': {'nvidia.com/gpu': 1}}},"
          "{'resources': {'requests': {'nvidia.com/gpu': '2'}}}, {}",
          "", "", "3", "nvidia.com/gpu" },
        { "{}, {'resources': {'limits': {'aliyun.com/gpu-mem': '8'}}}",
          "", "", "8Gi", "aliyun.com/gpu-mem" },
        { "{'resources': {'limits': {'amd.com/gpu': 2}}}", "", "", "2",
          "amd.com/gpu" },
        { "{'resources': {'limits': {'nvidia.com/gpu': 0}}}", "", "", "",
          "" },
        { "{'resources': {'limits': {'nvidia.com/gpu': -1}}},"
          "{'resources': {'limits': {'nvidia.com/gpu': 'x'}}},"
          "{'resources': {'limits': {'nvidia.com/gpu': 1000001}}}", "", "",
          "", "" }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        *ngx_sprintf(buf, SET("", "'gameServerTemplate': {'spec':"
                                  " {'containers': [%s]}}"),
                     cases[i].containers) = '\0';

        is_int(u, show_read(u, (char *) buf, &gss), NGX_OK);

        if (!is_str(u, &gss.cpu, cases[i].cpu)
            || !is_str(u, &gss.memory, cases[i].memory)
            || !is_str(u, &gss.gpu, cases[i].gpu)
            || !is_str(u, &gss.gpu_kind, cases[i].gpu_kind))
        {
            unit_note("%s", cases[i].containers);
        }
    }

    /* the machine's name is a GPU's only on ECI, and only with a GPU */

    is_int(u, show_read(u, SET("", "'gameServerTemplate': {'metadata':"
        " {'annotations': {'k8s.aliyun.com/eci-use-specs': 'ecs.x'}},"
        " 'spec': {'containers': [{'resources': {'limits':"
        " {'nvidia.com/gpu': 1}}}]}}"), &gss), NGX_OK);
    is_str(u, &gss.gpu, "1");

    is_int(u, show_read(u, SET("", "'gameServerTemplate': {'metadata':"
        " {'labels': {'alibabacloud.com/eci': 'true'}, 'annotations':"
        " {'k8s.aliyun.com/eci-use-specs': 'ecs.x'}},"
        " 'spec': {'containers': [{}]}}"), &gss), NGX_OK);
    is_str(u, &gss.gpu, "");
}


static void
show_disks(unit_t *u)
{
    u_char          buf[2048], *p;
    ngx_uint_t      i, j;
    ngx_aigc_gss_t  gss;

    static const struct {
        const char  *sizes[3], *disk;
    } cases[] = {
        { { NULL }, "" },
        { { "'50Gi'", NULL }, "50Gi" },
        { { "'50Gi'", "'10Gi'", NULL }, "60Gi" },
        { { "'50Gi'", "'10Gi'", "'1Gi'" }, "61Gi" },
        { { "'50Gi'", "'1Ti'", NULL }, "50Gi" },
        { { "'50G'", "'10Gi'", NULL }, "50G" },
        { { "'1.5Gi'", "'10Gi'", NULL }, "1.5Gi" },
        { { "'10Gi'", "'1.5Gi'", NULL }, "10Gi" },
        { { "'100'", "'1'", NULL }, "101" },
        { { "1000", "'1'", NULL }, "1000" },
        { { "'9999999999Gi'", NULL }, "9999999999Gi" },
        { { "'x'", NULL }, "x" },
        { { "[]", "'5Gi'", NULL }, "" }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {

        p = ngx_sprintf(buf, "{'metadata': {'name': 'sd', 'namespace': 'ns',"
                             " 'uid': 'u'}, 'spec': {'gameServerTemplate':"
                             " {'volumeClaimTemplates': [{}");

        for (j = 0; j < 3 && cases[i].sizes[j]; j++) {
            p = ngx_sprintf(p, ", {'spec': {'resources': {'requests':"
                               " {'storage': %s}}}}", cases[i].sizes[j]);
        }

        *ngx_sprintf(p, "]}}}") = '\0';

        is_int(u, show_read(u, (char *) buf, &gss), NGX_OK);

        if (!is_str(u, &gss.disk, cases[i].disk)) {
            unit_note("%s", buf);
        }
    }
}


static void
show_texts(unit_t *u)
{
    json_t          *object, *annotations;
    u_char           buf[3000];
    ngx_uint_t       i;
    ngx_aigc_gss_t   gss;

    static const struct {
        const char  *icon;
        ngx_uint_t   good;
    } icons[] = {
        { "https://example.com/x.png", 1 },
        { "HTTP://example.com/x.png", 1 },
        { "data:image/png;base64,AAAA", 1 },
        { "data:text/html,x", 0 },
        { "javascript:alert(1)", 0 },
        { "https://", 0 },
        { "//example.com/x.png", 0 },
        { "x.png", 0 },
        { "", 0 },
        { "https://a/\"onerror=x", 0 },
        { "https://a/'x", 0 },
        { "https://a/<x", 0 },
        { "https://a/>x", 0 },
        { "https://a\\x", 0 },
        { "https://a/x y", 0 },
        { "https://a/\x01", 0 },
        { "https://a/\xc3\xa9", 0 }
    };

    object = unit_json(u, SET(", 'annotations': {'aigc-gateway.io/title':"
        " 'Stable\\nDiffusion', 'aigc-gateway.io/description':"
        " '\\u56fe \\u0007 \\ud83d\\ude00'}", ""));

    is_int(u, ngx_aigc_gss_read(u->pool, object, &gss), NGX_OK);
    is_str(u, &gss.title, "Stable Diffusion");
    is_str(u, &gss.description, "\xe5\x9b\xbe   \xf0\x9f\x98\x80");

    annotations = json_object_get(json_object_get(object, "metadata"),
                                  "annotations");

    for (i = 0; i < sizeof(icons) / sizeof(icons[0]); i++) {

        ok(u, json_object_set_new(annotations, "aigc-gateway.io/icon",
                                  json_string(icons[i].icon)) == 0);
        is_int(u, ngx_aigc_gss_read(u->pool, object, &gss), NGX_OK);

        is_str(u, &gss.icon, icons[i].good ? icons[i].icon : "");
    }

    for (i = NGX_AIGC_ICON_MAX - 1; i <= NGX_AIGC_ICON_MAX + 1; i++) {
        ngx_memset(buf, 'a', i);
        ngx_memcpy(buf, "https://", 8);

        ok(u, json_object_set_new(annotations, "aigc-gateway.io/icon",
                                  json_stringn((char *) buf, i)) == 0);
        is_int(u, ngx_aigc_gss_read(u->pool, object, &gss), NGX_OK);

        is_int(u, gss.icon.len, i > NGX_AIGC_ICON_MAX ? 0 : i);
    }

    /* whole characters of three bytes */

    for (i = 0; i < sizeof(buf); i += 3) {
        ngx_memcpy(buf + i, "\xe5\x9b\xbe", 3);
    }

    ok(u, json_object_set_new(annotations, "aigc-gateway.io/title",
                              json_stringn((char *) buf, 3000)) == 0);
    ok(u, json_object_set_new(annotations, "aigc-gateway.io/description",
                              json_stringn((char *) buf, 3000)) == 0);

    is_int(u, ngx_aigc_gss_read(u->pool, object, &gss), NGX_OK);

    is_int(u, gss.title.len, NGX_AIGC_TITLE_MAX / 3 * 3);
    is_int(u, gss.description.len, NGX_AIGC_DESCRIPTION_MAX / 3 * 3);
}


unit_test_t  gss_show_tests[] = {
    { "resources and GPUs", show_resources },
    { "disks", show_disks },
    { "title, description and icon", show_texts },
    { NULL, NULL }
};
