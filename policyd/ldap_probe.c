/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "ldap_probe.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "account.h"
#include "container.h"
#include "ldap_connection.h"
#include "ldap_message.h"
#include "ldap_root.h"
#include "unconst.h"
#include "xalloc.h"

/* How often the watchdog looks. */
enum { WATCH_MS = 100 };

struct probe {
	const struct ldap_settings *settings;
	FILE *out;
	struct account_policy policy;
	const char **attributes;
	struct ldap_guard guard;
	atomic_bool over;
	/* The server that is tried. */
	const char *uri;
	LDAP *ld;
};

/* A search that waits. */
struct question {
	const char *base;
	int scope;
	const char *filter;
	const char *const *attributes;
	int size_limit;
	LDAPControl **controls;
};

/* Its answer; LDAP_RES_SEARCH_RESULT's code, or libldap's. */
static int
ask(const struct probe *probe, const struct question *question,
    LDAPMessage **answer)
{
	struct timeval limit = { .tv_sec = probe->settings->search_timeout };

	*answer = NULL;
	return ldap_search_ext_s(probe->ld, question->base, question->scope,
	    question->filter, unconst(question->attributes), 0,
	    question->controls, NULL, &limit, question->size_limit, answer);
}

static LDAPMessage *
first_entry(const struct probe *probe, LDAPMessage *answer)
{
	return answer != NULL ? ldap_first_entry(probe->ld, answer) : NULL;
}

static void
say(const struct probe *probe, const char *text)
{
	fprintf(probe->out, "%s: %s\n", probe->uri, text);
}

static bool
complain(const struct probe *probe, const char *what, int result)
{
	struct err err;

	ldap_fail(probe->ld, probe->uri, what, result, &err);
	fprintf(probe->out, "%s\n", err.text);
	return false;
}

static bool
try_base(const struct probe *probe)
{
	static const char *const nothing[] = { LDAP_NO_ATTRS, NULL };
	const struct question question = {
		.base = probe->settings->base,
		.scope = LDAP_SCOPE_BASE,
		.filter = "(objectClass=*)",
		.attributes = nothing,
	};
	LDAPMessage *answer;
	const int result = ask(probe, &question, &answer);

	ldap_msgfree(answer);
	return result == LDAP_SUCCESS ||
	       complain(probe, "cannot read the base", result);
}

/* What is wrong with a recipient that was found; NULL when nothing is. */
static const char *
judge_entry(const struct probe *probe, LDAPMessage *entry)
{
	struct ldap_message message;
	struct account account;
	bool has_addresses;

	if (!ldap_message_read(&message, probe->ld, entry, false))
		return "a recipient cannot be read";
	if (!account_read(&probe->policy, message.attributes, message.count,
		&account)) {
		ldap_message_finish(&message);
		return probe->policy.kind == ACCOUNT_ACTIVE_DIRECTORY
			   ? "the account may not read objectGUID of "
			     "recipients, or "
			     "this is no Active Directory"
			   : "the account may not read entryUUID of recipients";
	}
	has_addresses = account.addresses.count > 0;
	account_finish(&account);
	ldap_message_finish(&message);
	return has_addresses
		   ? NULL
		   : "the account may not read the addresses of recipients";
}

/* The first entry of all; what a full answer would be is not asked. */
static bool
judge_recipients(const struct probe *probe, int result, LDAPMessage *answer)
{
	LDAPMessage *entry = first_entry(probe, answer);
	const char *wrong;

	if (result != LDAP_SUCCESS && result != LDAP_SIZELIMIT_EXCEEDED)
		return complain(probe, "cannot search recipients", result);
	wrong = entry != NULL ? judge_entry(probe, entry)
			      : "there is no recipient: check base, addresses "
				"and filter, and "
				"what the account may read";
	if (wrong != NULL)
		say(probe, wrong);
	return wrong == NULL;
}

static bool
try_recipients(const struct probe *probe)
{
	char *filter = xcalloc(1, ACCOUNT_FILTER_MAX + 1);
	struct buf text;
	LDAPMessage *answer = NULL;
	bool good = false;

	buf_init(&text, filter, ACCOUNT_FILTER_MAX);
	if (account_filter_all(&probe->policy, &text)) {
		const struct question question = {
			.base = probe->settings->base,
			.scope = LDAP_SCOPE_SUBTREE,
			.filter = filter,
			.attributes = probe->attributes,
			.size_limit = 1,
		};
		const int result = ask(probe, &question, &answer);

		good = judge_recipients(probe, result, answer);
	} else {
		say(probe, "the filter of the configuration is too long");
	}
	ldap_msgfree(answer);
	free(filter);
	return good;
}

/* DirSyncRequestValue ::= SEQUENCE { flags, maxBytes, cookie } (MS-ADTS
 * 3.1.1.3.4.1.3), asked for nothing: it is the result that tells. */
static int
ask_dirsync(const struct probe *probe, const char *base, int flags)
{
	static const char *const nothing[] = { "objectGUID", NULL };
	struct berval cookie = { .bv_len = 0, .bv_val = unconst("") };
	struct berval value = { 0 };
	LDAPControl control = {
		.ldctl_oid = unconst(LDAP_CONTROL_X_DIRSYNC),
		.ldctl_iscritical = 1,
	};
	LDAPControl *controls[] = { &control, NULL };
	const struct question question = {
		.base = base,
		.scope = LDAP_SCOPE_SUBTREE,
		.filter = "(objectGUID=\\00)",
		.attributes = nothing,
		.controls = controls,
	};
	BerElement *ber = ber_alloc_t(LBER_USE_DER);
	LDAPMessage *answer = NULL;
	int result = LDAP_NO_MEMORY;

	if (ber != NULL && ber_printf(ber, "{iiO}", flags, 1, &cookie) != -1 &&
	    ber_flatten2(ber, &value, 0) == 0) {
		control.ldctl_value = value;
		result = ask(probe, &question, &answer);
	}
	ldap_msgfree(answer);
	ber_free(ber, 1);
	return result;
}

/* NULL when DirSync is refused. */
static const char *
name_dirsync(const struct probe *probe, const char *base)
{
	if (ask_dirsync(probe, base, 0) == LDAP_SUCCESS)
		return "changes by DirSync";
	if (ask_dirsync(probe, base, 1) == LDAP_SUCCESS)
		return "changes by DirSync, without the right \"Replicating "
		       "Directory Changes\": only a full load finds what the "
		       "account cannot see any more";
	return NULL;
}

static bool
has(const struct ldap_message *root, const char *name, const char *value)
{
	const struct account_attribute *attribute =
	    ldap_message_find(root, name);

	for (size_t i = 0; attribute != NULL && i < attribute->count; i++)
		if (attribute->values[i].len == strlen(value) &&
		    memcmp(attribute->values[i].bytes, value,
			attribute->values[i].len) == 0)
			return true;
	return false;
}

/* The first value, owned; NULL when there is none. */
static char *
text_of(const struct ldap_message *root, const char *name)
{
	const struct account_attribute *attribute =
	    ldap_message_find(root, name);

	return attribute != NULL ? strndup(attribute->values[0].bytes,
				       attribute->values[0].len)
				 : NULL;
}

/* How an Active Directory tells changes; `domain` is its base. */
static const char *
name_ad_sync(const struct probe *probe, const struct ldap_message *root,
    char *domain)
{
	const struct ldap_root known = { .naming_context = domain };
	const enum ldap_sync_method wanted = probe->settings->sync;
	const char *name = NULL;

	if ((wanted == LDAP_SYNC_AUTO || wanted == LDAP_SYNC_DIRSYNC) &&
	    has(root, "supportedControl", LDAP_CONTROL_X_DIRSYNC) &&
	    ldap_root_covers(&known, probe->settings->base))
		name = name_dirsync(probe, domain);
	if (name == NULL &&
	    (wanted == LDAP_SYNC_AUTO || wanted == LDAP_SYNC_USN))
		name = "changes by uSNChanged";
	return name;
}

/* What the replica would do; NULL when the server does not offer what is
 * configured (ldap_sync.c). */
static const char *
name_sync(const struct probe *probe, const struct ldap_message *root)
{
	const enum ldap_sync_method wanted = probe->settings->sync;
	char *domain = text_of(root, "defaultNamingContext");
	const char *name = NULL;

	if (domain != NULL && ldap_message_find(root, "highestCommittedUSN"))
		name = name_ad_sync(probe, root, domain);
	else if ((wanted == LDAP_SYNC_AUTO || wanted == LDAP_SYNC_SYNCREPL) &&
		 has(root, "supportedControl", LDAP_CONTROL_SYNC))
		name = "changes by syncrepl (RFC 4533)";
	if (name == NULL &&
	    (wanted == LDAP_SYNC_AUTO || wanted == LDAP_SYNC_FULL))
		name = "no changes, only full loads";
	free(domain);
	return name;
}

/* The Global Catalog has only the attributes that the schema says it has. */
static void
check_catalog_attribute(const struct probe *probe, const char *schema,
    const char *name)
{
	static const char *const wanted[] = { "isMemberOfPartialAttributeSet",
		NULL };
	char filter[256];
	const struct question question = {
		.base = schema,
		.scope = LDAP_SCOPE_ONELEVEL,
		.filter = filter,
		.attributes = wanted,
	};
	struct ldap_message message;
	LDAPMessage *answer;
	LDAPMessage *entry;

	snprintf(filter, sizeof(filter), "(lDAPDisplayName=%.64s)", name);
	if (ask(probe, &question, &answer) == LDAP_SUCCESS &&
	    (entry = first_entry(probe, answer)) != NULL &&
	    ldap_message_read(&message, probe->ld, entry, false)) {
		if (!has(&message, wanted[0], "TRUE"))
			fprintf(probe->out,
			    "%s: warning: %s is not in the Global Catalog: "
			    "use port 636 (389), or have it replicated "
			    "there\n",
			    probe->uri, name);
		ldap_message_finish(&message);
	}
	ldap_msgfree(answer);
}

static bool
is_catalog(const char *uri)
{
	LDAPURLDesc *parts = NULL;
	bool catalog;

	if (ldap_url_parse(uri, &parts) != LDAP_URL_SUCCESS)
		return false;
	catalog = parts->lud_port == 3268 || parts->lud_port == 3269;
	ldap_free_urldesc(parts);
	return catalog;
}

static void
check_catalog(const struct probe *probe, const struct ldap_message *root)
{
	char *schema = text_of(root, "schemaNamingContext");

	if (schema != NULL && is_catalog(probe->uri))
		for (char *const *name = probe->settings->addresses;
		     *name != NULL; name++)
			check_catalog_attribute(probe, schema, *name);
	free(schema);
}

static void
check_secrecy(const struct probe *probe)
{
	if (probe->settings->bind == LDAP_BIND_SIMPLE &&
	    !ldap_tls_inplace(probe->ld) &&
	    strncmp(probe->uri, "ldapi:", 6) != 0)
		say(probe, "warning: the password goes over the network "
			   "unencrypted: use ldaps:// or start-tls = yes");
	if (!probe->settings->tls_verify && ldap_tls_inplace(probe->ld))
		say(probe, "warning: anybody may pose as the server, since "
			   "its certificate is not verified");
}

static bool
judge_root(const struct probe *probe, const struct ldap_message *root)
{
	const char *sync = name_sync(probe, root);

	if (sync == NULL) {
		say(probe, "the server does not offer, or not to this account "
			   "and base, what sync is set to: use sync = auto");
		return false;
	}
	fprintf(probe->out, "%s: works: bind, base and recipients; %s\n",
	    probe->uri, sync);
	check_catalog(probe, root);
	return true;
}

static bool
try_root(const struct probe *probe)
{
	static const char *const wanted[] = { "supportedControl",
		"highestCommittedUSN", "defaultNamingContext",
		"schemaNamingContext", NULL };
	const struct question question = {
		.base = "",
		.scope = LDAP_SCOPE_BASE,
		.filter = "(objectClass=*)",
		.attributes = wanted,
	};
	struct ldap_message root;
	LDAPMessage *answer;
	const int result = ask(probe, &question, &answer);
	LDAPMessage *entry = first_entry(probe, answer);
	bool good;

	if (entry != NULL &&
	    ldap_message_read(&root, probe->ld, entry, false)) {
		good = judge_root(probe, &root);
		ldap_message_finish(&root);
	} else {
		good = complain(probe, "cannot read the root entry", result);
	}
	ldap_msgfree(answer);
	return good;
}

static bool
try_server(struct probe *probe, const char *uri)
{
	struct err err;
	bool good;

	probe->uri = uri;
	probe->ld =
	    ldap_connection_open(probe->settings, uri, &probe->guard, &err);
	if (probe->ld == NULL) {
		fprintf(probe->out, "%s\n", err.text);
		return false;
	}
	good = try_base(probe) && try_recipients(probe) && try_root(probe);
	check_secrecy(probe);
	ldap_unbind_ext(probe->ld, NULL, NULL);
	return good;
}

/* Ends a handshake that hangs; when that does not help, the program. */
static void *
watch(void *argument)
{
	const struct timespec pause = { .tv_nsec = WATCH_MS * 1000000L };
	struct probe *probe = argument;

	while (!atomic_load(&probe->over)) {
		if (ldap_guard_lost(&probe->guard, ldap_now_ms())) {
			fprintf(probe->out,
			    "libldap hangs and cannot be stopped\n");
			fflush(probe->out);
			_exit(EX_UNAVAILABLE);
		}
		nanosleep(&pause, NULL);
	}
	return NULL;
}

static int
try_servers(struct probe *probe)
{
	struct err err;
	char **uris = ldap_uris(probe->settings, &err);
	int status = 0;

	if (uris == NULL) {
		fprintf(probe->out, "%s\n", err.text);
		return 1;
	}
	for (size_t i = 0; uris[i] != NULL; i++)
		if (!try_server(probe, uris[i]))
			status = 1;
	ldap_uris_free(uris);
	return status;
}

int
ldap_probe(const struct ldap_settings *settings, FILE *out)
{
	struct probe probe = {
		.settings = settings,
		.out = out,
		.policy = ldap_settings_policy(settings),
		.guard = { .mutex = PTHREAD_MUTEX_INITIALIZER },
	};
	pthread_t watchdog;
	int status;

	signal(SIGPIPE, SIG_IGN);
	ldap_bind_prepare(settings);
	if (pthread_create(&watchdog, NULL, watch, &probe) != 0) {
		fputs("cannot start a thread\n", out);
		return 1;
	}
	probe.attributes = account_attributes(&probe.policy);
	status = try_servers(&probe);
	free(probe.attributes);
	atomic_store(&probe.over, true);
	pthread_join(watchdog, NULL);
	return status;
}
