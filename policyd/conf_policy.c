/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "conf_policy.h"

#include <assert.h>

#include "xalloc.h"

/* A question may take two searches, on one connection and on the next. */
enum { SEARCHES = 2 };

/* The attributes and the filter of a usual schema. */
struct preset {
	const char *addresses[LDAP_ADDRESS_ATTRIBUTES_MAX + 1];
	const char *filter;
};

static const struct preset active_directory = {
	.addresses = { "proxyAddresses", NULL },
	.filter = "",
};

static const struct preset presets[] = {
	[CONF_PRESET_NONE] = {
		.addresses = { "mail", NULL },
		.filter = "",
	},
	[CONF_PRESET_INETORGPERSON] = {
		.addresses = { "mail", "mailAlternateAddress", NULL },
		.filter = "(objectClass=inetOrgPerson)",
	},
	[CONF_PRESET_POSTFIX_BOOK] = {
		.addresses = { "mail", "mailAlias", NULL },
		.filter = "(&(|(objectClass=PostfixBookMailAccount)"
			  "(objectClass=PostfixBookMailForward))"
			  "(!(mailEnabled=FALSE)))",
	},
};

static struct netset *
networks_of(const struct setting_list *list)
{
	struct netset *networks = netset_create();
	struct netaddr network;
	struct err err;

	for (size_t i = 0; i < list->count; i++) {
		const int parsed = network_parse(list->item[i], &network, &err);

		assert(parsed == 0);
		netset_add(networks, &network);
	}
	return networks;
}

static struct domainset *
domains_of(const struct setting_list *list)
{
	struct domainset *domains = domainset_create();

	for (size_t i = 0; i < list->count; i++)
		domainset_add(domains, list->item[i]);
	return domains;
}

static struct greylist_policy
greylist_of(const struct conf *conf)
{
	return (struct greylist_policy){
		.mode = (enum greylist_mode)conf->greylist.mode,
		.delay = conf->greylist.delay,
		.retry_window = conf->greylist.retry_window,
		.keep = conf->greylist.keep,
		.whitelist_after = (unsigned)conf->greylist.whitelist_after,
		.code = conf->greylist.code,
		.text = conf->greylist.text,
		.header = conf->greylist.header,
	};
}

static struct harvest_policy
harvest_of(const struct conf *conf)
{
	return (struct harvest_policy){
		.action = (enum harvest_action)conf->recipients.harvest_action,
		.threshold = (unsigned)conf->recipients.harvest_threshold,
		.half_life = conf->recipients.harvest_half_life,
		.delay = (unsigned)conf->recipients.harvest_delay,
		.max_origins = (size_t)conf->recipients.harvest_origins,
	};
}

struct engine *
conf_engine(const struct conf *conf, const struct engine_parts *parts)
{
	const struct engine_policy policy = {
		.greylist = greylist_of(conf),
		.origin = {
			.ipv4_prefix = (unsigned)conf->greylist.ipv4_prefix,
			.ipv6_prefix = (unsigned)conf->greylist.ipv6_prefix,
		},
		.networks = networks_of(&conf->whitelist.networks),
		.recipient = {
			.delimiter = conf->recipients.delimiter,
			.accept_on_failure = conf->recipients.on_failure != 0,
			.reject_disabled = conf->recipients.disabled != 0,
		},
		.harvest = harvest_of(conf),
		.domains = domains_of(&conf->recipients.domains),
		.catch_all = domains_of(&conf->recipients.catch_all),
	};

	return engine_create(&policy, parts);
}

struct session_limits
conf_session_limits(const struct conf *conf)
{
	return (struct session_limits){
		.request = {
			.attributes = (size_t)conf->max_attributes,
			.value = conf->max_value_size,
			.request = conf->max_request_size,
		},
		.max_connections = (unsigned)conf->max_connections,
		.idle_timeout = (double)conf->idle_timeout,
		.answer_within = (double)conf->answer_within,
	};
}

static const struct preset *
preset_of(const struct conf *conf)
{
	return conf->ldap.kind == ACCOUNT_ACTIVE_DIRECTORY
		   ? &active_directory
		   : &presets[conf->ldap.preset];
}

/* What is read of an entry: as configured, else as the preset says. */
static void
set_attributes(const struct conf *conf, struct ldap_settings *settings)
{
	const struct preset *preset = preset_of(conf);
	const struct setting_list *own = &conf->ldap.addresses;

	for (size_t i = 0; i < own->count; i++)
		settings->addresses[i] = xstrdup(own->item[i]);
	for (size_t i = 0; own->count == 0 && preset->addresses[i] != NULL; i++)
		settings->addresses[i] = xstrdup(preset->addresses[i]);
	settings->filter = xstrdup(
	    *conf->ldap.filter != '\0' ? conf->ldap.filter : preset->filter);
}

static void
set_limits(const struct conf *conf, struct ldap_settings *settings)
{
	settings->network_timeout = (unsigned)conf->ldap.network_timeout;
	settings->bind_timeout = (unsigned)conf->ldap.bind_timeout;
	settings->search_timeout = (unsigned)conf->ldap.search_timeout;
	settings->idle_timeout = (unsigned)conf->ldap.idle_timeout;
	settings->max_outstanding = (unsigned)conf->ldap.max_outstanding;
	settings->page_size = (unsigned)conf->ldap.page_size;
}

struct ldap_settings *
conf_ldap_settings(const struct conf *conf)
{
	struct ldap_settings *settings = xcalloc(1, sizeof(*settings));

	for (size_t i = 0; i < conf->ldap.uri.count; i++)
		settings->uri[i] = xstrdup(conf->ldap.uri.item[i]);
	settings->srv = xstrdup(conf->ldap.srv);
	settings->kind = (enum account_kind)conf->ldap.kind;
	settings->base = xstrdup(conf->ldap.base);
	settings->bind = (enum ldap_bind)conf->ldap.bind;
	settings->bind_dn = xstrdup(conf->ldap.bind_dn);
	settings->password_file = xstrdup(conf->ldap.password_file);
	settings->keytab = xstrdup(conf->ldap.keytab);
	settings->tls_ca_file = xstrdup(conf->ldap.tls_ca_file);
	settings->tls_certificate = xstrdup(conf->ldap.tls_certificate);
	settings->tls_key = xstrdup(conf->ldap.tls_key);
	settings->tls_verify = conf->ldap.tls_verify;
	settings->start_tls = conf->ldap.start_tls;
	settings->sync = (enum ldap_sync_method)conf->ldap.sync;
	set_attributes(conf, settings);
	set_limits(conf, settings);
	return settings;
}

struct ldap_directory_policy
conf_ldap_directory_policy(const struct conf *conf)
{
	return (struct ldap_directory_policy){
		.max_questions = (unsigned)conf->ldap.max_questions,
		.cache_entries = (unsigned)conf->ldap.cache_entries,
		.cache_valid = (double)conf->ldap.cache_valid,
		.cache_unknown = (double)conf->ldap.cache_unknown,
		.question_timeout =
		    SEARCHES * (double)conf->ldap.search_timeout,
	};
}

struct replica_policy
conf_replica_policy(const struct conf *conf)
{
	const bool by_hand = conf->recipients.source == CONF_SOURCE_FILE;

	return (struct replica_policy){
		.trusted_for =
		    by_hand ? 0 : conf->recipients.replica_trusted_for,
		.max_shrink = (unsigned)conf->recipients.max_shrink,
		.max_rows = (uint64_t)conf->recipients.max_recipients,
	};
}
