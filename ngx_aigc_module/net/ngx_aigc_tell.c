/*
 * net/ngx_aigc_tell.c — what an administrator has to look at.
 */

#include "ngx_aigc_tell.h"
#include "ngx_aigc_event.h"

#include "zone/ngx_aigc_look.h"


void
ngx_aigc_tell(ngx_aigc_kubernetes_t *k8s, ngx_aigc_zone_t *zone,
    ngx_log_t *log)
{
    uint32_t              slot;
    ngx_int_t             rc;
    ngx_uint_t            i, tell, news;
    ngx_aigc_record_t     record;
    ngx_aigc_template_t   tmpl;

    static struct {
        ngx_uint_t        bit;
        const char       *reason;
        const char       *message;
    } words[] = {
        { NGX_AIGC_TELL_COLLISION, "HostCollision",
          "another instance claims the same host name: both are refused until "
          "one of the templates gets another Host" },
        { NGX_AIGC_TELL_DISK, "ForeignDisk",
          "a PersistentVolumeClaim of this id is not recorded as its owner's: "
          "access is refused" },
        { NGX_AIGC_TELL_UNREADABLE, "UnreadableAnnotation",
          "its annotation cannot be read: the id is reserved and nobody's" },
    };

    for (slot = 0; ; slot++) {

        slot = ngx_aigc_look_record(zone, slot);
        rc = ngx_aigc_table_record_at(zone, slot, &record);

        if (rc == NGX_DONE) {
            return;
        }

        if (rc != NGX_OK) {
            continue;
        }

        tell = ngx_aigc_table_tell(&record);

        if (tell == record.told || record.tmpl == NGX_AIGC_NONE
            || ngx_aigc_table_template_at(zone, record.tmpl, &tmpl) != NGX_OK)
        {
            continue;
        }

        news = tell & ~record.told;

        for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
            if ((news & words[i].bit)
                && ngx_aigc_event(k8s, &tmpl, record.id, words[i].reason,
                                  words[i].message, log)
                   != NGX_OK)
            {
                tell &= ~words[i].bit;  /* with the next pass */
            }
        }

        if (tell != record.told) {
            ngx_aigc_table_told(zone, slot, tell);
        }
    }
}
