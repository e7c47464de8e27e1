/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "ldap_bind.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sasl/sasl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ldap_explain.h"
#include "ldap_guard.h"
#include "unconst.h"
#include "xalloc.h"

/* Bytes of a password file. */
#define PASSWORD_MAX 1024

/* A password that was refused is not tried again for so long, unless the file
 * changes: Active Directory locks an account after a few wrong ones. */
#define REFUSED_MS 600000

/* The password file as it was when its password was refused, for all
 * connections of the process; one bind at a time, or each of them would try. */
static struct {
	pthread_mutex_t mutex;
	struct stat file;
	long long until_ms;
} refused = { .mutex = PTHREAD_MUTEX_INITIALIZER };

/* One bind. */
struct binding {
	const struct ldap_settings *settings;
	const char *uri;
	LDAP *ld;
	struct err *err;
};

static ssize_t
read_all(int file, char *bytes, size_t max)
{
	size_t len = 0;

	for (;;) {
		const ssize_t n = read(file, bytes + len, max - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		len += (size_t)n;
		if (n == 0 || len == max)
			return (ssize_t)len;
	}
}

static int
password_open(const char *path, struct err *err)
{
	struct stat status;
	const int file = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (file < 0 || fstat(file, &status) != 0) {
		err_set(err, "cannot read password-file %s: %s", path,
		    strerror(errno));
		if (file >= 0)
			close(file);
		return -1;
	}
	if ((status.st_mode & S_IRWXO) == 0)
		return file;
	err_set(err,
	    "password-file %s is open to everybody: take the rights of others "
	    "away (chmod o= %s)",
	    path, path);
	close(file);
	return -1;
}

/* The first line of these bytes. */
static char *
password_line(const char *path, const char *bytes, size_t len, struct err *err)
{
	const char *end = memchr(bytes, '\n', len);
	size_t line = end != NULL ? (size_t)(end - bytes) : len;
	char *password;

	if (line > 0 && bytes[line - 1] == '\r')
		line--;
	if (line == 0 || len == PASSWORD_MAX ||
	    memchr(bytes, '\0', line) != NULL) {
		err_set(err,
		    "password-file %s must have a password of at most %d bytes "
		    "in its first line",
		    path, PASSWORD_MAX - 1);
		return NULL;
	}
	password = xcalloc(1, line + 1);
	memcpy(password, bytes, line);
	return password;
}

char *
ldap_password_read(const char *path, struct err *err)
{
	char bytes[PASSWORD_MAX];
	char *password = NULL;
	ssize_t len;
	const int file = password_open(path, err);

	if (file < 0)
		return NULL;
	len = read_all(file, bytes, sizeof(bytes));
	if (len < 0)
		err_set(err, "cannot read password-file %s: %s", path,
		    strerror(errno));
	else
		password = password_line(path, bytes, (size_t)len, err);
	explicit_bzero(bytes, sizeof(bytes));
	close(file);
	return password;
}

static bool
bound(const struct binding *binding, const char *what, int result)
{
	if (result == LDAP_SUCCESS)
		return true;
	ldap_fail(binding->ld, binding->uri, what, result, binding->err);
	return false;
}

static bool
is_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino &&
	       a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* Whether this password was refused before. */
static bool
was_refused(const struct binding *binding, const struct stat *file)
{
	if (ldap_now_ms() >= refused.until_ms || !is_same(file, &refused.file))
		return false;
	err_set(binding->err,
	    "%s: cannot bind as %s: wrong password; it is not tried again for "
	    "ten minutes or until password-file changes, so that the account "
	    "is not locked",
	    binding->uri, binding->settings->bind_dn);
	return true;
}

static void
note_refusal(const struct stat *file, int result)
{
	if (result != LDAP_INVALID_CREDENTIALS)
		return;
	refused.file = *file;
	refused.until_ms = ldap_now_ms() + REFUSED_MS;
}

/* A bind with a name and no password is answered "success" by Active Directory,
 * and is anonymous (RFC 4513 5.1.2): it is not sent. */
static bool
send_password(const struct binding *binding, const struct stat *file)
{
	const char *name = binding->settings->bind_dn;
	struct berval credentials;
	char what[256];
	char *password;
	int result;

	password =
	    ldap_password_read(binding->settings->password_file, binding->err);
	if (password == NULL)
		return false;
	ber_str2bv(password, 0, 0, &credentials);
	result = ldap_sasl_bind_s(binding->ld, name, LDAP_SASL_SIMPLE,
	    &credentials, NULL, NULL, NULL);
	explicit_bzero(password, credentials.bv_len);
	free(password);
	note_refusal(file, result);
	snprintf(what, sizeof(what), "cannot bind as %s", name);
	return bound(binding, what, result);
}

static bool
bind_simple(const struct binding *binding)
{
	const char *path = binding->settings->password_file;
	struct stat file = { 0 };
	bool done;

	if (*binding->settings->bind_dn == '\0') {
		err_set(binding->err, "bind = simple needs bind-dn");
		return false;
	}
	/* A file that cannot be read complains below. */
	(void)stat(path, &file);
	pthread_mutex_lock(&refused.mutex);
	done = !was_refused(binding, &file) && send_password(binding, &file);
	pthread_mutex_unlock(&refused.mutex);
	return done;
}

/* SASL asks for nothing that we know better: all is in the ticket. */
static int
answer_sasl(LDAP *ld, unsigned flags, void *defaults, void *questions)
{
	(void)ld;
	(void)flags;
	(void)defaults;
	for (sasl_interact_t *question = questions;
	     question->id != SASL_CB_LIST_END; question++) {
		question->result = "";
		question->len = 0;
	}
	return LDAP_SUCCESS;
}

static bool
set_environment(const char *name, const char *value)
{
	const char *old = getenv(name);

	if (*value == '\0' || (old != NULL && strcmp(old, value) == 0))
		return true;
	return setenv(name, value, 1) == 0;
}

void
ldap_bind_prepare(const struct ldap_settings *settings)
{
	if (settings->bind != LDAP_BIND_GSSAPI)
		return;
	set_environment("KRB5_CLIENT_KTNAME", settings->keytab);
	set_environment("KRB5CCNAME", "MEMORY:policyd");
}

/* Active Directory takes either its own sealing or TLS, never both; with TLS it
 * may want to see that the ticket belongs to this very connection. */
static bool
set_sasl(const struct binding *binding)
{
	const bool tls = ldap_tls_inplace(binding->ld) != 0;
	const int channel = LDAP_OPT_X_SASL_CBINDING_TLS_ENDPOINT;
	const char *security = tls ? "maxssf=0" : "minssf=1";

	if (ldap_set_option(binding->ld, LDAP_OPT_X_SASL_NOCANON,
		LDAP_OPT_ON) == LDAP_OPT_SUCCESS &&
	    ldap_set_option(binding->ld, LDAP_OPT_X_SASL_SECPROPS, security) ==
		LDAP_OPT_SUCCESS &&
	    (!tls || ldap_set_option(binding->ld, LDAP_OPT_X_SASL_CBINDING,
			 &channel) == LDAP_OPT_SUCCESS))
		return true;
	err_set(binding->err, "libldap refuses the options for gssapi");
	return false;
}

static bool
bind_gssapi(const struct binding *binding)
{
	const char *keytab = binding->settings->keytab;

	if (*keytab != '\0' && access(keytab, R_OK) != 0) {
		err_set(binding->err, "cannot read keytab %s: %s", keytab,
		    strerror(errno));
		return false;
	}
	ldap_bind_prepare(binding->settings);
	return set_sasl(binding) &&
	       bound(binding, "cannot bind by Kerberos",
		   ldap_sasl_interactive_bind_s(binding->ld, NULL, "GSSAPI",
		       NULL, NULL, LDAP_SASL_QUIET, answer_sasl, NULL));
}

static bool
bind_plainly(const struct binding *binding, const char *mechanism,
    const char *what)
{
	struct berval nothing = { .bv_len = 0, .bv_val = unconst("") };

	return bound(binding, what,
	    ldap_sasl_bind_s(binding->ld, "", mechanism, &nothing, NULL, NULL,
		NULL));
}

bool
ldap_bind_account(LDAP *ld, const char *uri,
    const struct ldap_settings *settings, struct err *err)
{
	const struct binding binding = {
		.settings = settings,
		.uri = uri,
		.ld = ld,
		.err = err,
	};

	switch (settings->bind) {
	case LDAP_BIND_SIMPLE:
		return bind_simple(&binding);
	case LDAP_BIND_GSSAPI:
		return bind_gssapi(&binding);
	case LDAP_BIND_EXTERNAL:
		return bind_plainly(&binding, "EXTERNAL",
		    "cannot bind by certificate");
	case LDAP_BIND_ANONYMOUS:
		return bind_plainly(&binding, LDAP_SASL_SIMPLE,
		    "cannot bind anonymously");
	}
	return false;
}
