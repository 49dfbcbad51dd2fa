/*
 * logto/ngx_aigc_entry.h — an instance in a user's custom data at Logto, in the
 * shape of the original gateway (pure; no request, no I/O):
 *
 *   "<namespace>-<template>": {"ID": "0", "Name": "<template>", "Type": "",
 *                              "Namespace": "<namespace>"}
 *
 * Users can write it themselves: what is read here is a claim, not a fact.
 */

#ifndef _NGX_AIGC_ENTRY_H_INCLUDED_
#define _NGX_AIGC_ENTRY_H_INCLUDED_

#include <ngx_config.h>
#include <ngx_core.h>

#include <jansson.h>

#include "base/ngx_aigc_bounds.h"


typedef struct {
    ngx_str_t       ns;
    ngx_str_t       name;               /* of the template */
    ngx_int_t       id;                 /* NGX_ERROR: "ID" is none */
    unsigned        exact:1;            /* all four members, and no other */
} ngx_aigc_entry_t;


/* May this entry, which its user should not have, be removed?  NGX_OK: yes. */
typedef ngx_int_t (*ngx_aigc_entry_stale_pt)(void *data,
    ngx_aigc_entry_t *entry);

typedef struct {
    json_t         *set;                /* object: members to add or replace */
    json_t         *drop;               /* object: whose members are to go */
} ngx_aigc_entry_diff_t;


/*
 * Reads one member of custom data.  Strings are borrowed from value.
 * NGX_OK; NGX_DECLINED: not an entry (no Name, Namespace or ID, names that are
 * none, a key that does not fit them).
 */
ngx_int_t ngx_aigc_entry_read(const char *key, json_t *value,
    ngx_aigc_entry_t *entry);

/*
 * Adds an instance to entries, an object of what a user should have.  Of
 * several of one template the lowest id is kept, of two templates with one key
 * ("a-b" + "c", "a" + "b-c") that of the first namespace.
 * NGX_OK or NGX_ERROR: no memory, or no UTF-8.
 */
ngx_int_t ngx_aigc_entry_add(json_t *entries, ngx_aigc_entry_t *entry);

/*
 * What has to change in custom (an object) so that the user has all of entries,
 * and nothing of the same shape besides that stale(data, entry) lets go.  An
 * entry with another Type is left as it is.  Never looks at other members.
 * NGX_OK: diff is filled, for ngx_aigc_entry_diff_free(); NGX_DECLINED: nothing
 * has to change; NGX_ERROR: no memory.
 */
ngx_int_t ngx_aigc_entry_diff(json_t *custom, json_t *entries,
    ngx_aigc_entry_stale_pt stale, void *data, ngx_aigc_entry_diff_t *diff);

/* Makes diff's changes in custom.  NGX_OK or NGX_ERROR. */
ngx_int_t ngx_aigc_entry_apply(json_t *custom, ngx_aigc_entry_diff_t *diff);

void ngx_aigc_entry_diff_free(ngx_aigc_entry_diff_t *diff);


#endif /* _NGX_AIGC_ENTRY_H_INCLUDED_ */
