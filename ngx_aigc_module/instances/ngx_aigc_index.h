/*
 * instances/ngx_aigc_index.h — the chains by which the table is searched:
 * records by key, by host, by address and by owner, disks by name.  For the
 * table's own files.
 */

#ifndef _NGX_AIGC_INDEX_H_INCLUDED_
#define _NGX_AIGC_INDEX_H_INCLUDED_

#include "ngx_aigc_slots.h"


typedef enum {
    NGX_AIGC_BY_KEY = 0,
    NGX_AIGC_BY_HOST,
    NGX_AIGC_BY_ADDR,
    NGX_AIGC_BY_DISK,
    NGX_AIGC_BY_OWNER,
    NGX_AIGC_INDEXES
} ngx_aigc_index_e;


uint32_t ngx_aigc_hash_key(ngx_str_t *ns, ngx_str_t *name, ngx_int_t id);
uint32_t ngx_aigc_hash_host(ngx_str_t *host);
uint32_t ngx_aigc_hash_disk(ngx_str_t *ns, ngx_str_t *name);
uint32_t ngx_aigc_hash_addr(struct sockaddr *sa);
uint32_t ngx_aigc_hash_owner(ngx_str_t *owner);

/* The head of a chain.  Readers check each index against the slot count. */
uint32_t *ngx_aigc_bucket(ngx_aigc_zone_t *zone, ngx_aigc_index_e index,
    uint32_t hash);

/*
 * Put slot, whose chain field is *next, at the head of a chain; take it out:
 * at(zone, slot) gives the chain field of any slot.  The lock is held.
 */
typedef uint32_t *(*ngx_aigc_next_pt)(ngx_aigc_zone_t *zone, uint32_t slot);

void ngx_aigc_link(ngx_aigc_zone_t *zone, uint32_t *head, uint32_t slot,
    ngx_aigc_next_pt next);
void ngx_aigc_unlink(ngx_aigc_zone_t *zone, uint32_t *head, uint32_t slot,
    ngx_aigc_next_pt next);

/* As link(), where table->index_seq is odd already. */
void ngx_aigc_chain(ngx_aigc_zone_t *zone, uint32_t *head, uint32_t slot,
    ngx_aigc_next_pt next);

/* All chains are empty; likewise. */
void ngx_aigc_index_clear(ngx_aigc_zone_t *zone);

uint32_t *ngx_aigc_next_key(ngx_aigc_zone_t *zone, uint32_t slot);
uint32_t *ngx_aigc_next_host(ngx_aigc_zone_t *zone, uint32_t slot);
uint32_t *ngx_aigc_next_addr(ngx_aigc_zone_t *zone, uint32_t slot);
uint32_t *ngx_aigc_next_tmpl(ngx_aigc_zone_t *zone, uint32_t slot);
uint32_t *ngx_aigc_next_owner(ngx_aigc_zone_t *zone, uint32_t slot);
uint32_t *ngx_aigc_next_name(ngx_aigc_zone_t *zone, uint32_t slot);
uint32_t *ngx_aigc_next_disk(ngx_aigc_zone_t *zone, uint32_t slot);


#endif /* _NGX_AIGC_INDEX_H_INCLUDED_ */
