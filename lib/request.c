/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "request.h"

#include <string.h>

void
request_init(struct request *request)
{
	*request = (struct request){
		.request = "",
		.protocol_state = "",
		.client_address = "",
		.client_name = "",
		.sender = "",
		.recipient = "",
		.instance = "",
		.queue_id = "",
		.size = "",
		.sasl_method = "",
		.sasl_username = "",
		.ccert_subject = "",
		.ccert_fingerprint = "",
		.ccert_pubkey_fingerprint = "",
		.policy_context = "",
	};
}

/* The member that an attribute of this name belongs to, or NULL.  Most names
 * are told apart by their length: two of three attributes are not ours. */
static const char **
member(struct request *request, const struct attr *attr)
{
#define IF_NAMED(name_) \
	if (memcmp(attr->name, #name_, sizeof(#name_)) == 0) \
	return &request->name_
	switch (attr->name_len) {
	case 4:
		IF_NAMED(size);
		break;
	case 6:
		IF_NAMED(sender);
		break;
	case 7:
		IF_NAMED(request);
		break;
	case 8:
		IF_NAMED(instance);
		IF_NAMED(queue_id);
		break;
	case 9:
		IF_NAMED(recipient);
		break;
	case 11:
		IF_NAMED(client_name);
		IF_NAMED(sasl_method);
		break;
	case 13:
		IF_NAMED(sasl_username);
		IF_NAMED(ccert_subject);
		break;
	case 14:
		IF_NAMED(protocol_state);
		IF_NAMED(client_address);
		IF_NAMED(policy_context);
		break;
	case 17:
		IF_NAMED(ccert_fingerprint);
		break;
	case 24:
		IF_NAMED(ccert_pubkey_fingerprint);
		break;
	default:
		break;
	}
#undef IF_NAMED
	return NULL;
}

void
request_set(struct request *request, const struct attr *attr)
{
	const char **value = member(request, attr);

	if (value != NULL)
		*value = attr->value;
}

static enum protocol_state
parse_state(const char *text)
{
	if (strcmp(text, "RCPT") == 0)
		return PROTOCOL_STATE_RCPT;
	if (strcmp(text, "VRFY") == 0)
		return PROTOCOL_STATE_VRFY;
	return PROTOCOL_STATE_OTHER;
}

int
request_finish(struct request *request, struct err *err)
{
	if (strcmp(request->request, "smtpd_access_policy") != 0) {
		err_set(err, "no request=smtpd_access_policy");
		return -1;
	}
	request->state = parse_state(request->protocol_state);
	if (!netaddr_parse(request->client_address, &request->client))
		request->client = (struct netaddr){ 0 };
	return 0;
}

uint64_t
request_size(const struct request *request)
{
	uint64_t size = 0;

	for (const char *at = request->size; *at != '\0'; at++) {
		if (*at < '0' || *at > '9')
			return 0;
		if (size > UINT64_MAX / 10 - 1)
			return UINT64_MAX;
		size = size * 10 + (uint64_t)(*at - '0');
	}
	return size;
}

bool
request_is_authenticated(const struct request *request)
{
	return *request->sasl_username != '\0' || *request->sasl_method != '\0';
}

bool
request_has_client_certificate(const struct request *request)
{
	return *request->ccert_subject != '\0' ||
	       *request->ccert_fingerprint != '\0' ||
	       *request->ccert_pubkey_fingerprint != '\0';
}
