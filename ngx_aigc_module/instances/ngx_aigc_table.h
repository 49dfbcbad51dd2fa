/*
 * instances/ngx_aigc_table.h — the cluster as the gateway sees it: templates,
 * instances (one record an id of a template: claim, GameServer, disks), and
 * the three indexes.  Written by one worker from the watches, read by all.
 */

#ifndef _NGX_AIGC_TABLE_H_INCLUDED_
#define _NGX_AIGC_TABLE_H_INCLUDED_

#include "ngx_aigc_slots.h"
#include "kube/ngx_aigc_sync.h"


/*
 * This process writes the table from now on (after ngx_aigc_zone_take()).
 * Where a writer has died while it wrote, the slots that it left half-written
 * are freed and the indexes rebuilt; else nothing is touched.
 */
void ngx_aigc_table_take(ngx_aigc_zone_t *zone);

/* The lists of all required kinds are complete: holes are closed. */
void ngx_aigc_table_listed(ngx_aigc_zone_t *zone);

/* 1: a dead writer's slots are not listed again yet. */
ngx_uint_t ngx_aigc_table_holes(ngx_aigc_zone_t *zone);

/*
 * 1: objects found no room in this epoch, and there is room now: all has to be
 * listed anew, which the log says; at most once a minute.
 */
ngx_uint_t ngx_aigc_table_again(ngx_aigc_zone_t *zone);

/* NGX_OK; NGX_DECLINED: objects may be missing, a miss says nothing. */
ngx_int_t ngx_aigc_table_whole(ngx_aigc_zone_t *zone);


#define NGX_AIGC_SEQ_NONE  ((ngx_atomic_uint_t) -1)     /* no slot's counter */

/*
 * The sequence counter of a record's slot: another value than before means that
 * the slot has been written.  Odd: it is being written.
 */
ngx_atomic_uint_t ngx_aigc_table_record_seq(ngx_aigc_zone_t *zone,
    uint32_t slot);

/* Reading.  No lock unless said; each copies into the caller's memory. */

/*
 * The instance that has host (normalized): one with a claim.  Only that much of
 * record is filled as decides on access: up to owner.  NGX_OK; NGX_DECLINED:
 * none; NGX_BUSY: half-written (answer 503).
 */
ngx_int_t ngx_aigc_table_by_host(ngx_aigc_zone_t *zone, ngx_str_t *host,
    ngx_aigc_record_t *record);

/* By what it is; the whole record.  The same answers. */
ngx_int_t ngx_aigc_table_by_id(ngx_aigc_zone_t *zone, ngx_str_t *ns,
    ngx_str_t *name, ngx_int_t id, ngx_aigc_record_t *record);

/*
 * By what it is, and as much of it as by_host() fills; *slot is its index.  As
 * long as ngx_aigc_table_record_seq() of the slot is record->seq, nothing of
 * it has changed.
 */
ngx_int_t ngx_aigc_table_slot(ngx_aigc_zone_t *zone, ngx_str_t *ns,
    ngx_str_t *name, ngx_int_t id, ngx_aigc_record_t *record, uint32_t *slot);

/* Likewise a template; *slot is its index when slot is not NULL. */
ngx_int_t ngx_aigc_table_template(ngx_aigc_zone_t *zone, ngx_str_t *ns,
    ngx_str_t *name, ngx_aigc_template_t *tmpl, uint32_t *slot);

/*
 * Slot by slot: NGX_OK; NGX_DECLINED: the slot is free (go on); NGX_DONE:
 * slot is past the end; NGX_BUSY.
 */
ngx_int_t ngx_aigc_table_template_at(ngx_aigc_zone_t *zone, uint32_t slot,
    ngx_aigc_template_t *tmpl);
ngx_int_t ngx_aigc_table_record_at(ngx_aigc_zone_t *zone, uint32_t slot,
    ngx_aigc_record_t *record);
ngx_int_t ngx_aigc_table_disk_at(ngx_aigc_zone_t *zone, uint32_t slot,
    ngx_aigc_disk_t *disk);

/*
 * A walk: from slot *slot on, the next one that is used and can be read; *slot
 * is its own.  NGX_OK; NGX_DONE: there is none.
 */
ngx_int_t ngx_aigc_table_next_template(ngx_aigc_zone_t *zone, uint32_t *slot,
    ngx_aigc_template_t *tmpl);
ngx_int_t ngx_aigc_table_next_record(ngx_aigc_zone_t *zone, uint32_t *slot,
    ngx_aigc_record_t *record);
ngx_int_t ngx_aigc_table_next_disk(ngx_aigc_zone_t *zone, uint32_t *slot,
    ngx_aigc_disk_t *disk);

/*
 * A difference: the slot if its sequence counter is not *seq, which becomes
 * what it is.  NGX_AGAIN: it is; else as ngx_aigc_table_record_at(): NGX_OK;
 * NGX_DECLINED: the slot is free now; NGX_BUSY, and *seq stays.
 */
ngx_int_t ngx_aigc_table_template_changed(ngx_aigc_zone_t *zone, uint32_t slot,
    ngx_atomic_uint_t *seq, ngx_aigc_template_t *tmpl);
ngx_int_t ngx_aigc_table_record_changed(ngx_aigc_zone_t *zone, uint32_t slot,
    ngx_atomic_uint_t *seq, ngx_aigc_record_t *record);

/* Likewise a record whose claim is in state.  For the table's writer. */
ngx_int_t ngx_aigc_table_next(ngx_aigc_zone_t *zone, ngx_aigc_state_e state,
    uint32_t *slot, ngx_aigc_record_t *record);

/* How the end of its pod goes, now. */
ngx_aigc_ending_e ngx_aigc_table_ending(ngx_aigc_zone_t *zone,
    ngx_aigc_record_t *record);

/*
 * Is it given up, and only there because its pod does not end?  Then it does
 * not count for its owner's limits.
 */
ngx_uint_t ngx_aigc_table_left(ngx_aigc_zone_t *zone,
    ngx_aigc_record_t *record);

/* How many claims of owner's count, of any state.  The lock is held. */
ngx_uint_t ngx_aigc_table_owned(ngx_aigc_zone_t *zone, ngx_str_t *owner);

/*
 * All claims of a template and the template as of one moment: taken under the
 * lock, beside no writer.  claims: an array of ngx_aigc_claim_t (id, state,
 * owner, since, raw), by id, its strings from pool.
 * NGX_OK; NGX_DECLINED: the template is gone; NGX_BUSY: a writer died in the
 * table and its successor has not read everything anew yet, claims may be
 * missing (answered at once, nothing is waited for); NGX_ERROR: no memory.
 */
ngx_int_t ngx_aigc_table_claims(ngx_aigc_zone_t *zone, ngx_pool_t *pool,
    uint32_t slot, ngx_aigc_template_t *tmpl, ngx_array_t *claims);

/*
 * An id without a claim whose disks are all owner's (a kept disk) and stay, or
 * NGX_ERROR: none.  A pod or a GameServer that is still there is no obstacle:
 * it is this owner's, as a start right after a release finds it.  OKG writes
 * its GameServers late, and without this id the owner would begin with an empty
 * disk.  A pod that does not end is one.
 */
ngx_int_t ngx_aigc_table_kept(ngx_aigc_zone_t *zone, uint32_t slot,
    ngx_str_t *owner);


/* Writing: the table's writer alone, each under the lock, by itself. */

/*
 * Of each kind of ngx_http_aigc_kinds.c, what ngx_aigc_kind_t says of put, drop
 * and sweep.  A workload of no known template, and a warning about no instance
 * that should run, are not taken: NGX_OK.  A workload is dropped only if it is
 * the known template's, a pod only if it is the known one; warnings end with
 * what they warn of.
 */
ngx_int_t ngx_aigc_table_put_gss(ngx_aigc_zone_t *zone, void *value,
    uint32_t mark, ngx_log_t *log);
ngx_int_t ngx_aigc_table_put_gs(ngx_aigc_zone_t *zone, void *value,
    uint32_t mark, ngx_log_t *log);
ngx_int_t ngx_aigc_table_put_pvc(ngx_aigc_zone_t *zone, void *value,
    uint32_t mark, ngx_log_t *log);
ngx_int_t ngx_aigc_table_put_pod(ngx_aigc_zone_t *zone, void *value,
    uint32_t mark, ngx_log_t *log);
ngx_int_t ngx_aigc_table_put_workload(ngx_aigc_zone_t *zone, void *value,
    uint32_t mark, ngx_log_t *log);
ngx_int_t ngx_aigc_table_put_warning(ngx_aigc_zone_t *zone, void *value,
    uint32_t mark, ngx_log_t *log);

ngx_int_t ngx_aigc_table_drop_gss(ngx_aigc_zone_t *zone, void *value);
ngx_int_t ngx_aigc_table_drop_gs(ngx_aigc_zone_t *zone, void *value);
ngx_int_t ngx_aigc_table_drop_pvc(ngx_aigc_zone_t *zone, void *value);
ngx_int_t ngx_aigc_table_drop_pod(ngx_aigc_zone_t *zone, void *value);
ngx_int_t ngx_aigc_table_drop_workload(ngx_aigc_zone_t *zone, void *value);

void ngx_aigc_table_sweep_gss(ngx_aigc_zone_t *zone, ngx_aigc_sweep_t *sweep);
void ngx_aigc_table_sweep_gs(ngx_aigc_zone_t *zone, ngx_aigc_sweep_t *sweep);
void ngx_aigc_table_sweep_pvc(ngx_aigc_zone_t *zone, ngx_aigc_sweep_t *sweep);
void ngx_aigc_table_sweep_pod(ngx_aigc_zone_t *zone, ngx_aigc_sweep_t *sweep);
void ngx_aigc_table_sweep_workload(ngx_aigc_zone_t *zone,
    ngx_aigc_sweep_t *sweep);

/*
 * The API server has said, at gone, that the pod of the record in slot does
 * not exist; 0: take that back.  seq is the record's when it was asked: not
 * noted if anything was heard of it since.
 */
void ngx_aigc_table_pod_gone(ngx_aigc_zone_t *zone, uint32_t slot,
    ngx_atomic_uint_t seq, ngx_msec_t gone);

/*
 * The API server has taken a DELETE of the disk in slot, at when.  The table
 * forgets it with the disk.
 */
void ngx_aigc_table_disk_deleted(ngx_aigc_zone_t *zone, uint32_t slot,
    ngx_msec_t when);


#endif /* _NGX_AIGC_TABLE_H_INCLUDED_ */
