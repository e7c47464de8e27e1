/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "policyctl_client.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "attr.h"
#include "control_text.h"
#include "policyctl_text.h"
#include "xalloc.h"

enum {
	/* Seconds without a sign of the daemon: while it works on something it
	 * says so several times a second. */
	PATIENCE = 60,
	/* Room for the name of a user or a group. */
	NAME_SIZE = 256,
};

static const struct attr_limits limits = {
	.attributes = CHANNEL_ATTRIBUTES,
	.value = CHANNEL_MESSAGE,
	.request = CHANNEL_MESSAGE,
};

struct client {
	int descriptor;
	/* Bytes of the message before this one, which are done. */
	size_t done;
	struct buf in;
	struct attr attributes[CHANNEL_ATTRIBUTES];
	char memory[CHANNEL_MESSAGE];
};

static void
name_user(uid_t uid, char name[static NAME_SIZE])
{
	const struct passwd *user = getpwuid(uid);

	if (user != NULL)
		snprintf(name, NAME_SIZE, "%s", user->pw_name);
	else
		snprintf(name, NAME_SIZE, "%lu", (unsigned long)uid);
}

static void
name_group(gid_t gid, char name[static NAME_SIZE])
{
	const struct group *group = getgrgid(gid);

	if (group != NULL)
		snprintf(name, NAME_SIZE, "%s", group->gr_name);
	else
		snprintf(name, NAME_SIZE, "%lu", (unsigned long)gid);
}

/* Who may connect: told by the socket or, when it cannot be seen, by the folder
 * that hides it. */
static void
explain_permission(const char *path, struct err *err)
{
	char folder[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
	char user[NAME_SIZE];
	char group[NAME_SIZE];
	struct stat status;
	char *slash;

	snprintf(folder, sizeof(folder), "%s", path);
	while (stat(folder, &status) != 0) {
		slash = strrchr(folder, '/');
		if (slash == NULL || slash == folder) {
			err_set(err, "no permission to use %s", path);
			return;
		}
		*slash = '\0';
	}
	name_user(status.st_uid, user);
	name_group(status.st_gid, group);
	err_set(err,
	    "no permission to use %s: become root or the user %s, or a member "
	    "of the group %s",
	    path, user, group);
}

static void
explain(const char *path, int error, struct err *err)
{
	switch (error) {
	case ENOENT:
		err_set(err,
		    "policyd does not run, or its admin socket is not %s",
		    path);
		break;
	case ECONNREFUSED:
		err_set(err, "policyd does not run: nobody answers at %s",
		    path);
		break;
	case EACCES:
	case EPERM:
		explain_permission(path, err);
		break;
	case EAGAIN:
		err_set(err, "policyd does not answer at %s", path);
		break;
	default:
		err_set(err, "cannot connect to %s: %s", path, strerror(error));
	}
}

static int
connect_to(const char *path, struct err *err)
{
	const struct timeval patience = { .tv_sec = PATIENCE };
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof(address.sun_path)) {
		err_set(err, "%s: the path is too long for a socket", path);
		close(descriptor);
		return -1;
	}
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience,
	    sizeof(patience));
	setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience,
	    sizeof(patience));
	if (descriptor >= 0 &&
	    connect(descriptor, (const struct sockaddr *)&address,
		sizeof(address)) == 0)
		return descriptor;
	explain(path, errno, err);
	close(descriptor);
	return -1;
}

struct client *
client_connect(const char *path, struct err *err)
{
	const int descriptor = connect_to(path, err);
	struct client *client;

	if (descriptor < 0)
		return NULL;
	client = xcalloc(1, sizeof(*client));
	client->descriptor = descriptor;
	buf_init(&client->in, client->memory, sizeof(client->memory));
	return client;
}

void
client_close(struct client *client)
{
	if (client == NULL)
		return;
	close(client->descriptor);
	free(client);
}

void
client_request(struct buf *message, const char *request)
{
	control_put_text(message, "request", request);
}

static void
explain_loss(int error, struct err *err)
{
	if (error == EAGAIN)
		err_set(err, "policyd has not answered for %d seconds",
		    PATIENCE);
	else if (error == EPIPE || error == ECONNRESET || error == 0)
		err_set(err, "policyd has closed the connection");
	else
		err_set(err, "the connection to policyd: %s", strerror(error));
}

int
client_send(struct client *client, struct buf *message, struct err *err)
{
	size_t sent = 0;

	attr_write_end(message);
	if (message->full) {
		err_set(err, "the request is too long");
		return -1;
	}
	while (sent < message->len) {
		const ssize_t n = send(client->descriptor, message->data + sent,
		    message->len - sent, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		/* It is read what the daemon has said before it hung up. */
		if (n < 0 && (errno == EPIPE || errno == ECONNRESET))
			return 0;
		if (n < 0) {
			explain_loss(errno, err);
			return -1;
		}
		sent += (size_t)n;
	}
	return 0;
}

static int
receive_bytes(struct client *client, struct err *err)
{
	ssize_t n;

	do {
		n = recv(client->descriptor, buf_space(&client->in),
		    buf_room(&client->in), 0);
	} while (n < 0 && errno == EINTR);
	if (n <= 0) {
		explain_loss(n < 0 ? errno : 0, err);
		return -1;
	}
	buf_added(&client->in, (size_t)n);
	return 0;
}

/* Reads up to the empty line that ends a message. */
static int
read_message(struct client *client, struct message *message, struct err *err)
{
	struct attr_reader reader;
	size_t count = 0;

	buf_consume(&client->in, client->done);
	client->done = 0;
	attr_reader_init(&reader, &limits);
	for (;;) {
		switch (attr_read(&reader, client->in.data, client->in.len,
		    &client->attributes[count])) {
		case ATTR_PAIR:
			count++;
			break;
		case ATTR_MORE:
			if (receive_bytes(client, err) != 0)
				return -1;
			break;
		case ATTR_END:
			client->done = attr_size(&reader);
			*message =
			    (struct message){ client->attributes, count };
			return 0;
		case ATTR_MALFORMED:
			err_set(err, "policyd speaks another protocol: %s",
			    attr_complaint(&reader));
			return -1;
		}
	}
}

enum client_answer
client_receive(struct client *client, struct message *message, struct err *err)
{
	const char *error;

	if (read_message(client, message, err) != 0)
		return CLIENT_LOST;
	error = message_text(message, "error");
	if (*error != '\0') {
		err_set(err, "%s", error);
		return CLIENT_REFUSED;
	}
	return strcmp(message_text(message, "end"), "yes") == 0 ? CLIENT_END
								: CLIENT_MORE;
}

enum verb_exit
client_complain(enum client_answer answer, const struct err *err)
{
	fflush(stdout);
	fputs("policyctl: ", stderr);
	text_put_sentence(stderr, err->text);
	putc('\n', stderr);
	return answer == CLIENT_REFUSED ? VERB_NO : VERB_AWAY;
}
