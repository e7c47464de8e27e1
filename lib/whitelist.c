/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "whitelist.h"

enum reason
whitelist_match(const struct netset *networks, const struct request *request)
{
	struct netaddr found;

	if (request->state == PROTOCOL_STATE_OTHER)
		return REASON_NOT_RCPT;
	if (request_is_authenticated(request))
		return REASON_AUTHENTICATED;
	if (request_has_client_certificate(request))
		return REASON_TLS_CLIENT;
	if (request->client.family != 0 &&
	    netset_match(networks, &request->client, &found))
		return REASON_WHITELISTED_NETWORK;
	return request->state == PROTOCOL_STATE_VRFY ? REASON_VRFY
						     : REASON_NOT_CHECKED;
}
