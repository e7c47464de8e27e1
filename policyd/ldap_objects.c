/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "ldap_objects.h"

#include <stdlib.h>
#include <string.h>

#include "account.h"
#include "buf.h"
#include "container.h"
#include "ldap_dependents.h"
#include "ldap_entry.h"
#include "ldap_hex.h"
#include "ldap_senders.h"
#include "xalloc.h"

struct ldap_objects {
	struct ldap_run *run;
	struct ldap_entry *entry;
	struct ldap_senders *senders;
};

struct load {
	struct ldap_visitor visitor;
	struct ldap_objects *objects;
};

/* Objects that are read again, and which of them were found. */
struct batch {
	struct ldap_visitor visitor;
	struct ldap_objects *objects;
	struct ldap_ids ids;
	bool found[LDAP_IDS_BATCH];
};

struct content {
	struct ldap_visitor visitor;
	struct ldap_objects *objects;
	const unsigned char *id;
	bool found;
};

struct ldap_objects *
ldap_objects_create(struct ldap_run *run)
{
	struct ldap_objects *objects = xcalloc(1, sizeof(*objects));

	objects->run = run;
	objects->entry = ldap_entry_create();
	objects->senders = ldap_senders_create(run);
	return objects;
}

void
ldap_objects_destroy(struct ldap_objects *objects)
{
	if (objects == NULL)
		return;
	ldap_entry_destroy(objects->entry);
	ldap_senders_destroy(objects->senders);
	free(objects);
}

/* An entry whose identity cannot be read may be a recipient: to pass it over
 * would be to say that it is none. */
static int
read_account(struct ldap_objects *objects, LDAPMessage *message,
    struct account *account, struct err *err)
{
	const struct account_attribute *attributes;
	size_t count;

	if (ldap_entry_read(objects->entry, objects->run, message, err) != 0)
		return -1;
	attributes = ldap_entry_attributes(objects->entry, &count);
	if (account_read(&objects->run->policy, attributes, count, account))
		return 0;
	err_set(err,
	    "%s: %.256s: the account may not read its objectGUID or "
	    "entryUUID",
	    objects->run->uri, ldap_entry_dn(objects->entry));
	return -1;
}

int
ldap_objects_tell(struct ldap_objects *objects, LDAPMessage *message, bool full,
    unsigned char id[static RECIPIENT_ID], struct err *err)
{
	struct account account;
	int status = 0;

	if (read_account(objects, message, &account, err) != 0)
		return -1;
	memcpy(id, account.record.id, RECIPIENT_ID);
	if (account.addresses.count > 0) {
		ldap_events_object(objects->run->events, &account);
		status = ldap_senders_add(objects->senders, &account, err);
	} else if (!full) {
		ldap_events_gone(objects->run->events, id);
	}
	account_finish(&account);
	return status;
}

int
ldap_objects_settle(struct ldap_objects *objects, struct err *err)
{
	return ldap_senders_tell(objects->senders, err);
}

static int
visit_load(struct ldap_visitor *visitor, LDAPMessage *message, struct err *err)
{
	struct load *load = container_of(visitor, struct load, visitor);
	unsigned char id[RECIPIENT_ID];

	return ldap_objects_tell(load->objects, message, true, id, err);
}

int
ldap_objects_load(struct ldap_objects *objects, struct err *err)
{
	struct ldap_run *run = objects->run;
	struct load load = {
		.visitor.visit = visit_load,
		.objects = objects,
	};
	const struct ldap_query query = {
		.base = run->settings->base,
		.scope = LDAP_SCOPE_SUBTREE,
		.filter = run->filter,
		.attributes = run->attributes,
		.paged = true,
	};

	if (ldap_run_search(run, &query, &load.visitor, err) != 0)
		return -1;
	return ldap_objects_settle(objects, err);
}

static int
visit_batch(struct ldap_visitor *visitor, LDAPMessage *message, struct err *err)
{
	struct batch *batch = container_of(visitor, struct batch, visitor);
	unsigned char id[RECIPIENT_ID];

	if (ldap_objects_tell(batch->objects, message, false, id, err) != 0)
		return -1;
	for (size_t i = 0; i < batch->ids.count; i++) {
		if (memcmp(batch->ids.id[i], id, RECIPIENT_ID) == 0)
			batch->found[i] = true;
	}
	return 0;
}

/* One search answers all that matters: is it there, below the base, to be seen,
 * and does it match? */
static int
update_batch(struct batch *batch, struct err *err)
{
	struct ldap_run *run = batch->objects->run;
	char bytes[ACCOUNT_FILTER_MAX + LDAP_IDS_FILTER];
	const struct ldap_query query = {
		.base = run->settings->base,
		.scope = LDAP_SCOPE_SUBTREE,
		.filter = bytes,
		.attributes = run->attributes,
	};
	struct buf filter;

	buf_init(&filter, bytes, sizeof(bytes));
	buf_puts(&filter, "(&");
	buf_puts(&filter, run->filter);
	ldap_ids_filter(&batch->ids, &filter);
	buf_puts(&filter, ")");
	buf_putc(&filter, '\0');
	if (ldap_run_search(run, &query, &batch->visitor, err) != 0)
		return -1;
	for (size_t i = 0; i < batch->ids.count; i++) {
		if (!batch->found[i])
			ldap_events_gone(run->events, batch->ids.id[i]);
	}
	return ldap_objects_settle(batch->objects, err);
}

static int
update(struct ldap_objects *objects, const struct ldap_ids *ids,
    struct err *err)
{
	for (size_t done = 0; done < ids->count; done += LDAP_IDS_BATCH) {
		struct batch batch = {
			.visitor.visit = visit_batch,
			.objects = objects,
			.ids = ldap_ids_batch(ids, done),
		};

		if (update_batch(&batch, err) != 0)
			return -1;
	}
	return 0;
}

int
ldap_objects_update(struct ldap_objects *objects, const struct ldap_ids *ids,
    struct err *err)
{
	struct ldap_ids dependents = { 0 };
	int status = update(objects, ids, err);

	if (status == 0)
		status =
		    ldap_dependents_find(objects->run, ids, &dependents, err);
	if (status == 0)
		status = update(objects, &dependents, err);
	ldap_ids_finish(&dependents);
	return status;
}

static int
visit_content(struct ldap_visitor *visitor, LDAPMessage *message,
    struct err *err)
{
	struct content *content =
	    container_of(visitor, struct content, visitor);
	struct account account;

	if (read_account(content->objects, message, &account, err) != 0)
		return -1;
	if (memcmp(account.record.id, content->id, RECIPIENT_ID) != 0)
		content->found = true;
	account_finish(&account);
	return 0;
}

/* 1 when there are recipients in the entry, 0 when not, -1 and `err`. */
static int
holds_recipients(struct ldap_objects *objects, const unsigned char *id,
    struct err *err)
{
	char bytes[sizeof("<GUID=>") + 2 * RECIPIENT_ID];
	struct content content = {
		.visitor.visit = visit_content,
		.objects = objects,
		.id = id,
	};
	const struct ldap_query query = {
		.base = bytes,
		.scope = LDAP_SCOPE_SUBTREE,
		.filter = objects->run->filter,
		.attributes = objects->run->attributes,
		.paged = true,
		.may_miss = true,
	};
	struct buf base;

	buf_init(&base, bytes, sizeof(bytes));
	buf_puts(&base, "<GUID=");
	ldap_hex_write(&base, id, RECIPIENT_ID);
	buf_puts(&base, ">");
	buf_putc(&base, '\0');
	if (ldap_run_search(objects->run, &query, &content.visitor, err) != 0)
		return -1;
	return content.found ? 1 : 0;
}

int
ldap_objects_stay(struct ldap_objects *objects, const struct ldap_ids *moved,
    struct err *err)
{
	int holds;

	for (size_t i = 0; i < moved->count; i++) {
		holds = holds_recipients(objects, moved->id[i], err);
		if (holds < 0)
			return -1;
		if (holds > 0) {
			objects->run->reload = true;
			err_set(err, "a full load is needed: a container with "
				     "recipients in it was changed");
			return -1;
		}
	}
	return 0;
}
