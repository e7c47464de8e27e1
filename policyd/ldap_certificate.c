/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "ldap_certificate.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

/* Tags of DER (X.690), and of a GeneralName (RFC 5280 4.2.1.6). */
enum {
	TAG_OCTET_STRING = 0x04,
	TAG_UTC_TIME = 0x17,
	TAG_GENERALIZED_TIME = 0x18,
	TAG_SEQUENCE = 0x30,
	TAG_VERSION = 0xa0,
	TAG_DNS_NAME = 0x82,
	TAG_ADDRESS = 0x87,
};

/* "20261231235959" */
#define STAMP_LEN 14

struct bytes {
	const unsigned char *at;
	size_t len;
};

struct element {
	unsigned tag;
	struct bytes value;
};

/* Takes the length of an element; false when that is more than is there. */
static bool
take_length(struct bytes *from, size_t *length)
{
	unsigned more = 0;

	if (from->len == 0)
		return false;
	*length = *from->at;
	if (*length >= 0x80) {
		more = *length & 0x7f;
		*length = 0;
	}
	if (more > 4 || more >= from->len)
		return false;
	for (unsigned i = 1; i <= more; i++)
		*length = *length << 8 | from->at[i];
	from->at += more + 1;
	from->len -= more + 1;
	return *length <= from->len;
}

/* Takes the next element. */
static bool
take(struct bytes *from, struct element *element)
{
	struct bytes rest = *from;
	size_t length;

	if (rest.len < 2)
		return false;
	element->tag = *rest.at++;
	rest.len--;
	if (!take_length(&rest, &length))
		return false;
	element->value = (struct bytes){ rest.at, length };
	from->at = rest.at + length;
	from->len = rest.len - length;
	return true;
}

static bool
take_tag(struct bytes *from, unsigned tag, struct element *element)
{
	return take(from, element) && element->tag == tag;
}

/* Certificate, tbsCertificate: version, serialNumber, signature, issuer and
 * then validity (RFC 5280 4.1). */
static bool
find_validity(const unsigned char *der, size_t len, struct bytes *validity)
{
	struct bytes from = { der, len };
	struct element element;

	if (!take_tag(&from, TAG_SEQUENCE, &element))
		return false;
	from = element.value;
	if (!take_tag(&from, TAG_SEQUENCE, &element))
		return false;
	from = element.value;
	if (!take(&from, &element) ||
	    (element.tag == TAG_VERSION && !take(&from, &element)) ||
	    !take_tag(&from, TAG_SEQUENCE, &element) ||
	    !take_tag(&from, TAG_SEQUENCE, &element) ||
	    !take_tag(&from, TAG_SEQUENCE, &element))
		return false;
	*validity = element.value;
	return true;
}

/* A time as "YYYYMMDDHHMMSS"; years of two digits are 1950 to 2049. */
static bool
take_time(struct bytes *from, char stamp[static STAMP_LEN])
{
	struct element element;
	const unsigned char *text;

	if (!take(from, &element))
		return false;
	text = element.value.at;
	if (element.tag == TAG_GENERALIZED_TIME &&
	    element.value.len >= STAMP_LEN) {
		memcpy(stamp, text, STAMP_LEN);
		return true;
	}
	if (element.tag != TAG_UTC_TIME || element.value.len < STAMP_LEN - 2)
		return false;
	memcpy(stamp, text[0] >= '5' ? "19" : "20", 2);
	memcpy(stamp + 2, text, STAMP_LEN - 2);
	return true;
}

static const char *
judge_time(const unsigned char *der, size_t len, time_t now)
{
	struct bytes validity;
	char begin[STAMP_LEN];
	char end[STAMP_LEN];
	char today[STAMP_LEN + 1];
	struct tm parts;

	if (!find_validity(der, len, &validity) ||
	    !take_time(&validity, begin) || !take_time(&validity, end) ||
	    gmtime_r(&now, &parts) == NULL ||
	    strftime(today, sizeof(today), "%Y%m%d%H%M%S", &parts) != STAMP_LEN)
		return "the server's certificate makes no sense";
	if (memcmp(today, end, STAMP_LEN) > 0)
		return "the server's certificate has expired";
	if (memcmp(today, begin, STAMP_LEN) < 0)
		return "the server's certificate is not valid yet: check the "
		       "clock";
	return NULL;
}

/* The names in subjectAltName, an extension that is found by its identifier. */
static bool
find_names(const unsigned char *der, size_t len, struct bytes *names)
{
	static const unsigned char identifier[] = { 0x06, 0x03, 0x55, 0x1d,
		0x11 };
	const unsigned char *found =
	    memmem(der, len, identifier, sizeof(identifier));
	struct bytes from;
	struct element element;

	if (found == NULL)
		return false;
	from.at = found + sizeof(identifier);
	from.len = len - (size_t)(from.at - der);
	/* "critical" may stand before it. */
	if (!take(&from, &element) ||
	    (element.tag != TAG_OCTET_STRING && !take(&from, &element)))
		return false;
	from = element.value;
	if (!take_tag(&from, TAG_SEQUENCE, &element))
		return false;
	*names = element.value;
	return true;
}

/* "*.example.com" stands for one label (RFC 6125 6.4.3). */
static bool
name_matches(const struct bytes *name, const char *host)
{
	const char *text = (const char *)name->at;
	const char *dot = strchr(host, '.');

	if (name->len == strlen(host) &&
	    strncasecmp(text, host, name->len) == 0)
		return true;
	return dot != NULL && name->len == strlen(dot) + 1 && text[0] == '*' &&
	       strncasecmp(text + 1, dot, name->len - 1) == 0;
}

static bool
address_matches(const struct bytes *address, const char *host)
{
	unsigned char bytes[16];

	return (address->len == 4 && inet_pton(AF_INET, host, bytes) == 1 &&
		   memcmp(bytes, address->at, 4) == 0) ||
	       (address->len == 16 && inet_pton(AF_INET6, host, bytes) == 1 &&
		   memcmp(bytes, address->at, 16) == 0);
}

static bool
has_name(const unsigned char *der, size_t len, const char *host)
{
	struct bytes names;
	struct element name;

	if (!find_names(der, len, &names))
		return true;
	while (take(&names, &name))
		if ((name.tag == TAG_DNS_NAME &&
			name_matches(&name.value, host)) ||
		    (name.tag == TAG_ADDRESS &&
			address_matches(&name.value, host)))
			return true;
	return false;
}

const char *
ldap_certificate_judge(const void *der, size_t len, const char *host,
    time_t now)
{
	const char *wrong = judge_time(der, len, now);

	if (wrong != NULL)
		return wrong;
	if (!has_name(der, len, host))
		return "the server's certificate is for another name than the "
		       "URI has";
	return "the server's certificate is of an authority that tls-ca-file "
	       "does not have";
}
