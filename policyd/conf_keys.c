/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "conf_keys.h"

#include <limits.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>

#include "deferral.h"
#include "domainset.h"
#include "greylist.h"
#include "harvest.h"
#include "ldap_settings.h"
#include "listener.h"
#include "netaddr.h"

/* Longer texts are mistakes. */
enum { URI_LENGTH = 1024, FILTER_LENGTH = 2048, ATTRIBUTE_LENGTH = 128 };

enum { MINUTE = 60, HOUR = 60 * MINUTE, DAY = 24 * HOUR, YEAR = 365 * DAY };

#define KILO ((int64_t)1 << 10)
#define MEGA ((int64_t)1 << 20)
#define TERA ((int64_t)1 << 40)

static const char *const logs[] = {
	[CONF_LOG_SYSLOG] = "syslog",
	[CONF_LOG_STDERR] = "stderr",
	NULL,
};

static const char *const durabilities[] = {
	[CONF_RELAXED] = "relaxed",
	[CONF_FULL] = "full",
	NULL,
};

static const char *const modes[] = {
	[GREYLIST_ENFORCE] = "enforce",
	[GREYLIST_OBSERVE] = "observe",
	[GREYLIST_OFF] = "off",
	NULL,
};

static const char *const sources[] = {
	[CONF_SOURCE_NONE] = "none",
	[CONF_SOURCE_LDAP] = "ldap",
	[CONF_SOURCE_FILE] = "file",
	NULL,
};

static const char *const accept_reject[] = { "accept", "reject", NULL };

static const char *const defer_accept[] = { "defer", "accept", NULL };

static const char *const harvest_actions[] = {
	[HARVEST_OFF] = "off",
	[HARVEST_SLOW] = "slow",
	[HARVEST_DEFER] = "defer",
	NULL,
};

static const char *const kinds[] = {
	[ACCOUNT_ACTIVE_DIRECTORY] = "active-directory",
	[ACCOUNT_OPENLDAP] = "openldap",
	NULL,
};

static const char *const presets[] = {
	[CONF_PRESET_NONE] = "none",
	[CONF_PRESET_INETORGPERSON] = "inetorgperson",
	[CONF_PRESET_POSTFIX_BOOK] = "postfix-book",
	NULL,
};

static const char *const binds[] = {
	[LDAP_BIND_SIMPLE] = "simple",
	[LDAP_BIND_GSSAPI] = "gssapi",
	[LDAP_BIND_EXTERNAL] = "external",
	[LDAP_BIND_ANONYMOUS] = "anonymous",
	NULL,
};

static const char *const syncs[] = {
	[LDAP_SYNC_AUTO] = "auto",
	[LDAP_SYNC_DIRSYNC] = "dirsync",
	[LDAP_SYNC_USN] = "usn",
	[LDAP_SYNC_SYNCREPL] = "syncrepl",
	[LDAP_SYNC_FULL] = "full",
	NULL,
};

static int
check_network(const char *value, struct err *err)
{
	struct netaddr network;

	return network_parse(value, &network, err);
}

static int
check_folder(const char *value, struct err *err)
{
	/* Room for the names of the files in it. */
	if (*value == '/' && strlen(value) < PATH_MAX - 256)
		return 0;
	err_set(err, "\"%s\" is not an absolute path", value);
	return -1;
}

static int
check_file(const char *value, struct err *err)
{
	return *value == '\0' ? 0 : check_folder(value, err);
}

/* A file with a secret: absolute, and if it is there, not for everybody. */
static int
check_password_file(const char *value, struct err *err)
{
	struct stat status;

	if (check_file(value, err) != 0)
		return -1;
	if (*value == '\0' || stat(value, &status) != 0 ||
	    (status.st_mode & S_IRWXO) == 0)
		return 0;
	err_set(err, "%s is readable by everybody: chmod o= %s", value, value);
	return -1;
}

static int
check_uri(const char *value, struct err *err)
{
	static const char *const schemes[] = { "ldap://", "ldaps://",
		"ldapi://" };

	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		const size_t len = strlen(schemes[i]);

		if (strncmp(value, schemes[i], len) == 0 &&
		    value[len] != '\0' && strlen(value) < URI_LENGTH)
			return 0;
	}
	err_set(err, "\"%s\" is not ldaps://HOST, ldap://HOST or ldapi://PATH",
	    value);
	return -1;
}

static int
check_filter(const char *value, struct err *err)
{
	const size_t len = strlen(value);

	if (len == 0 ||
	    (value[0] == '(' && value[len - 1] == ')' && len < FILTER_LENGTH))
		return 0;
	err_set(err,
	    "\"%s\" is not a filter in parentheses such as "
	    "(objectClass=person)",
	    value);
	return -1;
}

/* The name of an attribute (RFC 4512 1.4), without options. */
static int
check_attribute(const char *value, struct err *err)
{
	const size_t len = strspn(value, "abcdefghijklmnopqrstuvwxyz"
					 "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
					 "0123456789-.");

	if (len > 0 && value[len] == '\0' && len < ATTRIBUTE_LENGTH)
		return 0;
	err_set(err, "\"%s\" is not the name of an attribute", value);
	return -1;
}

#define FIELD(member) .offset = offsetof(struct conf, member)

const struct setting conf_keys[] = {
	{ .name = "listen",
	    .type = SETTING_LIST,
	    FIELD(listen),
	    .fallback = "{ \"unix:/run/policyd/policy\", "
			"\"inet:127.0.0.1:10040\" }",
	    .check = listener_check,
	    .help = "where Postfix connects to: unix:/path, "
		    "inet:127.0.0.1:10040, inet:[::1]:10040" },
	{ .name = "control",
	    .type = SETTING_TEXT,
	    FIELD(control),
	    .fallback = "/run/policyd/control",
	    .check = check_file,
	    .help = "the socket that policyctl talks to; empty: none" },
	{ .name = "socket-mode",
	    .type = SETTING_MODE,
	    FIELD(socket_mode),
	    .fallback = "0666",
	    .help = "rights of the unix sockets" },
	{ .name = "socket-owner",
	    .type = SETTING_TEXT,
	    FIELD(socket_owner),
	    .fallback = "",
	    .help = "owner of the unix sockets; empty: the daemon's" },
	{ .name = "socket-group",
	    .type = SETTING_TEXT,
	    FIELD(socket_group),
	    .fallback = "",
	    .help = "group of the unix sockets; empty: the daemon's" },
	{ .name = "state-directory",
	    .type = SETTING_TEXT,
	    FIELD(state_directory),
	    .fallback = "/var/lib/policyd",
	    .check = check_folder,
	    .help = "where the store is" },
	{ .name = "user",
	    .type = SETTING_TEXT,
	    FIELD(user),
	    .fallback = "policyd",
	    .help = "started as root, the daemon becomes this user" },
	{ .name = "pid-file",
	    .type = SETTING_TEXT,
	    FIELD(pid_file),
	    .fallback = "/run/policyd/policyd.pid",
	    .check = check_file,
	    .help = "where the process number is written; empty: nowhere" },
	{ .name = "log",
	    .type = SETTING_WORD,
	    FIELD(log),
	    .fallback = "syslog",
	    .words = logs,
	    .help =
		"where log lines go; syslog has them in the facility mail" },
	{ .name = "durability",
	    .type = SETTING_WORD,
	    FIELD(durability),
	    .fallback = "relaxed",
	    .words = durabilities,
	    .help = "with relaxed a power cut may lose the last second; with "
		    "full an answer waits for the disk" },
	{ .name = "cache-size",
	    .type = SETTING_SIZE,
	    FIELD(cache_size),
	    .fallback = "64M",
	    .min = MEGA,
	    .max = TERA,
	    .help = "memory for the pages of the store" },
	{ .name = "checkpoint-size",
	    .type = SETTING_SIZE,
	    FIELD(checkpoint_size),
	    .fallback = "32M",
	    .min = MEGA,
	    .max = TERA,
	    .help = "log between two checkpoints; more makes the start after "
		    "a crash slower" },
	{ .name = "max-connections",
	    .type = SETTING_COUNT,
	    FIELD(max_connections),
	    .fallback = "1000",
	    .min = 1,
	    .max = 1000000,
	    .help = "connections of Postfix; one more closes the longest "
		    "idle" },
	{ .name = "max-entries",
	    .type = SETTING_COUNT,
	    FIELD(max_entries),
	    .fallback = "20000000",
	    .min = 1000,
	    .max = 10000000000,
	    .help = "rows in the store; with more, new triplets are let "
		    "through" },
	{ .name = "answer-within",
	    .type = SETTING_DURATION,
	    FIELD(answer_within),
	    .fallback = "5s",
	    .min = 1,
	    .max = 50,
	    .help = "what is not answered by then counts as unavailable" },
	{ .name = "idle-timeout",
	    .type = SETTING_DURATION,
	    FIELD(idle_timeout),
	    .fallback = "1100s",
	    .min = 1,
	    .max = DAY,
	    .help = "idle connections are closed; Postfix keeps its own up "
		    "to 1000 s" },
	{ .name = "max-attributes",
	    .type = SETTING_COUNT,
	    FIELD(max_attributes),
	    .fallback = "128",
	    .min = 32,
	    .max = 10000,
	    .help = "attributes of a request; with more it is malformed" },
	{ .name = "max-value-size",
	    .type = SETTING_SIZE,
	    FIELD(max_value_size),
	    .fallback = "4K",
	    .min = 512,
	    .max = MEGA,
	    .help = "bytes of an attribute's value" },
	{ .name = "max-request-size",
	    .type = SETTING_SIZE,
	    FIELD(max_request_size),
	    .fallback = "32K",
	    .min = 4 * KILO,
	    .max = MEGA,
	    .help = "bytes of a request; each connection has such a buffer" },
	{ .name = "sweep-interval",
	    .type = SETTING_DURATION,
	    FIELD(sweep_interval),
	    .fallback = "1h",
	    .min = 0,
	    .max = YEAR,
	    .help = "pause between two sweeps of expired rows; 0s: never" },
	{ .section = "whitelist",
	    .name = "networks",
	    .type = SETTING_LIST,
	    FIELD(whitelist.networks),
	    .fallback = "{ \"127.0.0.0/8\", \"::1\" }",
	    .check = check_network,
	    .help = "clients that are never greylisted" },
	{ .section = "greylist",
	    .name = "mode",
	    .type = SETTING_WORD,
	    FIELD(greylist.mode),
	    .fallback = "enforce",
	    .words = modes,
	    .help = "observe only logs what would be done" },
	{ .section = "greylist",
	    .name = "delay",
	    .type = SETTING_DURATION,
	    FIELD(greylist.delay),
	    .fallback = "2m",
	    .min = 1,
	    .max = DAY,
	    .help = "a new triplet is deferred for so long" },
	{ .section = "greylist",
	    .name = "retry-window",
	    .type = SETTING_DURATION,
	    FIELD(greylist.retry_window),
	    .fallback = "48h",
	    .min = 1,
	    .max = YEAR,
	    .help = "a retry after it counts as the first attempt" },
	{ .section = "greylist",
	    .name = "keep",
	    .type = SETTING_DURATION,
	    FIELD(greylist.keep),
	    .fallback = "36d",
	    .min = 1,
	    .max = 10 * (int64_t)YEAR,
	    .help = "what has passed is known so long after its last use" },
	{ .section = "greylist",
	    .name = "ipv4-prefix",
	    .type = SETTING_COUNT,
	    FIELD(greylist.ipv4_prefix),
	    .fallback = "24",
	    .min = 1,
	    .max = 32,
	    .help = "bits of an IPv4 address that make a client's network" },
	{ .section = "greylist",
	    .name = "ipv6-prefix",
	    .type = SETTING_COUNT,
	    FIELD(greylist.ipv6_prefix),
	    .fallback = "64",
	    .min = 1,
	    .max = 128,
	    .help = "bits of an IPv6 address that make a client's network" },
	{ .section = "greylist",
	    .name = "whitelist-after",
	    .type = SETTING_COUNT,
	    FIELD(greylist.whitelist_after),
	    .fallback = "5",
	    .min = 0,
	    .max = 1000000,
	    .help = "a network that has passed so often, counted once an "
		    "hour, is let through; 0: never" },
	{ .section = "greylist",
	    .name = "code",
	    .type = SETTING_TEXT,
	    FIELD(greylist.code),
	    .fallback = "DEFER_IF_PERMIT 4.2.0",
	    .check = deferral_check_code,
	    .help = "how to defer: DEFER_IF_PERMIT, DEFER or 4NN, and a "
		    "status" },
	{ .section = "greylist",
	    .name = "text",
	    .type = SETTING_TEXT,
	    FIELD(greylist.text),
	    .fallback = "Greylisted, please try again in %d seconds",
	    .check = deferral_check_text,
	    .help = "what to say: %d seconds left, %r recipient, %% percent" },
	{ .section = "greylist",
	    .name = "header",
	    .type = SETTING_YES_NO,
	    FIELD(greylist.header),
	    .fallback = "yes",
	    .help = "add X-Greylist to messages that were delayed" },
	{ .section = "recipients",
	    .name = "source",
	    .type = SETTING_WORD,
	    FIELD(recipients.source),
	    .fallback = "none",
	    .words = sources,
	    .help =
		"who knows the recipients; file: policyctl recipient import" },
	{ .section = "recipients",
	    .name = "domains",
	    .type = SETTING_LIST,
	    FIELD(recipients.domains),
	    .fallback = "{}",
	    .check = domainset_check,
	    .help = "domains whose recipients are checked; .example.com is all "
		    "below it" },
	{ .section = "recipients",
	    .name = "catch-all",
	    .type = SETTING_LIST,
	    FIELD(recipients.catch_all),
	    .fallback = "{}",
	    .check = domainset_check,
	    .help = "those of the domains where every recipient exists" },
	{ .section = "recipients",
	    .name = "recipient-delimiter",
	    .type = SETTING_TEXT,
	    FIELD(recipients.delimiter),
	    .fallback = "+",
	    .help =
		"characters that begin an extension; empty: there are none" },
	{ .section = "recipients",
	    .name = "disabled",
	    .type = SETTING_WORD,
	    FIELD(recipients.disabled),
	    .fallback = "accept",
	    .words = accept_reject,
	    .help = "mail to disabled accounts; shared and resource mailboxes "
		    "are disabled by design" },
	{ .section = "recipients",
	    .name = "recipient-on-failure",
	    .type = SETTING_WORD,
	    FIELD(recipients.on_failure),
	    .fallback = "defer",
	    .words = defer_accept,
	    .help = "when neither the directory nor the replica can say" },
	{ .section = "recipients",
	    .name = "replica",
	    .type = SETTING_YES_NO,
	    FIELD(recipients.replica),
	    .fallback = "yes",
	    .help = "keep a copy of the directory for decisions without it" },
	{ .section = "recipients",
	    .name = "replica-trusted-for",
	    .type = SETTING_DURATION,
	    FIELD(recipients.replica_trusted_for),
	    .fallback = "1h",
	    .min = 1,
	    .max = YEAR,
	    .help = "with the directory away, who is not in the replica is "
		    "unknown for so long after its last sync, then deferred" },
	{ .section = "recipients",
	    .name = "max-shrink",
	    .type = SETTING_COUNT,
	    FIELD(recipients.max_shrink),
	    .fallback = "20",
	    .min = 0,
	    .max = 100,
	    .help =
		"percent of the recipients that a full load may take away" },
	{ .section = "recipients",
	    .name = "max-recipients",
	    .type = SETTING_COUNT,
	    FIELD(recipients.max_recipients),
	    .fallback = "2000000",
	    .min = 1000,
	    .max = 1000000000,
	    .help = "recipients and addresses in the replica" },
	{ .section = "recipients",
	    .name = "harvest-action",
	    .type = SETTING_WORD,
	    FIELD(recipients.harvest_action),
	    .fallback = "slow",
	    .words = harvest_actions,
	    .help =
		"what is done to a client that tries many unknown recipients" },
	{ .section = "recipients",
	    .name = "harvest-threshold",
	    .type = SETTING_COUNT,
	    FIELD(recipients.harvest_threshold),
	    .fallback = "20",
	    .min = 1,
	    .max = 1000000,
	    .help = "unknown recipients of one network that are too many" },
	{ .section = "recipients",
	    .name = "harvest-half-life",
	    .type = SETTING_DURATION,
	    FIELD(recipients.harvest_half_life),
	    .fallback = "10m",
	    .min = 1,
	    .max = YEAR,
	    .help = "their number halves in so long" },
	{ .section = "recipients",
	    .name = "harvest-delay",
	    .type = SETTING_DURATION,
	    FIELD(recipients.harvest_delay),
	    .fallback = "2s",
	    .min = 1,
	    .max = 30,
	    .help = "how long an answer is held" },
	{ .section = "recipients",
	    .name = "harvest-max-held",
	    .type = SETTING_COUNT,
	    FIELD(recipients.harvest_max_held),
	    .fallback = "20",
	    .min = 0,
	    .max = 1000000,
	    .help = "answers that are held at once" },
	{ .section = "recipients",
	    .name = "harvest-origins",
	    .type = SETTING_COUNT,
	    FIELD(recipients.harvest_origins),
	    .fallback = "65536",
	    .min = 64,
	    .max = 16777216,
	    .help = "networks that are counted" },
	{ .section = "ldap",
	    .name = "uri",
	    .type = SETTING_LIST,
	    FIELD(ldap.uri),
	    .fallback = "{}",
	    .check = check_uri,
	    .help = "servers in the order of preference: "
		    "ldaps://dc1.example.com, ldap://[::1]:3389" },
	{ .section = "ldap",
	    .name = "srv",
	    .type = SETTING_TEXT,
	    FIELD(ldap.srv),
	    .fallback = "",
	    .help =
		"a domain whose SRV records name the servers, instead of uri" },
	{ .section = "ldap",
	    .name = "kind",
	    .type = SETTING_WORD,
	    FIELD(ldap.kind),
	    .fallback = "active-directory",
	    .words = kinds,
	    .help = "what the servers are" },
	{ .section = "ldap",
	    .name = "preset",
	    .type = SETTING_WORD,
	    FIELD(ldap.preset),
	    .fallback = "none",
	    .words = presets,
	    .help =
		"filter and address-attributes of a usual OpenLDAP schema" },
	{ .section = "ldap",
	    .name = "base",
	    .type = SETTING_TEXT,
	    FIELD(ldap.base),
	    .fallback = "",
	    .help = "where the recipients are: DC=example,DC=com" },
	{ .section = "ldap",
	    .name = "filter",
	    .type = SETTING_TEXT,
	    FIELD(ldap.filter),
	    .fallback = "",
	    .check = check_filter,
	    .help = "only entries that match it, too, are recipients" },
	{ .section = "ldap",
	    .name = "address-attributes",
	    .type = SETTING_LIST,
	    FIELD(ldap.addresses),
	    .fallback = "{}",
	    .check = check_attribute,
	    .help = "where addresses are; empty: proxyAddresses, or those of "
		    "the preset" },
	{ .section = "ldap",
	    .name = "bind",
	    .type = SETTING_WORD,
	    FIELD(ldap.bind),
	    .fallback = "simple",
	    .words = binds,
	    .help = "how to log in" },
	{ .section = "ldap",
	    .name = "bind-dn",
	    .type = SETTING_TEXT,
	    FIELD(ldap.bind_dn),
	    .fallback = "",
	    .help = "as whom; with Active Directory also policyd@example.com" },
	{ .section = "ldap",
	    .name = "password-file",
	    .type = SETTING_TEXT,
	    FIELD(ldap.password_file),
	    .fallback = "",
	    .check = check_password_file,
	    .help = "its first line is the password; only owner and group may "
		    "read it" },
	{ .section = "ldap",
	    .name = "keytab",
	    .type = SETTING_TEXT,
	    FIELD(ldap.keytab),
	    .fallback = "",
	    .check = check_password_file,
	    .help = "for bind = gssapi" },
	{ .section = "ldap",
	    .name = "tls-ca-file",
	    .type = SETTING_TEXT,
	    FIELD(ldap.tls_ca_file),
	    .fallback = "",
	    .check = check_file,
	    .help = "who signed the certificates of the servers; empty: the "
		    "system's" },
	{ .section = "ldap",
	    .name = "tls-certificate",
	    .type = SETTING_TEXT,
	    FIELD(ldap.tls_certificate),
	    .fallback = "",
	    .check = check_file,
	    .help = "our own certificate, for bind = external" },
	{ .section = "ldap",
	    .name = "tls-key",
	    .type = SETTING_TEXT,
	    FIELD(ldap.tls_key),
	    .fallback = "",
	    .check = check_password_file,
	    .help = "and its key" },
	{ .section = "ldap",
	    .name = "tls-verify",
	    .type = SETTING_YES_NO,
	    FIELD(ldap.tls_verify),
	    .fallback = "yes",
	    .help = "refuse a server whose certificate is not right" },
	{ .section = "ldap",
	    .name = "start-tls",
	    .type = SETTING_YES_NO,
	    FIELD(ldap.start_tls),
	    .fallback = "no",
	    .help = "encrypt connections of ldap:// servers" },
	{ .section = "ldap",
	    .name = "network-timeout",
	    .type = SETTING_DURATION,
	    FIELD(ldap.network_timeout),
	    .fallback = "3s",
	    .min = 1,
	    .max = 60,
	    .help = "connecting and TLS may take so long" },
	{ .section = "ldap",
	    .name = "bind-timeout",
	    .type = SETTING_DURATION,
	    FIELD(ldap.bind_timeout),
	    .fallback = "3s",
	    .min = 1,
	    .max = 60,
	    .help = "logging in may take so long" },
	{ .section = "ldap",
	    .name = "search-timeout",
	    .type = SETTING_DURATION,
	    FIELD(ldap.search_timeout),
	    .fallback = "2s",
	    .min = 1,
	    .max = 30,
	    .help = "a look-up may take so long" },
	{ .section = "ldap",
	    .name = "idle-timeout",
	    .type = SETTING_DURATION,
	    FIELD(ldap.idle_timeout),
	    .fallback = "10m",
	    .min = 10,
	    .max = DAY,
	    .help = "a connection that was not used for so long is made anew; "
		    "Active Directory closes it after 15 minutes" },
	{ .section = "ldap",
	    .name = "max-outstanding",
	    .type = SETTING_COUNT,
	    FIELD(ldap.max_outstanding),
	    .fallback = "32",
	    .min = 1,
	    .max = 1000,
	    .help = "searches under way on one connection" },
	{ .section = "ldap",
	    .name = "max-questions",
	    .type = SETTING_COUNT,
	    FIELD(ldap.max_questions),
	    .fallback = "1000",
	    .min = 1,
	    .max = 100000,
	    .help = "look-ups that wait; one more is not available" },
	{ .section = "ldap",
	    .name = "cache-entries",
	    .type = SETTING_COUNT,
	    FIELD(ldap.cache_entries),
	    .fallback = "16384",
	    .min = 0,
	    .max = 16777216,
	    .help = "answers that are remembered" },
	{ .section = "ldap",
	    .name = "cache-valid",
	    .type = SETTING_DURATION,
	    FIELD(ldap.cache_valid),
	    .fallback = "20s",
	    .min = 0,
	    .max = DAY,
	    .help = "how long, if the recipient exists" },
	{ .section = "ldap",
	    .name = "cache-unknown",
	    .type = SETTING_DURATION,
	    FIELD(ldap.cache_unknown),
	    .fallback = "1s",
	    .min = 0,
	    .max = DAY,
	    .help = "how long, if not" },
	{ .section = "ldap",
	    .name = "sync",
	    .type = SETTING_WORD,
	    FIELD(ldap.sync),
	    .fallback = "auto",
	    .words = syncs,
	    .help = "how the replica learns of changes" },
	{ .section = "ldap",
	    .name = "sync-interval",
	    .type = SETTING_DURATION,
	    FIELD(ldap.sync_interval),
	    .fallback = "10s",
	    .min = 1,
	    .max = DAY,
	    .help = "how often, where the server does not tell by itself" },
	{ .section = "ldap",
	    .name = "reconcile-interval",
	    .type = SETTING_DURATION,
	    FIELD(ldap.reconcile_interval),
	    .fallback = "1h",
	    .min = 0,
	    .max = YEAR,
	    .help = "how often the replica is loaded anew; 0s: never" },
	{ .section = "ldap",
	    .name = "page-size",
	    .type = SETTING_COUNT,
	    FIELD(ldap.page_size),
	    .fallback = "1000",
	    .min = 1,
	    .max = 100000,
	    .help = "entries of a page of a full load; more than 1000 Active "
		    "Directory does not give" },
};

const size_t conf_keys_count = sizeof(conf_keys) / sizeof(conf_keys[0]);
