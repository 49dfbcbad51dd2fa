/*
 * instances/ngx_aigc_problem.c — the kinds of problems, and who has one.
 */

#include "ngx_aigc_problem.h"
#include "ngx_aigc_aside.h"
#include "ngx_aigc_record.h"


static void ngx_aigc_problem_add(ngx_uint_t *count, ngx_uint_t bits);


ngx_aigc_problem_t  ngx_aigc_problems[NGX_AIGC_PROBLEMS] = {

    { "host_collision", "HostCollision",
      "another instance claims the same host name: both are refused until one "
      "of the templates gets another Host" },

    { "foreign_disk", "ForeignDisk",
      "a PersistentVolumeClaim of this id is not recorded as its owner's: "
      "access is refused" },

    { "unreadable_annotation", "UnreadableAnnotation",
      "its annotation cannot be read: the id is reserved and nobody's" },

    { "removed_annotation", "RemovedAnnotation",
      "its annotation was removed while its pod or disk was there: the id is "
      "nobody's; who owns the disk gets it back with the next install" },

    { "no_annotation", "NoAnnotation",
      "it runs, and no annotation says whose it is: nobody is let in" },

    { "write_refused", "WriteRefused",
      "the API server refuses to write this GameServerSet (an admission webhook "
      "or policy?): nobody can install, start, release or uninstall from it" },

    { "not_created", "NotCreated",
      "its pod cannot be made (a quota, an admission webhook, a disk on its way "
      "out): it is left out of replicas, so that releases go through, and tried "
      "again by itself" },

    { "stuck_terminating", "StuckTerminating",
      "its pod is still there 5 minutes after it should have ended (a lost "
      "node, a finalizer?): its start, release or uninstall waits until the "
      "pod is ended by hand" },

    { "stray_disk", "StrayDisk",
      "a PersistentVolumeClaim has no owner, and no annotation says whose the "
      "id is: it is kept, unless its annotation aigc-gateway.io/stray says that "
      "OpenKruiseGame made it unasked: then it is deleted by itself" },

    { "disks_annotation", "DisksAnnotation",
      "aigc-gateway.io/disks is neither \"retain\" nor \"delete\": the disks "
      "are retained" }
};


ngx_uint_t
ngx_aigc_problem_record(ngx_aigc_zone_t *zone, ngx_aigc_record_t *record)
{
    ngx_uint_t            bits;
    ngx_aigc_template_t  *t;

    if (record->tmpl >= ngx_aigc_table(zone)->ntemplates) {
        return 0;
    }

    t = &ngx_aigc_templates(zone)[record->tmpl];

    if (record->state == NGX_AIGC_NO_STATE) {

        if (record->lost) {
            return 1 << NGX_AIGC_PROBLEM_REMOVED;
        }

        /* one that OKG has just begun, or ends, is not told of */

        if (!t->written) {
            return 0;
        }

        return ((record->pod && !record->pod_deleting
                 && record->gs_state == NGX_AIGC_GS_READY)
                ? 1 << NGX_AIGC_PROBLEM_NO_ANNOTATION : 0)
               | ((record->nobodys
                   && ngx_time() - record->nobodys > NGX_AIGC_STALE_TOP)
                  ? 1 << NGX_AIGC_PROBLEM_STRAY : 0);
    }

    bits = 0;

    if (record->collision) {
        bits |= 1 << NGX_AIGC_PROBLEM_COLLISION;
    }

    if (ngx_aigc_aside_unmade(record)) {
        bits |= 1 << NGX_AIGC_PROBLEM_NOT_CREATED;
    }

    if (ngx_aigc_table_ending(zone, record) == NGX_AIGC_ENDING_IS_STUCK) {
        bits |= 1 << NGX_AIGC_PROBLEM_STUCK;
    }

    if (record->state == NGX_AIGC_UNREADABLE) {
        bits |= 1 << NGX_AIGC_PROBLEM_UNREADABLE;

    } else if (record->disk == NGX_AIGC_DISK_FOREIGN) {
        bits |= 1 << NGX_AIGC_PROBLEM_DISK;
    }

    return bits;
}


ngx_uint_t
ngx_aigc_problem_template(ngx_aigc_template_t *tmpl)
{
    return (tmpl->disks_bad ? 1 << NGX_AIGC_PROBLEM_DISKS : 0)
           | (tmpl->refused ? 1 << NGX_AIGC_PROBLEM_WRITE_REFUSED : 0);
}


void
ngx_aigc_problem_count(ngx_aigc_zone_t *zone,
    ngx_uint_t count[NGX_AIGC_PROBLEMS])
{
    uint32_t              slot;
    ngx_aigc_record_t     record;
    ngx_aigc_template_t   tmpl;

    ngx_memzero(count, NGX_AIGC_PROBLEMS * sizeof(ngx_uint_t));

    for (slot = 0;
         ngx_aigc_table_next_record(zone, &slot, &record) == NGX_OK;
         slot++)
    {
        ngx_aigc_problem_add(count, ngx_aigc_problem_record(zone, &record));
    }

    for (slot = 0;
         ngx_aigc_table_next_template(zone, &slot, &tmpl) == NGX_OK;
         slot++)
    {
        ngx_aigc_problem_add(count, ngx_aigc_problem_template(&tmpl));
    }
}


static void
ngx_aigc_problem_add(ngx_uint_t *count, ngx_uint_t bits)
{
    for ( /* void */ ; bits; bits >>= 1) {
        *count++ += bits & 1;
    }
}


void
ngx_aigc_problem_reported(ngx_aigc_zone_t *zone, uint32_t tmpl,
    ngx_aigc_problem_e kind, ngx_uint_t n)
{
    ngx_aigc_template_t  *t;

    if (ngx_aigc_write_begin(zone) != NGX_OK) {
        return;
    }

    t = &ngx_aigc_templates(zone)[tmpl];

    ngx_aigc_seq_begin(&t->seq);
    t->reported[kind] = (uint16_t) ngx_min(n, 0xffff);
    ngx_aigc_seq_end(&t->seq);

    ngx_aigc_table(zone)->writing = 0;

    ngx_aigc_unlock(zone);
}
