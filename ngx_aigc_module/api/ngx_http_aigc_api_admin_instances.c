/*
 * api/ngx_http_aigc_api_admin_instances.c — GET /api/v1/admin/instances: all
 * instances of all users, what they hold and since when; and the disks that
 * belong to no instance.
 */

#include "ngx_http_aigc_api.h"
#include "ngx_http_aigc_list.h"
#include "base/ngx_http_aigc_reply.h"
#include "instances/ngx_http_aigc_instance.h"


static ngx_int_t ngx_http_aigc_admin_instance(ngx_http_aigc_list_t *list,
    json_t **item);
static json_t *ngx_http_aigc_admin_gpu(ngx_aigc_zone_t *zone,
    ngx_aigc_record_t *record);
static json_t *ngx_http_aigc_admin_disks(ngx_aigc_zone_t *zone,
    ngx_aigc_record_t *record, uint32_t slot);
static ngx_int_t ngx_http_aigc_admin_disk(ngx_http_aigc_list_t *list,
    json_t **item);
static json_t *ngx_http_aigc_admin_owner(ngx_aigc_disk_t *disk);


static ngx_http_aigc_list_part_t  ngx_http_aigc_admin_instances_parts[] = {
    { "instances", ngx_http_aigc_admin_instance },
    { "disks", ngx_http_aigc_admin_disk },
    { NULL, NULL }
};


void
ngx_http_aigc_api_admin_instances(ngx_http_request_t *r,
    ngx_http_aigc_call_t *call)
{
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    if (ngx_http_aigc_call_synced(r) != NGX_OK) {
        return;
    }

    ngx_http_aigc_list(r, ngx_http_aigc_admin_instances_parts, mcf);
}


/* What has an annotation that cannot be read is nobody's, and no instance. */
static ngx_uint_t
ngx_http_aigc_is_instance(ngx_aigc_record_t *record)
{
    return record->owner.len != 0;
}


static ngx_int_t
ngx_http_aigc_admin_instance(ngx_http_aigc_list_t *list, json_t **item)
{
    json_t                     *gpu, *since;
    uint32_t                    slot;
    ngx_int_t                   rc;
    ngx_aigc_record_t           record;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = list->data;

    /* a slot a step, also of free ones: a step has a bound */

    slot = list->at++;

    rc = ngx_aigc_table_record_at(mcf->zone, slot, &record);

    if (rc != NGX_OK || !ngx_http_aigc_is_instance(&record)) {
        return (rc == NGX_DONE) ? NGX_DONE : NGX_AGAIN;
    }

    *item = ngx_http_aigc_instance_json(mcf, list->pool, &record);

    /* a pod that no node has taken yet holds nothing */

    if (record.pod && record.progress != NGX_AIGC_PROGRESS_NONE
        && record.pod_start.len)
    {
        gpu = ngx_http_aigc_admin_gpu(mcf->zone, &record);
        since = ngx_http_aigc_json_fixed(&record.pod_start);

    } else {
        gpu = json_null();
        since = json_null();
    }

    if (*item == NULL
        || json_object_set_new(*item, "gpu", gpu) != 0
        || json_object_set_new(*item, "runningSince", since) != 0
        || json_object_set_new(*item, "disks",
                               ngx_http_aigc_admin_disks(mcf->zone, &record,
                                                         slot))
           != 0)
    {
        json_decref(*item);
        *item = NULL;
    }

    return NGX_OK;
}


/* count: null where the template's annotation of an ECI pod names a machine. */
static json_t *
ngx_http_aigc_admin_gpu(ngx_aigc_zone_t *zone, ngx_aigc_record_t *record)
{
    json_t               *count;
    size_t                i;
    ngx_int_t             n;
    ngx_aigc_template_t   tmpl;

    if (record->tmpl == NGX_AIGC_NONE
        || ngx_aigc_table_template_at(zone, record->tmpl, &tmpl) != NGX_OK
        || tmpl.gpu_kind.len == 0)
    {
        return json_null();
    }

    for (i = 0; i < tmpl.gpu.len; i++) {
        if (tmpl.gpu.data[i] < '0' || tmpl.gpu.data[i] > '9') {
            break;
        }
    }

    n = ngx_atoi(tmpl.gpu.data, i);
    count = (n > 0) ? json_integer(n) : json_null();

    return json_pack("{s:o, s:o}",
                     "kind", ngx_http_aigc_json_fixed(&tmpl.gpu_kind),
                     "count", count);
}


static json_t *
ngx_http_aigc_admin_disks(ngx_aigc_zone_t *zone, ngx_aigc_record_t *record,
    uint32_t slot)
{
    json_t           *list;
    uint32_t          i, n;
    ngx_aigc_disk_t   disk;

    list = json_array();

    /* a chain that is being changed may lead to others' disks, or in circles */

    for (i = record->first_disk, n = 0;
         i != NGX_AIGC_NONE && n < ngx_aigc_table(zone)->ndisks
         && ngx_aigc_table_disk_at(zone, i, &disk) == NGX_OK
         && disk.record == slot;
         i = disk.next_disk, n++)
    {
        (void) json_array_append_new(list,
                   json_pack("{s:o, s:o}",
                             "name", ngx_http_aigc_json_fixed(&disk.name),
                             "owner", ngx_http_aigc_admin_owner(&disk)));
    }

    return list;
}


/* The disks of no instance. */
static ngx_int_t
ngx_http_aigc_admin_disk(ngx_http_aigc_list_t *list, json_t **item)
{
    ngx_int_t                   rc;
    ngx_aigc_disk_t             disk;
    ngx_aigc_record_t           record;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = list->data;

    rc = ngx_aigc_table_disk_at(mcf->zone, list->at++, &disk);

    if (rc != NGX_OK
        || ngx_aigc_table_record_at(mcf->zone, disk.record, &record) != NGX_OK
        || ngx_http_aigc_is_instance(&record))
    {
        return (rc == NGX_DONE) ? NGX_DONE : NGX_AGAIN;
    }

    *item = json_pack("{s:o, s:o, s:i, s:o, s:o}",
                      "namespace", ngx_http_aigc_json_fixed(&record.ns),
                      "template", ngx_http_aigc_json_fixed(&record.name),
                      "id", (int) record.id,
                      "name", ngx_http_aigc_json_fixed(&disk.name),
                      "owner", ngx_http_aigc_admin_owner(&disk));

    return NGX_OK;
}


/* null: it is not recorded, or not readable: nobody's. */
static json_t *
ngx_http_aigc_admin_owner(ngx_aigc_disk_t *disk)
{
    ngx_str_t  none = ngx_string(NGX_AIGC_OWNER_UNREADABLE);

    return (disk->owner.len == 0 || ngx_aigc_fixed_eq(&disk->owner, &none))
           ? json_null() : ngx_http_aigc_json_fixed(&disk->owner);
}
