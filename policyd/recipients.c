/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "recipients.h"

#include <stdlib.h>
#include <sys/random.h>

#include "conf_policy.h"
#include "directory_child.h"
#include "harvest.h"
#include "ldap_directory.h"
#include "log.h"
#include "replica.h"
#include "replicator.h"
#include "tarpit.h"
#include "xalloc.h"

/* A new directory process is this program once more, the very file that runs,
 * even if it was replaced since. */
static const char this_program[] = "/proc/self/exe";

struct recipients {
	struct ev_loop *loop;
	struct store *store;
	enum conf_source source;
	struct directory_child *child;
	struct ldap_directory *ldap;
	struct replica *replica;
	struct replicator *replicator;
	struct harvest *harvest;
	struct tarpit *tarpit;
};

static struct replicator_policy
replicator_policy(const struct conf *conf)
{
	return (struct replicator_policy){
		.sync_interval = (double)conf->ldap.sync_interval,
		.reconcile_interval = (double)conf->ldap.reconcile_interval,
	};
}

static void
create_ldap(struct recipients *recipients, const struct conf *conf)
{
	const struct ldap_directory_policy policy =
	    conf_ldap_directory_policy(conf);
	struct ldap_settings *settings = conf_ldap_settings(conf);

	recipients->child =
	    directory_child_create(recipients->loop, this_program, settings);
	recipients->ldap =
	    ldap_directory_create(recipients->loop, recipients->child, &policy);
	ldap_settings_free(settings);
}

static void
create_replica(struct recipients *recipients, const struct conf *conf)
{
	const struct replica_policy policy = conf_replica_policy(conf);
	const struct replicator_policy pace = replicator_policy(conf);
	struct directory *behind =
	    recipients->ldap != NULL
		? ldap_directory_directory(recipients->ldap)
		: NULL;

	recipients->replica = replica_create(recipients->store, behind);
	replica_configure(recipients->replica, &policy);
	if (recipients->child != NULL)
		recipients->replicator = replicator_create(recipients->loop,
		    recipients->child, recipients->replica, &pace);
}

/* With a secret that no sender can guess. */
static struct harvest *
create_harvest(const struct conf *conf)
{
	struct siphash_secret secret = { { 0 } };

	/* So few bytes come at once, and whole (getrandom(2)). */
	if (getrandom(&secret, sizeof(secret), 0) != (ssize_t)sizeof(secret))
		log_warning("no random numbers: the table of harvesters could "
			    "be filled on purpose");
	return harvest_create((size_t)conf->recipients.harvest_origins,
	    &secret);
}

struct recipients *
recipients_create(struct ev_loop *loop, struct store *store,
    const struct conf *conf)
{
	struct recipients *recipients = xcalloc(1, sizeof(*recipients));

	recipients->loop = loop;
	recipients->store = store;
	recipients->source = (enum conf_source)conf->recipients.source;
	if (recipients->source == CONF_SOURCE_NONE)
		return recipients;
	if (recipients->source == CONF_SOURCE_LDAP)
		create_ldap(recipients, conf);
	if (recipients->source == CONF_SOURCE_FILE || conf->recipients.replica)
		create_replica(recipients, conf);
	recipients->harvest = create_harvest(conf);
	recipients->tarpit = tarpit_create(loop);
	recipients_configure(recipients, conf);
	return recipients;
}

void
recipients_destroy(struct recipients *recipients)
{
	if (recipients == NULL)
		return;
	replicator_destroy(recipients->replicator);
	replica_destroy(recipients->replica);
	ldap_directory_destroy(recipients->ldap);
	directory_child_destroy(recipients->child);
	tarpit_destroy(recipients->tarpit);
	harvest_destroy(recipients->harvest);
	free(recipients);
}

static void
configure_ldap(struct recipients *recipients, const struct conf *conf)
{
	const struct ldap_directory_policy policy =
	    conf_ldap_directory_policy(conf);
	struct ldap_settings *settings = conf_ldap_settings(conf);

	ldap_directory_configure(recipients->ldap, &policy);
	directory_child_configure(recipients->child, settings);
	ldap_settings_free(settings);
}

void
recipients_configure(struct recipients *recipients, const struct conf *conf)
{
	const struct replica_policy policy = conf_replica_policy(conf);
	const struct replicator_policy pace = replicator_policy(conf);

	if (recipients->ldap != NULL)
		configure_ldap(recipients, conf);
	if (recipients->replica != NULL)
		replica_configure(recipients->replica, &policy);
	if (recipients->replicator != NULL)
		replicator_configure(recipients->replicator, &pace);
	if (recipients->tarpit != NULL)
		tarpit_configure(recipients->tarpit,
		    (size_t)conf->recipients.harvest_max_held);
	if (recipients->harvest != NULL)
		harvest_resize(recipients->harvest,
		    (size_t)conf->recipients.harvest_origins);
}

struct engine_parts
recipients_parts(const struct recipients *recipients)
{
	struct engine_parts parts = {
		.store = recipients->store,
		.harvest = recipients->harvest,
	};

	if (recipients->tarpit != NULL)
		parts.pauser = tarpit_pauser(recipients->tarpit);
	if (recipients->replica != NULL)
		parts.directory = replica_directory(recipients->replica);
	else if (recipients->ldap != NULL)
		parts.directory = ldap_directory_directory(recipients->ldap);
	return parts;
}

struct control_services
recipients_services(const struct recipients *recipients, struct turn *turn)
{
	return (struct control_services){
		.turn = turn,
		.replica = recipients->replica,
		.replicator = recipients->replicator,
		.ldap = recipients->ldap,
		.child = recipients->child,
		.accepts_import = recipients->source == CONF_SOURCE_FILE,
	};
}

static void
put(struct buf *out, const char *name, uint64_t number)
{
	buf_putc(out, ' ');
	buf_puts(out, name);
	buf_putc(out, '=');
	buf_put_number(out, (long long)number);
}

static void
put_replica(const struct recipients *recipients, struct buf *out)
{
	const struct replica_status status =
	    replica_status(recipients->replica);
	const time_t age =
	    (time_t)ev_now(recipients->loop) - status.confirmed_at;

	put(out, "recipients", status.objects);
	put(out, "addresses", status.addresses);
	if (status.loaded)
		put(out, "replica-age", age > 0 ? (uint64_t)age : 0);
}

static void
put_ldap(const struct recipients *recipients, struct buf *out)
{
	const struct ldap_directory_counters *counters =
	    ldap_directory_counters(recipients->ldap);

	put(out, "lookups", counters->questions);
	put(out, "lookups-shared", counters->shared);
	put(out, "lookups-cached", counters->cache_hits);
	put(out, "lookups-refused", counters->refused);
	put(out, "lookups-timed-out", counters->timeouts);
	put(out, "lookups-unavailable", counters->unavailable);
	put(out, "directory-restarts",
	    directory_child_status(recipients->child)->restarts);
}

static void
put_sync(const struct recipients *recipients, struct buf *out)
{
	const struct replicator_status *status =
	    replicator_status(recipients->replicator);

	put(out, "syncs", status->runs);
	put(out, "syncs-failed", status->failures);
}

static void
put_harvest(const struct recipients *recipients, struct buf *out)
{
	const struct harvest_counters *counters =
	    harvest_counters(recipients->harvest);

	put(out, "harvest-noted", counters->noted);
	put(out, "harvest-slowed", counters->slowed);
	put(out, "harvest-not-slowed", counters->not_slowed);
	put(out, "harvest-evicted", counters->evicted);
	put(out, "answers-held", tarpit_held(recipients->tarpit));
}

void
recipients_statistics(const struct recipients *recipients, struct buf *out)
{
	if (recipients->replica != NULL)
		put_replica(recipients, out);
	if (recipients->ldap != NULL)
		put_ldap(recipients, out);
	if (recipients->replicator != NULL)
		put_sync(recipients, out);
	if (recipients->harvest != NULL)
		put_harvest(recipients, out);
}
